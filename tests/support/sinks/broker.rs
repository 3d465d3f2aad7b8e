//! A real broker of MQTT, Debian's mosquitto, and its own client as the subscriber.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::authority::Certified;
use crate::process::{eventually, own_address, run};

const PROGRAMS: [&str; 2] = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"];
const TOOLS: [&str; 2] = ["/usr/bin/mosquitto_passwd", "/usr/bin/mosquitto_sub"];
const START_LIMIT: Duration = Duration::from_secs(20);
/// For what is published to arrive.
const WAIT_S: &str = "20";

/// Runs until dropped; each listener wants the user and the password.
#[derive(Debug)]
pub struct Broker {
    pub ip: Ipv4Addr,
    user: String,
    password: String,
    child: Child,
}

/// The program, where it and its tools are installed.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let has_tools = TOOLS.iter().all(|tool| Path::new(tool).is_file());
    PROGRAMS.iter().map(PathBuf::from).find(|path| has_tools && path.is_file())
}

/// A port of the broker; without a certificate it is without TLS.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'a> {
    pub port: u16,
    pub certified: Option<&'a Certified>,
}

impl Broker {
    /// With its files in `dir`, at [`own_address`].
    pub async fn start(
        program: &Path,
        dir: &Path,
        (user, password): (&str, &str),
        listeners: &[Listener<'_>],
    ) -> Self {
        let ip = own_address();
        let (passwords, config) = (dir.join("broker.passwords"), dir.join("broker.conf"));
        let made = run(
            Path::new(TOOLS[0]),
            &["-b", "-c", passwords.to_str().unwrap(), user, password],
            "",
        );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // As root it would become a user who may not read what is in `dir`.
        let mut text = format!(
            "user root\nallow_anonymous false\npassword_file {}\nlog_dest none\n",
            passwords.display()
        );
        for listener in listeners {
            text += &format!("listener {} {ip}\n", listener.port);
            if let Some(Certified { certificate, key }) = listener.certified {
                let (certificate, key) = (certificate.display(), key.display());
                text += &format!("certfile {certificate}\nkeyfile {key}\n");
            }
        }
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(program);
        child.arg("-c").arg(&config).stdin(Stdio::null());
        let child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let broker = Self { ip, user: user.to_owned(), password: password.to_owned(), child };
        for listener in listeners {
            let address = SocketAddr::from((ip, listener.port));
            eventually(START_LIMIT, "the broker listens", async || {
                tokio::net::TcpStream::connect(address).await.is_ok()
            })
            .await;
        }
        broker
    }

    /// Keeps what is published to `topic` from now on, for [`Self::kept`].
    pub fn keep(&self, port: u16, authority: &Path, topic: &str) {
        let kept = self.subscribe(port, authority, topic, &["-E"]);
        assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    }

    /// The first that was kept: its topic, its quality of service, and what it says.
    #[must_use]
    pub fn kept(&self, port: u16, authority: &Path, topic: &str) -> (String, u8, String) {
        let more = ["-C", "1", "-W", WAIT_S, "-F", "%t %q %p"];
        let output = self.subscribe(port, authority, topic, &more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8(output.stdout).unwrap();
        let mut words = line.trim_end().splitn(3, ' ');
        let mut word = || words.next().unwrap().to_owned();
        let (topic, quality) = (word(), word());
        (topic, quality.parse().unwrap(), word())
    }

    fn subscribe(&self, port: u16, authority: &Path, topic: &str, more: &[&str]) -> Output {
        let (ip, port) = (self.ip.to_string(), port.to_string());
        let words = [
            &["-h", &ip, "-p", &port, "--cafile", authority.to_str().unwrap(), "-t", topic][..],
            &["-u", &self.user, "-P", &self.password, "-i", "watcher", "-c", "-q", "1"],
            more,
        ];
        run(Path::new(TOOLS[1]), &words.concat(), "")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
