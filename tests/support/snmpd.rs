//! Debian's snmpd as a child process, with a private configuration, on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
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
    /// The program, behind the words of a namespace if it runs in one.
    program: Vec<String>,
    child: Child,
    home: TempDir,
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
        Self::start_with(program, "").await
    }

    /// The same with more lines of configuration, for example `createUser`.
    pub async fn start_with(program: &str, lines: &str) -> anyhow::Result<Self> {
        Self::start_inside(Vec::new(), program, Ipv4Addr::LOCALHOST, lines).await
    }

    /// The same, with these words before the program: those of a namespace; at this address.
    pub async fn start_inside(
        inside: Vec<String>,
        program: &str,
        at: Ipv4Addr,
        lines: &str,
    ) -> anyhow::Result<Self> {
        let program: Vec<String> = inside.into_iter().chain([program.to_owned()]).collect();
        let mut last = anyhow::anyhow!("not tried");
        for _ in 0..STARTS_MAX {
            // snmpd cannot be handed a socket: between finding a free port and its own bind
            // another process may take it. Then the next port is tried.
            let address = UdpSocket::bind((at, 0))?.local_addr()?;
            let home = tempfile::tempdir()?;
            for dir in ["etc", "var"] {
                std::fs::create_dir(home.path().join(dir))?;
            }
            let text = format!(
                "rocommunity {COMMUNITY} 127.0.0.1\n\
                 sysName edge-under-test\nsysLocation Rack 7\nsysContact noc@example.net\n{lines}"
            );
            std::fs::write(home.path().join("etc/snmpd.conf"), text)?;
            match launch(&program, address, &home).await {
                Ok(child) => return Ok(Self { address, program, child, home }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Ends it at once and starts it again where it was: the same engine, booted once more.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.child = launch(&self.program, self.address, &self.home).await?;
        Ok(())
    }
}

async fn launch(program: &[String], address: SocketAddr, home: &TempDir) -> anyhow::Result<Child> {
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .args(["-f", "-Le", "-r", "-I-smux"])
        .arg(format!("udp:{address}"))
        .env("SNMPCONFPATH", home.path().join("etc"))
        .env("SNMP_PERSISTENT_DIR", home.path().join("var"))
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
    Ok(child)
}
