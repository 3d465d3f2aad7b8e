//! A collector and its agents as real processes on ports the system chose.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Client;
use crate::process::{Process, binary, eventually, run};

pub const EMAIL: &str = "noc@farwatch.example";
pub const PASSWORD: &str = "correct horse battery staple";
const START_LIMIT: Duration = Duration::from_secs(30);

/// A collector with one admin and one tenant, in its own directory.
#[derive(Debug)]
pub struct Collector {
    pub data_dir: PathBuf,
    pub http: SocketAddr,
    pub listen: SocketAddr,
    /// Of PostgreSQL; a file in the directory without.
    database_url: Option<String>,
    process: Process,
}

/// An enrolled agent in its own directory.
#[derive(Debug)]
pub struct Agent {
    pub state_dir: PathBuf,
    /// The words before the program, if it runs in a namespace.
    inside: Vec<String>,
    process: Option<Process>,
}

impl Collector {
    /// Makes an admin and the tenant "Acme", then serves.
    pub async fn start(data_dir: &Path) -> Self {
        Self::start_on(data_dir, None).await
    }

    /// The same, on the PostgreSQL database of this URL.
    pub async fn start_on(data_dir: &Path, database_url: Option<String>) -> Self {
        make(data_dir, database_url.as_deref());
        Self::serve(data_dir, database_url, "127.0.0.1:0", "127.0.0.1:0").await
    }

    /// Makes the same and listens for agents at `listen`, `ADDRESS:0`.
    pub async fn start_at(data_dir: &Path, listen: &str) -> Self {
        make(data_dir, None);
        Self::serve(data_dir, None, "127.0.0.1:0", listen).await
    }

    /// Makes the same and serves with this configuration.
    pub async fn start_with(data_dir: &Path, config: &str) -> Self {
        std::fs::create_dir_all(data_dir).unwrap();
        std::fs::write(data_dir.join(COLLECTOR_CONFIG), config).unwrap();
        Self::start(data_dir).await
    }

    /// Serves again on the same ports, with this configuration.
    pub async fn restart_with(&mut self, config: &str) {
        std::fs::write(self.data_dir.join(COLLECTOR_CONFIG), config).unwrap();
        self.restart().await;
    }

    async fn serve(
        data_dir: &Path,
        database_url: Option<String>,
        http: &str,
        listen: &str,
    ) -> Self {
        let addresses = data_dir.join("addresses.json");
        // The file of an earlier run would name its ports.
        let _ = std::fs::remove_file(&addresses);
        let place = place(data_dir, database_url.as_deref());
        let words = ["serve", "--http", http, "--listen", listen].into_iter();
        let words = words.chain(place.iter().map(String::as_str));
        let args: Vec<&OsStr> = words.map(OsStr::new).collect();
        let log = data_dir.join("collector.log");
        let mut process = Process::start(&binary("farwatch-collector"), &args, &log);
        let mut known = Value::Null;
        eventually(START_LIMIT, "the collector is ready", async || {
            assert!(process.is_running(), "the collector ended:\n{}", process.log());
            if known.is_null() {
                let text = std::fs::read_to_string(&addresses).unwrap_or_default();
                known = serde_json::from_str(&text).unwrap_or_default();
            }
            let Some(http) = known["http"].as_str() else { return false };
            let client = Client::new(http.parse().unwrap());
            let ready = client.send("GET", "/health/ready", None).await;
            ready.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        let address = |name: &str| known[name].as_str().unwrap().parse().unwrap();
        let (http, listen) = (address("http"), address("listen"));
        Self { data_dir: data_dir.to_owned(), http, listen, database_url, process }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM; fails unless it ends well.
    pub async fn stop(&mut self) {
        let status = self.process.stop().await;
        assert!(status.success(), "{status}:\n{}", self.process.log());
    }

    /// Serves again on the same ports.
    pub async fn restart(&mut self) {
        self.kill();
        let (http, listen) = (self.http.to_string(), self.listen.to_string());
        let url = self.database_url.clone();
        *self = Self::serve(&self.data_dir.clone(), url, &http, &listen).await;
    }

    /// The same, from the PostgreSQL database of this URL.
    pub async fn restart_on(&mut self, database_url: String) {
        self.database_url = Some(database_url);
        self.restart().await;
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub async fn client(&self) -> Client {
        Client::login(self.http, EMAIL, PASSWORD).await
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    /// A one-time token for `site` of the tenant "Acme".
    pub fn token(&self, site: &str) -> String {
        self.token_of("Acme", site)
    }

    /// A one-time token for `site` of a tenant.
    pub fn token_of(&self, tenant: &str, site: &str) -> String {
        let made = self.run(&["token", "create", "--tenant", tenant, "--site", site, "--json"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let reply: Value = serde_json::from_slice(&made.stdout).unwrap();
        reply["token"].as_str().unwrap().to_owned()
    }

    /// A command on the same data, beside the collector or after it.
    pub fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, "")
    }

    /// The same, with this on its standard input.
    pub fn run_with(&self, words: &[&str], stdin: &str) -> Output {
        let place = place(&self.data_dir, self.database_url.as_deref());
        let words = words.iter().copied().chain(place.iter().map(String::as_str));
        run(&binary("farwatch-collector"), &words.collect::<Vec<_>>(), stdin)
    }
}

/// An admin and the tenant "Acme".
fn make(data_dir: &Path, database_url: Option<&str>) {
    std::fs::create_dir_all(data_dir).unwrap();
    let place = place(data_dir, database_url);
    let make = |words: &[&str], stdin: &str| {
        let words = words.iter().copied().chain(place.iter().map(String::as_str));
        let words: Vec<&str> = words.collect();
        let made = run(&binary("farwatch-collector"), &words, stdin);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let user = ["user", "create", "--email", EMAIL, "--password-file", "-"];
    make(&[&user[..], &["--role", "super_admin"]].concat(), PASSWORD);
    make(&["tenant", "create", "--name", "Acme"], "");
}

/// The flags that say where a collector keeps things.
fn place(data_dir: &Path, database_url: Option<&str>) -> Vec<String> {
    let dir = ["--data-dir", data_dir.to_str().unwrap()];
    let file = data_dir.join(COLLECTOR_CONFIG);
    let config = file.exists().then(|| ["--config", file.to_str().unwrap()]);
    let database = database_url.map(|url| ["--database-url", url]);
    let flags = [Some(dir), config, database].into_iter().flatten().flatten();
    flags.map(str::to_owned).collect()
}

/// The collector's configuration, if it is there.
pub const COLLECTOR_CONFIG: &str = "collector.toml";
/// The agent's configuration, if it is there.
const CONFIG: &str = "agent.toml";

impl Agent {
    /// Enrols at `address`, where the collector is reached, and runs with this configuration.
    pub async fn start_through(
        collector: &Collector,
        address: SocketAddr,
        state_dir: &Path,
        config: &str,
    ) -> Self {
        Self::start_inside(Vec::new(), collector, address, state_dir, config).await
    }

    /// The same, by a name of the collector, `HOST:PORT`.
    pub async fn start_named(
        collector: &Collector,
        name: &str,
        state_dir: &Path,
        config: &str,
    ) -> Self {
        Self::enrolled(Vec::new(), collector, name, state_dir, config).await
    }

    /// The same, with these words before the program: those of a namespace.
    pub async fn start_inside(
        inside: Vec<String>,
        collector: &Collector,
        address: SocketAddr,
        state_dir: &Path,
        config: &str,
    ) -> Self {
        Self::enrolled(inside, collector, &address.to_string(), state_dir, config).await
    }

    async fn enrolled(
        inside: Vec<String>,
        collector: &Collector,
        address: &str,
        state_dir: &Path,
        config: &str,
    ) -> Self {
        std::fs::create_dir_all(state_dir).unwrap();
        let file = state_dir.join(CONFIG);
        std::fs::write(&file, config).unwrap();
        let token = collector.token("Depot");
        let dir = state_dir.to_owned();
        let program = inside.clone();
        let name = address.to_owned();
        // What it goes through may be a task of this thread.
        let enrolled = tokio::task::spawn_blocking(move || {
            let (dir, file) = (dir.to_str().unwrap(), file.to_str().unwrap());
            let words = ["enroll", "--token-file", "-", "--state-dir", dir, "--config", file];
            let words = [&words[..], &["--collector", &name]].concat();
            let program = with_program(&program);
            let words: Vec<&str> = program[1..].iter().map(String::as_str).chain(words).collect();
            run(Path::new(&program[0]), &words, &token)
        });
        let output = enrolled.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        only_collector(&state_dir.join("identity.json"), address);
        let mut agent = Self { state_dir: state_dir.to_owned(), inside, process: None };
        agent.run();
        agent
    }

    /// Enrols with a fresh token of `site` and runs.
    pub fn start(collector: &Collector, state_dir: &Path, site: &str) -> Self {
        std::fs::create_dir_all(state_dir).unwrap();
        let token = collector.token(site);
        let output = enroll(state_dir, &token);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::run_in(state_dir)
    }

    /// Runs an agent that is enrolled already.
    pub fn run_in(state_dir: &Path) -> Self {
        let mut agent = Self { state_dir: state_dir.to_owned(), inside: Vec::new(), process: None };
        agent.run();
        agent
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Starts the process (again).
    pub fn run(&mut self) {
        let config = self.state_dir.join(CONFIG);
        let mut args = vec!["run", "--state-dir", self.state_dir.to_str().unwrap()];
        if config.exists() {
            args.extend(["--config", config.to_str().unwrap()]);
        }
        let program = with_program(&self.inside);
        let args = program[1..].iter().map(String::as_str).chain(args);
        let args: Vec<&OsStr> = args.map(OsStr::new).collect();
        let log = self.state_dir.join("agent.log");
        self.process = Some(Process::start(Path::new(&program[0]), &args, &log));
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGTERM; fails unless it ends well.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let status = process.stop().await;
            assert!(status.success(), "{status}:\n{}", process.log());
        }
    }

    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }
}

fn with_program(inside: &[String]) -> Vec<String> {
    let program = binary("farwatch-agent").to_str().unwrap().to_owned();
    inside.iter().cloned().chain([program]).collect()
}

/// The collector has told its own address too; a NAT in between would not let that one be reached.
fn only_collector(identity: &Path, address: &str) {
    let mut known: Value = serde_json::from_slice(&std::fs::read(identity).unwrap()).unwrap();
    known["collectors"] = serde_json::json!([address]);
    std::fs::write(identity, known.to_string()).unwrap();
}

/// `farwatch-agent enroll` with the token on stdin.
pub fn enroll(state_dir: &Path, token: &str) -> Output {
    let dir = state_dir.to_str().unwrap();
    let args = ["enroll", "--token-file", "-", "--state-dir", dir];
    run(&binary("farwatch-agent"), &args, token)
}

/// The id of the only agent.
pub async fn only_agent(client: &Client) -> String {
    let agents = client.get("/api/v1/agents").await.data();
    assert_eq!(agents.as_array().unwrap().len(), 1, "{agents}");
    agents[0]["id"].as_str().unwrap().to_owned()
}

/// Adds a device over the API; returns its id.
pub async fn add_device(client: &Client, agent: &str, address: &str, interval_s: u32) -> String {
    let body = json!({
        "agent": agent, "address": address, "interval_s": interval_s,
        "snmp": { "version": "v2c", "community": "public" },
    });
    let device = client.post("/api/v1/devices", &body).await.data();
    device["id"].as_str().unwrap().to_owned()
}
