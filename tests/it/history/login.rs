//! How devices ask who logs in, which algorithms they know, answers that are cut off, and what
//! programs are told of all that.

use std::os::unix::fs::PermissionsExt as _;

use farwatch_agent::history::{FetchError, Snapshot, fetch};
use farwatch_common::secret::Secret;
use farwatch_support::process::{binary, run};
use farwatch_support::ssh::{Asks, Device, PASSWORD, Server, USER, switch};
use serde_json::Value;

use super::{LIMIT, site_key, target};

pub(super) const CONFIG: &str =
    "!\nversion 15.2\nhostname sw1\nenable secret 5 $1$config-canary\nend\n";

async fn fetched(
    server: &Server,
    password: &str,
    with: impl FnOnce(&mut farwatch_agent::history::Target),
) -> Result<Snapshot, FetchError> {
    let mut target = target(server.port, USER);
    target.login.password = Some(Secret::from(password));
    with(&mut target);
    tokio::time::timeout(LIMIT, fetch(&target, &site_key())).await.unwrap()
}

#[tokio::test]
async fn a_password_is_given_however_it_is_asked_for() {
    for asks in [Asks::Password, Asks::Questions] {
        let server = switch(asks, CONFIG).start().await;
        let snapshot = fetched(&server, PASSWORD, |_| ()).await.unwrap();
        assert_eq!(snapshot.platform, "ios", "{asks:?}");
        assert_eq!(snapshot.fingerprint, server.fingerprint);
        assert_eq!(snapshot.raw.expose(), CONFIG.as_bytes());
        let error = fetched(&server, "wrong", |_| ()).await.unwrap_err();
        assert!(matches!(error, FetchError::Login), "{asks:?}: {error}");
    }
}

#[tokio::test]
async fn broken_algorithms_are_taken_only_when_allowed() {
    let device = Device { legacy: true, ..switch(Asks::Password, CONFIG) };
    let server = device.start().await;
    let error = fetched(&server, PASSWORD, |_| ()).await.unwrap_err();
    assert!(matches!(error, FetchError::Algorithms), "{error}");
    let snapshot = fetched(&server, PASSWORD, |target| target.legacy = true).await.unwrap();
    assert_eq!(snapshot.raw.expose(), CONFIG.as_bytes());
}

#[tokio::test]
async fn a_configuration_without_its_end_is_no_snapshot() {
    let cut = CONFIG.strip_suffix("end\n").unwrap();
    let server = switch(Asks::Password, cut).start().await;
    let error = fetched(&server, PASSWORD, |_| ()).await.unwrap_err();
    assert!(matches!(error, FetchError::Incomplete), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_within_an_answer_gives_no_snapshot() {
    let export = "/system identity\nset name=r1\n";
    for drops in [false, true] {
        for platform in ["routeros", "nxos"] {
            let mut device = Device { drops, ..switch(Asks::Password, CONFIG) };
            device.answers.push(("/export show-sensitive", export.to_owned()));
            let server = device.start().await;
            let named = |target: &mut farwatch_agent::history::Target| {
                target.platform = Some(platform.to_owned());
            };
            match fetched(&server, PASSWORD, named).await {
                Ok(snapshot) => {
                    assert!(!drops, "{platform}");
                    let whole = if platform == "routeros" { export } else { CONFIG };
                    assert_eq!(snapshot.raw.expose(), whole.as_bytes());
                }
                Err(FetchError::Incomplete) => assert!(drops && platform == "routeros"),
                Err(FetchError::Closed) => assert!(drops && platform == "nxos"),
                Err(other) => panic!("{platform}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn a_device_without_a_command_line_is_given_its_commands_one_by_one() {
    let device = Device { commands_only: true, ..switch(Asks::Password, CONFIG) };
    let server = device.start().await;
    let snapshot = fetched(&server, PASSWORD, |_| ()).await.unwrap();
    assert_eq!((snapshot.platform.as_str(), snapshot.raw.expose()), ("ios", CONFIG.as_bytes()));
}

/// What `backup --json` prints, and whether it ends well.
async fn told(server: &Server, password: &str, more: &[String]) -> (Value, bool) {
    let mut args =
        ["backup", "--user", USER, "--password-file", "-", "--json"].map(str::to_owned).to_vec();
    args.push(format!("127.0.0.1:{}", server.port));
    args.extend_from_slice(more);
    let stdin = format!("{password}\n");
    let ran = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(&binary("farwatch-agent"), &args, &stdin)
    });
    let output = tokio::time::timeout(LIMIT, ran).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("canary") && !errors.contains("canary"), "{text}{errors}");
    (serde_json::from_str(&text).unwrap(), output.status.success())
}

#[tokio::test]
async fn programs_are_told_all_but_secrets() {
    let server = switch(Asks::Password, CONFIG).start().await;
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("raw");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let state = ["--state-dir".to_owned(), path(dir.path())];
    let more = [&state[..], &["--raw-out".to_owned(), path(&raw)]].concat();
    let (given, well) = told(&server, PASSWORD, &more).await;
    assert!(well);
    assert_eq!(given["ok"], true);
    assert_eq!(given["platform"], "ios");
    assert_eq!(given["host_key"], server.fingerprint.as_str());
    let version = "Cisco IOS Software, Test Software, Version 15.2";
    assert_eq!(given["facts"], serde_json::json!([version]));
    let config = given["config"].as_str().unwrap();
    assert!(config.contains("hostname sw1\nenable secret 5 «secret:"), "{config}");
    assert_eq!(std::fs::read(&raw).unwrap(), CONFIG.as_bytes());
    assert_eq!(std::fs::metadata(&raw).unwrap().permissions().mode() & 0o777, 0o600);

    let (again, _) = told(&server, PASSWORD, &state).await;
    assert_eq!(again, given, "the key of the marks is kept");
    let (refused, well) = told(&server, "wrong-canary", &state).await;
    assert!(!well);
    assert_eq!((&refused["ok"], &refused["cause"]), (&false.into(), &"login".into()));
    assert!(refused["hint"].as_str().unwrap().contains("check its name"), "{refused}");
}
