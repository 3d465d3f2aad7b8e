//! A group of long-running processes that end together, in the reverse of the order they started. One that
//! ends before is an error ([`Services::check`]), or started again ([`Services::keep`]).
//!
//! Who stops them is not xtask but the guard, a few lines of shell that hold the reading end of a
//! pipe: when xtask closes it, or dies in any way (SIGKILL included), the guard sees the end and
//! stops what it was told of. So there is one way to stop, it is used every time, and no orphan is
//! left. The guard and the services each have a process group of their own: Ctrl-C in a terminal
//! reaches none of them, and the order is kept. Windows has no guard: there `drop` ends them.

use std::fs::{self, File};
use std::io::{PipeWriter, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Result, cmd::note};

const GUARD: &str = include_str!("services/guard.sh");
/// A service tells the guard its place and its own process id, and only then becomes what it is to be. Were
/// telling xtask's part, xtask could die just before it. Its stdout, the pipe to the guard, ends with that.
const REGISTERED: &str = r#"echo "$1 $$" && shift && exec "$@" >&2"#;
const LOG_LINES_SHOWN: usize = 20;
/// Beside its log, while it runs: the process id.
const PID: &str = "pid";

/// When what has ended is started again, and when no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From its end: long enough for a hole that can be seen.
    pub(crate) pause: Duration,
    /// An end so soon after a start is a quick one.
    pub(crate) quick: Duration,
    /// Of quick ends in a row; the last is an error.
    pub(crate) quick_ends_max: usize,
}

const PATIENCE: Patience =
    Patience { pause: Duration::from_secs(5), quick: Duration::from_secs(30), quick_ends_max: 5 };

pub(crate) struct Services {
    guard: Option<Guard>,
    running: Vec<Service>,
    patience: Patience,
    /// Names of those that were started again, each time.
    restarted: Vec<String>,
}

struct Guard {
    process: Child,
    ids: PipeWriter,
}

struct Service {
    name: String,
    /// What it is started by, without where its output goes.
    command: Command,
    log: PathBuf,
    /// The place of whoever it lives in: where that is started again, so is this.
    inside: Option<usize>,
    child: Child,
    started: Instant,
    quick_ends: usize,
    ended: Option<End>,
    /// It was asked to end, to be started again.
    is_asked: bool,
}

struct End {
    at: Instant,
    how: String,
}

impl Services {
    pub(crate) fn new() -> Result<Self> {
        Self::with(PATIENCE)
    }

    fn with(patience: Patience) -> Result<Self> {
        let guard = if cfg!(unix) { Some(Guard::start()?) } else { None };
        Ok(Self { guard, running: Vec::new(), patience, restarted: Vec::new() })
    }

    /// Starts a service in the folder of `command`; all that it prints goes to `log`, its process id to the file
    /// of [`pid_file`]. Returns its place.
    pub(crate) fn start(
        &mut self,
        name: impl Into<String>,
        log: PathBuf,
        command: Command,
    ) -> Result<usize> {
        self.start_inside(None, name, log, command)
    }

    /// The same, of what ends and is started again with the service at `inside`.
    pub(crate) fn start_inside(
        &mut self,
        inside: Option<usize>,
        name: impl Into<String>,
        log: PathBuf,
        command: Command,
    ) -> Result<usize> {
        let (name, place) = (name.into(), self.running.len());
        let child = spawn(self.guard.as_ref(), place, &command, File::create(&log)?)
            .map_err(|e| format!("cannot start {name}: {e}"))?;
        fs::write(pid_file(&log), child.id().to_string())?;
        let started = Instant::now();
        self.running.push(Service {
            name,
            command,
            log,
            inside,
            child,
            started,
            quick_ends: 0,
            ended: None,
            is_asked: false,
        });
        Ok(place)
    }

    /// An error with the last log lines when a service has ended by itself.
    pub(crate) fn check(&mut self) -> Result {
        for service in &mut self.running {
            if let Some(status) = service.child.try_wait()? {
                let (name, log) = (&service.name, service.last_words());
                return Err(format!("{name} ended with {status}; {log}").into());
            }
        }
        Ok(())
    }

    /// Starts again what has ended by itself, after a pause, and tells it. An error when one does nothing but
    /// end.
    pub(crate) fn keep(&mut self) -> Result {
        for place in 0..self.running.len() {
            let holder = self.running[place].inside;
            let has_home = holder.is_none_or(|holder| self.running[holder].ended.is_none());
            let service = &mut self.running[place];
            match &service.ended {
                Some(end) if has_home && end.at.elapsed() >= self.patience.pause => {
                    self.start_again(place)?;
                }
                Some(_) => {}
                None => {
                    if let Some(status) = service.child.try_wait()? {
                        service.has_ended(status, self.patience)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Names of those that had ended by themselves and were started again.
    pub(crate) fn restarted(&self) -> &[String] {
        &self.restarted
    }

    fn start_again(&mut self, place: usize) -> Result {
        let service = &mut self.running[place];
        let name = service.name.clone();
        let log = File::options().append(true).create(true).open(&service.log)?;
        service.child = spawn(self.guard.as_ref(), place, &service.command, log)
            .map_err(|e| format!("cannot start {name} again: {e}"))?;
        fs::write(pid_file(&service.log), service.child.id().to_string())?;
        service.started = Instant::now();
        let how = service.ended.take().map(|end| end.how).unwrap_or_default();
        let was_asked = std::mem::take(&mut service.is_asked);
        let mut with_it = Vec::new();
        for other in self.running.iter_mut().filter(|other| other.inside == Some(place)) {
            with_it.push(other.name.clone());
            if other.ended.is_none() && other.child.try_wait()?.is_none() {
                other.is_asked = true;
                ask_to_end(&mut other.child);
            }
        }
        if !was_asked {
            let with_it = match &with_it[..] {
                [] => String::new(),
                names => format!(", and with it {}", names.join(" and ")),
            };
            note(&format!("{name} ended ({how}): started again{with_it}"));
            self.restarted.push(name);
        }
        Ok(())
    }
}

impl Service {
    fn has_ended(&mut self, status: ExitStatus, patience: Patience) -> Result {
        self.ended = Some(End { at: Instant::now(), how: how(status) });
        // Whoever reads it would kill somebody else.
        let _ = fs::remove_file(pid_file(&self.log));
        let is_quick = !self.is_asked && self.started.elapsed() < patience.quick;
        self.quick_ends = if is_quick { self.quick_ends + 1 } else { 0 };
        if self.quick_ends < patience.quick_ends_max {
            return Ok(());
        }
        let (name, how, log) = (&self.name, how(status), self.last_words());
        let (times, quick_s) = (patience.quick_ends_max, patience.quick.as_secs());
        Err(format!(
            "{name} ended {times} times within {quick_s} s of its start, now with {how}; {log}"
        )
        .into())
    }

    fn last_words(&self) -> String {
        format!("end of {}:\n{}", self.log.display(), last_lines(&self.log))
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
            let _ = fs::remove_file(pid_file(&service.log));
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

/// Where the process id of the service with this log is told while it runs.
pub(crate) fn pid_file(log: &Path) -> PathBuf {
    log.with_extension(PID)
}

fn spawn(
    guard: Option<&Guard>,
    place: usize,
    command: &Command,
    log: File,
) -> std::io::Result<Child> {
    let (mut command, stdout) = match guard {
        Some(guard) => (registered(place, command), Stdio::from(guard.ids.try_clone()?)),
        None => (like(command, Command::new(command.get_program())), log.try_clone()?.into()),
    };
    command.stdin(Stdio::null()).stdout(stdout).stderr(log);
    own_group(&mut command).spawn()
}

fn registered(place: usize, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", REGISTERED, "service", &place.to_string()]);
    shell.arg(command.get_program());
    like(command, shell)
}

/// With the arguments of `command`, in its folder.
fn like(command: &Command, mut other: Command) -> Command {
    other.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    other
}

#[cfg(unix)]
fn own_group(command: &mut Command) -> &mut Command {
    std::os::unix::process::CommandExt::process_group(command, 0)
}

#[cfg(not(unix))]
fn own_group(command: &mut Command) -> &mut Command {
    command
}

/// The standard library only kills.
#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(unix)]
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> String {
    format!("code {}", status.code().unwrap_or_default())
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
