//! A group of long-running processes that end together, in the reverse of the order they started.
//!
//! Who stops them is not xtask but the guard, a few lines of shell that hold the reading end of a
//! pipe: when xtask closes it, or dies in any way (SIGKILL included), the guard sees the end and
//! stops what it was told of. So there is one way to stop, it is used every time, and no orphan is
//! left. The guard and the services each have a process group of their own: Ctrl-C in a terminal
//! reaches none of them, and the order is kept. Windows has no guard: there `drop` ends them.

use std::fs::{self, File};
use std::io::{PipeWriter, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;

const GUARD: &str = include_str!("services/guard.sh");
/// A service tells the guard its own process id, and only then becomes what it is to be. Were telling
/// xtask's part, xtask could die just before it. Its stdout, the pipe to the guard, ends with that.
const REGISTERED: &str = r#"echo $$ && exec "$@" >&2"#;
const LOG_LINES_SHOWN: usize = 20;

pub(crate) struct Services {
    guard: Option<Guard>,
    running: Vec<Service>,
}

struct Guard {
    process: Child,
    ids: PipeWriter,
}

struct Service {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Services {
    pub(crate) fn new() -> Result<Self> {
        let guard = if cfg!(unix) { Some(Guard::start()?) } else { None };
        Ok(Self { guard, running: Vec::new() })
    }

    /// Starts a service in the folder of `command`; all that it prints goes to `log`. Returns its
    /// process id.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        log: PathBuf,
        command: Command,
    ) -> Result<u32> {
        let file = File::create(&log)?;
        let (mut command, stdout) = match &self.guard {
            Some(guard) => (registered(&command), Stdio::from(guard.ids.try_clone()?)),
            None => (command, Stdio::from(file.try_clone()?)),
        };
        command.stdin(Stdio::null()).stdout(stdout).stderr(file);
        let child =
            own_group(&mut command).spawn().map_err(|e| format!("cannot start {name}: {e}"))?;
        let id = child.id();
        self.running.push(Service { name, child, log });
        Ok(id)
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
        if let Some(Guard { mut process, ids }) = self.guard.take() {
            drop(ids);
            // Reap while waiting: to the guard a zombie may look like a process that does not stop.
            while let Ok(None) = process.try_wait() {
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

impl Guard {
    fn start() -> Result<Self> {
        let (reader, ids) = pipe()?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]);
        guard.stdin(reader).stdout(Stdio::null());
        Ok(Self { process: own_group(&mut guard).spawn()?, ids })
    }
}

fn registered(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", REGISTERED, "service"]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
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
