//! What is of this host: the state directory, the identity, echo requests, the disk.

use std::io;
use std::path::Path;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::platform::volume_free_bytes;

use super::report::Check;
use crate::config::AgentConfig;
use crate::identity::Credentials;
use crate::platform::icmp::{EchoSocket, Family};

const ENROL: &str = "run `farwatch-agent enroll --token-file FILE` with a token of the collector";
const ENROL_AGAIN: &str =
    "run `farwatch-agent enroll --token-file FILE --force` with a new token of the collector";
const OTHER_USER: &str = "run this as the user of the agent, and see that it owns the directory";
/// Less than this, and the disk is as good as full.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

pub(super) fn state(dir: &Path) -> Check {
    const NAME: &str = "state";
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let advice = "enrol this agent, or name its directory with --state-dir";
            return Check::failed(NAME, format!("{shown} is not there"), advice);
        }
        Err(error) => return Check::failed(NAME, format!("{shown}: {error}"), OTHER_USER),
        Ok(found) if !found.is_dir() => {
            let advice = "name another directory with --state-dir";
            return Check::failed(NAME, format!("{shown} is no directory"), advice);
        }
        Ok(_) => {}
    }
    let trial = dir.join(format!("doctor-{}.tmp", std::process::id()));
    let tried = std::fs::write(&trial, b"x").and_then(|()| std::fs::remove_file(&trial));
    match tried {
        Ok(()) => Check::ok(NAME, format!("{shown} can be read and written")),
        Err(error) => Check::failed(NAME, format!("{shown} takes no file: {error}"), OTHER_USER),
    }
}

/// Whether the running agent is kept out because another host runs as it; nothing to say otherwise.
pub(super) fn copy(running: Option<&serde_json::Value>) -> Option<Check> {
    (running?["uplink"]["cloned"] == true).then(|| {
        Check::failed(
            "copy",
            "another host runs as this agent, with a copy of its state, and the collector keeps this \
             one out",
            "stop the agent on one of the two hosts and run `farwatch-agent enroll --force` there with \
             a new token",
        )
    })
}

pub(super) fn enrolment(known: &Result<Option<Credentials>, String>, is_running: bool) -> Check {
    const NAME: &str = "enrolment";
    match known {
        Ok(Some(known)) => {
            let runs = if is_running { "running" } else { "not running" };
            Check::ok(NAME, format!("{} ({}), {runs}", known.name, known.agent))
        }
        Ok(None) => Check::failed(NAME, "this agent is not enrolled", ENROL),
        Err(error) => Check::failed(NAME, error, ENROL_AGAIN),
    }
}

pub(super) fn certificate(known: Option<&Credentials>, now: Micros) -> Check {
    const NAME: &str = "certificate";
    let Some(known) = known else {
        return Check::skipped(NAME, "there is none before the enrolment");
    };
    if let Err(error) = known.tls() {
        return Check::failed(NAME, farwatch_common::task::chain(&error), ENROL_AGAIN);
    }
    let hours = |span: Duration| span.as_secs() / 3600;
    if now > known.not_after {
        let found = format!("it has expired {} h ago", hours(now.since(known.not_after)));
        let advice = "set this host's clock if it is wrong, else enrol again with a new token and \
                      --force";
        return Check::failed(NAME, found, advice);
    }
    let left = known.not_after.since(now);
    let found = format!("good for {} h, and the key fits", hours(left));
    // A renewal that fails is tried again all the time from then on.
    if left < known.not_after.since(known.renew_after) / 2 {
        let advice = "let the agent reach a collector before then: it renews by itself";
        return Check::warning(NAME, format!("{found}; it should have been renewed"), advice);
    }
    Check::ok(NAME, found)
}

/// Whether this user may send echo requests, and over what.
pub(super) fn icmp() -> Check {
    const NAME: &str = "icmp";
    let open = |family| EchoSocket::open(family).map(|socket| socket.kind().name());
    match (open(Family::V4), open(Family::V6)) {
        (Ok(v4), Ok(v6)) if v4 == v6 => Check::ok(NAME, format!("{v4} for IPv4 and IPv6")),
        (Ok(v4), Ok(v6)) => Check::ok(NAME, format!("{v4} for IPv4, {v6} for IPv6")),
        (Ok(v4), Err(_)) => Check::ok(NAME, format!("{v4} for IPv4, none for IPv6")),
        (Err(_), Ok(v6)) => Check::ok(NAME, format!("{v6} for IPv6, none for IPv4")),
        (Err(error), Err(_)) => {
            let found = format!("this user may not send echo requests: {error}");
            let advice = "give the agent CAP_NET_RAW, or put its group into the sysctl \
                          net.ipv4.ping_group_range; without it devices are not pinged";
            Check::warning(NAME, found, advice)
        }
    }
}

pub(super) fn disk(config: &AgentConfig) -> Check {
    const NAME: &str = "disk";
    let dir = &config.state_dir;
    // The cap is the same whoever's buffer it is.
    let cap = config.buffer(dir, AgentId(0)).cap_bytes;
    let Some(free) = volume_free_bytes(dir) else {
        return Check::skipped(NAME, "this system does not tell what is free");
    };
    room(free, cap.saturating_sub(buffered(dir)))
}

/// `free` bytes, of which the buffer may yet take `wanted`.
fn room(free: u64, wanted: u64) -> Check {
    const NAME: &str = "disk";
    let found = format!("{} MiB free, the buffer may take {} MiB", free / MIB, wanted / MIB);
    let advice =
        "free some space, or lower buffer.size_mib: a full disk ends what an outage can hold";
    if free < FREE_BYTES_MIN {
        Check::failed(NAME, found, advice)
    } else if free < wanted {
        Check::warning(NAME, found, advice)
    } else {
        Check::ok(NAME, found)
    }
}

/// What the buffer's files take now.
fn buffered(dir: &Path) -> u64 {
    let files = ["buffer.db", "buffer.db-wal"];
    files.iter().filter_map(|name| std::fs::metadata(dir.join(name)).ok()).map(|m| m.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn an_agent_that_is_kept_out_says_that_there_is_a_copy() {
        let told = |cloned| serde_json::json!({ "uplink": { "cloned": cloned } });
        assert_eq!(copy(None), None);
        assert_eq!(copy(Some(&serde_json::json!({ "uplink": {} }))), None);
        assert_eq!(copy(Some(&told(false))), None);
        assert_eq!(copy(Some(&told(true))).unwrap().check, "copy");
    }

    #[test]
    fn a_directory_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(state(dir.path()).verdict, Verdict::Ok);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(state(&file).verdict, Verdict::Failed);
        let none = state(&dir.path().join("none"));
        assert!(none.found.ends_with("is not there") && none.advice.is_some());
    }

    #[test]
    fn room_is_judged_by_what_the_buffer_may_take() {
        for (free, wanted, verdict) in [
            (4000, 2000, Verdict::Ok),
            (1000, 2000, Verdict::Warning),
            (63, 0, Verdict::Failed),
            (64, 64, Verdict::Ok),
        ] {
            assert_eq!(room(free * MIB, wanted * MIB).verdict, verdict, "{free} {wanted}");
        }
    }

    #[test]
    fn nobody_is_enrolled_or_the_file_is_damaged() {
        assert_eq!(enrolment(&Ok(None), false).advice.as_deref(), Some(ENROL));
        let damaged = enrolment(&Err("identity.json is damaged".into()), true);
        assert_eq!(
            (damaged.verdict, damaged.advice.as_deref()),
            (Verdict::Failed, Some(ENROL_AGAIN))
        );
        assert_eq!(certificate(None, Micros(0)).verdict, Verdict::Skipped);
    }
}
