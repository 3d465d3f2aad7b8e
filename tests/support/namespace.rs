//! A network of its own for a test: a site whose link, addresses and routes change. Takes root.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// Gone when dropped, with every link into it.
#[derive(Debug)]
pub struct Namespace(Child);

impl Namespace {
    /// `None` where this user may make none; that is printed.
    pub fn new() -> Option<Self> {
        let made = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up && echo there && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut line = String::new();
        let namespace = made.ok().map(|mut child| {
            if let Some(out) = child.stdout.take() {
                let _ = BufReader::new(out).read_line(&mut line);
            }
            Self(child)
        });
        let namespace = namespace.filter(|_| line == "there\n");
        if namespace.is_none() {
            println!("skipped: no network namespaces without root");
        }
        namespace
    }

    /// The process that holds it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The words before a program that make it run inside.
    #[must_use]
    pub fn inside(&self) -> Vec<String> {
        let pid = self.pid().to_string();
        ["nsenter", "--target", &pid, "--net"].map(str::to_owned).to_vec()
    }

    /// Runs a script inside; fails if any of its commands does.
    pub fn sh(&self, script: &str) {
        let [program, words @ ..] = &self.inside()[..] else { unreachable!("it has words") };
        let mut command = Command::new(program);
        succeed(command.args(words).args(["sh", "-e", "-c", script]), script);
    }
}

/// Runs a script out here.
pub fn sh(script: &str) {
    succeed(Command::new("sh").args(["-e", "-c", script]), script);
}

fn succeed(command: &mut Command, script: &str) {
    let Output { status, stderr, .. } = command.output().expect("a shell can be started");
    assert!(status.success(), "{script}\n{}", String::from_utf8_lossy(&stderr));
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
