use std::future::Future;
use std::time::Duration;

use farwatch_common::id::{AgentId, DeviceId, IdGenerator};
use farwatch_common::sample::Row;
use farwatch_common::transport::CLONED_HEADER;
use farwatch_proto::v1::{
    Batch, BufferStatus, Heartbeat, RejectCode, SeqRange, telemetry_down, telemetry_up,
};
use tonic::Code;

use super::*;
use crate::history::JobsChanged;
use crate::history::VersionsChanged;
use crate::history::receive::ReceiverParts;
use crate::history::version::Writers;
use crate::inventory::Vault;
use crate::live::State;
use crate::store::fixture::{
    AGENT, DEVICE, FOREIGN, NEIGHBOUR, OTHER_AGENT, STREAM, TENANT, World, counters, peer, wire,
};

struct NoRenewal;

#[tonic::async_trait]
impl CertificateRenewer for NoRenewal {
    async fn renew(&self, _: &PeerInfo, csr: &[u8]) -> Result<(Vec<Vec<u8>>, Micros), Status> {
        Ok((vec![csr.to_vec()], Micros(9)))
    }
}

/// The stage on a database of its own.
struct Stage {
    ingest: Ingest,
    live: Live,
    tasks: TaskSet,
    metrics: Metrics,
}

fn receiver(world: &World, clock: &Clock, metrics: &Metrics) -> Receiver {
    let parts = ReceiverParts {
        database: world.database.clone(),
        vault: Arc::new(Vault::open(world.dir.path()).unwrap()),
        ids: Arc::new(IdGenerator::new(1)),
        clock: clock.clone(),
        jobs: JobsChanged::default(),
        versions: VersionsChanged::default(),
        writers: Writers::default(),
    };
    Receiver::new(parts, metrics)
}

async fn stage(world: &World) -> Stage {
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    live.load(&world.database, &world.samples).await.unwrap();
    let mut tasks = TaskSet::new();
    let metrics = Metrics::default();
    let ingest = Ingest::start(
        &mut tasks,
        world.database.clone(),
        world.samples.clone(),
        (live.clone(), Quotas::default()),
        (Box::new(NoRenewal), receiver(world, &clock, &metrics)),
        clock,
        &metrics,
    );
    Stage { ingest, live, tasks, metrics }
}

/// A telemetry stream without the network.
struct Stream {
    up: Option<mpsc::Sender<Result<TelemetryUp, Status>>>,
    down: mpsc::Receiver<Result<TelemetryDown, Status>>,
    guard: SessionGuard,
}

impl Stage {
    fn call<T>(agent: AgentId, connection: u64, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(peer(agent, connection));
        request
    }

    async fn hello(&self, agent: AgentId, connection: u64) -> Result<Welcome, Status> {
        self.hello_of(agent, connection, Vec::new()).await
    }

    async fn hello_of(
        &self,
        agent: AgentId,
        connection: u64,
        boot_id: Vec<u8>,
    ) -> Result<Welcome, Status> {
        self.hello_for(agent, connection, SessionHello { boot_id, ..SessionHello::default() }).await
    }

    async fn hello_for(
        &self,
        agent: AgentId,
        connection: u64,
        hello: SessionHello,
    ) -> Result<Welcome, Status> {
        let hello = SessionHello {
            agent_version: "1.2.3".into(),
            platform: "linux/x86_64".into(),
            ..hello
        };
        let reply = self.ingest.service.open_session(Self::call(agent, connection, hello)).await?;
        Ok(reply.into_inner())
    }

    async fn stream(&self, agent: AgentId, connection: u64) -> Stream {
        let guard = self.ingest.sessions.begin(&peer(agent, connection));
        self.hello(agent, connection).await.unwrap();
        let (up, incoming) = mpsc::channel(256);
        let (down_sender, down) = mpsc::channel(telemetry::DOWN_MAX);
        let parts = self.ingest.service.parts.clone();
        let permit = self.ingest.sessions.stream(&peer(agent, connection)).unwrap();
        let serve = telemetry::serve(
            parts,
            peer(agent, connection),
            permit,
            ReceiverStream::new(incoming),
            down_sender,
        );
        task::spawn_child(&self.tasks.cancellation(), serve);
        Stream { up: Some(up), down, guard }
    }

    /// Runs `test` beside the stage's tasks.
    async fn run<T>(self, test: impl Future<Output = T>) -> T {
        let mut answer = None;
        let stop = async { answer = Some(test.await) };
        self.tasks.run(stop, Duration::from_secs(10)).await.unwrap();
        answer.unwrap()
    }
}

impl Stream {
    async fn send(&self, kind: telemetry_up::Kind) {
        let message = TelemetryUp { kind: Some(kind) };
        self.up.as_ref().unwrap().send(Ok(message)).await.unwrap();
    }

    async fn batch(&self, batch: Batch) {
        self.send(telemetry_up::Kind::Batch(batch)).await;
    }

    async fn next(&mut self) -> telemetry_down::Kind {
        self.down.recv().await.unwrap().unwrap().kind.unwrap()
    }

    /// Reads until `count` batches are acked.
    async fn acked(&mut self, count: u64) -> Vec<u64> {
        let mut seqs = Vec::new();
        while (seqs.len() as u64) < count {
            match self.next().await {
                telemetry_down::Kind::Ack(ack) => {
                    assert_eq!(ack.stream_id, STREAM);
                    seqs.extend(ack.durable.iter().flat_map(|range| range.first..=range.last));
                }
                other => panic!("{other:?}"),
            }
        }
        seqs.sort_unstable();
        seqs
    }

    async fn rejected(&mut self) -> (u64, RejectCode) {
        match self.next().await {
            telemetry_down::Kind::Reject(reject) => (reject.seq, reject.code()),
            other => panic!("{other:?}"),
        }
    }

    async fn ended(&mut self) -> Code {
        loop {
            match self.down.recv().await {
                Some(Ok(_)) => {}
                Some(Err(status)) => return status.code(),
                None => return Code::Ok,
            }
        }
    }
}

/// A poll of a few seconds ago.
fn poll(device: DeviceId, back_s: i64, octets: i64) -> Row {
    let mut row = counters(device, 0, octets);
    row.at = Micros(Clock::system().now().0 - back_s * Micros::SECOND);
    row
}

#[tokio::test]
async fn calls_without_a_peer_are_nobodys() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let service = stage.ingest.service.clone();
    let hello = service.open_session(Request::new(SessionHello::default())).await;
    assert_eq!(hello.unwrap_err().code(), Code::Unauthenticated);
    let renew = service.renew(Request::new(RenewRequest::default())).await;
    assert_eq!(renew.unwrap_err().code(), Code::Unauthenticated);
    let call = || Stage::call(AGENT, 1, RenewRequest { csr: vec![7] });
    assert_eq!(service.renew(call()).await.unwrap_err().code(), Code::FailedPrecondition);
    let announced = [(AGENT, 1), (NEIGHBOUR, 3)]
        .map(|(agent, connection)| stage.ingest.sessions.begin(&peer(agent, connection)));
    let renewed = service.renew(call()).await.unwrap().into_inner();
    assert_eq!((renewed.certificate_chain, renewed.renew_after_us), (vec![vec![7]], 9));
    // At most one a minute, whatever other agents do.
    let again = service.renew(call()).await;
    assert_eq!(again.unwrap_err().code(), Code::ResourceExhausted);
    service.renew(Stage::call(NEIGHBOUR, 3, RenewRequest { csr: vec![7] })).await.unwrap();
    drop(announced);
    // A connection that the listener has not announced, or that was fenced, opens nothing.
    assert_eq!(stage.hello(AGENT, 1).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn batches_are_acked_once_they_are_stored_and_resume_after_a_restart() {
    let world = World::open().await;
    let stage_one = stage(&world).await;
    let mut stream = stage_one.stream(AGENT, 1).await;
    let live = stage_one.live.clone();
    let counted = &world;
    stage_one
        .run(async {
            for seq in 1..=40 {
                let back = 4000 - i64::try_from(seq).unwrap() * 60;
                stream.batch(wire(seq, &[poll(DEVICE, back, 1)])).await;
            }
            assert_eq!(stream.acked(40).await, (1..=40).collect::<Vec<_>>());
            assert_eq!(counted.count("SELECT count(*) FROM ts_batch").await, 40);
            stream.batch(wire(41, &[poll(DEVICE, 0, 1)])).await;
            stream.acked(1).await;
            assert_eq!(live.agent(TENANT, AGENT).unwrap().state, State::Up);
            // The agent stops sending: the stream ends well.
            stream.up = None;
            assert_eq!(stream.ended().await, Code::Ok);
        })
        .await;
    let world = world.reopen().await;
    let stage_two = stage(&world).await;
    let _guard = stage_two.ingest.sessions.begin(&peer(AGENT, 2));
    let welcome = stage_two.hello(AGENT, 2).await.unwrap();
    assert_eq!((welcome.window, welcome.backlog_window), (128, 89));
    let durable = world.samples.durable(TENANT, AGENT, &[STREAM]).await.unwrap();
    assert_eq!(durable[0].1.iter().collect::<Vec<_>>(), [(1, 41)]);
    assert_eq!(welcome.streams, [], "nobody asked");
    // Who asks is told of each of its streams.
    let asking = |streams| SessionHello { streams, ..SessionHello::default() };
    let welcome = stage_two.hello_for(AGENT, 2, asking(vec![STREAM, 4])).await.unwrap();
    let told = |stream_id, ranges| StreamStored { stream_id, ranges };
    let all = vec![SeqRange { first: 1, last: 41 }];
    assert_eq!(welcome.streams, [told(STREAM, all), told(4, Vec::new())]);
    // Who does not get its turn in time is told nothing, and has its session.
    let looks = &stage_two.ingest.service.parts.looks;
    let others = looks.acquire_many(u32::try_from(STORED_AT_ONCE).unwrap()).await.unwrap();
    tokio::time::pause();
    let welcome = stage_two.hello_for(AGENT, 2, asking(vec![STREAM])).await.unwrap();
    tokio::time::resume();
    assert_eq!((welcome.window, welcome.streams), (128, Vec::new()));
    drop(others);
    let welcome = stage_two.hello_for(AGENT, 2, asking(vec![STREAM])).await.unwrap();
    assert_eq!(welcome.streams.len(), 1);
    let refused = stage_two.hello_for(AGENT, 2, asking(vec![STREAM; 5])).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    // Its last poll is on screen again.
    let device = stage_two.live.device(TENANT, DEVICE).unwrap();
    assert!(device.last_sample_at.is_some());
}

#[tokio::test]
async fn after_a_restart_a_moved_device_shows_nothing_of_its_old_agent() {
    let world = World::open().await;
    let stage_one = stage(&world).await;
    let mut stream = stage_one.stream(AGENT, 1).await;
    stage_one
        .run(async {
            stream.batch(wire(1, &[poll(DEVICE, 60, 1)])).await;
            stream.acked(1).await;
        })
        .await;
    world.run("UPDATE device SET agent_id = 11, host = 'moved' WHERE device_id = 100").await;
    let world = world.reopen().await;
    let stage_two = stage(&world).await;
    assert_eq!(stage_two.live.owner(DEVICE), Some((TENANT, NEIGHBOUR)));
    assert!(stage_two.live.device(TENANT, DEVICE).unwrap().last_sample_at.is_none());
}

#[tokio::test]
async fn a_bad_batch_is_refused_and_the_next_goes_on() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut stream = stage.stream(AGENT, 1).await;
    let metrics = stage.metrics.clone();
    stage
        .run(async {
            let good = |seq| wire(seq, &[poll(DEVICE, 60, 1)]);
            stream.batch(Batch { data: bytes::Bytes::from_static(b"x"), ..good(1) }).await;
            assert_eq!(stream.rejected().await, (1, RejectCode::Malformed));
            // It moved to another agent: its rows are dropped, and nothing is refused.
            stream.batch(wire(2, &[poll(FOREIGN, 60, 1)])).await;
            assert_eq!(stream.acked(1).await, [2]);
            stream.batch(Batch { schemas: Vec::new(), ..good(3) }).await;
            assert_eq!(stream.rejected().await, (3, RejectCode::UnknownSchema));
            stream.batch(good(3)).await;
            assert_eq!(stream.acked(1).await, [3]);
            stream.batch(wire(3, &[poll(DEVICE, 30, 2)])).await;
            assert_eq!(stream.rejected().await, (3, RejectCode::Fork));
            stream.batch(wire(3, &[poll(DEVICE, 30, 3)])).await;
            assert_eq!(stream.rejected().await, (3, RejectCode::Fork));
            // Now the schema is known.
            stream.batch(Batch { schemas: Vec::new(), ..good(4) }).await;
            assert_eq!(stream.acked(1).await, [4]);
            audited(&world, "SELECT count(*) FROM audit WHERE action = 'agent.fork'").await;
        })
        .await;
    let page = metrics.render();
    for (reason, times) in [("malformed", 1), ("unknown_schema", 1), ("fork", 2)] {
        let line =
            format!("farwatch_ingest_batches_rejected_total{{reason=\"{reason}\"}} {times}\n");
        assert!(page.contains(&line), "{line} is not in {page}");
    }
}

#[tokio::test]
async fn a_newer_session_fences_the_older() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut old = stage.stream(AGENT, 1).await;
    let neighbour = stage.stream(NEIGHBOUR, 3).await;
    let other = stage.stream(OTHER_AGENT, 4).await;
    let mut new = stage.stream(AGENT, 2).await;
    let live = stage.live.clone();
    stage
        .run(async {
            assert_eq!(old.ended().await, Code::Aborted);
            assert!(!neighbour.guard.token().is_cancelled());
            assert!(!other.guard.token().is_cancelled());
            new.batch(wire(1, &[poll(DEVICE, 0, 1)])).await;
            assert_eq!(new.acked(1).await, [1]);
            // The end of the old one does not end what screens see of the new one.
            assert!(live.agent(TENANT, AGENT).unwrap().connected_since.is_some());
        })
        .await;
}

/// One row is written, beside what it tells of.
async fn audited(world: &World, count: &'static str) {
    let written = async {
        while world.count(count).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written).await.expect("a row of the audit");
    assert_eq!(world.count(count).await, 1);
}

#[tokio::test]
async fn of_two_hosts_that_run_as_one_agent_the_younger_is_kept_out_and_the_tenant_told() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let counters = stage.ingest.service.parts.counters.clone();
    let hello = async |connection, boot| {
        let guard = stage.ingest.sessions.begin(&peer(AGENT, connection));
        (stage.hello_of(AGENT, connection, vec![boot; 16]).await, guard)
    };
    let first = hello(1, 7).await;
    let second = hello(2, 8).await;
    assert!(first.0.is_ok() && second.0.is_ok(), "it may be a restart");
    assert_eq!(counters.clones_seen.get(), 0);
    let back = hello(3, 7).await;
    assert!(back.0.is_ok() && second.1.token().is_cancelled());
    assert_eq!(counters.clones_seen.get(), 1);
    for connection in 4..7 {
        let refused = hello(connection, 8).await.0.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.metadata().contains_key(CLONED_HEADER));
    }
    assert!(!back.1.token().is_cancelled(), "who is kept out ends nobody's session");
    audited(&world, "SELECT count(*) FROM audit WHERE action = 'agent.clone'").await;
}

#[tokio::test]
async fn heartbeats_are_answered_and_seen() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut stream = stage.stream(AGENT, 1).await;
    let live = stage.live.clone();
    let parts = stage.ingest.service.parts.clone();
    stage
        .run(async {
            let buffer = BufferStatus { batches: 3, bytes: 99, oldest_us: 1 };
            let beat = Heartbeat { agent_time_us: 5, buffer: Some(buffer), ..Heartbeat::default() };
            stream.send(telemetry_up::Kind::Heartbeat(beat)).await;
            let telemetry_down::Kind::Heartbeat(reply) = stream.next().await else { panic!() };
            assert_eq!(reply.agent_time_us, 5);
            assert!(reply.received_us > 0 && reply.sent_us >= reply.received_us);
            let agent = live.agent(TENANT, AGENT).unwrap();
            assert_eq!(agent.buffer.unwrap().batches, 3);
            // Its oldest batch is from 1970.
            assert_eq!(agent.state, State::Degraded);
        })
        .await;
    parts.presence.flush(&world.database).await.unwrap();
    let seen = "SELECT count(*) FROM agent
                WHERE version = '1.2.3' AND platform = 'linux/x86_64' AND last_seen_at > 0";
    assert_eq!(world.count(seen).await, 1);
}

#[tokio::test]
async fn heartbeats_are_answered_while_the_store_is_slow() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut stream = stage.stream(AGENT, 1).await;
    let tenants = std::collections::BTreeSet::from([TENANT]);
    let writer = world.database.ingest(IngestKey::new(), &tenants).await.unwrap();
    stage
        .run(async {
            let window = session::WINDOW as u64;
            for seq in 1..=window {
                stream.batch(wire(seq, &[poll(DEVICE, 60, 1)])).await;
            }
            for agent_time_us in [7, 8] {
                let beat = Heartbeat { agent_time_us, ..Heartbeat::default() };
                stream.send(telemetry_up::Kind::Heartbeat(beat)).await;
                let telemetry_down::Kind::Heartbeat(reply) = stream.next().await else { panic!() };
                assert_eq!(reply.agent_time_us, agent_time_us);
            }
            // Beyond the window: held, and stored once there is room.
            stream.batch(wire(window + 1, &[poll(DEVICE, 60, 1)])).await;
            drop(writer);
            assert_eq!(stream.acked(window + 1).await.len() as u64, window + 1);
        })
        .await;
}

#[tokio::test]
async fn a_session_outlives_a_store_that_fails() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut stream = stage.stream(AGENT, 1).await;
    let counters = stage.ingest.service.parts.counters.clone();
    world.run("ALTER TABLE ts_batch RENAME TO away").await;
    stage
        .run(async {
            stream.batch(wire(1, &[poll(DEVICE, 60, 1)])).await;
            while counters.commits_failed.get() == 0 {
                stream.send(telemetry_up::Kind::Heartbeat(Heartbeat::default())).await;
                let telemetry_down::Kind::Heartbeat(_) = stream.next().await else { panic!() };
            }
            world.run("ALTER TABLE away RENAME TO ts_batch").await;
            assert_eq!(stream.acked(1).await, [1]);
        })
        .await;
}

#[tokio::test]
async fn a_batch_of_removed_or_foreign_devices_is_taken_and_leaves_nothing() {
    let world = World::open().await;
    let stage = stage(&world).await;
    let mut stream = stage.stream(AGENT, 1).await;
    let (live, metrics) = (stage.live.clone(), stage.metrics.clone());
    stage
        .run(async {
            let stored = wire(1, &[poll(DEVICE, 60, 1)]);
            stream.batch(stored.clone()).await;
            assert_eq!(stream.acked(1).await, [1]);
            live.device_removed(TENANT, DEVICE);
            // A repeat of what is stored, another poll, and a device of another tenant.
            stream.batch(stored).await;
            stream.batch(wire(2, &[poll(DEVICE, 0, 1)])).await;
            stream.batch(wire(3, &[poll(DeviceId(200), 0, 1)])).await;
            assert_eq!(stream.acked(3).await, [1, 2, 3]);
            // Its number is taken.
            stream.batch(wire(2, &[poll(DEVICE, 0, 1)])).await;
            assert_eq!(stream.acked(1).await, [2]);
        })
        .await;
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 1);
    let durable = world.samples.durable(TENANT, AGENT, &[STREAM]).await.unwrap();
    assert_eq!(durable[0].1.iter().collect::<Vec<_>>(), [(1, 3)]);
    let page = metrics.render();
    assert!(page.contains("farwatch_ingest_rows_unknown_device_total 2\n"), "{page}");
}
