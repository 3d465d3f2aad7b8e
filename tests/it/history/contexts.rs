//! Devices within a device: each has a configuration of its own, and none of them is left out.

use farwatch_agent::history::{FetchError, Snapshot, fetch};
use farwatch_common::secret::Secret;
use farwatch_support::ssh::{Asks, Device, PASSWORD, Place, Server, USER, switch};

use super::{LIMIT, site_key, target};

const VERSION: &str = "Cisco Adaptive Security Appliance Software Version 9.12(4)67\n";
const SYSTEM: &str = ": Saved\n:\nhostname fw\nadmin-context admin\ncontext admin\n  \
    allocate-interface Management0/0\n  config-url disk0:/admin.cfg\n!\ncontext begun\n  \
    description without a file\n!\ncontext north-1\n  config-url disk0:/north-1.cfg\n!\n: end\n";
const ADMIN: &str = ": Saved\n:\nhostname admin\nenable password c4nary-a encrypted\n: end\n";
const NORTH: &str = ": Saved\n:\nhostname north\nenable password c4nary-n encrypted\n: end\n";
const RUNNING: &str = "more system:running-config";

fn place(command: &'static str, prompt: &'static str, config: &str) -> Place {
    Place { command, prompt, answers: vec![(RUNNING, config.to_owned())] }
}

/// An ASA that somebody logs in to in a context.
fn asa(mode: &str, config: &str, places: Vec<Place>) -> Device {
    let answers = vec![
        ("show version", VERSION.to_owned()),
        ("show mode", format!("Security context mode: {mode}\n")),
        (RUNNING, config.to_owned()),
    ];
    Device { prompt: "fw/admin# ", answers, places, ..switch(Asks::Password, "") }
}

async fn fetched(server: &Server) -> Result<Snapshot, FetchError> {
    let mut target = target(server.port, USER);
    target.login.password = Some(Secret::from(PASSWORD));
    tokio::time::timeout(LIMIT, fetch(&target, &site_key())).await.unwrap()
}

fn all() -> Vec<Place> {
    vec![
        place("changeto system", "fw# ", SYSTEM),
        place("changeto context admin", "fw/admin# ", ADMIN),
        place("changeto context north-1", "fw/north-1# ", NORTH),
    ]
}

#[tokio::test]
async fn each_context_of_a_firewall_is_fetched() {
    let server = asa("multiple", ADMIN, all()).start().await;
    let snapshot = fetched(&server).await.unwrap();
    assert_eq!(snapshot.platform, "asa");
    let raw = String::from_utf8(snapshot.raw.expose().to_vec()).unwrap();
    assert_eq!(raw, format!("{SYSTEM}! context admin\n{ADMIN}! context north-1\n{NORTH}"));
    assert!(!snapshot.normalised.contains("c4nary"), "{}", snapshot.normalised);
    for line in ["! context admin\n", "hostname admin\n", "! context north-1\n", "hostname north\n"]
    {
        assert!(snapshot.normalised.contains(line), "{line}: {}", snapshot.normalised);
    }
}

#[tokio::test]
async fn more_contexts_than_a_firewall_has_are_too_much() {
    let context = |number| format!("context c{number}\n  config-url disk0:/c.cfg\n");
    let system = format!(": Saved\n{}: end\n", (0..=500).map(context).collect::<String>());
    let places = vec![place("changeto system", "fw# ", &system)];
    let error = fetched(&asa("multiple", ADMIN, places).start().await).await.unwrap_err();
    assert!(matches!(error, FetchError::TooMuch), "{error}");
}

/// What was there yesterday would seem to be gone, but for the admin context.
#[tokio::test]
async fn who_is_not_let_go_this_time_gets_no_piece() {
    let mut denied = asa("multiple", ADMIN, Vec::new());
    denied.answers.push(("changeto system", "Command authorization failed\n".to_owned()));
    let nowhere = Device { commands_only: true, ..asa("multiple", ADMIN, all()) };
    for device in [denied, nowhere] {
        let error = fetched(&device.start().await).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused), "{error}");
    }
}

#[tokio::test]
async fn a_context_that_is_refused_is_not_left_out() {
    let mut places = all();
    places.pop();
    let server = asa("multiple", ADMIN, places).start().await;
    let error = fetched(&server).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused), "{error}");
}

#[tokio::test]
async fn who_may_see_one_context_gets_that_one() {
    // Whoever logs in to a context that is not the admin one.
    for (mode, places) in [("multiple", Vec::new()), ("single", all())] {
        let server = asa(mode, NORTH, places).start().await;
        let snapshot = fetched(&server).await.unwrap();
        assert_eq!(snapshot.raw.expose(), NORTH.as_bytes(), "{mode}");
    }
}

/// At its top level `show` has the global part and all domains; what else is asked is of no domain.
#[tokio::test]
async fn the_virtual_domains_of_a_firewall_are_shown_together() {
    const CONFIG: &str = "config vdom\nedit root\nnext\nedit north\nnext\nend\n\nconfig global\n\
        config system global\n    set hostname \"fgt\"\nend\nend\n\nconfig vdom\nedit north\n\
        config system settings\n    set comments \"here\"\nend\nend\n";
    let status = "Version: FortiGate-101F v7.0.11,build0489,230314 (GA.M)\n\
                  Virtual domain configuration: multiple\n";
    let answers =
        vec![("get system status", status.to_owned()), ("show | grep .", CONFIG.to_owned())];
    let refusal = "command parse error before 'hardware'\nCommand fail. Return code -61";
    let device = Device { prompt: "fgt # ", refusal, answers, ..switch(Asks::Password, "") };
    let snapshot = fetched(&device.start().await).await.unwrap();
    assert_eq!(snapshot.platform, "fortios");
    assert_eq!(snapshot.raw.expose(), CONFIG.as_bytes());
    assert_eq!(snapshot.facts[1], "Virtual domain configuration: multiple");
}
