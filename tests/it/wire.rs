//! An agent made of the protocol alone: it says what a test makes it say.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwatch_agent::identity::{Credentials, enroll};
use farwatch_agent::uplink::Proxies;
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{
    Cause, Class, Column, Group, MetricKind, Row, Schema, Unit, definition,
};
use farwatch_common::task::spawn_child;
use farwatch_common::token::EnrollToken;
use farwatch_common::transport::{Pipe, PipeKind, Session, channel, quic};
use farwatch_proto::v1::agent_control_server::{AgentControl, AgentControlServer};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, Batch, Command, CommandResult, CredentialOutcome, DrainNotice,
    DrainReply, FetchConfigTaken, FindCredential, FindCredentialResult, Networks, PingOutcome,
    PingReply, PingRequest, PollNowResult, Reject, RejectCode, ScanHosts, ScanHostsResult,
    ScannedHost, SessionHello, SnmpOutcome, SnmpVersion, TelemetryDown, TelemetryUp, command,
    command_result, telemetry_down, telemetry_up,
};
use farwatch_support::stack::Collector;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

pub(crate) const STREAM: i64 = 77;
/// Assignments that wait for the test to read them; the collector waits with them.
const ASSIGNMENTS_MAX: usize = 64;
const PIPES_MAX: usize = 4;
/// Commands and notices that wait for the test to look at them.
const CALLS_MAX: usize = 64;
/// What the agent's clock says.
pub(crate) const AGENT_TIME: Micros = Micros(1_795_232_238_000_000);
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Wire {
    pub(crate) session: Arc<dyn Session>,
    up: mpsc::Sender<TelemetryUp>,
    down: tonic::Streaming<TelemetryDown>,
    pub(crate) client: UplinkClient<Channel>,
}

pub(crate) async fn enrolled(collector: &Collector, dir: &Path) -> Credentials {
    enrolled_by(&collector.token("Depot"), dir).await
}

pub(crate) async fn enrolled_by(token: &str, dir: &Path) -> Credentials {
    std::fs::create_dir_all(dir).unwrap();
    let token = EnrollToken::parse(token).unwrap();
    enroll(dir, &token, None, &Proxies::Environment, false).await.unwrap()
}

impl Wire {
    pub(crate) async fn dial(collector: &Collector, credentials: &Credentials) -> Self {
        let tls = credentials.tls().unwrap();
        let session = quic::dial(collector.listen, tls).await.unwrap();
        let session: Arc<dyn Session> = Arc::new(session);
        let channel = channel(Arc::clone(&session), PipeKind::Telemetry).await.unwrap();
        let mut client = UplinkClient::new(channel);
        client.open_session(SessionHello::default()).await.unwrap();
        let (up, requests) = mpsc::channel(16);
        let down = client.telemetry(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { session, up, down, client }
    }

    /// Sends a batch and waits for its ack (`None`) or the code it is refused with.
    pub(crate) async fn send(&mut self, batch: Batch) -> Option<RejectCode> {
        self.answer(batch).await.err().map(|reject| reject.code())
    }

    /// Sends a batch and waits for its ack or the refusal.
    pub(crate) async fn answer(&mut self, batch: Batch) -> Result<(), Reject> {
        let (stream, seq) = (batch.stream_id, batch.seq);
        let kind = Some(telemetry_up::Kind::Batch(batch));
        self.up.send(TelemetryUp { kind }).await.unwrap();
        loop {
            let answer = self.down.message().await.unwrap().unwrap();
            match answer.kind {
                Some(telemetry_down::Kind::Ack(ack))
                    if ack.stream_id == stream
                        && ack.durable.iter().any(|r| (r.first..=r.last).contains(&seq)) =>
                {
                    return Ok(());
                }
                Some(telemetry_down::Kind::Reject(reject))
                    if reject.stream_id == stream && reject.seq == seq =>
                {
                    return Err(reject);
                }
                _ => {}
            }
        }
    }

    /// Takes every assignment that the collector pushes, and knows no command.
    pub(crate) fn assignments(&self) -> Assignments {
        self.serves(Answers::TooOld)
    }

    /// The same, and answers commands so.
    pub(crate) fn serves(&self, answers: Answers) -> Assignments {
        let (told, received) = mpsc::channel(ASSIGNMENTS_MAX);
        let (ran, commands) = mpsc::channel(CALLS_MAX);
        let (drained, drains) = mpsc::channel(CALLS_MAX);
        let stop = CancellationToken::new();
        let (pipes, incoming) = mpsc::channel::<Result<Pipe, io::Error>>(PIPES_MAX);
        let server = tonic::transport::Server::builder()
            .add_service(AgentControlServer::new(Control { told, answers, ran, drained }))
            .serve_with_incoming(ReceiverStream::new(incoming));
        let session = Arc::clone(&self.session);
        spawn_child(&stop, async move {
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
        Assignments { received, commands, drains, _stop: stop.drop_guard() }
    }
}

/// What the collector tells an agent to poll; it is told until this is dropped.
pub(crate) struct Assignments {
    received: mpsc::Receiver<Assignment>,
    /// What it was asked to do.
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) drains: mpsc::Receiver<DrainNotice>,
    _stop: DropGuard,
}

impl Assignments {
    pub(crate) async fn next(&mut self) -> Assignment {
        let told = tokio::time::timeout(LIMIT, self.received.recv()).await;
        told.unwrap_or_else(|_| panic!("no assignment within {LIMIT:?}")).unwrap()
    }
}

/// How an agent answers commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    TooOld,
    /// As one that has done it.
    Well,
    Never,
    /// As one that tells whatever comes to its mind, and much of it.
    Flooding,
}

struct Control {
    told: mpsc::Sender<Assignment>,
    answers: Answers,
    ran: mpsc::Sender<Command>,
    drained: mpsc::Sender<DrainNotice>,
}

#[tonic::async_trait]
impl AgentControl for Control {
    async fn apply_assignment(
        &self,
        request: Request<Assignment>,
    ) -> Result<Response<AssignmentApplied>, Status> {
        let assignment = request.into_inner();
        let revision = assignment.revision;
        let told = self.told.send(assignment).await;
        told.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(AssignmentApplied { revision, refused: Vec::new() }))
    }

    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let nonce = request.into_inner().nonce;
        Ok(Response::new(PingReply { nonce, agent_time_us: AGENT_TIME.0 }))
    }

    async fn drain(&self, notice: Request<DrainNotice>) -> Result<Response<DrainReply>, Status> {
        let _ = self.drained.try_send(notice.into_inner());
        Ok(Response::new(DrainReply {}))
    }

    async fn run(&self, request: Request<Command>) -> Result<Response<CommandResult>, Status> {
        let command = request.into_inner();
        let _ = self.ran.try_send(command.clone());
        let kind = match self.answers {
            Answers::TooOld => {
                return Err(Status::unimplemented("this agent knows assignments only"));
            }
            Answers::Never => std::future::pending().await,
            Answers::Flooding => command_result::Kind::ScanHosts(flood()),
            Answers::Well => match command.kind.unwrap() {
                command::Kind::PollNow(_) => command_result::Kind::PollNow(polled()),
                command::Kind::FindCredential(wanted) => {
                    command_result::Kind::FindCredential(found(&wanted))
                }
                command::Kind::FetchConfig(_) => {
                    command_result::Kind::FetchConfig(FetchConfigTaken {})
                }
                command::Kind::ScanHosts(wanted) => {
                    command_result::Kind::ScanHosts(scanned(&wanted))
                }
                command::Kind::ListNetworks(_) => {
                    command_result::Kind::ListNetworks(Networks::default())
                }
            },
        };
        Ok(Response::new(CommandResult { kind: Some(kind) }))
    }
}

fn polled() -> PollNowResult {
    let (rtt_us, jitter_us) = (2_500, 100);
    let ping = PingOutcome { sent: 5, received: 5, rtt_us, jitter_us, ..PingOutcome::default() };
    let snmp = SnmpOutcome {
        rtt_us: 3_000,
        values: 128,
        answers_from: "192.0.2.9".to_owned(),
        ..SnmpOutcome::default()
    };
    PollNowResult { at_us: AGENT_TIME.0, snmp: Some(snmp), ping: Some(ping) }
}

/// Users are refused, the first community works.
fn found(wanted: &FindCredential) -> FindCredentialResult {
    let mut outcomes = Vec::new();
    for candidate in &wanted.candidates {
        let mut outcome = CredentialOutcome { id: candidate.id, ..CredentialOutcome::default() };
        if let Some(community) = &candidate.community {
            outcome.version = community.version;
            outcome.sys_name = "core".to_owned();
            outcome.sys_descr = "RouterOS".to_owned();
            outcomes.push(outcome);
            break;
        }
        outcome.set_version(SnmpVersion::V3);
        outcome.cause = Cause::WrongAuth as u32;
        outcome.advice = "Check the authentication password.".to_owned();
        outcomes.push(outcome);
    }
    FindCredentialResult { outcomes, ping: None, not_tried: 0 }
}

/// The first host, by a name that breaks terminals; the same once more; and hosts nobody asked about.
fn scanned(wanted: &ScanHosts) -> ScanHostsResult {
    let host = |address: &str, name: &str| ScannedHost {
        host: address.to_owned(),
        works: Some(CredentialOutcome {
            id: 0,
            sys_name: name.to_owned(),
            sys_descr: "x".repeat(100_000),
            ..CredentialOutcome::default()
        }),
        ..ScannedHost::default()
    };
    let first = wanted.hosts.first().cloned().unwrap_or_default();
    let hosts = vec![
        host(&first, "\u{1b}[31mcore\n\u{7}"),
        host(&first, "twice"),
        host("8.8.8.8", "elsewhere"),
        host("evil", "nowhere"),
    ];
    let not_asked = u32::MAX;
    ScanHostsResult { hosts, not_asked, ..ScanHostsResult::default() }
}

/// Ten megabytes.
fn flood() -> ScanHostsResult {
    let advice = "x".repeat(10_000_000);
    let hosts = vec![ScannedHost { advice, ..ScannedHost::default() }];
    ScanHostsResult { hosts, ..ScanHostsResult::default() }
}

pub(crate) fn schema() -> Schema {
    schema_of("if:1")
}

/// The counter of one interface.
pub(crate) fn schema_of(object: &str) -> Schema {
    let column = Column {
        object: object.into(),
        metric: "if_in_octets_total".into(),
        kind: MetricKind::Counter64,
        unit: Unit::Bytes,
        exponent: 0,
    };
    Schema { group: Group::Interfaces, columns: vec![column] }
}

pub(crate) fn row(device: DeviceId, at: Micros, value: i64) -> Row {
    row_of(&schema(), device, at, value)
}

pub(crate) fn row_of(schema: &Schema, device: DeviceId, at: Micros, value: i64) -> Row {
    Row {
        device,
        group: schema.group,
        schema: schema.id(),
        at,
        cause: None,
        values: vec![Some(value)],
    }
}

pub(crate) fn batch(seq: u64, rows: &[Row]) -> Batch {
    Batch {
        stream_id: STREAM,
        seq,
        class: Class::Counters as u32,
        codec: Codec::Rows as u32,
        data: encode_rows(rows).unwrap().into(),
        schemas: vec![definition::write(&schema())],
        ..Batch::default()
    }
}
