//! The program `git`, run on one bare repository: no shell, no secret among its arguments, nothing
//! of the environment but what it needs to reach a remote as its administrator set that up.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// What is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What is told of an error.
const TOLD_CHARS_MAX: usize = 300;
/// For what happens on this machine.
const LOCAL: Duration = Duration::from_secs(300);
/// For what goes to a remote.
const REMOTE: Duration = Duration::from_secs(600);
/// How the program is found, and how the administrator's keys and agents are.
const KEPT: [&str; 8] = [
    "PATH",
    "HOME",
    "USER",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "HTTPS_PROXY",
    "https_proxy",
    "XDG_CONFIG_HOME",
];

/// Why the mirror cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("there is no program `git`: install it, or take history.git_mirror out")]
    Missing,
    #[error("`git` cannot be run")]
    Run(#[source] io::Error),
    #[error("`git {what}` took longer than {} s", .limit.as_secs())]
    Late { what: &'static str, limit: Duration },
    #[error("`git {what}` failed: {told}")]
    Failed { what: &'static str, told: String },
}

/// A bare repository.
#[derive(Clone, Debug)]
pub struct Repository(PathBuf);

/// Whether the program is there.
pub async fn check() -> Result<(), GitError> {
    run(command(Path::new("/")).arg("--version"), "--version", &[], LOCAL).await.map(drop)
}

impl Repository {
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.join("HEAD").is_file()
    }

    /// Makes it, without hooks.
    pub async fn init(&self) -> Result<(), GitError> {
        std::fs::create_dir_all(&self.0).map_err(GitError::Run)?;
        self.run("init", &["--quiet", "--bare", "--initial-branch=main", "--template="]).await?;
        Ok(())
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

    /// Sends the branch to a remote.
    pub async fn push(&self, remote: &str, branch: &str) -> Result<(), GitError> {
        let refspec = format!("{branch}:{branch}");
        let command = &mut command(&self.0);
        let command = command.args(["push", "--quiet", "--no-verify", "--", remote, &refspec]);
        run(command, "push", &[], REMOTE).await.map(drop)
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
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.env("GIT_DIR", repository).args(["-c", "core.fsync=all", "-c", "gc.auto=0"]);
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
        (read.map_err(GitError::Run)?, heard.map_err(GitError::Run)?);
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
