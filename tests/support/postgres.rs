//! A PostgreSQL cluster of its own: made, killed, restarted and removed by whoever holds it.
//!
//! It listens on a socket in its folder and on no port, unless [`Postgres::listen`] says so, so that
//! nothing collides and only this machine reaches it. PostgreSQL refuses to run as root: started by root, it runs as the user
//! `postgres` of Debian's package.

use std::fs::{File, Permissions};
use std::io::{PipeReader, Read as _, Write as _, pipe};
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::process::{binary, own_address, run};

/// May do everything; makes the roles and databases of a test.
pub const SUPERUSER: &str = "postgres";
/// The database that [`Postgres::installed`] makes.
pub const INSTALLED: &str = "farwatch";
const START_LIMIT: Duration = Duration::from_secs(60);
/// A folder that lacks one of these is of a client alone.
const BINARIES: [&str; 2] = ["initdb", "postgres"];

/// Whether a commit is on disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production: for tests that kill it.
    Kept,
    /// Much faster; a crash of the machine would cost the data.
    Lost,
}

/// A cluster. Dropping it ends the server and removes the folder.
#[derive(Debug)]
pub struct Postgres {
    server: Option<Server>,
    home: TempDir,
    binaries: PathBuf,
    user: Option<User>,
    durability: Durability,
    takes_tcp: bool,
}

#[derive(Debug)]
struct Server {
    first: Child,
    /// Every process of the server holds the other end: at the end of it, the last one is gone.
    all: PipeReader,
}

/// Whom the server runs as, where that is not whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct User {
    uid: u32,
    gid: u32,
}

/// The folder with PostgreSQL's programs: `FARWATCH_PG_BIN`, else Debian's newest, else a folder
/// of PATH.
#[must_use]
pub fn binaries() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("FARWATCH_PG_BIN") {
        return Some(PathBuf::from(chosen)).filter(|folder| is_complete(folder));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, folder)| is_complete(folder))
        .max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .map(|(_, folder)| folder)
        .or_else(|| std::env::split_paths(&path).find(|folder| is_complete(folder)))
}

fn is_complete(folder: &Path) -> bool {
    BINARIES.iter().all(|name| folder.join(name).is_file())
}

impl Postgres {
    /// Makes a cluster and waits until it takes connections.
    pub async fn start(durability: Durability) -> anyhow::Result<Self> {
        let binaries = binaries().context(
            "no PostgreSQL here: install Debian's postgresql, or name the folder of initdb and \
             postgres in FARWATCH_PG_BIN",
        )?;
        // Root's processes run as somebody else: that one must reach the folder, so it lies directly
        // below the temporary folder and belongs to them. Whoever reaches the socket is let in.
        let private = Permissions::from_mode(0o700);
        let home =
            tempfile::Builder::new().prefix("farwatch-pg-").permissions(private).tempdir()?;
        let user = if is_root()? { Some(unprivileged()?) } else { None };
        if let Some(User { uid, gid }) = user {
            chown(home.path(), Some(uid), Some(gid))?;
        }
        let mut cluster = Self { server: None, home, binaries, user, durability, takes_tcp: false };
        cluster.make()?;
        cluster.restart().await?;
        Ok(cluster)
    }

    /// For `sqlx` and for `--database-url`.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres:///{database}?host={}&user={user}", self.home.path().display())
    }

    /// Of [`Self::listen`].
    #[must_use]
    pub fn address() -> Ipv4Addr {
        own_address()
    }

    /// Takes TCP too from now on, on port 5432 of [`Self::address`], and encrypted where the client
    /// asks for it, with this certificate and its key (PEM).
    pub async fn listen(&mut self, certificate: &str, key: &str) -> anyhow::Result<()> {
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.data().join(name);
            std::fs::write(&path, pem)?;
            std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            if let Some(User { uid, gid }) = self.user {
                chown(&path, Some(uid), Some(gid))?;
            }
        }
        let rules = self.data().join("pg_hba.conf");
        let mut rules = File::options().append(true).open(rules)?;
        writeln!(rules, "host all all {}/32 scram-sha-256", Self::address())?;
        self.takes_tcp = true;
        self.restart().await
    }

    /// Makes the database `farwatch` as an operator would; what a collector serves from.
    pub async fn installed(&self) -> anyhow::Result<String> {
        let mut superuser = PgConnection::connect(&self.url(SUPERUSER, "postgres")).await?;
        sqlx::raw_sql("CREATE DATABASE farwatch").execute(&mut superuser).await?;
        superuser.close().await?;
        let url = self.url(SUPERUSER, INSTALLED);
        let made = run(&binary("farwatch-collector"), &["migrate", "--database-url", &url], "");
        let told = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "migrate ended with {}: {told}", made.status);
        Ok(self.url("farwatch", INSTALLED))
    }

    /// The folder of the socket, the data and the log.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Of the server's first process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(|server| server.first.id())
    }

    /// kill -9 of the first process; returns when the others have seen it and ended too.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // An error means that it is gone already.
            let _ = server.first.kill();
            server.wait();
        }
    }

    /// Ends every connection at once and keeps nothing that was not committed. The next start
    /// recovers, as after a crash.
    pub fn stop_immediately(&mut self) -> anyhow::Result<()> {
        self.stop_by("QUIT")
    }

    /// Ends as for maintenance: open transactions are rolled back, all is written.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.stop_by("INT")
    }

    /// Stops the clock of every process: connections stay open and nothing is answered.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.processes()?.into_iter().try_for_each(|pid| send("STOP", pid))
    }

    /// Undoes [`Self::freeze`].
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.processes()?.into_iter().try_for_each(|pid| send("CONT", pid))
    }

    /// The server's first process, and those it has started.
    pub fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let Some(first) = self.pid() else { return Ok(Vec::new()) };
        let mut all = vec![first];
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // PID (NAME) STATE PARENT ...
            let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
            if parent.and_then(|parent| parent.parse().ok()) == Some(first) {
                all.push(pid);
            }
        }
        Ok(all)
    }

    /// Runs the server (again) on the data that is there.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.server = Some(self.spawn()?);
        let ready = tokio::time::timeout(START_LIMIT, async {
            let mut pause = tokio::time::interval(Duration::from_millis(50));
            while !self.is_ready()? {
                pause.tick().await;
            }
            anyhow::Ok(())
        })
        .await;
        match ready {
            Ok(outcome) => outcome,
            Err(_) => bail!("PostgreSQL is not ready after {START_LIMIT:?}:\n{}", self.log()),
        }
    }

    /// The id of the shared memory that a killed server leaves until the next one starts.
    #[must_use]
    pub fn segment(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        text.lines().nth(6)?.split_whitespace().nth(1).map(str::to_owned)
    }

    /// Everything the server wrote.
    #[must_use]
    pub fn log(&self) -> String {
        let text = std::fs::read(self.home.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn make(&self) -> anyhow::Result<()> {
        let mut initdb = self.command("initdb")?;
        initdb.arg("-D").arg(self.data()).args(["-U", SUPERUSER, "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256"]);
        let status = initdb.arg("--no-sync").status().context("cannot start initdb")?;
        ensure!(status.success(), "initdb ended with {status}:\n{}", self.log());
        Ok(())
    }

    fn spawn(&self) -> anyhow::Result<Server> {
        let mut server = self.command("postgres")?;
        server.arg("-D").arg(self.data());
        let socket = format!("unix_socket_directories={}", self.home.path().display());
        let fsync = match self.durability {
            Durability::Kept => "fsync=on",
            Durability::Lost => "fsync=off",
        };
        let (addresses, tls) = match self.takes_tcp {
            true => (format!("listen_addresses={}", Self::address()), "ssl=on"),
            false => ("listen_addresses=".to_owned(), "ssl=off"),
        };
        let settings = [
            &addresses,
            tls,
            &socket,
            "port=5432",
            "dynamic_shared_memory_type=mmap",
            "max_connections=100",
            "shared_buffers=32MB",
            "log_destination=stderr",
            fsync,
        ];
        server.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let (all, held) = pipe()?;
        // It writes to stderr only.
        server.stdout(held);
        let first = server.spawn().context("cannot start postgres")?;
        Ok(Server { first, all })
    }

    /// A program of the cluster's user, in its folder, that writes to its log.
    fn command(&self, name: &str) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(self.home.path().join("log"))?;
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(self.home.path()).env("LC_ALL", "C").stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        Ok(command)
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What the server itself says, in the file that `pg_ctl` reads: process id first, state eighth.
    fn is_ready(&mut self) -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let server = self.server.as_mut().context("PostgreSQL was not started")?;
        if let Some(status) = server.first.try_wait()? {
            bail!("PostgreSQL ended with {status}:\n{}", self.log());
        }
        let mut lines = text.lines();
        let is_its_own = lines.next() == Some(&server.first.id().to_string());
        Ok(is_its_own && lines.nth(6).map(str::trim) == Some("ready"))
    }

    fn stop_by(&mut self, signal: &str) -> anyhow::Result<()> {
        let Some(server) = &mut self.server else { return Ok(()) };
        send(signal, server.first.id())?;
        server.wait();
        self.server = None;
        Ok(())
    }
}

impl Server {
    /// Returns when the last process is gone. PostgreSQL sees to it that this takes seconds at most.
    fn wait(&mut self) {
        let _ = self.first.wait();
        let _ = self.all.read(&mut [0]);
    }
}

impl Drop for Postgres {
    /// At once, but orderly: a killed server does not give back what outlives processes.
    fn drop(&mut self) {
        // A test that failed may have left it frozen.
        let _ = self.thaw();
        if self.stop_immediately().is_err() {
            self.kill();
        }
        if let Some(segment) = self.segment() {
            let _ = Command::new("ipcrm").args(["-m", &segment]).status();
        }
    }
}

fn send(signal: &str, pid: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-s", signal, &pid.to_string()]).status()?;
    ensure!(status.success(), "kill ended with {status}");
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

fn unprivileged() -> anyhow::Result<User> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let found = [SUPERUSER, "nobody"].into_iter().find_map(|name| user_of(&users, name));
    found.context("no user postgres and no user nobody in /etc/passwd")
}

/// `name:password:uid:gid:…`
fn user_of(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some(User { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:9:9::/:\npostgres:x:101:104:,,,:/v:/b\n";
        assert_eq!(user_of(users, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!(user_of(users, "nobody"), None);
    }
}
