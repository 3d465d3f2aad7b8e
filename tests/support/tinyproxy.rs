//! A real HTTP proxy, Debian's tinyproxy, for the way out of a site.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::{eventually, own_address};

const PROGRAMS: [&str; 2] = ["/usr/bin/tinyproxy", "/usr/sbin/tinyproxy"];
const PORT: u16 = 8888;
const START_LIMIT: Duration = Duration::from_secs(20);

/// Runs until dropped; asks for a user and a password.
#[derive(Debug)]
pub struct Tinyproxy {
    pub address: SocketAddr,
    log: PathBuf,
    child: Child,
}

/// The program, where it is installed.
#[must_use]
pub fn program() -> Option<PathBuf> {
    PROGRAMS.iter().map(PathBuf::from).find(|path| path.is_file())
}

impl Tinyproxy {
    /// With its files in `dir`.
    pub async fn start(program: &Path, dir: &Path, user: &str, password: &str) -> Self {
        let (log, config) = (dir.join("proxy.log"), dir.join("proxy.conf"));
        let address = SocketAddr::from((own_address(), PORT));
        let text = format!(
            "Listen {}\nPort {PORT}\nTimeout 600\nLogFile \"{}\"\nLogLevel Connect\nMaxClients 64\n\
             BasicAuth {user} {password}\n",
            address.ip(),
            log.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(program);
        child.arg("-d").arg("-c").arg(&config).stdin(Stdio::null());
        let child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let proxy = Self { address, log, child };
        eventually(START_LIMIT, "the proxy listens", async || {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        proxy
    }

    /// How often it was asked for a tunnel to `to`.
    #[must_use]
    pub fn tunnels(&self, to: &str) -> usize {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let wanted = format!("CONNECT {to} ");
        text.lines().filter(|line| line.contains(&wanted)).count()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
