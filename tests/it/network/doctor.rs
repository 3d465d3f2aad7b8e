//! `farwatch-agent doctor` at sites that are well and at sites that are not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use farwatch_agent::doctor::NETWORK_LIMIT;
use farwatch_support::process::{binary, eventually, run};
use farwatch_support::relay::Relay;
use farwatch_support::stack::{Agent, Collector, only_agent};
use farwatch_support::tinyproxy::{Tinyproxy, program};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Beside the checks: the start of a process on a busy machine.
const SLACK: Duration = Duration::from_secs(8);

struct Examined {
    success: bool,
    /// Verdict, finding and advice by check.
    checks: BTreeMap<String, (String, String, String)>,
    text: String,
}

impl Examined {
    fn verdict(&self, check: &str) -> &str {
        &self.checks[check].0
    }

    #[track_caller]
    fn expect(&self, verdicts: &[(&str, &str)]) {
        for (check, verdict) in verdicts {
            assert_eq!(self.verdict(check), *verdict, "{check}: {:?}", self.checks);
        }
    }
}

/// Runs it twice, for programs and for people. What it goes through may be a task of this thread.
async fn examine(state_dir: &Path) -> Examined {
    let dir = state_dir.to_owned();
    let twice = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let json = doctor(&dir, &["--json"]);
        assert!(began.elapsed() < NETWORK_LIMIT + SLACK, "{:?}", began.elapsed());
        (json, doctor(&dir, &[]))
    });
    let (json, text) = twice.await.unwrap();
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let word = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = report["checks"].as_array().unwrap().iter().map(|check| {
        let (verdict, advice) = (word(check, "verdict"), word(check, "advice"));
        // Whoever is told of trouble is told what to do.
        assert_eq!(
            ["warning", "failed"].contains(&verdict.as_str()),
            !advice.is_empty(),
            "{check}"
        );
        (word(check, "check"), (verdict, word(check, "found"), advice))
    });
    let checks: BTreeMap<_, _> = checks.collect();
    assert!(checks.keys().all(|check| text.contains(check.as_str())), "{text}");
    let success = json.status.success();
    assert_eq!(success, report["verdict"] != "failed", "{report}");
    Examined { success, checks, text }
}

fn doctor(dir: &Path, more: &[&str]) -> std::process::Output {
    let config = dir.join("agent.toml");
    let mut words = vec!["doctor", "--state-dir", dir.to_str().unwrap()];
    if config.exists() {
        words.extend(["--config", config.to_str().unwrap()]);
    }
    run(&binary("farwatch-agent"), &[&words, more].concat(), "")
}

/// A collector, and an agent that is there behind a relay.
async fn site(dir: &TempDir, config: &str) -> (Collector, Relay, Agent) {
    let collector = Collector::start(&dir.path().join("collector")).await;
    let relay = Relay::start(collector.listen).await;
    let state_dir = dir.path().join("agent");
    let agent = Agent::start_through(&collector, relay.address, &state_dir, config).await;
    let client = collector.client().await;
    let id = only_agent(&client).await;
    eventually(LIMIT, "the agent is connected", async || {
        let agent = client.get(&format!("/api/v1/agents/{id}")).await.data();
        agent["connected_since"].is_string()
    })
    .await;
    (collector, relay, agent)
}

/// How `farwatch-agent status` ends, and whether it says that the agent is connected.
fn status(dir: &Path) -> (Option<i32>, bool) {
    let words = ["status", "--json", "--state-dir", dir.to_str().unwrap()];
    let output = run(&binary("farwatch-agent"), &words, "");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["age_ms"].is_u64(), !told["running"].is_null(), "{told}");
    (output.status.code(), told["connected"] == true)
}

const NETWORK: [&str; 3] = ["dns", "udp", "tcp"];

#[tokio::test]
async fn all_is_well_beside_a_running_agent_which_keeps_its_session() {
    let dir = tempfile::tempdir().unwrap();
    let (collector, relay, mut agent) = site(&dir, "").await;
    let client = collector.client().await;
    let path = format!("/api/v1/agents/{}", only_agent(&client).await);
    let since = client.get(&path).await.data()["connected_since"].clone();
    eventually(LIMIT, "the agent has written its status", async || {
        agent.state_dir.join("status.json").exists()
    })
    .await;
    let examined = examine(&agent.state_dir).await;
    let well = ["state", "enrolment", "certificate", "dns", "udp", "tcp", "clock"];
    examined.expect(&well.map(|check| (check, "ok")));
    assert!(examined.success && examined.checks["enrolment"].1.ends_with(", running"));
    assert!(examined.checks["udp"].1.contains("64 KiB there and back"), "{}", examined.text);
    assert_eq!(client.get(&path).await.data()["connected_since"], since);
    let log = collector.log();
    assert!(!log.contains("replaced by a newer connection"));
    // What the doctor opens is no session: nobody is called over it, and nobody told of it.
    assert_eq!(log.matches("agent connected").count(), 1, "{log}");
    assert!(!log.contains("push failed") && !log.contains("agent left"), "{log}");
    assert_eq!(status(&agent.state_dir), (Some(0), true));
    agent.stop().await;
    assert_eq!(status(&agent.state_dir), (Some(1), false));
    // Without the agent's own knowledge of the clock.
    let alone = examine(&agent.state_dir).await;
    alone.expect(&well.map(|check| (check, "ok")));
    assert!(alone.checks["enrolment"].1.ends_with(", not running"));
    assert_eq!(alone.checks["clock"].1, "as the collector's, to the second");
    // One way is closed: the agent works.
    relay.block_udp(true);
    let blocked = examine(&agent.state_dir).await;
    blocked.expect(&[("udp", "warning"), ("tcp", "ok"), ("dns", "ok")]);
    assert!(blocked.success && blocked.checks["udp"].2.contains("let UDP out"));
}

#[tokio::test]
async fn the_proxy_is_named_with_what_it_wants_and_never_its_password() {
    let Some(program) = program() else {
        println!("skipped: no tinyproxy, run ./x test it");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let proxy = Tinyproxy::start(&program, dir.path(), "farm", "hunter2").await;
    let config = |user: &str| format!("[uplink]\nproxy = \"http://{user}{}\"\n", proxy.address);
    let (_collector, relay, agent) = site(&dir, &config("farm:hunter2@")).await;
    relay.block_udp(true);
    let examined = examine(&agent.state_dir).await;
    examined.expect(&[("udp", "warning"), ("tcp", "ok"), ("proxy", "ok")]);
    assert!(examined.checks["proxy"].1.contains(&proxy.address.to_string()));
    assert!(!examined.text.contains("hunter2"));
    // Without a password it asks for one; a wrong one this proxy does not let through (401).
    for (user, found) in [("", "wants a user and a password"), ("farm:swordfish@", "does not let")]
    {
        std::fs::write(agent.state_dir.join("agent.toml"), config(user)).unwrap();
        let examined = examine(&agent.state_dir).await;
        examined.expect(&[("udp", "failed"), ("tcp", "skipped"), ("proxy", "failed")]);
        let (_, said, advice) = &examined.checks["proxy"];
        assert!(said.contains(found) && advice.contains("the password"), "{}", examined.text);
        assert!(!examined.success && !examined.text.contains("swordfish"));
    }
}

#[tokio::test]
async fn a_collector_that_is_away_and_one_that_has_revoked_us() {
    let dir = tempfile::tempdir().unwrap();
    let (mut collector, _relay, mut agent) = site(&dir, "").await;
    agent.stop().await;
    let client = collector.client().await;
    let path = format!("/api/v1/agents/{}/revoke", only_agent(&client).await);
    client.post(&path, &serde_json::json!({})).await;
    let revoked = examine(&agent.state_dir).await;
    revoked.expect(&[("udp", "failed"), ("tcp", "failed"), ("clock", "ok")]);
    assert!(revoked.checks["udp"].1.contains("unknown, expired or revoked"), "{}", revoked.text);
    collector.kill();
    let away = examine(&agent.state_dir).await;
    away.expect(&[("udp", "failed"), ("tcp", "failed"), ("certificate", "ok")]);
    assert_eq!(away.verdict("clock"), "skipped");
    let identity = agent.state_dir.join("identity.json");
    let mut known: Value = serde_json::from_slice(&std::fs::read(&identity).unwrap()).unwrap();
    known["collectors"] = serde_json::json!(["no-such-host.invalid:443"]);
    std::fs::write(&identity, known.to_string()).unwrap();
    let nameless = examine(&agent.state_dir).await;
    nameless.expect(&[("dns", "failed"), ("udp", "skipped"), ("tcp", "failed")]);
}

#[tokio::test]
async fn a_collector_that_is_stopped_is_no_firewall() {
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let state_dir = dir.path().join("agent");
    let mut agent = Agent::start_through(&collector, collector.listen, &state_dir, "").await;
    agent.kill();
    collector.stop().await;
    let examined = examine(&state_dir).await;
    examined.expect(&[("dns", "ok"), ("udp", "skipped"), ("tcp", "failed")]);
    let found = format!("nothing listens at {}, or a firewall refuses for it", collector.listen);
    assert_eq!(examined.checks["tcp"].1, found);
    assert_eq!(examined.checks["udp"].1, "no answer; see tcp first");
}

#[tokio::test]
async fn before_the_enrolment_it_says_to_enrol() {
    let dir = tempfile::tempdir().unwrap();
    let examined = examine(dir.path()).await;
    examined.expect(&[("state", "ok"), ("enrolment", "failed"), ("certificate", "skipped")]);
    examined.expect(&NETWORK.map(|check| (check, "skipped")));
    assert!(examined.checks["enrolment"].2.contains("farwatch-agent enroll"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let nowhere = examine(&dir.path().join("none")).await;
    assert_eq!(nowhere.verdict("state"), "failed");
}
