//! Recorded sessions of real devices, played back: every line of the configuration comes out, no
//! secret does, and a second fetch gives the same while dates and counters run on.
//!
//! `FARWATCH_RECORDINGS` names a folder with `NAME#simulation.yaml`, `NAME#output.txt` and
//! `NAME#secret.yaml` in it or in its folders; `FARWATCH_YARDSTICKS` one with `ssh-replay/ssh_replay.py`, which wants
//! asyncssh and PyYAML: `FARWATCH_PYTHON` names a Python that has them.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use farwatch_agent::history::{Snapshot, fetch};
use farwatch_common::secret::Secret;
use tokio::task::JoinSet;

use super::{LIMIT, STARTS_MAX, free_port, site_key, target};

const PASSWORD: &str = "a password";

/// The player; killed when dropped.
struct Player {
    child: Child,
    port: u16,
}

impl Drop for Player {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Yardstick {
    python: OsString,
    program: PathBuf,
    /// Folders that have some.
    recordings: Vec<PathBuf>,
}

/// A recording: what it is asked for as, and its files up to their kind.
struct Recording {
    user: String,
    files: PathBuf,
}

const SIMULATION: &str = "simulation.yaml";

impl Recording {
    fn file(&self, kind: &str) -> PathBuf {
        let mut name = self.files.clone().into_os_string();
        name.push(kind);
        name.into()
    }
}

/// `folder` and those in it that have recordings.
fn with_recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut folders = entries(folder);
    folders.retain(|path| path.is_dir());
    folders.push(folder.to_owned());
    let has = |folder: &PathBuf| {
        entries(folder).iter().any(|file| file.to_string_lossy().ends_with(SIMULATION))
    };
    folders.retain(has);
    folders.sort();
    folders
}

impl Yardstick {
    fn find() -> Option<Self> {
        let folder = |name: &str| {
            let folder = std::env::var_os(name).map(PathBuf::from);
            if folder.is_none() {
                println!("skipped: {name} is not set");
            }
            folder
        };
        let recordings = with_recordings(&folder("FARWATCH_RECORDINGS")?);
        assert!(!recordings.is_empty(), "there are no recordings");
        let program = folder("FARWATCH_YARDSTICKS")?.join("ssh-replay/ssh_replay.py");
        let python = std::env::var_os("FARWATCH_PYTHON").unwrap_or_else(|| "python3".into());
        let mut asked = Command::new(&python);
        if !asked.args(["-c", "import asyncssh, yaml"]).status().is_ok_and(|done| done.success()) {
            println!("skipped: FARWATCH_PYTHON names no Python with asyncssh and PyYAML");
            return None;
        }
        Some(Self { python, program, recordings })
    }

    fn list(&self) -> Vec<Recording> {
        let output = Command::new(&self.python)
            .arg(&self.program)
            .args(&self.recordings)
            .arg("--list")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let row = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            let mut files = self.recordings.iter().map(|folder| folder.join(fields[2]));
            let file = files.find(|file| file.exists()).unwrap();
            let files = file.to_str().unwrap().strip_suffix(SIMULATION).unwrap();
            Recording { user: fields[1].to_owned(), files: files.into() }
        };
        text.lines().map(row).collect()
    }

    /// Plays them to whoever logs in; dates and counters run on.
    fn play(&self, how: &[&str]) -> Player {
        for _ in 0..STARTS_MAX {
            let port = free_port();
            let mut child = Command::new(&self.python)
                .arg(&self.program)
                .args(&self.recordings)
                .args(["--listen", &format!("127.0.0.1:{port}"), "--password", PASSWORD])
                .args(["--drift", "--secs", "600"])
                .args(how)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
            let up = said.any(|line| line.is_ok_and(|line| line.starts_with("ready")));
            let player = Player { child, port };
            if up {
                std::thread::spawn(move || said.for_each(drop));
                return player;
            }
        }
        panic!("the player does not start");
    }
}

/// Lines of a configuration that count: no comments, none that hide something.
fn expected(path: &Path) -> Vec<String> {
    let text = std::fs::read(path).unwrap();
    let text = joined(&String::from_utf8_lossy(&text));
    let comment = |line: &str| line.starts_with(['!', '#']) || line.starts_with("<!");
    let hidden = |line: &str| {
        ["hidden>", "removed>", "secret>", "stripped>"].iter().any(|mark| line.contains(mark))
    };
    let lines = text.lines().map(squeezed);
    lines.filter(|line| !line.is_empty() && !comment(line) && !hidden(line)).collect()
}

/// RouterOS breaks long lines; where, depends on the terminal.
fn joined(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while line.ends_with('\\') {
            line.pop();
            line.push_str(lines.next().unwrap_or_default().trim_start());
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True if a line is there, secrets apart.
fn is_kept(line: &str, kept: &[String]) -> bool {
    kept.iter().any(|kept| {
        let mut rest = line;
        let mut pieces = kept.split('«').map(|piece| piece.rsplit('»').next().unwrap_or(piece));
        let Some(first) = pieces.next() else { return false };
        let Some(after) = rest.strip_prefix(first) else { return false };
        rest = after;
        let mut marks = false;
        for piece in pieces {
            marks = true;
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.is_empty() || (marks && kept.ends_with('»'))
    })
}

/// The strings that must not be seen: the list below `fail:`.
fn secrets(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let below = text.lines().skip_while(|line| line.trim() != "fail:").skip(1);
    let listed = below.take_while(|line| line.trim_start().starts_with('-'));
    listed
        .map(|line| line.trim().trim_start_matches('-').trim().trim_matches(['\'', '"']).to_owned())
        .collect()
}

async fn fetched(port: u16, user: &str) -> Snapshot {
    let mut target = target(port, user);
    target.login.password = Some(Secret::from(PASSWORD));
    let fetched = tokio::time::timeout(LIMIT, fetch(&target, &site_key())).await;
    fetched.unwrap_or_else(|_| panic!("{user}: too slow")).unwrap_or_else(|e| panic!("{user}: {e}"))
}

/// What is wrong with the configuration of a recording, fetched from the ports of two players.
async fn problems(recording: Recording, fast: u16, slow: u16) -> Vec<String> {
    let user = &recording.user;
    let (snapshot, again) = tokio::join!(fetched(fast, user), fetched(slow, user));
    let text = &snapshot.normalised;
    let mut problems = Vec::new();
    if *text != again.normalised {
        problems.push(format!("{user}: another text at the second fetch"));
    }
    let kept: Vec<String> = joined(text).lines().map(squeezed).collect();
    let lines = recording.file("output.txt");
    if lines.exists() {
        let lost = expected(&lines).into_iter().filter(|line| !is_kept(line, &kept));
        problems.extend(lost.map(|line| format!("{user}: lost {line}")));
    }
    let told = secrets(&recording.file("secret.yaml")).into_iter().filter(|one| text.contains(one));
    problems.extend(told.map(|one| format!("{user}: told {one}")));
    let junk = ['\u{1b}', '\r', '\u{8}'].iter().any(|c| text.contains(*c));
    if junk || text.contains("--More--") {
        problems.push(format!("{user}: junk of the terminal"));
    }
    problems
}

#[tokio::test]
async fn recorded_devices_give_all_and_tell_nothing() {
    let Some(yardstick) = Yardstick::find() else { return };
    let recordings = yardstick.list();
    assert!(!recordings.is_empty(), "there are no recordings");
    let fast = yardstick.play(&[]);
    // In pieces of some characters, as over a serial line.
    let slow = yardstick.play(&["--slow", "20"]);
    let mut checks = JoinSet::new();
    for recording in recordings {
        checks.spawn(problems(recording, fast.port, slow.port));
    }
    let problems = checks.join_all().await.concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
