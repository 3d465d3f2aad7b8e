//! An installation whose logs hold everything that can be logged, and all that it answers.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use farwatch_support::http::{Answer, Client};
use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER, binaries};
use farwatch_support::process::{Process, binary, eventually, run};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::search::Planted;

const LIMIT: Duration = Duration::from_secs(60);
const FILTER: &str = "trace";

/// Something that somebody could read.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Installation {
    dir: tempfile::TempDir,
    config: PathBuf,
    pub(crate) cluster: Option<Postgres>,
    collector: Option<Process>,
    agent: Option<Process>,
    http: Option<SocketAddr>,
    /// What commands and the API said.
    pub(crate) told: Vec<Place>,
    pub(crate) planted: Vec<Planted>,
}

/// Everything of the installation: its directories, its agent's.
pub(crate) const STATE: &str = "state";
/// What operators bring: passwords, tokens. Not the installation's to hide.
const BROUGHT: &str = "brought";

/// A session asks too much at once.
const REFUSED: &[u8] = b"HTTP/1.1 429";

impl Installation {
    /// On SQLite, or on PostgreSQL with a password and a log of every statement.
    pub(crate) fn new(cluster: Option<Postgres>, password: &str, metrics_token: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["state/collector", "state/agent", BROUGHT] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let config = dir.path().join(BROUGHT).join("collector.toml");
        let this = Self {
            dir,
            config,
            cluster,
            collector: None,
            agent: None,
            http: None,
            told: Vec::new(),
            planted: Vec::new(),
        };
        let metrics = this.bring("metrics-token", metrics_token);
        let password = this.bring("password", password);
        let data_dir = this.state("collector");
        let mut config = format!(
            "data_dir = {data_dir:?}\n[listen]\naddress = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\
             [metrics]\ntoken_file = {metrics:?}\n"
        );
        if let Some(cluster) = &this.cluster {
            let url = cluster.url("farwatch", INSTALLED);
            config += &format!("[database]\nurl = {url:?}\npassword_file = {password:?}\n");
        }
        this.bring("collector.toml", &config);
        this
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.dir.path().join(STATE).join(name)
    }

    /// A file of the operator's.
    pub(crate) fn bring(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(BROUGHT).join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// More of the operator's configuration, before it serves.
    pub(crate) fn configure(&mut self, more: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, text + more).unwrap();
    }

    pub(crate) fn plant(&mut self, planted: Planted) {
        self.planted.push(planted);
    }

    /// A command on the installation's configuration; what it says is kept as that of `name`.
    pub(crate) fn command(&mut self, name: &str, words: &[&str], stdin: &str) -> Output {
        let config = self.config.clone();
        self.run(name, words, &["--config", config.to_str().unwrap()], stdin)
    }

    pub(crate) fn agent_command(&mut self, name: &str, words: &[&str], stdin: &str) -> Output {
        let dir = self.state("agent");
        self.run_as("farwatch-agent", name, words, &["--state-dir", dir.to_str().unwrap()], stdin)
    }

    pub(crate) fn run(&mut self, name: &str, words: &[&str], more: &[&str], stdin: &str) -> Output {
        self.run_as("farwatch-collector", name, words, more, stdin)
    }

    fn run_as(
        &mut self,
        program: &str,
        name: &str,
        words: &[&str],
        more: &[&str],
        stdin: &str,
    ) -> Output {
        let words = [words, more].concat();
        let output = run(&binary(program), &words, stdin);
        // What a process is started with is everybody's to read.
        self.tell(&format!("arguments of {name}"), words.join("\0").into_bytes());
        self.tell(name, [&output.stdout[..], &output.stderr].concat());
        output
    }

    pub(crate) fn tell(&mut self, name: &str, bytes: Vec<u8>) {
        self.told.push(Place { name: name.to_owned(), bytes });
    }

    /// One call of the API; the answer is kept as that of the operation.
    pub(crate) async fn call(
        &mut self,
        who: &Client,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.send(who, method, path, body.map(|body| body.to_string())).await
    }

    pub(crate) async fn send(
        &mut self,
        who: &Client,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Answer {
        let answer = who.send(method, path, body).await.unwrap();
        let headers = format!("{:?}\n", answer.headers);
        self.tell(&operation(method, path), [headers.as_bytes(), &answer.body].concat());
        answer
    }

    /// Reads, and asks again what was one request too many for a session.
    pub(crate) async fn read(&mut self, who: &Client, path: &str) -> Answer {
        let mut answer = None;
        eventually(LIMIT, "the API takes a request", async || {
            let told = self.call(who, "GET", path, None).await;
            let taken = told.status != 429;
            answer = Some(told);
            taken
        })
        .await;
        answer.unwrap()
    }

    /// The beginning of the stream of events, to its first event.
    pub(crate) async fn events(&mut self, who: &Client) {
        let mut bytes = Vec::new();
        eventually(LIMIT, "the stream of events begins", async || {
            bytes = beginning(who, "/api/v1/events").await;
            !bytes.starts_with(REFUSED)
        })
        .await;
        self.tell("GET /api/v1/events", bytes);
    }

    /// Serves, and waits until it is ready.
    pub(crate) async fn serve(&mut self) {
        let addresses = self.state("collector/addresses.json");
        let args = ["serve", "--config", self.config.to_str().unwrap()].map(OsStr::new);
        let log = self.state("collector.log");
        let program = binary("farwatch-collector");
        self.collector = Some(Process::start_logging(&program, &args, &log, FILTER));
        let mut http: Option<SocketAddr> = None;
        eventually(LIMIT, "the collector is ready", async || {
            let text = std::fs::read_to_string(&addresses).unwrap_or_default();
            let known: Value = serde_json::from_str(&text).unwrap_or_default();
            http = known["http"].as_str().map(|address| address.parse().unwrap());
            let Some(address) = http else { return false };
            let ready = Client::new(address).send("GET", "/health/ready", None).await;
            ready.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        self.http = http;
    }

    pub(crate) fn nobody(&self) -> Client {
        Client::new(self.http.unwrap())
    }

    pub(crate) fn run_agent(&mut self) {
        let state = self.state("agent");
        let args = ["run", "--state-dir", state.to_str().unwrap()].map(OsStr::new);
        let log = self.state("agent.log");
        let program = binary("farwatch-agent");
        self.agent = Some(Process::start_logging(&program, &args, &log, FILTER));
    }

    /// Arguments and environment of every process of it.
    pub(crate) fn processes(&self) -> Vec<Place> {
        let own = [&self.collector, &self.agent];
        let mut pids: Vec<u32> = own.into_iter().flatten().map(Process::pid).collect();
        assert_eq!(pids.len(), 2);
        if let Some(cluster) = &self.cluster {
            let before = pids.len();
            pids.extend(cluster.processes().unwrap());
            assert!(pids.len() > before + 3, "{pids:?}");
        }
        let mut places = Vec::new();
        for pid in pids {
            for what in ["cmdline", "environ"] {
                // One that ended meanwhile has none.
                if let Ok(bytes) = std::fs::read(format!("/proc/{pid}/{what}")) {
                    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
                    let name = format!("{what} of {}", name.unwrap_or_default().trim());
                    places.push(Place { name, bytes });
                }
            }
        }
        places
    }

    /// kill -9: what is in the write-ahead log stays there.
    pub(crate) fn kill(&mut self) {
        (self.collector, self.agent) = (None, None);
    }

    /// Every file below the state of the installation, and of PostgreSQL.
    pub(crate) fn files(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let state = self.dir.path().join(STATE);
        files(&state, &state, "", &mut places);
        if let Some(cluster) = &self.cluster {
            files(cluster.home(), cluster.home(), "postgresql/", &mut places);
        }
        places
    }

    /// What a backup would hold.
    pub(crate) async fn dump(&self) -> Vec<Place> {
        let Some(cluster) = &self.cluster else { return Vec::new() };
        let mut superuser =
            PgConnection::connect(&cluster.url(SUPERUSER, INSTALLED)).await.unwrap();
        sqlx::raw_sql("CHECKPOINT").execute(&mut superuser).await.unwrap();
        let program = binaries().unwrap().join("pg_dump");
        let url = cluster.url(SUPERUSER, INSTALLED);
        // Roles and their passwords are of the server, not of the database.
        let [dump, all] = ["pg_dump", "pg_dumpall"].map(|name| {
            let output = run(&program.with_file_name(name), &["--dbname", &url], "");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Place { name: name.to_owned(), bytes: output.stdout }
        });
        vec![dump, all]
    }
}

/// A cluster with a login that needs a password, which logs every statement with its parameters.
pub(crate) async fn cluster(password_file: &Path) -> Option<Postgres> {
    if binaries().is_none() {
        println!("skipped: no PostgreSQL, run ./x test it");
        return None;
    }
    let cluster = Postgres::start(Durability::Lost).await.unwrap();
    let mut superuser = PgConnection::connect(&cluster.url(SUPERUSER, "postgres")).await.unwrap();
    for sql in ["ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"] {
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    }
    let url = cluster.installed().await.unwrap();
    let owner = cluster.url(SUPERUSER, INSTALLED);
    let file = password_file.to_str().unwrap();
    let set = ["migrate", "--database-url", &owner, "--login-password-file", file];
    let made = run(&binary("farwatch-collector"), &set, "");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rules = cluster.home().join("data/pg_hba.conf");
    let others = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, format!("local all farwatch scram-sha-256\n{others}")).unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut superuser).await.unwrap();
    eventually(LIMIT, "the login needs its password", async || {
        PgConnection::connect(&url).await.is_err()
    })
    .await;
    Some(cluster)
}

fn files(root: &Path, dir: &Path, prefix: &str, places: &mut Vec<Place>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            files(root, &path, prefix, places);
        } else if kind.is_file()
            // One that the server removed meanwhile holds nothing.
            && let Ok(bytes) = std::fs::read(&path)
        {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            places.push(Place { name: format!("{prefix}{name}"), bytes });
        }
    }
}

/// The operation, whatever ids are in its path.
fn operation(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let part = |part: &str| {
        let is_id =
            part.split_once('_').is_some_and(|(kind, id)| kind.len() <= 4 && id.len() >= 13);
        if is_id { "{id}".to_owned() } else { part.to_owned() }
    };
    format!("{method} {}", path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

/// What is told until the first event of a stream, or that it is one request too many.
async fn beginning(who: &Client, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(who.address).await.unwrap();
    stream.write_all(who.raw_get(path).as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = async {
        while !bytes.windows(6).any(|word| word == b"data: ") && !bytes.starts_with(REFUSED) {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the stream ended");
        }
    };
    tokio::time::timeout(LIMIT, read).await.unwrap();
    bytes
}
