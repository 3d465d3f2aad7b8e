//! A real mail server, aiosmtpd, that takes mail of one user and shows it.

use std::process::{Command as Plain, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::authority::Certified;

const SERVER: &str = include_str!("mail.py");
/// Debian's, which has Debian's aiosmtpd.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];
const LIMIT: Duration = Duration::from_secs(30);

/// How TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Starttls,
    FromTheStart,
}

/// Runs until dropped.
#[derive(Debug)]
pub struct MailServer {
    pub port: u16,
    said: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

/// A Python that has aiosmtpd, where one is installed.
#[must_use]
pub fn python() -> Option<&'static str> {
    let has = |python: &&str| {
        let mut asked = Plain::new(python);
        asked.args(["-c", "import aiosmtpd"]).stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    PYTHONS.into_iter().find(has)
}

impl MailServer {
    pub async fn start(
        python: &str,
        tls: Tls,
        certified: &Certified,
        (user, password): (&str, &str),
    ) -> Self {
        let mut child = Command::new(python)
            .args(["-c", SERVER, if tls == Tls::Starttls { "starttls" } else { "tls" }])
            .args([&certified.certificate, &certified.key])
            .env("MAIL_USER", user)
            .env("MAIL_PASSWORD", password)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { port: 0, said, _child: child };
        let port = server.next().await["port"].as_u64().unwrap();
        server.port = u16::try_from(port).unwrap();
        server
    }

    /// What it says next: a mail that it took, with who sent it to whom.
    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.said.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no mail within {LIMIT:?}"));
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }
}
