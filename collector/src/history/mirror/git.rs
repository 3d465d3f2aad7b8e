//! The program `git`, run on one bare repository: no shell, no secret among its arguments, nothing
//! of the environment but what it needs to reach a remote as its administrator set that up.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use farwatch_common::id::TenantId;
use farwatch_common::task::chain;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::leftovers;

/// What is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What is told of an error.
const TOLD_CHARS_MAX: usize = 300;
/// For what happens on this machine.
const LOCAL: Duration = Duration::from_secs(300);
/// For what goes to a remote.
const REMOTE: Duration = Duration::from_secs(600);
/// For packing anew all that there is.
const PACKING: Duration = Duration::from_secs(3600);
/// Packs beyond which all are made one.
const PACKS_MAX: usize = 20;
/// The first that does all that is asked of it.
const VERSION_MIN: (u32, u32) = (2, 30);
/// The first that knows `core.fsync`.
const VERSION_DURABLE: (u32, u32) = (2, 36);
/// How the program is found, and how the administrator's keys, agents and proxies are.
const KEPT: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];
/// Unless the administrator says how: never asks, and sees a remote that went away.
const SSH: &str = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=30";

/// Why the mirror cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("there is no program `git`: install it, or take history.git_mirror out")]
    Missing,
    #[error("`{told}` is older than git {}.{}: update it", VERSION_MIN.0, VERSION_MIN.1)]
    TooOld { told: String },
    #[error("`git` cannot be run")]
    Run(#[source] io::Error),
    #[error("`git {what}` took longer than {} s", .limit.as_secs())]
    Late { what: &'static str, limit: Duration },
    #[error("`git {what}` failed: {told}")]
    Failed { what: &'static str, told: String },
    #[error("the branch ends with a commit that is not Farwatch's: move the repository away")]
    Foreign,
}

/// What a remote tells of a push, and what that means: the first that is told counts.
const REFUSALS: [(&[&str], &str); 6] = [
    (
        &["Host key verification failed"],
        "The remote's host key is not known: put it into known_hosts of the collector's user.",
    ),
    (
        &["Permission denied", "Authentication failed", "could not read Username", "error: 403"],
        "The remote refuses the collector's user: give that a key or a login that may write there.",
    ),
    (
        &["resolve host", "Connection ", "timed out", "No route to host", "Network is unreachable"],
        "The remote cannot be reached: check its name and the network of the collector's host.",
    ),
    (
        &["does not appear to be a git repository", "not found", "does not exist"],
        "There is no repository at the remote: make an empty, bare one.",
    ),
    (
        &["[rejected]", "fetch first", "non-fast-forward"],
        "The remote has commits that are not the mirror's: push into a repository that nobody else \
         writes to.",
    ),
    (
        &["[remote rejected]", "hook declined"],
        "The remote refuses what is pushed: see which rules it has for the branch `main`.",
    ),
];

impl GitError {
    /// What to do about it, for people who may not see where the collector and its remotes are: without
    /// a word of Git's, which has names, paths and addresses.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing => "Install the program git on the collector's host.",
            Self::TooOld { .. } => "Update the program git on the collector's host.",
            Self::Late { what: "push", .. } => {
                "The remote takes too long: check the network of the collector's host."
            }
            Self::Failed { what: "push", told } => {
                let is_told =
                    |(words, _): &&(&[&str], &str)| words.iter().any(|word| told.contains(word));
                let known = REFUSALS.iter().find(is_told).map(|(_, advice)| *advice);
                known.unwrap_or("The push fails: the collector's log has Git's own words.")
            }
            Self::Foreign => {
                "Somebody else has written into the mirror: move it away on the collector's host, and it \
                 is made anew."
            }
            Self::Run(_) | Self::Late { .. } | Self::Failed { .. } => {
                "Git fails on the collector's host: look at its disk, and into the collector's log."
            }
        }
    }
}

/// A bare repository.
#[derive(Clone, Debug)]
pub struct Repository(PathBuf);

/// Whether the program is there and new enough.
pub async fn check() -> Result<(), GitError> {
    let told = run(command(Path::new("/")).arg("--version"), "--version", &[], LOCAL).await?;
    let told = String::from_utf8_lossy(&told).trim().to_owned();
    let version = version(&told);
    if version.is_none_or(|version| version < VERSION_MIN) {
        return Err(GitError::TooOld { told });
    }
    if version < Some(VERSION_DURABLE) {
        tracing::warn!(
            stage = "history",
            told,
            "this git does not wait for the disk: a loss of power may damage a mirror, which is \
             then to be deleted and made anew; 2.36 and later do"
        );
    }
    Ok(())
}

/// Of `git version 2.39.5 (Apple Git-154)`.
fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.split(' ').nth(2)?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

impl Repository {
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The tenant's in this directory.
    #[must_use]
    pub fn of(dir: &Path, tenant: TenantId) -> Self {
        Self(dir.join(format!("{tenant}.git")))
    }

    #[must_use]
    pub fn is_there(&self) -> bool {
        let holds = |path: &str| self.0.join(path).is_dir();
        let head = std::fs::metadata(self.0.join("HEAD"));
        head.is_ok_and(|head| head.is_file() && head.len() > 0) && holds("objects") && holds("refs")
    }

    /// Makes it, without hooks; of one that was begun and is not whole, what it lacks.
    pub async fn init(&self) -> Result<(), GitError> {
        if self.0.exists() {
            self.tidy().await;
            // It says the same in each of our repositories, and is made anew.
            removed(std::fs::remove_file(self.0.join("HEAD")))?;
            return self.init_here().await;
        }
        let mut beside = self.0.clone();
        beside.add_extension("new");
        removed(std::fs::remove_dir_all(&beside))?;
        Self(beside.clone()).init_here().await?;
        std::fs::rename(&beside, &self.0).map_err(GitError::Run)
    }

    async fn init_here(&self) -> Result<(), GitError> {
        std::fs::create_dir_all(&self.0).map_err(GitError::Run)?;
        self.run("init", &["--quiet", "--bare", "--initial-branch=main", "--template="]).await?;
        Ok(())
    }

    /// Removes what a command that was killed has left; nobody else may write meanwhile.
    pub async fn tidy(&self) {
        let path = self.0.clone();
        let removed = tokio::task::spawn_blocking(move || leftovers::remove(&path)).await;
        match removed {
            Ok(Ok(0)) => {}
            Ok(Ok(files)) => {
                tracing::info!(stage = "history", files, "removed what a killed git had left");
            }
            Ok(Err(error)) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", error, "cannot remove what a killed git left");
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", error, "cannot remove what a killed git left");
            }
        }
    }

    /// Runs a command that changes nothing elsewhere; what it answers.
    pub async fn run(&self, what: &'static str, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        run(command(&self.0).arg(what).args(arguments), what, &[], LOCAL).await
    }

    /// Takes a stream of commits: all of it, or nothing.
    pub async fn import(&self, stream: &[u8]) -> Result<(), GitError> {
        let what = "fast-import";
        let command = &mut command(&self.0);
        run(command.args([what, "--quiet", "--done"]), what, stream, LOCAL).await.map(drop)
    }

    /// Packs what is loose, and where there are many packs, makes them one. Nobody else may write
    /// meanwhile.
    pub async fn pack(&self) -> Result<(), GitError> {
        self.repack(&["-d", "-l", "-q"]).await?;
        if self.packs() > PACKS_MAX {
            self.repack(&["-a", "-d", "-l", "-q"]).await?;
        }
        Ok(())
    }

    async fn repack(&self, arguments: &[&str]) -> Result<(), GitError> {
        let command = &mut command(&self.0);
        command.args(["-c", "pack.threads=1", "-c", "pack.windowMemory=64m", "repack"]);
        run(command.args(arguments), "repack", &[], PACKING).await.map(drop)
    }

    fn packs(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(self.0.join("objects/pack")) else { return 0 };
        let is_pack = |name: OsString| name.to_string_lossy().ends_with(".pack");
        entries.flatten().filter(|entry| is_pack(entry.file_name())).count()
    }

    /// Sends the branch to a remote.
    pub async fn push(&self, remote: &str, branch: &str) -> Result<(), GitError> {
        let refspec = format!("{branch}:{branch}");
        let mut command = command(&self.0);
        let is_set = |name| std::env::var_os(name).is_some();
        let says = self.run("config", &["--get", "core.sshCommand"]).await;
        if !is_set("GIT_SSH_COMMAND") && !is_set("GIT_SSH") && says.is_err() {
            command.env("GIT_SSH_COMMAND", SSH);
        }
        let command = command.args(["push", "--quiet", "--no-verify", "--", remote, &refspec]);
        run(command, "push", &[], REMOTE).await.map(drop)
    }
}

/// What was not there is gone, too.
fn removed(result: io::Result<()>) -> Result<(), GitError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(GitError::Run(error)),
        _ => Ok(()),
    }
}

fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().current_dir(repository);
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.env("GIT_DIR", repository).args(["-c", "core.fsync=all", "-c", "gc.auto=0"]);
    // Nor those of the user's configuration.
    command.args(["-c", "core.hooksPath=/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

async fn run(
    command: &mut Command,
    what: &'static str,
    input: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, GitError> {
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::Missing,
        _ => GitError::Run(error),
    })?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(GitError::Run(io::ErrorKind::BrokenPipe.into()));
    };
    let talk = async {
        let give = async {
            // Who ends early says why by its status.
            let _ = stdin.write_all(input).await;
            drop(stdin);
        };
        let (mut answer, mut told) = (Vec::new(), Vec::new());
        let mut stdout = stdout.take(ANSWER_BYTES_MAX);
        let mut stderr = stderr.take(ANSWER_BYTES_MAX);
        let ((), read, heard) =
            tokio::join!(give, stdout.read_to_end(&mut answer), stderr.read_to_end(&mut told));
        read.map_err(GitError::Run)?;
        heard.map_err(GitError::Run)?;
        let status = child.wait().await.map_err(GitError::Run)?;
        if status.success() {
            return Ok(answer);
        }
        let told = String::from_utf8_lossy(&told);
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let told = told.trim().chars().take(TOLD_CHARS_MAX).map(shown).collect();
        Err(GitError::Failed { what, told })
    };
    match tokio::time::timeout(limit, talk).await {
        Ok(result) => result,
        Err(_) => Err(GitError::Late { what, limit }),
    }
}
