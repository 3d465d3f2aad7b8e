//! A group of long-running processes that end together, in the reverse of the order they started.
//!
//! Who stops them is not xtask but the guard, a few lines of shell that hold the reading end of a
//! pipe: when xtask closes it, or dies in any way (SIGKILL included), the guard sees the end and
//! stops what it was told of. So there is one way to stop, it is used every time, and no orphan is
//! left. The guard and the services each have a process group of their own: Ctrl-C in a terminal
//! reaches none of them, and the order is kept. Windows has no guard: there `drop` ends them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;

const GUARD: &str = include_str!("services/guard.sh");
const LOG_LINES_SHOWN: usize = 20;

pub(crate) struct Services {
    guard: Option<Child>,
    running: Vec<Service>,
}

struct Service {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Services {
    pub(crate) fn new() -> Result<Self> {
        let guard = if cfg!(unix) {
            let mut guard = Command::new("sh");
            guard.args(["-c", GUARD, "guard"]).stdin(Stdio::piped()).stdout(Stdio::null());
            Some(own_group(&mut guard).spawn()?)
        } else {
            None
        };
        Ok(Self { guard, running: Vec::new() })
    }

    /// Starts a service with its stderr, and its stdout where the caller has not taken that, in `log`.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        log: PathBuf,
        command: &mut Command,
        take_stdout: bool,
    ) -> Result<&mut Child> {
        let file = File::create(&log)?;
        let stdout = if take_stdout { Stdio::piped() } else { Stdio::from(file.try_clone()?) };
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::from(file));
        let child = own_group(command).spawn().map_err(|e| format!("cannot start {name}: {e}"))?;
        let id = child.id();
        self.running.push(Service { name, child, log });
        if let Some(pipe) = self.guard.as_mut().and_then(|guard| guard.stdin.as_mut()) {
            writeln!(pipe, "{id}").map_err(|e| format!("the guard of the services died: {e}"))?;
        }
        let service = self.running.last_mut().ok_or("no service was started")?;
        Ok(&mut service.child)
    }

    /// An error with the last log lines when a service has ended by itself.
    pub(crate) fn check(&mut self) -> Result {
        for service in &mut self.running {
            if let Some(status) = service.child.try_wait()? {
                let log = last_lines(&service.log);
                let (name, path) = (service.name, service.log.display());
                return Err(format!("{name} ended with {status}; end of {path}:\n{log}").into());
            }
        }
        Ok(())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            // Reap while waiting: to the guard a zombie may look like a process that does not stop.
            while let Ok(None) = guard.try_wait() {
                for service in &mut self.running {
                    let _ = service.child.try_wait();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // All gone by now, unless there is no guard or somebody ended it.
        for service in self.running.iter_mut().rev() {
            let _ = service.child.kill();
            let _ = service.child.wait();
        }
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) -> &mut Command {
    std::os::unix::process::CommandExt::process_group(command, 0)
}

#[cfg(not(unix))]
fn own_group(command: &mut Command) -> &mut Command {
    command
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(LOG_LINES_SHOWN));
    shown.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
