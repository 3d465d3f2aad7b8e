//! A whole Farwatch on this machine: a collector on SQLite, five simulated routers, an agent that
//! polls them over real UDP and streams over real QUIC. The demo and the e2e tests run it.
//!
//! Everything it makes is in one folder, and each thing is made once: bringing the same folder up
//! again resumes the same identity, user, devices and data.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::json::{Json, quote};
use crate::services::Services;
use crate::{Result, build, cmd::Cmd, cmd::note, http::Client};

pub(crate) const EMAIL: &str = "demo@farwatch.example";
const TENANT: &str = "Demo ISP";
const SITE: &str = "Depot";
const ROUTERS: usize = 5;
const INTERVAL_S: u32 = 10;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Making keys and a database takes a second or two; a busy machine takes longer.
const READY_WITHIN: Duration = Duration::from_secs(60);
const SAMPLES_WITHIN: Duration = Duration::from_secs(90);

pub(crate) struct Stack {
    services: Services,
    pub(crate) url: String,
    pub(crate) password: String,
}

/// Where a stack lives and what it runs.
pub(crate) struct Settings {
    pub(crate) folder: PathBuf,
    pub(crate) binaries: PathBuf,
    pub(crate) http: SocketAddr,
}

/// A simulated router, as `farwatch-sim` names it.
#[derive(Debug, PartialEq, Eq)]
struct Router {
    name: String,
    address: String,
    community: String,
}

impl Stack {
    /// Returns once every router has a sample taken by this run.
    pub(crate) fn up(settings: &Settings) -> Result<Self> {
        let site = Site::open(settings)?;
        let mut services = Services::new()?;
        site.make_collector()?;
        site.start_collector(&mut services)?;
        let mut client = Client::new(settings.http);
        until("the collector to be ready", READY_WITHIN, &mut services, || Ok(client.is_ready()))?;
        site.enrol_agent()?;
        let routers = site.start_routers(&mut services)?;
        client.login(EMAIL, &site.password)?;
        let before = last_samples(&client)?;
        site.start_agent(&mut services)?;
        let agent = first_agent(&client, &mut services)?;
        for router in routers.iter().filter(|router| !before.contains_key(&router.address)) {
            client.post("/api/v1/devices", &router.device(&agent))?;
        }
        note("waiting for a sample of every router");
        until("samples of all routers", SAMPLES_WITHIN, &mut services, || {
            let now = last_samples(&client)?;
            Ok(routers.iter().all(|router| is_newer(&before, &now, &router.address)))
        })?;
        Ok(Self { services, url: format!("http://{}/", settings.http), password: site.password })
    }

    /// An error when a process of it has ended.
    pub(crate) fn check(&mut self) -> Result {
        self.services.check()
    }
}

/// The folder of a stack.
struct Site<'a> {
    folder: &'a Path,
    binaries: &'a Path,
    http: SocketAddr,
    /// UDP and TCP: where agents connect. Kept, because the enrolled agent knows it.
    listen: SocketAddr,
    password: String,
}

impl<'a> Site<'a> {
    fn open(settings: &'a Settings) -> Result<Self> {
        let folder = settings.folder.as_path();
        for part in ["collector", "agent", "logs", "made"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let password = kept(&folder.join("credentials"), || Ok(random_password()))?;
        let listen = kept(&folder.join("listen"), || Ok(free_port()?.to_string()))?;
        Ok(Self {
            folder,
            binaries: &settings.binaries,
            http: settings.http,
            listen: listen.parse()?,
            password,
        })
    }

    /// The first user and the tenant, before the collector first serves.
    fn make_collector(&self) -> Result {
        self.once("user", || {
            let user = self.collector(&["user", "create", "--email", EMAIL]);
            user.arg("--password-file")
                .arg(self.folder.join("credentials"))
                .args(["--role", "super_admin"])
                .run()
        })?;
        self.once("tenant", || self.collector(&["tenant", "create", "--name", TENANT]).run())
    }

    fn start_collector(&self, services: &mut Services) -> Result {
        wait_until_free(self.listen)?;
        let mut command = self.service("farwatch-collector");
        command.args(["serve", "--data-dir"]).arg(self.folder.join("collector"));
        command.args(["--http", &self.http.to_string(), "--listen", &self.listen.to_string()]);
        services.start("farwatch-collector", self.log("collector"), command)
    }

    fn enrol_agent(&self) -> Result {
        self.once("agent", || {
            let made = self
                .collector(&["token", "create", "--tenant", TENANT, "--site", SITE, "--json"])
                .stdout()?;
            let made = Json::parse(&made)?;
            let token = made.text("token").ok_or("token create: the answer has no token")?;
            Cmd::new(build::binary(self.binaries, "farwatch-agent"))
                .args(["enroll", "--token-file", "-", "--collector", &self.listen.to_string()])
                .arg("--state-dir")
                .arg(self.folder.join("agent"))
                .run_with_stdin(token)
        })
    }

    fn start_agent(&self, services: &mut Services) -> Result {
        let mut command = self.service("farwatch-agent");
        command.args(["run", "--state-dir"]).arg(self.folder.join("agent"));
        services.start("farwatch-agent", self.log("agent"), command)
    }

    fn start_routers(&self, services: &mut Services) -> Result<Vec<Router>> {
        let mut command = self.service("farwatch-sim");
        command.args(["--count", &ROUTERS.to_string(), "--state-file"]);
        command.arg(self.folder.join("routers"));
        let log = self.log("routers");
        services.start("farwatch-sim", log.clone(), command)?;
        let mut routers = Vec::new();
        until("the simulated routers", READY_WITHIN, services, || {
            let text = fs::read_to_string(&log)?;
            routers = text.lines().filter_map(Router::parse).collect();
            Ok(text.lines().any(|line| line == "ready"))
        })?;
        if routers.len() != ROUTERS {
            return Err(format!("farwatch-sim named {} of {ROUTERS} routers", routers.len()).into());
        }
        Ok(routers)
    }

    /// Runs `make` unless an earlier run of the same folder did.
    fn once(&self, what: &str, make: impl FnOnce() -> Result) -> Result {
        let marker = self.folder.join("made").join(what);
        if marker.exists() {
            return Ok(());
        }
        make()?;
        Ok(fs::write(marker, "")?)
    }

    /// A command of the collector on this folder's data.
    fn collector(&self, args: &[&str]) -> Cmd {
        Cmd::new(build::binary(self.binaries, "farwatch-collector"))
            .args(args)
            .arg("--data-dir")
            .arg(self.folder.join("collector"))
    }

    fn service(&self, name: &str) -> Command {
        note(&format!("starting {name}"));
        Command::new(build::binary(self.binaries, name))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}

impl Router {
    /// `router NAME ADDR:PORT COMMUNITY`
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (Some("router"), Some(name), Some(address), Some(community), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return None;
        };
        Some(Self { name: name.into(), address: address.into(), community: community.into() })
    }

    /// The body that adds it as a device.
    fn device(&self, agent: &str) -> String {
        format!(
            "{{\"agent\":{},\"name\":{},\"address\":{},\"interval_s\":{INTERVAL_S},\
             \"snmp\":{{\"version\":\"v2c\",\"community\":{}}}}}",
            quote(agent),
            quote(&self.name),
            quote(&self.address),
            quote(&self.community),
        )
    }
}

/// Device address to the time of its last sample, `None` where there is none yet.
type LastSamples = BTreeMap<String, Option<String>>;

fn last_samples(client: &Client) -> Result<LastSamples> {
    let answer = client.get("/api/v1/devices?limit=1000")?;
    let devices = answer.get("data").map(Json::items).unwrap_or_default();
    let entry = |device: &Json| {
        let at = device.text("last_sample_at").map(str::to_owned);
        Some((device.text("address")?.to_owned(), at))
    };
    Ok(devices.iter().filter_map(entry).collect())
}

/// Whether the device has a sample that it did not have before.
fn is_newer(before: &LastSamples, now: &LastSamples, address: &str) -> bool {
    let last = |samples: &LastSamples| samples.get(address).cloned().flatten();
    last(now).is_some() && last(now) != last(before)
}

fn first_agent(client: &Client, services: &mut Services) -> Result<String> {
    let mut id = None;
    until("the agent to be known", READY_WITHIN, services, || {
        let answer = client.get("/api/v1/agents")?;
        let agents = answer.get("data").map(Json::items).unwrap_or_default();
        id = agents.first().and_then(|agent| agent.text("id")).map(str::to_owned);
        Ok(id.is_some())
    })?;
    id.ok_or_else(|| "the collector knows no agent".into())
}

/// Asks `is_so` again and again; ends early when a service died.
pub(crate) fn until(
    what: &str,
    limit: Duration,
    services: &mut Services,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result {
    let start = Instant::now();
    while !is_so()? {
        services.check()?;
        if start.elapsed() > limit {
            return Err(format!("waited {} s for {what}; see the logs", limit.as_secs()).into());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The text of a private file, which is made when it is not there.
fn kept(file: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Ok(text) = fs::read_to_string(file) {
        return Ok(text.trim().to_owned());
    }
    let text = make()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())?;
    Ok(text)
}

/// The only randomness of the standard library is the key that the system gives its hash maps; what
/// that key hashes to cannot be guessed either. Enough for a demo that listens on loopback.
fn random_password() -> String {
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
    fn reads_the_lines_of_the_simulator() {
        let router = Router::parse("router gw-1 127.0.0.1:16101 public").unwrap();
        assert_eq!(router.address, "127.0.0.1:16101");
        assert_eq!(Router::parse("ready"), None);
        assert_eq!(Router::parse("router gw-1 127.0.0.1:16101"), None);
        assert!(Json::parse(&router.device("agt_1")).unwrap().get("snmp").is_some());
    }

    #[test]
    fn only_a_sample_of_this_run_counts() {
        let samples = |at: Option<&str>| BTreeMap::from([("a".into(), at.map(str::to_owned))]);
        assert!(!is_newer(&samples(Some("1")), &samples(Some("1")), "a"));
        assert!(is_newer(&samples(Some("1")), &samples(Some("2")), "a"));
        assert!(is_newer(&samples(None), &samples(Some("1")), "a"));
        assert!(is_newer(&BTreeMap::new(), &samples(Some("1")), "a"));
        assert!(!is_newer(&samples(None), &samples(None), "a"));
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (random_password(), random_password());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
