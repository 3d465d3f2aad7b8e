//! The folder of a stack: the collector that lives in it, and what is made in it once.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::{EMAIL, Settings, until};
use crate::json::Json;
use crate::services::Services;
use crate::{Result, build, cmd::Cmd, cmd::note, http::Client};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Making keys and a database takes a second or two; a busy machine takes longer.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(60);

/// See the head of this file.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    binaries: PathBuf,
    pub(crate) http: SocketAddr,
    /// UDP and TCP: where agents connect. Kept, because the enrolled agents know it.
    pub(crate) listen: SocketAddr,
    pub(crate) password: String,
}

impl Place {
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let folder = settings.folder.as_path();
        for part in ["collector", "logs", "made"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let password = kept(&folder.join("credentials"), || Ok(random_password()))?;
        let listen = kept(&folder.join("listen"), || Ok(free_port()?.to_string()))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            binaries: settings.binaries.clone(),
            http: settings.http,
            listen: listen.parse()?,
            password,
        })
    }

    /// The first user, before the collector first serves.
    pub(crate) fn make_user(&self) -> Result {
        self.once("user", || {
            let user = self.collector(&["user", "create", "--email", EMAIL]);
            user.arg("--password-file")
                .arg(self.folder.join("credentials"))
                .args(["--role", "super_admin"])
                .run()
        })
    }

    /// Serves, and returns a client that is signed in, once it is ready.
    pub(crate) fn start_collector(&self, services: &mut Services) -> Result<Client> {
        wait_until_free(self.listen)?;
        let mut command = self.service("farwatch-collector");
        command.args(["serve", "--data-dir"]).arg(self.folder.join("collector"));
        command.args(["--http", &self.http.to_string(), "--listen", &self.listen.to_string()]);
        services.start("the collector", self.log("collector"), command)?;
        let mut client = Client::new(self.http);
        until("the collector to be ready", READY_WITHIN, services, || Ok(client.is_ready()))?;
        client.login(EMAIL, &self.password)?;
        Ok(client)
    }

    /// Enrols an agent whose state is in `state`, with a token of the site.
    pub(crate) fn enrol(&self, tenant: &str, site: &str, state: &Path) -> Result {
        let made =
            self.collector(&["token", "create", "--tenant", tenant, "--site", site, "--json"]);
        let made = Json::parse(&made.stdout()?)?;
        let token = made.text("token").ok_or("token create: the answer has no token")?;
        fs::create_dir_all(state)?;
        Cmd::new(self.binary("farwatch-agent"))
            .args(["enroll", "--token-file", "-", "--collector", &self.listen.to_string()])
            .arg("--state-dir")
            .arg(state)
            .input(token)
            .run()
    }

    /// Runs `make` unless an earlier run of the same folder did.
    pub(crate) fn once(&self, what: &str, make: impl FnOnce() -> Result) -> Result {
        if self.has(what) {
            return Ok(());
        }
        make()?;
        Ok(fs::write(self.marker(what), "")?)
    }

    /// Whether it was made by [`Self::once`].
    pub(crate) fn has(&self, what: &str) -> bool {
        self.marker(what).exists()
    }

    fn marker(&self, what: &str) -> PathBuf {
        self.folder.join("made").join(what)
    }

    /// A command of the collector on this folder's data.
    pub(crate) fn collector(&self, args: &[&str]) -> Cmd {
        Cmd::new(self.binary("farwatch-collector"))
            .args(args)
            .arg("--data-dir")
            .arg(self.folder.join("collector"))
    }

    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        build::binary(&self.binaries, name)
    }

    pub(crate) fn service(&self, name: &str) -> Command {
        note(&format!("starting {name}"));
        Command::new(self.binary(name))
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}

/// The text of a private file, which is made when it is not there.
pub(crate) fn kept(file: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Ok(text) = fs::read_to_string(file) {
        return Ok(text.trim().to_owned());
    }
    let text = make()?;
    private().create_new(true).open(file)?.write_all(text.as_bytes())?;
    Ok(text)
}

/// Opens files that nobody but this user reads.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The only randomness of the standard library is the key that the system gives its hash maps; what
/// that key hashes to cannot be guessed either. Enough for a demo that listens on loopback.
pub(crate) fn random_password() -> String {
    let state = RandomState::new();
    (0..2_u8).map(|n| format!("{:016x}", state.hash_one(n))).collect()
}

/// A port that is free for TCP and UDP.
pub(crate) fn free_port() -> Result<SocketAddr> {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = tcp.local_addr()?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

/// An earlier run may still be stopping: its agent drains before the collector goes.
fn wait_until_free(address: SocketAddr) -> Result {
    let start = Instant::now();
    while TcpListener::bind(address).is_err() || UdpSocket::bind(address).is_err() {
        if start.elapsed() > READY_WITHIN {
            let port = address.port();
            return Err(format!(
                "port {port}, which this data's agent is enrolled with, is taken: end what uses it, \
                 or start anew in another folder by --data-dir"
            )
            .into());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (random_password(), random_password());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
