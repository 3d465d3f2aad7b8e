//! Real processes of the product, started, killed and read by tests.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A child process; killed when dropped, so that a failed test leaves nothing running.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its output appended to `log`.
    pub fn start(program: &Path, args: &[&OsStr], log: &Path) -> Self {
        let filter = "info,farwatch_agent=debug,farwatch_collector=debug,\
                      farwatch_collector::api::observe=info";
        Self::start_logging(program, args, log, filter)
    }

    /// The same; it logs what `filter` says.
    pub fn start_logging(program: &Path, args: &[&OsStr], log: &Path, filter: &str) -> Self {
        let out = append(log);
        let err = out.try_clone().expect("a log file can be shared");
        let child = Command::new(program)
            .args(args)
            .env("FARWATCH_LOG", filter)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        Self { child, log: log.to_owned() }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, then waits for the end.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let done = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(done.is_ok_and(|status| status.success()), "kill failed");
        let child = &mut self.child;
        let mut status = None;
        eventually(Duration::from_secs(20), "the process ends on SIGTERM", async || {
            status = child.try_wait().expect("a child can be asked");
            status.is_some()
        })
        .await;
        status.expect("set above")
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it wrote.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>();
            eprintln!("--- {}", self.log.display());
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// Runs `program` to its end with `stdin`.
pub fn run(program: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
    let mut pipe = child.stdin.take().expect("stdin was piped");
    // A program that ends before it read all closes the pipe: its exit code tells.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    child.wait_with_output().expect("a child can be waited for")
}

/// A binary of this workspace, built for the same profile as the one that runs.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // Programs live in target/PROFILE, tests in target/PROFILE/deps.
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(&file)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{file} is missing: run `cargo build --bins` first"))
}

/// Waits until `condition` holds; fails with `what` after `limit`.
pub async fn eventually(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let waited = tokio::time::timeout(limit, async {
        while !condition().await {
            pause.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "not within {limit:?}: {what}");
}

fn append(log: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", log.display()))
}

/// A loopback address of this process alone, for servers that cannot let the system choose a port.
#[must_use]
pub fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high & 0x3f, middle, low)
}
