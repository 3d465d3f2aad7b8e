//! Debian's snmpd as a child process, with a private configuration, on loopback.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub const COMMUNITY: &str = "tests-only";
const START_TIMEOUT: Duration = Duration::from_secs(20);
const STARTS_MAX: usize = 5;

/// A running snmpd; dropping it ends it.
#[derive(Debug)]
pub struct Snmpd {
    pub address: SocketAddr,
    _child: Child,
    _home: TempDir,
}

/// Where Debian has it, or `None` if it is not installed.
#[must_use]
pub fn program() -> Option<&'static str> {
    ["/usr/sbin/snmpd", "/usr/local/sbin/snmpd"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
}

impl Snmpd {
    /// Starts snmpd and waits until it says that it is up.
    pub async fn start(program: &str) -> anyhow::Result<Self> {
        let mut last = anyhow::anyhow!("not tried");
        for _ in 0..STARTS_MAX {
            // snmpd cannot be handed a socket: between finding a free port and its own bind
            // another process may take it. Then the next port is tried.
            let address = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
            match Self::start_at(program, address).await {
                Ok(running) => return Ok(running),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn start_at(program: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let config = home.path().join("snmpd.conf");
        let text = format!(
            "rocommunity {COMMUNITY} 127.0.0.1\n\
             sysName edge-under-test\nsysLocation Rack 7\nsysContact noc@example.net\n"
        );
        std::fs::write(&config, text)?;
        let mut child = Command::new(program)
            .args(["-f", "-Le", "-r", "-C", "-c"])
            .arg(&config)
            .arg("-I-smux")
            .arg(format!("udp:{address}"))
            .env("SNMP_PERSISTENT_DIR", home.path())
            .env("MIBS", "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        let up = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("NET-SNMP version") {
                    return Ok(true);
                }
                said.push_str(&line);
                said.push('\n');
            }
            io::Result::Ok(false)
        };
        match tokio::time::timeout(START_TIMEOUT, up).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => anyhow::bail!("snmpd ended: {said}"),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => anyhow::bail!("snmpd did not come up within {START_TIMEOUT:?}: {said}"),
        }
        // Read on, so that snmpd never blocks on a full pipe.
        let drain = async move { while let Ok(Some(_)) = lines.next_line().await {} };
        farwatch_common::task::spawn_child(&tokio_util::sync::CancellationToken::new(), drain);
        Ok(Self { address, _child: child, _home: home })
    }
}
