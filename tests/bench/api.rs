//! `bench-api`: how long the API takes to answer 50 people who look at 1,000 devices, while these are
//! polled every 10 s, and how many requests a second it answers.
//!
//! First 50 people look around, each signed in with an open event stream and a connection that is kept,
//! as browsers do: two requests a second each, over all routes that pages read. Then these and 100 who
//! have no stream ask 20 times a second each, which is what `identity::limits` lets a session and three
//! times of what the API should bear: so it is the API that ends it. Each has an address of its own on
//! loopback: sign-ins are counted by address. Who asks runs on the same processors.
//! `bench-api [SECONDS]` of each, 30 by default.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use farwatch_common::id::DeviceId;
use farwatch_support::bench::crowd::{Crowd, devices_of};
use farwatch_support::bench::{figure, process_cpu_s, process_rss_kb};
use farwatch_support::stack::Collector;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

const DEVICES: usize = 1_000;
const LOOKERS: usize = 50;
const ASKERS: usize = 150;
const PASSWORD: &str = "correct horse battery staple";
/// Polls a second: each device every 10 s.
const POLLS_PER_SECOND: usize = 100;
/// Of each person who looks around.
const LOOKS_PER_SECOND: u32 = 2;
/// What a session may ask, and a little less: the limit is not what is measured.
const ASKS_PER_SECOND: u32 = 20;
/// Series have something to show.
const WARM_UP: Duration = Duration::from_secs(60);
const P95_MAX_MS: f64 = 200.0;
const REQUESTS_PER_SECOND_MIN: f64 = 1_000.0;

/// What pages read: `{device}` is one of the devices.
const ROUTES: [&str; 14] = [
    "/api/v1/devices?limit=100",
    "/api/v1/devices/{device}",
    "/api/v1/devices/{device}/interfaces",
    "/api/v1/devices/{device}/objects",
    "/api/v1/devices/{device}/metrics",
    "/api/v1/devices/{device}/timeline",
    "/api/v1/devices/{device}/series?metric=if_in_octets_total&object=if:1",
    "/api/v1/alerts",
    "/api/v1/alerts?resolved_from=1970-01-01T00:00:00Z&limit=1000",
    "/api/v1/config-jobs?changed_from=1970-01-01T00:00:00Z&limit=1000",
    "/api/v1/agents",
    "/api/v1/sites",
    "/api/v1/configs",
    "/api/v1/me",
];

/// Somebody's browser.
struct Person {
    collector: SocketAddr,
    address: Ipv4Addr,
    host: String,
    cookie: String,
    line: SendRequest<Full<Bytes>>,
    turn: usize,
}

/// Milliseconds of each request, by its route.
type Took = BTreeMap<&'static str, Vec<f64>>;

impl Person {
    async fn sign_in(collector: SocketAddr, number: u8) -> anyhow::Result<Self> {
        let address = Ipv4Addr::new(127, 0, 1, number);
        let line = connect(collector, address).await?;
        let host = collector.to_string();
        let turn = usize::from(number);
        let mut person = Self { collector, address, host, cookie: String::new(), line, turn };
        let body = json!({ "email": email(number), "password": PASSWORD }).to_string();
        let (head, _) = person.send("POST", "/api/v1/login", body).await?;
        ensure!(head.status == 200, "signing in gave {}", head.status);
        let cookie = head.headers.get(http::header::SET_COOKIE).context("no cookie")?.to_str()?;
        person.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(person)
    }

    /// Reads the event stream until the end.
    async fn watch(&self) -> anyhow::Result<()> {
        let mut line = connect(self.collector, self.address).await?;
        let request = self.request("GET", "/api/v1/events").body(Full::default())?;
        let mut body = line.send_request(request).await?.into_body();
        tokio::spawn(async move {
            let _line = line;
            while body.frame().await.is_some() {}
        });
        Ok(())
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("origin", format!("http://{}", self.host))
            .header("cookie", &self.cookie)
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: String,
    ) -> anyhow::Result<(http::response::Parts, Bytes)> {
        let mut request = self.request(method, path);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.line.ready().await?;
        let request = request.body(Full::new(Bytes::from(body)))?;
        let (head, body) = self.line.send_request(request).await?.into_parts();
        Ok((head, body.collect().await?.to_bytes()))
    }

    /// Asks at this rate for so long, one request after the other.
    async fn ask(
        &mut self,
        devices: &[DeviceId],
        per_second: u32,
        time: Duration,
    ) -> anyhow::Result<Took> {
        // The collector has closed one that said nothing while the others signed in.
        self.line = connect(self.collector, self.address).await?;
        let mut took = Took::new();
        let mut due = tokio::time::interval(Duration::from_secs(1) / per_second);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = Instant::now() + time;
        while Instant::now() < end {
            due.tick().await;
            let route = ROUTES[self.turn % ROUTES.len()];
            let device = devices[self.turn * 37 % devices.len()];
            self.turn += 1;
            let path = route.replace("{device}", &device.to_string());
            let begun = Instant::now();
            let (head, _) = self.send("GET", &path, String::new()).await?;
            let ms = begun.elapsed().as_secs_f64() * 1e3;
            ensure!(head.status == 200, "{path} gave {}", head.status);
            took.entry(route).or_default().push(ms);
        }
        Ok(took)
    }
}

fn email(number: u8) -> String {
    format!("person{number}@farwatch.example")
}

async fn connect(to: SocketAddr, from: Ipv4Addr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let (line, connection) = http1::handshake(TokioIo::new(socket.connect(to).await?)).await?;
    tokio::spawn(connection);
    Ok(line)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(30), |text| text.parse())?;
    let time = Duration::from_secs(seconds);
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().join("collector");
    let collector = Collector::start(&data_dir).await;
    let client = collector.client().await;
    let state_dir = dir.path().join("agent");
    let devices: Arc<[DeviceId]> =
        devices_of(&collector, &client, &state_dir, DEVICES).await?.into();
    for number in 1..=ASKERS as u8 {
        let words = ["user", "create", "--email", &email(number), "--password-file", "-"];
        let words = [&words[..], &["--role", "viewer", "--tenant", "Acme"]].concat();
        let made = collector.run_with(&words, PASSWORD);
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let crowd = Crowd::begin(&collector, &state_dir, devices.to_vec()).await?;
    let mut polls = tokio::spawn(crowd.run(POLLS_PER_SECOND));
    tokio::select! {
        () = tokio::time::sleep(WARM_UP) => {}
        ended = &mut polls => return ended?.context("the agent's session"),
    }
    let pid = collector.pid();
    let mut people = Vec::new();
    for (name, crowd, rate) in
        [("looking", LOOKERS, LOOKS_PER_SECOND), ("asking", ASKERS, ASKS_PER_SECOND)]
    {
        while people.len() < crowd {
            let person = Person::sign_in(collector.http, people.len() as u8 + 1).await?;
            if people.len() < LOOKERS {
                person.watch().await?;
            }
            people.push(person);
        }
        let cpu_s = || anyhow::Ok((process_cpu_s(pid)?, process_cpu_s(std::process::id())?));
        let (before, begun) = (cpu_s()?, Instant::now());
        let mut asked = JoinSet::new();
        for mut person in people.drain(..) {
            let devices = Arc::clone(&devices);
            asked.spawn(async move {
                let took = person.ask(&devices, rate, time).await?;
                anyhow::Ok((person, took))
            });
        }
        let mut all = Took::new();
        while let Some(one) = asked.join_next().await {
            let (person, took) = one??;
            people.push(person);
            for (route, ms) in took {
                all.entry(route).or_default().extend(ms);
            }
        }
        let (lasted, after) = (begun.elapsed().as_secs_f64(), cpu_s()?);
        let cpu = (after.0 - before.0, after.1 - before.1);
        // Who looks around asks at a rate of their own: it says nothing of the API's.
        let rate_min = (name == "asking").then_some(REQUESTS_PER_SECOND_MIN);
        print(name, all, lasted, cpu, rate_min);
    }
    ensure!(!polls.is_finished(), "the agent's session ended");
    figure("api", "collector_rss", process_rss_kb(pid)? / 1024.0, "MiB", None);
    Ok(())
}

/// `cpu_s`: of the collector, and of those who ask.
fn print(name: &str, took: Took, lasted_s: f64, cpu_s: (f64, f64), rate_min: Option<f64>) {
    let p95 = |mut ms: Vec<f64>| {
        ms.sort_by(f64::total_cmp);
        ms[(ms.len() - 1) * 95 / 100]
    };
    let all: Vec<f64> = took.values().flatten().copied().collect();
    let count = all.len() as f64;
    figure("api", &format!("{name}_p95_of_all"), p95(all), "ms", Some(P95_MAX_MS));
    let slowest = took.into_iter().map(|(route, ms)| (p95(ms), route));
    if let Some((ms, route)) = slowest.max_by(|one, other| one.0.total_cmp(&other.0)) {
        let route = route.trim_start_matches("/api/v1/").split('?').next().unwrap_or(route);
        figure("api", &format!("{name}_p95_of_{route}"), ms, "ms", Some(P95_MAX_MS));
    }
    let rate = count / lasted_s;
    figure("api", &format!("{name}_rate"), rate, "requests_per_s", rate_min);
    for (of, cpu_s) in [("", cpu_s.0), ("_of_who_asks", cpu_s.1)] {
        let each_ms = cpu_s / count * 1e3;
        figure("api", &format!("{name}_cpu{of}"), each_ms, "cpu_ms_per_request", None);
    }
}
