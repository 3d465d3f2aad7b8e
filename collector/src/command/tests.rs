//! Commands to an agent in the same process: what it answers, and what becomes of those it does not
//! answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use farwatch_common::task::spawn_child;
use farwatch_proto::v1::agent_control_server::{AgentControl, AgentControlServer};
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, CredentialOutcome, DrainReply, FetchConfigTaken, Networks,
    PingOutcome, PingReply, ScannedHost, SnmpOutcome, SnmpVersion,
};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Endpoint;
use tonic::{Request, Response};

use super::*;

const PIPE_BYTES: usize = 64 * 1024;
const PIPES_MAX: usize = 16;

/// How an agent answers.
#[derive(Clone, Debug, Default)]
pub(crate) enum Answers {
    /// As one that does its work.
    #[default]
    Well,
    Never,
    With(Code),
    /// The other command's result.
    SomethingElse,
}

/// An agent that everybody reaches, whichever they ask for.
pub(crate) struct Agent {
    line: Line,
    told: Arc<Told>,
    _stop: DropGuard,
}

/// What it was told.
#[derive(Default)]
struct Told {
    answers: Mutex<Answers>,
    offline: Mutex<bool>,
    /// Number of its connection.
    connection: AtomicU64,
    /// Goes over to another connection in the middle of so many calls.
    hand_overs: AtomicU64,
    commands: Mutex<Vec<command::Kind>>,
    ids: Mutex<Vec<Vec<u8>>>,
    drains: Mutex<Vec<DrainNotice>>,
}

impl Agent {
    pub(crate) fn new() -> Arc<Self> {
        let told = Arc::new(Told::default());
        let stop = CancellationToken::new();
        let (pipes, incoming) = mpsc::channel::<Result<_, std::io::Error>>(PIPES_MAX);
        let server = tonic::transport::Server::builder()
            .add_service(AgentControlServer::new(Control(told.clone())))
            .serve_with_incoming(ReceiverStream::new(incoming));
        spawn_child(&stop, async move { server.await.unwrap() });
        let connector = tower::service_fn(move |_| {
            let pipes = pipes.clone();
            async move {
                let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
                pipes.send(Ok(theirs)).await.unwrap();
                Ok::<_, std::io::Error>(TokioIo::new(ours))
            }
        });
        let endpoint = Endpoint::from_static("http://agent");
        let line = Line::on(endpoint.connect_with_connector_lazy(connector));
        Arc::new(Self { line, told, _stop: stop.drop_guard() })
    }

    pub(crate) fn answers(&self, answers: Answers) {
        *self.told.answers.lock().unwrap() = answers;
    }

    pub(crate) fn offline(&self, offline: bool) {
        *self.told.offline.lock().unwrap() = offline;
    }

    /// Comes back over another connection.
    pub(crate) fn reconnect(&self) {
        self.told.connection.fetch_add(1, Ordering::Relaxed);
    }

    /// The commands since the last time.
    pub(crate) fn commands(&self) -> Vec<command::Kind> {
        std::mem::take(&mut self.told.commands.lock().unwrap())
    }
}

impl Lines for Agent {
    fn line(&self, _: AgentId) -> Option<Line> {
        let line = self.line.at(self.told.connection.load(Ordering::Relaxed));
        (!*self.told.offline.lock().unwrap()).then_some(line)
    }

    fn lines(&self) -> Vec<Line> {
        vec![self.line.clone()]
    }
}

struct Control(Arc<Told>);

impl Control {
    async fn answer(&self) -> Result<bool, Status> {
        let answers = self.0.answers.lock().unwrap().clone();
        match answers {
            Answers::Well => Ok(true),
            Answers::SomethingElse => Ok(false),
            Answers::Never => std::future::pending().await,
            Answers::With(code) => Err(Status::new(code, "because\n of something")),
        }
    }
}

fn polled() -> command_result::Kind {
    command_result::Kind::PollNow(PollNowResult {
        at_us: 1_795_232_238_000_000,
        snmp: Some(SnmpOutcome { rtt_us: 1_500, values: 42, ..SnmpOutcome::default() }),
        ping: Some(PingOutcome {
            sent: 4,
            received: 3,
            rtt_us: 1_250,
            jitter_us: 250,
            address: "10.0.0.1".to_owned(),
            ..PingOutcome::default()
        }),
    })
}

/// The last of the candidates works.
fn found(wanted: &FindCredential) -> command_result::Kind {
    let outcome = |id, is_last| CredentialOutcome {
        id,
        cause: if is_last { 0 } else { 1 },
        advice: if is_last { "" } else { "Check the community." }.to_owned(),
        version: SnmpVersion::V2c.into(),
        sys_name: if is_last { "core" } else { "" }.to_owned(),
        ..CredentialOutcome::default()
    };
    let last = wanted.candidates.last().map(|last| last.id);
    let outcomes = wanted.candidates.iter().map(|one| outcome(one.id, Some(one.id) == last));
    command_result::Kind::FindCredential(FindCredentialResult {
        outcomes: outcomes.collect(),
        ping: None,
        not_tried: 0,
    })
}

/// The first of the hosts is there and takes the first candidate.
fn scanned(wanted: &ScanHosts) -> command_result::Kind {
    let works = wanted.candidates.first().and_then(|one| one.credential.as_ref());
    let works = works.map(|one| CredentialOutcome {
        id: one.id,
        version: SnmpVersion::V2c.into(),
        sys_name: "core".to_owned(),
        sys_descr: "RouterOS CCR2004".to_owned(),
        sys_object_id: "1.3.6.1.4.1.14988.1".to_owned(),
        ..CredentialOutcome::default()
    });
    let ping = PingOutcome { sent: 5, received: 5, rtt_us: 1_250, ..PingOutcome::default() };
    let host = |host: &String| ScannedHost {
        host: host.clone(),
        ping: Some(ping.clone()),
        cause: u32::from(works.is_none()),
        works: works.clone(),
        advice: "Check the community.".to_owned(),
        not_all_tried: false,
    };
    let hosts = wanted.hosts.first().map(host).into_iter().collect();
    command_result::Kind::ScanHosts(ScanHostsResult { hosts, ..ScanHostsResult::default() })
}

fn networks() -> command_result::Kind {
    let network = |interface: &str, address: &str, prefix| Network {
        interface: interface.to_owned(),
        address: address.to_owned(),
        prefix,
    };
    command_result::Kind::ListNetworks(Networks {
        networks: vec![
            network("eth0", "192.168.88.7", 24),
            network("evil\n", "10.0.0.0", 99),
            network("evil", "not an address", 24),
        ],
    })
}

#[tonic::async_trait]
impl AgentControl for Control {
    async fn apply_assignment(
        &self,
        _: Request<Assignment>,
    ) -> Result<Response<AssignmentApplied>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let is_well = self.answer().await?;
        let nonce = request.into_inner().nonce.wrapping_add(u64::from(!is_well));
        let ahead = Clock::system().now().after(Duration::from_secs(3600));
        Ok(Response::new(PingReply { nonce, agent_time_us: ahead.0 }))
    }

    async fn drain(&self, notice: Request<DrainNotice>) -> Result<Response<DrainReply>, Status> {
        self.0.drains.lock().unwrap().push(notice.into_inner());
        self.answer().await?;
        Ok(Response::new(DrainReply {}))
    }

    async fn run(&self, request: Request<Command>) -> Result<Response<CommandResult>, Status> {
        let Command { id, deadline_ms, kind } = request.into_inner();
        assert!(id.len() == 16 && Duration::from_millis(deadline_ms.into()) < DEADLINE);
        let kind = kind.unwrap();
        self.0.commands.lock().unwrap().push(kind.clone());
        self.0.ids.lock().unwrap().push(id);
        let count = |left: u64| left.checked_sub(1);
        if self.0.hand_overs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok() {
            self.0.connection.fetch_add(1, Ordering::Relaxed);
            return Err(Status::unavailable("as if the connection broke"));
        }
        let kind = match (kind, self.answer().await?) {
            (command::Kind::PollNow(_), true) => polled(),
            (command::Kind::FindCredential(wanted), true) => found(&wanted),
            (command::Kind::PollNow(_), false) => found(&FindCredential::default()),
            (command::Kind::FetchConfig(_), true) => {
                command_result::Kind::FetchConfig(FetchConfigTaken {})
            }
            (command::Kind::ScanHosts(wanted), true) => scanned(&wanted),
            (command::Kind::ListNetworks(_), true) => networks(),
            (_, false) => polled(),
        };
        Ok(Response::new(CommandResult { kind: Some(kind) }))
    }
}

const TENANT: TenantId = TenantId(3);
const AGENT: AgentId = AgentId(7);

fn commands() -> (Arc<Agent>, Commands) {
    let agent = Agent::new();
    (agent.clone(), Commands::new(agent, Clock::system()))
}

#[tokio::test]
async fn an_agent_polls_now_and_tells_its_time() {
    let (agent, commands) = commands();
    let result = commands.begin(TENANT, AGENT).unwrap().poll_now(DeviceId(5)).await.unwrap();
    assert_eq!(command_result::Kind::PollNow(result), polled());
    assert_eq!(agent.commands(), [command::Kind::PollNow(PollNow { device_id: 5 })]);
    let pinged = commands.begin(TENANT, AGENT).unwrap().ping().await.unwrap();
    let ahead = Duration::from_micros(pinged.clock_ahead_us.unwrap().try_into().unwrap());
    // Between a question and its answer, both clocks being one.
    assert!(ahead.abs_diff(Duration::from_secs(3600)) <= pinged.rtt, "{ahead:?} {pinged:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_refuses_is_told_apart() {
    let (agent, commands) = commands();
    let failed = |reason: &str| CommandError::Failed { reason: reason.to_owned() };
    for (answers, expected) in [
        (Answers::With(Code::Unimplemented), CommandError::TooOld),
        (Answers::With(Code::ResourceExhausted), CommandError::AgentBusy),
        (Answers::With(Code::NotFound), CommandError::NotAssigned),
        (Answers::With(Code::DeadlineExceeded), CommandError::TimedOut),
        (Answers::With(Code::Unavailable), CommandError::Offline),
        (Answers::With(Code::Internal), failed("because of something")),
        (Answers::SomethingElse, failed("it answered something else")),
    ] {
        agent.answers(answers);
        let begin = || commands.begin(TENANT, AGENT).unwrap();
        assert_eq!(begin().poll_now(DeviceId(5)).await.unwrap_err(), expected);
        let found = begin().find_credential(FindCredential::default()).await;
        assert_eq!(found.unwrap_err(), expected);
        assert_eq!(begin().ping().await.unwrap_err(), expected);
    }
    agent.offline(true);
    assert_eq!(commands.begin(TENANT, AGENT).err(), Some(CommandError::Offline));
}

/// As one that goes over to another transport meanwhile.
#[tokio::test(start_paused = true)]
async fn a_command_whose_connection_breaks_is_asked_again_by_its_id_over_the_next() {
    let (agent, commands) = commands();
    agent.told.hand_overs.store(2, Ordering::Relaxed);
    let result = commands.begin(TENANT, AGENT).unwrap().poll_now(DeviceId(5)).await.unwrap();
    assert_eq!(command_result::Kind::PollNow(result), polled());
    let ids = std::mem::take(&mut *agent.told.ids.lock().unwrap());
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // Nobody comes back.
    agent.answers(Answers::With(Code::Unavailable));
    let began = tokio::time::Instant::now();
    let refused = commands.begin(TENANT, AGENT).unwrap().poll_now(DeviceId(5)).await;
    assert_eq!(refused.unwrap_err(), CommandError::Offline);
    assert_eq!(began.elapsed().as_secs(), BACK_WITHIN.as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_costs_no_more_than_the_deadline() {
    let (agent, commands) = commands();
    agent.answers(Answers::Never);
    let began = tokio::time::Instant::now();
    let polled = commands.begin(TENANT, AGENT).unwrap().poll_now(DeviceId(5)).await;
    assert_eq!(polled.unwrap_err(), CommandError::TimedOut);
    assert_eq!(began.elapsed().as_secs(), DEADLINE.as_secs());
    commands.drain().await;
    let took = began.elapsed() - DEADLINE;
    assert_eq!(took.as_secs(), DRAIN_WITHIN.as_secs());
    let told = agent.told.drains.lock().unwrap().clone();
    assert_eq!((told.len(), told[0].deadline_ms), (1, 3_000));
    assert!((1..=10).contains(&told[0].come_after_ms), "{told:?}");
}

#[tokio::test]
async fn commands_under_way_are_bounded() {
    let (_agent, commands) = commands();
    let refused = |tenant, agent| commands.begin(tenant, agent).err();
    let mut held: Vec<_> =
        (0..COMMANDS_PER_AGENT_MAX).map(|_| commands.begin(TENANT, AGENT).unwrap()).collect();
    assert_eq!(refused(TENANT, AGENT), Some(CommandError::AgentBusy));
    // One tenant leaves places for the others, however many agents it has.
    let another = |number: usize| AgentId(number as i64 + 100);
    for number in held.len()..COMMANDS_PER_TENANT_MAX {
        held.push(commands.begin(TENANT, another(number)).unwrap());
    }
    assert_eq!(refused(TENANT, AgentId(8)), Some(CommandError::TenantBusy));
    for number in held.len()..COMMANDS_MAX {
        let tenant = TenantId((number / COMMANDS_PER_TENANT_MAX) as i64 + 100);
        held.push(commands.begin(tenant, another(number)).unwrap());
    }
    assert_eq!(refused(TenantId(9), AgentId(9)), Some(CommandError::Busy));
    drop(held);
    assert_eq!(refused(TENANT, AGENT), None);
}

#[test]
fn texts_of_others_are_cut_and_hold_no_control_characters() {
    assert_eq!(told_text(" a\nb\u{1b}[31m "), Some("a b [31m".to_owned()));
    assert_eq!(told_text("\u{1b}core\u{7}"), Some("core".to_owned()));
    assert_eq!(told_text(" \n\u{7}"), None);
    assert_eq!(told_text(&"x".repeat(10_000)).unwrap().len(), TEXT_CHARS_MAX);
}

#[test]
fn agents_come_back_over_a_window_as_wide_as_their_crowd() {
    let windows =
        [0, 1, 500, 2_000, 6_000, 100_000].map(|agents| return_within(agents).as_millis());
    assert_eq!(windows, [0, 10, 5_000, 20_000, 60_000, 60_000]);
}
