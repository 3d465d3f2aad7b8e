//! What devices send by SSH: a command line of theirs, and the text that is made of it.

use farwatch_agent::history::normalise::{normalise, settle, significant};
use farwatch_agent::history::platform::Platforms;
use farwatch_agent::history::redact::{SiteKey, redact};
use farwatch_agent::history::session::{Act, Session};

/// Between two pieces the device is silent. In no text: neither UTF-8 nor common in Latin-1.
const SILENCE: u8 = 0xff;
/// Put into each text, and looked for in what is told of it.
const SECRET: &str = "8d1fc0ffee-canary";

/// A command line: what it says between two silences, to what we type at its prompt. How its bytes
/// were cut must not matter, and nothing of a terminal may be left in an answer.
pub fn console(input: &[u8]) {
    let whole = acts(input, usize::MAX);
    assert_eq!(whole, acts(input, 1), "cut into bytes");
    assert_eq!(whole, acts(input, 7), "cut into pieces");
}

/// What the session makes of it, each piece fed in chunks of so many bytes.
fn acts(input: &[u8], chunk: usize) -> Vec<Act> {
    let platforms = Platforms::embedded();
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    let mut acts = Vec::new();
    for piece in input.split(|byte| *byte == SILENCE) {
        piece.chunks(chunk).for_each(|bytes| session.feed(bytes));
        if session.patience().is_none() {
            continue;
        }
        let Ok(act) = session.act() else { break };
        if let Act::Ready(lines) = &act {
            let control = |c: char| c.is_ascii_control() && c != '\t';
            assert!(lines.iter().all(|line| !line.contains(control)), "{lines:?}");
            session.command("show running-config");
        }
        acts.push(act);
    }
    acts
}

/// A configuration: what is left of it is steady, and a secret in plain words is never told,
/// whatever stands around it. The first octet is the platform, two more are where the secret is.
pub fn redacted(input: &[u8]) {
    let [platform, high, low, text @ ..] = input else { return };
    let platforms = Platforms::embedded();
    let ids: Vec<&str> = platforms.ids().collect();
    let platform = platforms.get(ids[usize::from(*platform) % ids.len()]).unwrap();
    let text = String::from_utf8_lossy(text);
    if text.contains(SECRET) {
        return;
    }
    let normal = normalise(platforms, platform, &text);
    assert_eq!(normalise(platforms, platform, &normal), normal);
    let lines: Vec<&str> = normal.lines().collect();
    let at = (usize::from(*high) << 8 | usize::from(*low)).min(lines.len());
    let (before, after) = lines.split_at(at);
    let secret = format!("enable password {SECRET}");
    let text = [before, &[&secret], after].concat().join("\n");
    let text = settle(platforms, platform, &text);
    assert_eq!(settle(platforms, platform, &text), text);
    let told = redact(platforms, platform, &SiteKey::new(&[7; SiteKey::BYTES]), &text);
    assert!(!told.contains(SECRET), "{told}");
    let mut lines = told.lines();
    let kept = significant(platform, &told);
    assert!(kept.lines().all(|kept| lines.any(|line| line == kept)), "in order, and nothing else");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::tests::{check, read};

    #[test]
    fn no_command_line_breaks_a_session() {
        check("console", 1_000, console);
    }

    #[test]
    fn no_configuration_has_a_secret_told() {
        check("redact", 1_000, redacted);
    }

    #[test]
    fn the_corpus_gets_to_answers() {
        let acts = acts(&read("console", "pager"), usize::MAX);
        let answers = acts.iter().filter(|act| matches!(act, Act::Ready(lines) if lines.len() > 2));
        assert_eq!(answers.count(), 1, "{acts:?}");
    }
}
