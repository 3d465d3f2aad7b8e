//! One agent of a herd.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use farwatch_agent::buffer::Lane;
use farwatch_agent::uplink::core::{Core, Due, Effect, Room};
use farwatch_agent::uplink::redial::Redial;
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit, definition};
use farwatch_common::task::spawn_child;
use farwatch_common::transport::{Pipe, PipeKind, Session, channel, quic};
use farwatch_proto::v1::agent_control_server::{AgentControl, AgentControlServer};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, Batch, BufferStatus, Command, CommandResult, DrainNotice,
    DrainReply, Heartbeat, PingReply, PingRequest, SessionHello, TelemetryDown, TelemetryUp,
    telemetry_down, telemetry_up,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{Habits, Identity, Polled, Seen, minute};
use crate::bench::site::system;

const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Batches and heartbeats that wait for the line.
const UP_MAX: usize = 256;
/// Longer than any round takes.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
const PORTS: u32 = 8;
const METRICS: [(&str, MetricKind, Unit); 3] = [
    ("if_in_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_out_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_oper_status", MetricKind::State, Unit::One),
];

/// Where it stands.
pub(super) struct Place {
    pub(super) collector: SocketAddr,
    pub(super) began: Instant,
    /// When what waits ends.
    pub(super) end: Micros,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) polled: Polled,
}

/// A batch that has no answer.
#[derive(Clone, Copy)]
struct Waiting {
    lane: Lane,
    class: Class,
    at: Micros,
}

pub(super) struct Member {
    identity: Identity,
    habits: Habits,
    place: Place,
    clock: Clock,
    core: Core,
    redial: Redial,
    boot_id: [u8; 16],
    stream_id: i64,
    next_seq: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Classes whose schema the collector has.
    told: HashSet<u32>,
    next_poll: Instant,
}

/// Why a session ended, if it was told when to come again.
type Ended = anyhow::Result<Duration>;

impl Member {
    pub(super) fn new(identity: Identity, habits: Habits, place: Place) -> Self {
        let stream_id = i64::from(rand::random::<u32>()) + 1;
        let mut member = Self {
            identity,
            habits,
            place,
            clock: Clock::system(),
            core: Core::new(stream_id, 1),
            redial: Redial::default(),
            boot_id: rand::random(),
            stream_id,
            next_seq: 1,
            waiting: BTreeMap::new(),
            told: HashSet::new(),
            next_poll: Instant::now(),
        };
        for back in (1..=habits.backlog).rev() {
            member.poll(minute(member.place.end, back), Lane::Backlog);
        }
        member.tell(|_| {});
        member
    }

    pub(super) async fn run(mut self) {
        self.next_poll = match self.habits.interval {
            Some(_) => Instant::now(),
            None => Instant::now() + NEVER,
        };
        loop {
            let wait = self.redial.next(self.now(), rand::random());
            let until = Instant::now() + wait;
            while self.next_poll < until {
                tokio::time::sleep_until(self.next_poll.into()).await;
                self.poll_if_due();
            }
            tokio::time::sleep_until(until.into()).await;
            let began = Instant::now();
            match self.session().await {
                Ok(wait) => self.redial.told(wait),
                Err(_) => self.tell(|seen| seen.broken += 1),
            }
            self.redial.lived(began.elapsed());
        }
    }

    fn now(&self) -> Duration {
        self.place.began.elapsed()
    }

    fn tell(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.place.seen.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut seen);
        let backlog = self.waiting.values().filter(|waiting| waiting.lane == Lane::Backlog);
        seen.backlog = backlog.count();
    }

    /// What could not be polled in time is not made up for.
    fn poll_if_due(&mut self) {
        if Instant::now() >= self.next_poll {
            self.next_poll = Instant::now() + self.habits.interval.unwrap_or(NEVER);
            self.poll(self.clock.now(), Lane::Live);
        }
    }

    /// A batch of counters and one of gauges.
    fn poll(&mut self, at: Micros, lane: Lane) {
        for class in [Class::Counters, Class::Gauges] {
            self.waiting.insert(self.next_seq, Waiting { lane, class, at });
            self.next_seq += 1;
        }
        self.place.polled.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
        self.core.refilled();
    }

    async fn session(&mut self) -> Ended {
        let tls = self.identity.credentials.tls()?;
        let dial = quic::dial(self.place.collector, tls);
        let session: Arc<dyn Session> = Arc::new(tokio::time::timeout(CALL_TIMEOUT, dial).await??);
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let (drained, mut drain) = mpsc::channel(1);
        serve(&stop, Arc::clone(&session), Control { drained, clock: self.clock.clone() });
        let pipe = channel(Arc::clone(&session), PipeKind::Telemetry).await?;
        let mut client = UplinkClient::new(pipe);
        let hello = SessionHello { boot_id: self.boot_id.to_vec(), ..SessionHello::default() };
        let opened = tokio::time::timeout(CALL_TIMEOUT, client.open_session(hello)).await??;
        self.core.connected(&opened.into_inner(), self.place.began.elapsed());
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let mut down = client.telemetry(ReceiverStream::new(outgoing)).await?.into_inner();
        self.tell(|seen| seen.sessions += 1);
        // What has no answer yet is late by now.
        let late = self.clock.now().before(Duration::from_secs(120));
        for batch in self.waiting.values_mut().filter(|batch| batch.at < late) {
            batch.lane = Lane::Backlog;
        }
        loop {
            self.fill(&up).await?;
            let due = self.next_poll.min(self.place.began + self.core.deadline());
            tokio::select! {
                message = down.message() => match message? {
                    Some(message) => self.take(message),
                    None => anyhow::bail!("the telemetry stream ended"),
                },
                Some(wait) = drain.recv() => return Ok(wait),
                () = tokio::time::sleep_until(due.into()) => self.pass(&up, &*session).await?,
            }
        }
    }

    /// Sends what there is room for: what is live first, of the rest the newest.
    async fn fill(&mut self, up: &mpsc::Sender<TelemetryUp>) -> anyhow::Result<()> {
        while let Some(room) = self.core.room() {
            let found = self.found(&room);
            for (seq, waiting) in &found {
                let batch = self.batch(*seq, *waiting);
                self.core.sent(*seq, waiting.lane, batch.data.len(), self.place.began.elapsed());
                up.send(TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) }).await?;
            }
            let effect = self.core.filled(found.len());
            anyhow::ensure!(effect.is_none(), "nobody else is as this one");
        }
        Ok(())
    }

    fn found(&self, room: &Room) -> Vec<(u64, Waiting)> {
        let lanes = [(Lane::Live, room.live), (Lane::Backlog, room.backlog.min(room.live))];
        let mut found = Vec::new();
        for (lane, most) in lanes {
            let free = self
                .waiting
                .iter()
                .rev()
                .filter(|(seq, waiting)| waiting.lane == lane && !room.in_flight.contains(seq));
            found.extend(free.take(most).map(|(seq, waiting)| (*seq, *waiting)));
        }
        found.truncate(room.live);
        found
    }

    fn batch(&self, seq: u64, waiting: Waiting) -> Batch {
        let schema = match waiting.class {
            Class::Counters => ports(),
            _ => system(),
        };
        let count = schema.columns.len();
        let row = |device: &_| Row {
            device: *device,
            group: schema.group,
            schema: schema.id(),
            at: waiting.at,
            cause: None,
            // Counters that rise by what a busy port carries.
            values: (0..count as i64).map(|at| Some(waiting.at.0 / 10 + at)).collect(),
        };
        let rows: Vec<Row> = self.identity.devices.iter().map(row).collect();
        let is_told = self.told.contains(&(waiting.class as u32));
        Batch {
            stream_id: self.stream_id,
            seq,
            class: waiting.class as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(&rows).expect("rows of one's own").into(),
            schemas: if is_told { Vec::new() } else { vec![definition::write(&schema)] },
            late: waiting.lane == Lane::Backlog,
            ..Batch::default()
        }
    }

    fn take(&mut self, message: TelemetryDown) {
        self.core.heard();
        let now = self.now();
        let effects = match message.kind {
            Some(telemetry_down::Kind::Ack(ack)) => {
                let durable = SeqRanges::from_proto(&ack.durable).unwrap_or_default();
                self.core.acked(ack.stream_id, &durable, now)
            }
            Some(telemetry_down::Kind::Reject(reject)) => {
                let code = reject.code();
                self.core.rejected(reject.stream_id, reject.seq, code, reject.detail, now)
            }
            Some(telemetry_down::Kind::Credit(credit)) => {
                self.core.credit(&credit, now);
                Vec::new()
            }
            Some(telemetry_down::Kind::Heartbeat(_)) | None => Vec::new(),
        };
        for effect in effects {
            match effect {
                Effect::Acked(seqs) => self.acked(&seqs, now),
                Effect::Refused(refusal) => {
                    self.waiting.remove(&refusal.seq);
                    self.tell(|seen| seen.refused += 1);
                }
                Effect::SchemasUnknown(_) => self.told.clear(),
                Effect::Fork => {}
            }
        }
    }

    fn acked(&mut self, seqs: &SeqRanges, now: Duration) {
        let mut live = false;
        let mut count = 0;
        for (first, last) in seqs.iter() {
            for seq in first..=last {
                let Some(waiting) = self.waiting.remove(&seq) else { continue };
                self.told.insert(waiting.class as u32);
                live |= waiting.lane == Lane::Live;
                count += 1;
            }
        }
        self.tell(|seen| {
            seen.acked += count;
            if live {
                seen.live.get_or_insert(now);
                let since = seen.live_last.replace(now);
                seen.live_gap = seen.live_gap.max(now - since.unwrap_or(now));
            }
        });
    }

    /// What the clock demands.
    async fn pass(
        &mut self,
        up: &mpsc::Sender<TelemetryUp>,
        session: &dyn Session,
    ) -> anyhow::Result<()> {
        self.poll_if_due();
        match self.core.due(self.now()) {
            Due::Nothing => {}
            Due::Redial => anyhow::bail!("no answer to heartbeats"),
            Due::Heartbeat => {
                let oldest_us = self.waiting.values().map(|waiting| waiting.at.0).min();
                let heartbeat = Heartbeat {
                    agent_time_us: self.clock.now().0,
                    buffer: Some(BufferStatus {
                        batches: self.waiting.len() as u64,
                        bytes: 0,
                        oldest_us: oldest_us.unwrap_or_default(),
                    }),
                    ..Heartbeat::default()
                };
                let kind = Some(telemetry_up::Kind::Heartbeat(heartbeat));
                up.send(TelemetryUp { kind }).await?;
                self.core.beat(self.now(), session.rtt());
            }
        }
        Ok(())
    }
}

/// Eight ports of three values.
fn ports() -> Schema {
    let column = |port: u32, (metric, kind, unit): (&str, MetricKind, Unit)| Column {
        object: format!("if:{port}"),
        metric: metric.to_owned(),
        kind,
        unit,
        exponent: 0,
    };
    let columns = (1..=PORTS).flat_map(|port| METRICS.map(|metric| column(port, metric)));
    Schema { group: Group::Interfaces, columns: columns.collect() }
}

/// Takes the collector's calls until it stops.
fn serve(stop: &CancellationToken, session: Arc<dyn Session>, control: Control) {
    let (pipes, incoming) = mpsc::channel::<Result<Pipe, io::Error>>(1);
    let server = tonic::transport::Server::builder()
        .add_service(AgentControlServer::new(control))
        .serve_with_incoming(ReceiverStream::new(incoming));
    spawn_child(stop, async move {
        let accept = async {
            while let Ok((PipeKind::Reverse, pipe)) = session.accept().await {
                if pipes.send(Ok(pipe)).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            ended = server => drop(ended),
            () = accept => {}
        }
    });
}

struct Control {
    drained: mpsc::Sender<Duration>,
    clock: Clock,
}

#[tonic::async_trait]
impl AgentControl for Control {
    async fn apply_assignment(
        &self,
        request: Request<Assignment>,
    ) -> Result<Response<AssignmentApplied>, Status> {
        let revision = request.into_inner().revision;
        Ok(Response::new(AssignmentApplied { revision, refused: Vec::new() }))
    }

    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let nonce = request.into_inner().nonce;
        Ok(Response::new(PingReply { nonce, agent_time_us: self.clock.now().0 }))
    }

    async fn drain(&self, notice: Request<DrainNotice>) -> Result<Response<DrainReply>, Status> {
        let wait = Duration::from_millis(notice.into_inner().come_after_ms.into());
        let _ = self.drained.try_send(wait);
        Ok(Response::new(DrainReply {}))
    }

    async fn run(&self, _: Request<Command>) -> Result<Response<CommandResult>, Status> {
        Err(Status::unimplemented("a herd polls nothing"))
    }
}
