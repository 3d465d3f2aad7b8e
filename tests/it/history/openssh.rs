//! Debian's OpenSSH server with a scripted command line behind it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use farwatch_agent::history::{FetchError, Target, fetch};
use farwatch_common::secret::Secret;

use super::{LIMIT, STARTS_MAX, free_port, site_key, target};

const SSHD: &str = "/usr/sbin/sshd";

/// The server; killed when dropped.
struct Server {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
    fingerprint: String,
}

impl Server {
    /// `None`, printed, where it is not installed; in CI it has to be there.
    fn start() -> Option<Self> {
        if !Path::new(SSHD).exists() {
            assert!(std::env::var_os("CI").is_none(), "sshd is not installed");
            println!("skipped: sshd is not installed");
            return None;
        }
        // It refuses to run without; Debian's service makes it at each start.
        drop(std::fs::create_dir_all("/run/sshd"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        for name in ["host", "user"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f"], &path.join(name));
        }
        std::fs::copy(path.join("user.pub"), path.join("authorized")).unwrap();
        std::fs::write(path.join("device.sh"), include_str!("device.sh")).unwrap();
        let printed = keygen(&["-l", "-f"], &path.join("host.pub"));
        let fingerprint = printed.split(' ').nth(1).unwrap().to_owned();
        for _ in 0..STARTS_MAX {
            let port = free_port();
            std::fs::write(path.join("config"), config(path, port)).unwrap();
            let mut child = Command::new(SSHD)
                .args(["-D", "-e", "-f"])
                .arg(path.join("config"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
            let up = said.any(|line| line.is_ok_and(|line| line.contains("Server listening")));
            if up {
                // Whoever does not read on stops it once the pipe is full.
                std::thread::spawn(move || said.for_each(drop));
                return Some(Self { child, port, dir, fingerprint });
            }
            drop(child.kill());
            drop(child.wait());
        }
        panic!("sshd does not start");
    }

    fn target(&self) -> Target {
        let user = Command::new("id").arg("-un").output().unwrap();
        let mut target = target(self.port, String::from_utf8(user.stdout).unwrap().trim());
        let key = std::fs::read(self.dir.path().join("user")).unwrap();
        target.login.key = Some(Secret::new(key));
        target.login.enable = Some(Secret::from("enable-canary"));
        target
    }

    fn sessions(&self) -> usize {
        let text = std::fs::read_to_string(self.dir.path().join("sessions"));
        text.unwrap_or_default().lines().count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn keygen(args: &[&str], file: &Path) -> String {
    let output = Command::new("ssh-keygen").args(args).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn config(path: &Path, port: u16) -> String {
    let path = path.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {path}/host\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nAuthorizedKeysFile {path}/authorized\n\
         PasswordAuthentication no\nPrintMotd no\nPrintLastLog no\n\
         ForceCommand /bin/sh {path}/device.sh {path}\n"
    )
}

#[tokio::test]
async fn a_configuration_is_the_same_each_time() {
    let Some(server) = Server::start() else { return };
    let mut target = server.target();
    target.known_host = Some(server.fingerprint.clone());
    let mut texts = Vec::new();
    for _ in 0..2 {
        let fetched = tokio::time::timeout(LIMIT, fetch(&target, &site_key())).await.unwrap();
        let snapshot = fetched.unwrap();
        assert_eq!(snapshot.platform, "ios");
        assert_eq!(snapshot.fingerprint, server.fingerprint);
        assert_eq!(snapshot.facts, ["Cisco IOS Software, Test Software, Version 15.2"]);
        let raw = String::from_utf8(snapshot.raw.expose().to_vec()).unwrap();
        assert!(raw.contains("$1$canary") && raw.contains("community canary"), "{raw}");
        texts.push(snapshot.normalised);
    }
    assert_eq!(texts[0], texts[1]);
    let mut expected = vec![
        "! Cisco IOS Software, Test Software, Version 15.2".to_owned(),
        "!".to_owned(),
        "!".to_owned(),
        "hostname sw1".to_owned(),
    ];
    let lines: Vec<&str> = texts[0].lines().collect();
    assert_eq!(lines[..4], expected[..], "{}", texts[0]);
    expected = (0..40)
        .map(|i| format!("ip route 198.51.100.{i} 255.255.255.255 192.0.2.254"))
        .chain(["end".to_owned()])
        .collect();
    assert_eq!(lines[lines.len() - 41..], expected[..], "pages leave nothing");
    assert!(!texts[0].contains("canary") && texts[0].contains("«secret:"), "{}", texts[0]);
    assert!(!texts[0].contains("More") && !texts[0].contains('\u{1b}'), "{}", texts[0]);
}

#[tokio::test]
async fn another_host_key_is_told_nothing() {
    let Some(server) = Server::start() else { return };
    let mut target = server.target();
    target.known_host = Some(server.fingerprint.replace("SHA256:", "SHA256:x"));
    let error = fetch(&target, &site_key()).await.unwrap_err();
    let FetchError::HostKey { shown } = &error else { panic!("{error}") };
    assert_eq!(*shown, server.fingerprint);
    assert_eq!(server.sessions(), 0, "nobody logged in");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let Some(server) = Server::start() else { return };
    let mut target = server.target();
    target.login.enable = Some(Secret::from("wrong"));
    let error = fetch(&target, &site_key()).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused), "{error}");
    target.login.key = None;
    target.login.password = Some(Secret::from("canary"));
    let error = fetch(&target, &site_key()).await.unwrap_err();
    assert!(matches!(error, FetchError::Login), "{error}");
    assert!(!format!("{error:?}").contains("canary"));
    target.port = free_port();
    let error = fetch(&target, &site_key()).await.unwrap_err();
    assert!(matches!(error, FetchError::PortClosed), "{error}");
    target.platform = Some("none".to_owned());
    let error = fetch(&target, &site_key()).await.unwrap_err();
    assert!(matches!(error, FetchError::NoPlatform(_)), "{error}");
}
