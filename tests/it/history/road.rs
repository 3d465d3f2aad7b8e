//! The whole road of a configuration: from a device, by an agent, to versions, a comparison, and Git.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use farwatch_support::http::Client;
use farwatch_support::process::eventually;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{Served, serve_anywhere};
use farwatch_support::ssh::{Asks, PASSWORD, Server, USER, switch};
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_secs(60);

fn config(name: &str, secret: &str) -> String {
    format!("!\nhostname {name}\nenable secret 5 {secret}\nend\n")
}

async fn device_with(config: &str) -> Server {
    switch(Asks::Password, config).start().await
}

/// A collector, an agent, and a device whose login it has.
struct Site {
    collector: Collector,
    agent: Agent,
    client: Client,
    device: String,
    _router: Served,
}

impl Site {
    async fn start(dir: &Path, config: &str, port: u16) -> Self {
        let collector = Collector::start_with(&dir.join("collector"), config).await;
        let client = collector.client().await;
        let agent = Agent::start(&collector, &dir.join("agent"), "Depot");
        let router = Router::new(Kind::ALL[0], 2, 7).responder(b"public");
        let router = serve_anywhere(router).await.unwrap();
        let address = router.address.to_string();
        let device = add_device(&client, &only_agent(&client).await, &address, 60).await;
        let site = Self { collector, agent, client, device, _router: router };
        let login = json!({ "user": USER, "password": PASSWORD });
        site.change(json!({ "port": port, "login": login })).await;
        site
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/devices/{}/{rest}", self.device)
    }

    async fn change(&self, body: Value) {
        self.client.patch(&self.path("backup"), &body).await.data();
    }

    /// The last job.
    async fn job(&self) -> Value {
        self.client.get(&self.path("backup")).await.data()["job"].clone()
    }

    /// Has it fetched now; the job once it has ended.
    async fn fetched(&self) -> Value {
        let asked = self.client.post(&self.path("backup/run"), &json!({})).await.data();
        let path = format!("/api/v1/config-jobs/{}", asked["id"].as_str().unwrap());
        let mut job = Value::Null;
        eventually(LIMIT, "the job ends", async || {
            job = self.client.get(&path).await.data();
            job["state"] == "done" || job["state"] == "failed"
        })
        .await;
        assert_eq!(job["state"], "done", "{job}\n{}", self.agent.log());
        job
    }

    async fn versions(&self) -> Vec<Value> {
        self.client.get(&self.path("configs")).await.data().as_array().unwrap().clone()
    }
}

fn git(args: &[&str]) -> String {
    let output = Command::new("git").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_change_is_a_version_a_comparison_and_a_commit_and_no_secret_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let first = device_with(&config("sw1", "$1$first-canary")).await;
    let site = Site::start(dir.path(), "[history]\ngit_mirror = true\n", first.port).await;
    // Who has a login for the first time is fetched at once, maybe before anybody asks.
    site.fetched().await;
    assert_eq!(site.versions().await.len(), 1);
    assert_eq!(site.fetched().await["changed"], false);
    let second = device_with(&config("sw2", "$1$second-canary")).await;
    site.change(json!({ "port": second.port })).await;
    site.fetched().await;

    let versions = site.versions().await;
    assert_eq!(versions.len(), 2, "{versions:?}");
    let newest = versions[0]["id"].as_str().unwrap();
    let shown = site.client.get(&format!("/api/v1/configs/{newest}")).await.data();
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("hostname sw2") && text.contains("«secret:"), "{text}");
    let compared = site.client.get(&format!("/api/v1/configs/{newest}/diff")).await.data();
    let unified = compared["unified"].as_str().unwrap();
    assert!(unified.contains("-hostname sw1") && unified.contains("+hostname sw2"), "{unified}");
    for seen in [text, unified] {
        assert!(!seen.contains("canary"), "{seen}");
    }
    let raw = site.client.get(&format!("/api/v1/configs/{newest}/raw")).await.text();
    assert!(raw.contains("$1$second-canary"), "{raw}");

    let mirrors = dir.path().join("collector/git");
    let clone = dir.path().join("clone").display().to_string();
    let mut commits = Vec::new();
    eventually(LIMIT, "both versions are commits", async || {
        let Some(Ok(mirror)) = std::fs::read_dir(&mirrors).ok().and_then(|mut all| all.next())
        else {
            return false;
        };
        let mirror = mirror.path().display().to_string();
        let log = Command::new("git").args(["-C", &mirror, "log", "--format=%s"]).output().unwrap();
        let log = String::from_utf8(log.stdout).unwrap();
        // The device says its name when it does: that moves the file, in a commit of its own.
        let of_versions = log.lines().filter(|subject| !subject.starts_with("Devices moved"));
        commits = of_versions.map(str::to_owned).collect();
        if commits.len() == 2 {
            git(&["clone", "-q", &mirror, &clone]);
        }
        commits.len() == 2
    })
    .await;
    let everything = git(&["-C", &clone, "log", "-p"]);
    assert!(everything.contains("+hostname sw2"), "{everything}");
    assert!(!everything.contains("canary"), "{everything}");
}

/// Lets nobody through to a device until it is opened.
struct Gate {
    port: u16,
    open: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Gate {
    async fn start(behind: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = watch::Sender::new(false);
        let mut opened = open.subscribe();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let (mut from, _) = listener.accept().await.unwrap();
            opened.wait_for(|open| *open).await.unwrap();
            let mut to = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
            // Either side may hang up.
            let _ = copy_bidirectional(&mut from, &mut to).await;
        });
        Self { port, open, _task: task }
    }
}

#[tokio::test]
async fn what_was_fetched_while_the_collector_was_dead_survives_the_agent_too() {
    let dir = tempfile::tempdir().unwrap();
    let ssh = device_with(&config("sw1", "$1$canary")).await;
    let gate = Gate::start(ssh.port).await;
    let mut site = Site::start(dir.path(), "", gate.port).await;
    let state = async |site: &Site, wanted: &str| site.job().await["state"] == wanted;
    eventually(LIMIT, "the agent has the job", async || state(&site, "running").await).await;
    let outcomes = dir.path().join("agent/outcomes");
    let waits = || std::fs::read_dir(&outcomes).is_ok_and(|mut all| all.next().is_some());
    site.collector.kill();
    gate.open.send_replace(true);
    // A file is there before it is whole.
    let is_kept = || site.agent.log().contains("a configuration is fetched");
    eventually(LIMIT, "the outcome is on disk", async || is_kept()).await;
    site.agent.kill();
    site.agent.run();
    assert!(waits(), "{}", site.agent.log());
    site.collector.restart().await;
    eventually(LIMIT, "the job is done", async || state(&site, "done").await).await;
    assert_eq!(site.versions().await.len(), 1);
    eventually(LIMIT, "the agent keeps nothing", async || !waits()).await;
}
