//! `./x demo`: builds everything and runs a [`Show`] until Ctrl-C, or with `--small` a [`Stack`].
//!
//! It runs the dev profile: dependencies are optimised, a fresh machine starts minutes earlier than
//! with a release build, and `./x test` finds everything built. Figures come from `./x bench`.
//!
//! On Unix the building process turns into a small shell script (`supervise.sh`) that has the traps
//! which the standard library lacks, and runs the stack in a child, `demo --supervised`. The child's
//! standard input is a pipe that ends when the script is told to stop or dies; the child then just
//! ends, and the guard of its [`crate::services`] stops what it started.

mod network;
mod setup;
pub(crate) mod show;
mod site;
mod world;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use self::show::Show;
use crate::build::{self, Profile};
use crate::stack::place::{free_port, kept, private};
use crate::stack::{EMAIL, Settings, Stack};
use crate::{Result, cmd, cmd::note, repo, web};

#[cfg(unix)]
const SUPERVISE: &str = include_str!("demo/supervise.sh");
/// Lets the shell trap Ctrl-C, see [`shell`].
#[cfg(unix)]
const OBEY: &str = "--default-signal=INT";
const SUPERVISED: &str = "--supervised";
const SMALL: &str = "--small";
const FRESH: &str = "--fresh";
const REMOVE: &str = "--remove";
const LOCK: &str = "lock";
/// Says which world is in the folder, and that it is ours.
const WORLD: &str = "world";
const KINDS: [&str; 2] = ["whole demo of Farwatch", "small demo of Farwatch"];
const HTTP_PORT: u16 = 8080;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Where a link is cut just then: 8 s of its agent, 13 s of the collector. Else it takes one.
const STOP_S: u32 = 21;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    data_dir: Option<PathBuf>,
    http: Option<SocketAddr>,
    supervised: bool,
    /// Five routers of one tenant.
    small: bool,
    /// What an earlier run has left is removed first.
    fresh: bool,
    /// The same, and that is all.
    remove: bool,
}

/// How fast the demo's world goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// `EVERY_S/FOR_S@FIRST_S`
    pub(crate) link_cuts: &'static str,
    /// Of who dies now and then, `EVERY_S/FOR_S`.
    pub(crate) dies: &'static str,
    /// Of a port, `EVERY_S/UP_S`.
    pub(crate) flaps: &'static str,
    /// Configurations change, and are fetched, so often.
    pub(crate) change_every_s: u32,
    pub(crate) fetch_every_s: u64,
    /// What charts begin with.
    pub(crate) history_hours: u32,
}

/// For somebody who looks on. A link is cut for longer than the two and a half minutes after which the alert of an
/// agent that is offline fires; the first time, some three minutes after all is ready.
const PACE: Pace = Pace {
    link_cuts: "900/240@210",
    dies: "900/180",
    flaps: "180/90",
    change_every_s: 240,
    fetch_every_s: 240,
    history_hours: 8 * 24,
};

impl Options {
    pub(crate) fn parse(args: &[&str]) -> std::result::Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            let flag = match arg {
                SUPERVISED => Some(&mut options.supervised),
                SMALL => Some(&mut options.small),
                FRESH => Some(&mut options.fresh),
                REMOVE => Some(&mut options.remove),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("demo: {arg} lacks its value"))?;
            match arg {
                "--data-dir" => options.data_dir = Some(PathBuf::from(value)),
                "--http" => options.http = Some(loopback(value)?),
                _ => return Err(format!("demo: unknown option {arg}")),
            }
        }
        Ok(options)
    }

    fn folder(&self) -> Result<PathBuf> {
        let folder = match &self.data_dir {
            Some(dir) => repo::called_from().join(dir),
            None => repo::target().join("demo"),
        };
        fs::create_dir_all(&folder)?;
        Ok(folder.canonicalize()?)
    }
}

/// The same demo, as one would type it.
pub(crate) struct Again {
    pub(crate) folder: PathBuf,
    http: Option<SocketAddr>,
    small: bool,
}

impl Again {
    fn of(folder: &Path, options: &Options) -> Self {
        Self { folder: folder.to_owned(), http: options.http, small: options.small }
    }

    fn stopped(&self) -> String {
        let http = self.http.map(|http| format!(" --http {http}")).unwrap_or_default();
        let small = if self.small { " --small" } else { "" };
        format!("the demo has stopped; {self}{small}{http} goes on with it")
    }
}

/// Without what has nothing to do with the folder.
impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("./x demo")?;
        let usual = repo::target().join("demo").canonicalize();
        if usual.is_ok_and(|usual| usual == self.folder) {
            return Ok(());
        }
        write!(f, " --data-dir {}", cmd::display(self.folder.as_os_str()))
    }
}

pub(crate) fn run(options: &Options) -> Result {
    let folder = options.folder()?;
    if options.supervised {
        stop_when_stdin_ends();
        return serve(&folder, options);
    }
    let lock = lock(&folder)?;
    if options.fresh || options.remove {
        clear(&folder)?;
    }
    if options.remove {
        drop(lock);
        fs::remove_dir_all(&folder)?;
        note(&format!("{} is gone, with all that the demo made", folder.display()));
        return Ok(());
    }
    is_of_kind(&folder, options.small)?;
    drop(lock);
    web::build()?;
    build::binaries()?;
    supervise(&folder, options)
}

fn serve(folder: &Path, options: &Options) -> Result {
    let _lock = lock(folder)?;
    let settings = Settings {
        folder: folder.to_path_buf(),
        binaries: build::folder(Profile::Dev),
        http: match options.http {
            Some(http) => http,
            None => http_address()?,
        },
    };
    let running = format!("data and logs are in {}; Ctrl-C stops", folder.display());
    let again = Again::of(folder, options);
    if options.small {
        let mut stack = Stack::up(&settings)?;
        note(&running);
        cmd::result(&format!("ready {} {EMAIL} {}", stack.url, stack.password));
        return keep(&again, || stack.keep());
    }
    let mut show = Show::up(&settings, PACE)?;
    note(&running);
    show.tell(&again);
    keep(&again, || show.keep())
}

/// For as long as that does any good.
fn keep(again: &Again, mut keep: impl FnMut() -> Result) -> Result {
    loop {
        keep().map_err(|problem| format!("{problem}\n{}", again.stopped()))?;
        thread::sleep(LOOK_EVERY);
    }
}

/// Removes what an earlier run has left, but for the lock that is held.
fn clear(folder: &Path) -> Result {
    // Somebody's own folder is not ours to empty.
    let is_ours = world(folder).is_some_and(|kind| KINDS.contains(&kind.as_str()));
    if fs::read_dir(folder)?.count() > 1 && !is_ours {
        let folder = folder.display();
        let what = "something else than a demo of this version: give another folder, or remove it";
        return Err(format!("{folder} holds {what}").into());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Which world the folder was begun with.
fn world(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(WORLD)).ok()
}

/// A folder stays with the world it was begun with.
fn is_of_kind(folder: &Path, small: bool) -> Result {
    let wanted = KINDS[usize::from(small)];
    let found = kept(&folder.join(WORLD), || Ok(wanted.to_owned()))?;
    if found == wanted {
        return Ok(());
    }
    let folder = folder.display();
    let other = if small { "without --small" } else { "with --small" };
    Err(format!("{folder} holds the {found}: start anew by --fresh, or {other}").into())
}

/// A file for this user only, written anew.
fn write_private(file: &Path, text: &str) -> Result {
    Ok(private().create(true).truncate(true).open(file)?.write_all(text.as_bytes())?)
}

#[cfg(unix)]
fn supervise(folder: &Path, options: &Options) -> Result {
    use std::os::unix::process::CommandExt;

    let mut script = shell();
    let stopped = Again::of(folder, options).stopped();
    script.args(["-c", SUPERVISE, "supervise"]).arg(folder).arg(stopped);
    script.arg(std::env::current_exe()?).args(["demo", SUPERVISED, "--data-dir"]).arg(folder);
    if let Some(http) = options.http {
        script.args(["--http", &http.to_string()]);
    }
    if options.small {
        script.arg(SMALL);
    }
    Err(format!("cannot start sh: {}", script.exec()).into())
}

/// What a script starts with `&` ignores SIGINT, and a shell cannot trap what it was born ignoring:
/// `./x demo & kill -INT $!` would do nothing. GNU's `env` undoes that; without it all else works.
#[cfg(unix)]
fn shell() -> Command {
    let mut probe = Command::new("env");
    probe.args([OBEY, "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        let mut env = Command::new("env");
        env.args([OBEY, "sh"]);
        return env;
    }
    Command::new("sh")
}

/// Windows: Ctrl-C reaches every process of the console by itself.
#[cfg(not(unix))]
fn supervise(folder: &Path, options: &Options) -> Result {
    serve(folder, options)
}

fn stop_when_stdin_ends() {
    thread::spawn(|| {
        let mut stdin = std::io::stdin().lock();
        while let Ok(1..) = stdin.read(&mut [0; 64]) {}
        note(&format!("stopping, up to {STOP_S} s"));
        std::process::exit(0);
    });
}

/// Two demos in one folder would fight for its database.
fn lock(folder: &Path) -> Result<File> {
    // What is in it stays: it may be somebody's own.
    let file = File::options().create(true).append(true).open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(format!("another demo runs in {}; stop it first", folder.display()).into())
        }
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}

fn http_address() -> Result<SocketAddr> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, HTTP_PORT));
    if TcpListener::bind(usual).is_ok() { Ok(usual) } else { free_port() }
}

fn loopback(text: &str) -> std::result::Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() && address.port() != 0 => Ok(address),
        _ => Err(format!("demo: --http {text}: give a loopback address as 127.0.0.1:8080")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused() {
        let options = Options::parse(&["--http", "127.0.0.1:9000", "--data-dir", "d"]).unwrap();
        assert_eq!(options.http, Some("127.0.0.1:9000".parse().unwrap()));
        assert_eq!(options.data_dir, Some(PathBuf::from("d")));
        assert_eq!(Options::parse(&[]), Ok(Options::default()));
        let options = Options::parse(&["--small", "--fresh"]).unwrap();
        assert!(options.small && options.fresh && !options.supervised);
        assert!(Options::parse(&["--remove"]).unwrap().remove);
        for bad in [&["--http"][..], &["--http", "0.0.0.0:80"], &["--http", "x"], &["--port", "1"]]
        {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fresh_empties_a_demo_and_nothing_else() {
        let name = format!("farwatch-xtask-{}-fresh", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("letters")).unwrap();
        fs::write(folder.join(LOCK), "").unwrap();
        fs::create_dir_all(folder.join("made")).unwrap();
        assert!(clear(&folder).is_err());
        is_of_kind(&folder, true).unwrap();
        assert!(is_of_kind(&folder, false).is_err());
        clear(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        is_of_kind(&folder, false).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
