#![cfg(unix)]

use super::*;

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("farwatch-xtask-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn is_running(id: u32) -> bool {
    Command::new("sh")
        .arg("-c")
        .arg(format!("kill -0 {id} 2>/dev/null"))
        .status()
        .unwrap()
        .success()
}

/// A service that notes in `order` that it was asked to stop; returns when it is ready for that.
fn start_polite(services: &mut Services, name: &'static str, folder: &Path) -> u32 {
    let order = folder.join("order").display().to_string();
    let script =
        format!("trap 'echo {name} >>{order}; kill $!; exit 0' TERM; sleep 60 & echo up; wait");
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    let log = folder.join(format!("{name}.log"));
    services.start(name, log.clone(), command).unwrap();
    while fs::read_to_string(&log).unwrap() != "up\n" {
        services.check().unwrap();
        std::thread::yield_now();
    }
    services.running.last().unwrap().child.id()
}

#[test]
fn dropping_stops_the_last_started_first() {
    let folder = scratch("order");
    let mut services = Services::new().unwrap();
    let first = start_polite(&mut services, "first", &folder);
    let second = start_polite(&mut services, "second", &folder);
    drop(services);
    assert_eq!(fs::read_to_string(folder.join("order")).unwrap(), "second\nfirst\n");
    assert!(!is_running(first) && !is_running(second));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_service_that_died_is_named_with_its_last_words() {
    let folder = scratch("died");
    let mut services = Services::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such file >&2; exit 3"]);
    services.start("collector", folder.join("log"), command).unwrap();
    services.running[0].child.wait().unwrap();
    let problem = services.check().unwrap_err().to_string();
    assert!(problem.contains("collector ended with exit status: 3"), "{problem}");
    assert!(problem.contains("no such file"), "{problem}");
    drop(services);
    fs::remove_dir_all(folder).unwrap();
}
