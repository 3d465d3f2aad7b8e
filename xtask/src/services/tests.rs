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
fn start_polite(services: &mut Services, name: &str, folder: &Path) -> u32 {
    let order = folder.join("order").display().to_string();
    let script =
        format!("trap 'echo {name} >>{order}; kill $!; exit 0' TERM; sleep 60 & echo up; wait");
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    let log = folder.join(format!("{name}.log"));
    let place = services.start(name, log, command).unwrap();
    is_up(services, place, 1)
}

/// Waits until it is ready for the so-manieth time; returns its process id.
fn is_up(services: &Services, place: usize, times: usize) -> u32 {
    let service = &services.running[place];
    while fs::read_to_string(&service.log).unwrap() != "up\n".repeat(times) {
        std::thread::yield_now();
    }
    let told = fs::read_to_string(pid_file(&service.log)).unwrap();
    assert_eq!(told, service.child.id().to_string());
    service.child.id()
}

fn at_once() -> Services {
    let quick = Duration::from_secs(60);
    Services::with(Patience { pause: Duration::ZERO, quick, quick_ends_max: 3 }).unwrap()
}

/// Until so many were started again.
fn keep_until(services: &mut Services, restarts: usize) {
    while services.restarted().len() < restarts {
        services.keep().unwrap();
        std::thread::yield_now();
    }
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

#[test]
fn what_ends_is_started_again_and_stops_in_its_old_place() {
    let folder = scratch("again");
    let mut services = at_once();
    let first = start_polite(&mut services, "first", &folder);
    let second = start_polite(&mut services, "second", &folder);
    assert!(Command::new("kill").args(["-9", &first.to_string()]).status().unwrap().success());
    keep_until(&mut services, 1);
    assert_eq!(services.restarted(), ["first"]);
    let again = is_up(&services, 0, 2);
    assert!(again != first && is_running(again) && is_running(second));
    drop(services);
    assert_eq!(fs::read_to_string(folder.join("order")).unwrap(), "second\nfirst\n");
    assert!(!is_running(again) && !pid_file(&folder.join("first.log")).exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_lives_in_another_is_started_again_with_it() {
    let folder = scratch("inside");
    let mut services = at_once();
    let holder = start_polite(&mut services, "holder", &folder);
    let inner = start_polite(&mut services, "inner", &folder);
    services.running[1].inside = Some(0);
    assert!(Command::new("kill").args(["-9", &holder.to_string()]).status().unwrap().success());
    while services.running[1].child.id() == inner {
        services.keep().unwrap();
        std::thread::yield_now();
    }
    is_up(&services, 0, 2);
    is_up(&services, 1, 2);
    // It was asked, and what was asked to end is not told.
    assert_eq!(fs::read_to_string(folder.join("order")).unwrap(), "inner\n");
    assert_eq!(services.restarted(), ["holder"]);
    drop(services);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_does_nothing_but_end_is_given_up() {
    let folder = scratch("quick");
    let mut services = at_once();
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such file >&2; exit 3"]);
    services.start("the agent", folder.join("log"), command).unwrap();
    let problem = loop {
        if let Err(problem) = services.keep() {
            break problem.to_string();
        }
        std::thread::yield_now();
    };
    assert!(problem.starts_with("the agent ended 3 times within 60 s"), "{problem}");
    assert!(problem.contains("code 3") && problem.contains("no such file"), "{problem}");
    assert_eq!(services.restarted().len(), 2);
    drop(services);
    fs::remove_dir_all(folder).unwrap();
}
