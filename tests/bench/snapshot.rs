//! `bench-snapshot`: how long telemetry waits for its ack while a configuration of 2 MB is sent.
//!
//! 100 samples every 100 ms on the telemetry pipe, as in `bench-transport`; beside them the product's
//! jobs: the collector orders a fetch, the device's text comes by SSH, is cleaned, packed and sent on
//! the pipe of snapshots, and becomes a version. Each text differs from the one before in all its lines.
//! The collector is the real one, behind a line that delays and loses packets. `bench-snapshot [COUNT]`
//! configurations on each line, 5 by default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use farwatch_agent::history::jobs::Jobs;
use farwatch_agent::history::outbox::Outbox;
use farwatch_agent::history::send::Line as Sending;
use farwatch_agent::identity;
use farwatch_agent::seal::Owner;
use farwatch_common::clock::Clock;
use farwatch_common::transport::{Carrier, Pipe, PipeKind, Session, channel_when_used, quic, tcp};
use farwatch_proto::v1::agent_control_server::{AgentControl, AgentControlServer};
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, Command, CommandResult, DrainNotice, DrainReply,
    FetchConfigTaken, PingReply, PingRequest, command, command_result,
};
use farwatch_support::bench::figure;
use farwatch_support::bench::line::Line;
use farwatch_support::bench::telemetry::{EVERY, Telemetry};
use farwatch_support::http::Client;
use farwatch_support::shape::{LAN, LOSSY, LTE, Shape};
use farwatch_support::ssh::{Asks, PASSWORD, USER, switch};
use farwatch_support::stack::{Collector, add_device, enroll, only_agent};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

const PATHS: [(&str, Shape, Carrier); 6] = [
    ("lan", LAN, Carrier::Quic),
    ("lan", LAN, Carrier::Tcp),
    ("lte", LTE, Carrier::Quic),
    ("lte", LTE, Carrier::Tcp),
    ("lossy", LOSSY, Carrier::Quic),
    ("lossy", LOSSY, Carrier::Tcp),
];
const TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Of the device, in the namespace that nothing else is in.
const SSH_PORT: u16 = 2222;
/// How long telemetry is alone.
const ALONE: Duration = Duration::from_secs(20);
/// Of one configuration on the slowest line.
const ONE_MAX: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// What a configuration may cost telemetry.
const TIMES_MAX: f64 = 1.5;
/// The word before what the process inside the site is to do.
const INSIDE: &str = "--inside";

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match &words[..] {
        [word, task] if word == INSIDE => {
            let round = runtime.block_on(drive(serde_json::from_str(task)?))?;
            println!("{}", serde_json::to_string(&round)?);
            Ok(())
        }
        _ => {
            let count = words.first().map_or(Ok(5), |text| text.parse())?;
            runtime.block_on(table(count))
        }
    }
}

/// What the process inside the site does.
#[derive(Serialize, Deserialize)]
struct Task {
    state_dir: PathBuf,
    collector: SocketAddr,
    device: String,
    over_quic: bool,
    count: u64,
}

/// What it has measured: the milliseconds of each ack, and the seconds of each configuration from the
/// order until the collector has taken it.
#[derive(Serialize, Deserialize)]
struct Round {
    alone_ms: Vec<f64>,
    beside_ms: Vec<f64>,
    took_s: Vec<f64>,
}

async fn table(count: u64) -> anyhow::Result<()> {
    let Some(line) = Line::new(LAN)? else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let listen = line.listen().to_string();
    let collector = Collector::start_at(&dir.path().join("collector"), &listen).await;
    let state_dir = dir.path().join("agent");
    std::fs::create_dir_all(&state_dir)?;
    let enrolled = enroll(&state_dir, &collector.token("Depot"));
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let client = collector.client().await;
    let device = add_device(&client, &only_agent(&client).await, "127.0.0.1", 60).await;
    let login = json!({ "port": SSH_PORT, "login": { "user": USER, "password": PASSWORD } });
    client.patch(&format!("/api/v1/devices/{device}/backup"), &login).await.data();
    for (path, shape, carrier) in PATHS {
        line.set(shape);
        let name = format!("{path}_{}", carrier.name());
        let task = Task {
            state_dir: state_dir.clone(),
            collector: collector.listen,
            device: device.clone(),
            over_quic: carrier == Carrier::Quic,
            count,
        };
        let orders = order(&client, &device);
        let round = tokio::select! {
            round = inside(&line, &task) => round,
            failed = orders => failed,
        };
        print(&name, round.with_context(|| name.clone())?)?;
    }
    Ok(())
}

/// Has the device fetched again as soon as a job has ended.
async fn order(client: &Client, device: &str) -> anyhow::Result<Round> {
    let path = format!("/api/v1/devices/{device}/backup");
    loop {
        let job = client.get(&path).await.data()["job"].clone();
        if job["state"] == "failed" {
            bail!("a job failed: {job}");
        }
        if job["state"] != "queued" && job["state"] != "running" {
            client.post(&format!("{path}/run"), &json!({})).await.data();
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn print(name: &str, mut round: Round) -> anyhow::Result<()> {
    let at = |values: &mut Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        let place = (values.len() as f64 * share) as usize;
        values.get(place).copied().context("no batch was acked")
    };
    let mut ack = |load: &str, share: f64, times: Option<f64>| {
        let values = if load == "alone" { &mut round.alone_ms } else { &mut round.beside_ms };
        let value = at(values, share)?;
        let name = format!("{name}_{load}_ack_ms_p{:.0}", share * 100.0);
        figure("snapshot", &name, value, "ms", times);
        anyhow::Ok(value)
    };
    for share in [0.5, 0.99] {
        let alone = ack("alone", share, None)?;
        ack("beside", share, Some(alone))?;
        if share > 0.9 {
            eprintln!("{name}: at most {:.1} ms wanted", alone * TIMES_MAX);
        }
    }
    let took = at(&mut round.took_s, 0.5)?;
    figure("snapshot", &format!("{name}_order_to_version_s_p50"), took, "s", None);
    Ok(())
}

/// Runs this program in the site's namespace.
async fn inside(line: &Line, task: &Task) -> anyhow::Result<Round> {
    let own = std::env::current_exe()?;
    let words = line.site.inside();
    let output = tokio::process::Command::new(&words[0])
        .args(&words[1..])
        .arg(own)
        .args([INSIDE, &serde_json::to_string(task)?])
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "the process inside the site failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn drive(task: Task) -> anyhow::Result<Round> {
    let credentials = identity::load(&task.state_dir)?.context("the agent is not enrolled")?;
    let clock = Clock::system();
    let outbox = Arc::new(Outbox::open(&task.state_dir, Owner::of(&credentials))?);
    let jobs = Arc::new(Jobs::new(task.state_dir.clone(), Arc::clone(&outbox), clock.clone()));
    let tls = credentials.tls()?;
    let session: Arc<dyn Session> = match task.over_quic {
        true => Arc::new(quic::dial(task.collector, tls).await?),
        false => Arc::new(tcp::dial(&task.collector.to_string(), None, tls).await?),
    };
    let mut telemetry = Telemetry::begin(Arc::clone(&session), task.device.parse()?).await?;
    let alone_ms = telemetry.run(ALONE).await?;

    let over = CancellationToken::new();
    let mut device = switch(Asks::Password, &text()).start_at(SSH_PORT).await;
    tokio::spawn(Arc::clone(&jobs).run(over.clone()));
    let (carrier, rtt) = (Arc::clone(&session), Arc::clone(&session));
    let open = move || channel_when_used(Arc::clone(&carrier), PipeKind::Snapshot);
    let sending = Sending { open, rtt: move || rtt.rtt(), clock: clock.clone() };
    let held = Arc::clone(&outbox);
    tokio::spawn(async move { sending.send(&held).await });
    let (ordered, mut orders) = mpsc::channel(1);
    tokio::spawn(serve(Arc::clone(&session), Control { jobs, ordered, clock }));

    let (mut beside_ms, mut took_s) = (Vec::new(), Vec::new());
    for sent in 1..=task.count {
        let ordered = orders.recv().await.context("the session ended")?;
        while outbox.gone() != (sent, 0) {
            ensure!(outbox.gone().1 == 0, "an outcome was refused");
            ensure!(ordered.elapsed() < ONE_MAX, "a configuration takes too long");
            beside_ms.extend(telemetry.run(EVERY).await?);
        }
        took_s.push(ordered.elapsed().as_secs_f64());
        device.stop().await;
        device = switch(Asks::Password, &text()).start_at(SSH_PORT).await;
    }
    session.close("the benchmark is over");
    Ok(Round { alone_ms, beside_ms, took_s })
}

/// A configuration that packs to about half.
fn text() -> String {
    let mut text = String::with_capacity(TEXT_BYTES + 128);
    text.push_str("!\nhostname sw1\n");
    while text.len() < TEXT_BYTES {
        let (name, address) = (rand::random::<u64>(), rand::random::<[u8; 4]>().map(u32::from));
        let [a, b, c, d] = address;
        text.push_str(&format!("object network host-{name:016x}\n host {a}.{b}.{c}.{d}\n"));
    }
    text.push_str("end\n");
    text
}

/// Takes orders of configurations.
struct Control {
    jobs: Arc<Jobs>,
    ordered: mpsc::Sender<Instant>,
    clock: Clock,
}

#[tonic::async_trait]
impl AgentControl for Control {
    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let PingRequest { nonce } = request.into_inner();
        Ok(Response::new(PingReply { nonce, agent_time_us: self.clock.now().0 }))
    }

    async fn drain(&self, _: Request<DrainNotice>) -> Result<Response<DrainReply>, Status> {
        Ok(Response::new(DrainReply {}))
    }

    async fn run(&self, request: Request<Command>) -> Result<Response<CommandResult>, Status> {
        let Some(command::Kind::FetchConfig(order)) = request.into_inner().kind else {
            return Err(Status::unimplemented("only configurations are fetched here"));
        };
        self.jobs.take(order).map_err(|error| Status::invalid_argument(error.to_string()))?;
        // One that is ordered again was counted.
        let _ = self.ordered.try_send(Instant::now());
        let kind = Some(command_result::Kind::FetchConfig(FetchConfigTaken {}));
        Ok(Response::new(CommandResult { kind }))
    }

    async fn apply_assignment(
        &self,
        request: Request<Assignment>,
    ) -> Result<Response<AssignmentApplied>, Status> {
        let Assignment { revision, .. } = request.into_inner();
        Ok(Response::new(AssignmentApplied { revision, refused: Vec::new() }))
    }
}

/// Serves the collector's calls until the session ends.
async fn serve(session: Arc<dyn Session>, control: Control) {
    let (pipes, incoming) = mpsc::channel::<std::io::Result<Pipe>>(1);
    let server = tonic::transport::Server::builder()
        .add_service(AgentControlServer::new(control))
        .serve_with_incoming(ReceiverStream::new(incoming));
    let accept = async {
        while let Ok((_, pipe)) = session.accept().await {
            if pipes.send(Ok(pipe)).await.is_err() {
                break;
            }
        }
    };
    let _ = tokio::join!(server, accept);
}
