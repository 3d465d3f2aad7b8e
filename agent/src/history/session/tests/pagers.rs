//! Pagers as devices show them, and the ways in which they erase them, cut anywhere.

use super::*;

/// What is shown, and the key that shows more.
const PAGERS: [(&str, &str); 31] = [
    ("--More--", " "),
    (" --More-- ", " "),
    ("--More-- ", " "),
    ("--More--(45%)", " "),
    ("<--- More --->", " "),
    ("  ---- More ----", " "),
    ("---- More ----", " "),
    ("---(more 45%)---", " "),
    ("---(more)---", " "),
    ("-- MORE --, next page: Space, next line: Enter, quit: Control-C", " "),
    ("--More-- or (q)uit", " "),
    ("--More-- (q)uit", " "),
    ("=== More ===", " "),
    (">>> More (q)", " "),
    ("(more)", " "),
    ("[More]", " "),
    ("*** More *** ", " "),
    ("--More--, q to quit", " "),
    ("-- more -- (press space)", " "),
    ("More: <space>,  Quit: q or CTRL+Z, One line: <return> ", " "),
    ("Press any key to continue (Q to quit)", " "),
    ("Press any key or \"q\" to quit", " "),
    ("Press any key to continue . . .", " "),
    ("-- Press any key to continue --", " "),
    ("CTRL+C ESC q Quit SPACE n Next Page ENTER Next Entry a All", " "),
    ("<space> for next page, q to quit", " "),
    ("Press <ENTER> to continue", "\r"),
    ("lines 1-24", " "),
    ("lines 1-24/410 6%", " "),
    ("lines 25-41/41 (END)", "q"),
    (":", " "),
];

/// How it goes when the key was typed.
fn erasures(pager: &str) -> Vec<String> {
    let length = pager.len();
    let blanks = " ".repeat(length);
    let back = "\u{8}".repeat(length);
    vec![
        format!("\r{blanks}\r"),
        format!("{back}{blanks}{back}"),
        "\u{8} \u{8}".repeat(length),
        "\r\u{1b}[K".to_owned(),
        "\r\u{1b}[2K".to_owned(),
        "\u{1b}[2K\r".to_owned(),
        format!("\u{1b}[{length}D{blanks}\u{1b}[{length}D"),
        format!("\u{1b}[{length}D\u{1b}[K"),
        "\u{1b}[1D \u{1b}[1D".repeat(length),
        "\r".to_owned(),
        String::new(),
    ]
}

/// The keys that are typed and what comes out, where the device pauses before byte `at` of all it
/// says.
fn answer(pager: &str, erasure: &str, at: usize) -> (Vec<String>, Vec<String>) {
    let mut session = at_prompt("sw1#");
    session.command("show run");
    let (mut typed, mut said) = (Vec::new(), 0);
    for text in [
        format!("show run\r\n interface x\r\n{pager}"),
        format!("{erasure}  address 192.0.2.1\r\n{pager}"),
        format!("{erasure}end\r\nsw1#"),
    ] {
        let cut = at.saturating_sub(said).min(text.len());
        said += text.len();
        for piece in [&text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
            session.feed(piece);
            // Half of a pager may be enough to know it.
            if session.patience().is_none_or(|patience| patience > LIKELY) {
                continue;
            }
            match session.act().unwrap() {
                Act::Ready(lines) => return (typed, lines),
                Act::Send(key) => typed.push(String::from_utf8(key).unwrap()),
                act @ Act::Answer(_) => panic!("{act:?}"),
            }
        }
    }
    panic!("no prompt: {typed:?}")
}

#[test]
fn each_pager_is_answered_and_leaves_nothing() {
    let expected = [" interface x", "  address 192.0.2.1", "end"].map(str::to_owned).to_vec();
    for (pager, key) in PAGERS {
        for erasure in erasures(pager) {
            let (keys, lines) = answer(pager, &erasure, 0);
            assert_eq!(
                (keys, &lines),
                (vec![key.to_owned(); 2], &expected),
                "{pager:?} {erasure:?}"
            );
        }
    }
}

#[test]
fn a_pager_may_be_cut_anywhere() {
    let expected = [" interface x", "  address 192.0.2.1", "end"].map(str::to_owned).to_vec();
    for (pager, _) in PAGERS {
        for erasure in erasures(pager).into_iter().filter(|erasure| erasure.len() > 1) {
            for at in 0..2 * (pager.len() + erasure.len()) + 60 {
                let (keys, lines) = answer(pager, &erasure, at);
                // What is behind a line is dropped anyway.
                let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
                assert_eq!(lines, expected, "{pager:?} {erasure:?} at {at}: {keys:?}");
            }
        }
    }
}
