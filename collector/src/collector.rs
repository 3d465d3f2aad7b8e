//! The composition root: reads top-down like the picture. Doors, ingest, store, live,
//! evaluate, api.

mod announce;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::IdGenerator;
use farwatch_common::task::{TaskFailed, TaskSet};
use farwatch_common::tls::{self, TlsError};
use farwatch_common::transport::quic::EndpointSecrets;
use farwatch_common::transport::{ALPN_ENROLL, GRPC_CONNECTION_WINDOW, GRPC_STREAM_WINDOW};
use farwatch_proto::v1::enrollment_server::EnrollmentServer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState};
use crate::command::{Commands, DRAIN_WITHIN};
use crate::config::{Config, DatabasePasswordError, MetricsTokenError};
use crate::data_dir::{DataDir, DataDirError};
use crate::evaluate::{Evaluator, RuleChanges};
use crate::history::JobsChanged;
use crate::history::VersionsChanged;
use crate::history::dispatch::Dispatcher;
use crate::history::mirror::Mirror;
use crate::history::mirror::health::Mirrors;
use crate::history::receive::{Receiver, ReceiverParts};
use crate::history::retention::Sweeper;
use crate::history::version::Writers;
use crate::identity::certificates::{BrowserSource, Certificates};
use crate::identity::enroll::{EnrollmentService, Renewer};
use crate::identity::installation_key::InstallationKeys;
use crate::identity::limits::Limits;
use crate::identity::password::{Cost, Passwords};
use crate::identity::pki::{Pki, PkiError};
use crate::identity::token::TokenOrigin;
use crate::identity::user::user_any;
use crate::ingest::{self, Ingest, UplinkService};
use crate::inventory::push::AssignmentPush;
use crate::inventory::quota::Quotas;
use crate::inventory::{AssignmentChanges, Vault, VaultError};
use crate::listen::addresses::Addresses;
use crate::listen::agents::{AgentDoor, DoorCounters, PIPES_WAITING_MAX, PeerPipe, TcpSessions};
use crate::listen::web::{ServerTls, WebDoor};
use crate::listen::{Doors, ListenError};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::notify::config::NotifyConfigError;
use crate::notify::connect::{Connector, SystemResolver, tls_config};
use crate::notify::guard::Guard;
use crate::notify::send::Sender;
use crate::notify::send::email::{Mailer, MailerError};
use crate::notify::{Courier, Nudge};
use crate::scan::Scanner;
use crate::store::database::{Server, Target, elsewhere};
use crate::store::ids::id_generator;
use crate::store::{Database, Samples, StoreError};

/// How long tasks have to end after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
/// Whose ids these are; commands have another one.
const SERVING_NODE: u16 = 0;
const QUIC_KEYS_FILE: &str = "identity/quic.keys";
const QUIC_KEYS_BYTES: usize = 32 + 32 + 8;

/// Why the collector did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the certificate authority failed")]
    Pki(#[from] PkiError),
    #[error("the master key failed")]
    Vault(#[from] VaultError),
    #[error("TLS failed")]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    DatabasePassword(#[from] DatabasePasswordError),
    #[error("/metrics cannot be protected")]
    MetricsToken(#[from] MetricsTokenError),
    #[error(transparent)]
    NotifyConfig(#[from] NotifyConfigError),
    #[error(transparent)]
    Mailer(#[from] MailerError),
    #[error("stopped, because a part failed")]
    Task(#[from] TaskFailed),
}

/// What everything else is built on.
struct Base {
    database: Database,
    pki: Arc<Pki>,
    vault: Arc<Vault>,
    ids: Arc<IdGenerator>,
    clock: Clock,
    metrics: Metrics,
}

/// Serves until `stop` resolves.
pub async fn serve(config: Config, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let clock = Clock::system();
    let data_dir = config.data_dir.clone();
    let metrics_token = config.metrics_token()?;
    // Held to the end.
    let _data_dir = DataDir::lock(&data_dir)?;
    announce::data_dir(&data_dir);

    // What is kept.
    let target = config.database()?;
    let database = Database::open_target(target.clone()).await?;
    // Held to the end too.
    let serving = database.serving().await?;
    if let Target::Postgres(server) = &target {
        place_noted(&data_dir, server)?;
    }
    let ids = Arc::new(id_generator(&database, SERVING_NODE).await?);
    let base = Base {
        database,
        pki: Arc::new(Pki::open(&data_dir, clock.now())?),
        vault: Arc::new(Vault::open(&data_dir)?),
        ids,
        clock,
        metrics: Metrics::default(),
    };

    // Doors: a taken port is found before anything runs.
    let certificates = Certificates::open(
        base.pki.clone(),
        browser_source(&config),
        base.clock.clone(),
        &base.metrics,
    )?;
    let tls = server_tls(&certificates, &base)?;
    let keys = quic_keys(&data_dir)?;
    let browser_sha256 = certificates.self_signed_sha256();
    let agent_tls = tls.agents.clone();
    let doors = Doors::open(config.listen.address, config.listen.http, agent_tls, &keys).await?;
    let addresses = doors.addresses(&config.listen.public)?;
    addresses.save(&data_dir).map_err(file_error(&data_dir))?;

    // Ingest, store, live.
    let mut tasks = TaskSet::new();
    let cancel = tasks.cancellation();
    if let Some(serving) = &serving {
        tasks.spawn("database", serving.clone().run(cancel.clone()));
    }
    let help = "1 while batches are refused, because the disk of the database is full.";
    let gauge = base.metrics.gauge("store_disk_full", help, &[]);
    tasks.spawn("room", base.database.room().clone().run(gauge, cancel.clone()));
    let samples = Samples::new(base.database.clone());
    let live = Live::new(base.clock.clone());
    live.load(&base.database, &samples).await?;
    let quotas = Quotas::load(&base.database).await?;
    live.series(|tenant, device, layout| quotas.series_known(tenant, device, layout));
    let jobs = JobsChanged::default();
    let (snapshots, mirrors) = start_history(&mut tasks, &base, &config, &jobs);
    let shown = (live.clone(), quotas.clone());
    let ingest = start_ingest(&mut tasks, &base, samples.clone(), shown, snapshots);
    tasks.spawn("certificates", certificates.run(cancel.clone()));
    tasks.spawn("live", live.clone().run(cancel.clone()));

    // Evaluate, notify.
    let courier = courier(&config, &base)?;
    let rules = RuleChanges::default();
    let evaluator = evaluator(&base, &live, &rules, courier.nudge()).with_web(config.web());
    tasks.spawn("evaluate", evaluator.run(cancel.clone()));
    tasks.spawn("notify", courier.clone().run(cancel.clone()));

    // Agents.
    let changes = AssignmentChanges::default();
    let (pipes, accepted) = mpsc::channel(PIPES_WAITING_MAX);
    let door = agent_door(&base, &ingest, changes.clone(), pipes);
    tasks.spawn("uplink", serve_uplink(ingest.service, accepted, cancel.clone()));
    tasks.spawn("agents", door.clone().serve(doors.quic, cancel.clone()));

    // Configurations of devices.
    let commands = Commands::new(Arc::new(ingest.sessions.clone()), base.clock.clone());
    let dispatcher = dispatcher(&base, (live.clone(), commands.clone()), jobs.clone());
    tasks.spawn("history", dispatcher.run(cancel.clone()));

    // What stands at sites.
    let (database, clock) = (base.database.clone(), base.clock.clone());
    let (mut scanner, scans) = Scanner::new(database, commands.clone(), clock, &base.metrics);
    scanner.end_left().await;
    tasks.spawn("scan", scanner.run(cancel.clone()));

    // Enrolment, API, UI.
    let limits = Arc::new(Limits::default());
    let enroll = enrolment(&base, &addresses, &live, &limits);
    let installation = Arc::new(InstallationKeys::new(Arc::clone(&base.vault)));
    let api = api::router(AppState::new(api::Parts {
        db: base.database.clone(),
        live,
        samples,
        vault: base.vault,
        installation,
        changes,
        rules,
        jobs,
        mirrors,
        clock: base.clock,
        ids: base.ids,
        limits,
        quotas,
        passwords: Passwords::new(Cost::STANDARD),
        sessions: Arc::new(ingest.sessions),
        commands: commands.clone(),
        scans,
        courier,
        origin: TokenOrigin {
            root_pin: base.pki.root_pin(),
            endpoints: addresses.endpoints.clone(),
        },
        version: env!("CARGO_PKG_VERSION"),
        metrics: base.metrics.clone(),
        metrics_token,
        stopping: cancel.clone(),
        own: api::Own::new(&base.metrics),
    }));
    let web = WebDoor::new(api, enroll, door, tls, &base.metrics, cancel.clone());
    tasks.spawn("tls", web.clone().serve_tls(doors.tls, cancel.clone()));
    if let Some(http) = doors.http {
        tasks.spawn("http", web.serve_plain(http, cancel.clone()));
    }
    if !user_any(&base.database).await? {
        announce::no_user(&data_dir, &target);
    }
    announce::up(&addresses, browser_sha256.as_deref(), &config);

    // Agents are told while everything still runs: what is under way is acknowledged.
    let stop = async {
        stop.await;
        announce::stopping(DRAIN_WITHIN.saturating_add(DRAIN));
        commands.drain().await;
    };
    let ended = tasks.run(stop, DRAIN).await;
    base.database.close().await;
    drop(serving);
    ended?;
    tracing::info!("stopped");
    Ok(())
}

/// Who tells people, by what the administrator's file lets out.
fn courier(config: &Config, base: &Base) -> Result<Courier, ServeError> {
    let notify = &config.notify;
    let own = [Some(config.listen.address), config.listen.http].into_iter().flatten().collect();
    let guard = Arc::new(Guard { allow: notify.allowed(), own });
    let tls = tls_config(notify.roots()?);
    let connector = Connector { guard, resolver: Arc::new(SystemResolver), tls };
    let (password, roots) = (notify.smtp_password()?, notify.roots_pem()?);
    let mailer = |smtp| Mailer::new(smtp, password.as_ref(), roots.as_deref());
    let mailer = notify.smtp.as_ref().map(mailer).transpose()?;
    let sender = Sender { connector, mailer };
    let (database, vault) = (base.database.clone(), base.vault.clone());
    let own = (base.clock.clone(), base.ids.clone());
    Ok(Courier::new(database, vault, sender, own, &base.metrics))
}

fn server_tls(certificates: &Certificates, base: &Base) -> Result<ServerTls, ServeError> {
    let (own, browser) = (&certificates.own, &certificates.browser);
    Ok(ServerTls {
        agents: tls::agent_listener_config(own.clone(), base.pki.root().clone())?,
        enrolment: tls::open_listener_config(own.clone(), &[ALPN_ENROLL])?,
        browsers: tls::open_listener_config(browser.clone(), &[b"h2", b"http/1.1"])?,
    })
}

fn browser_source(config: &Config) -> BrowserSource {
    match (&config.tls.cert_file, &config.tls.key_file) {
        (Some(certificate), Some(key)) => {
            BrowserSource::Files { certificate: certificate.clone(), key: key.clone() }
        }
        _ => {
            let hosts = config.hosts();
            BrowserSource::SelfSigned { data_dir: config.data_dir.clone(), hosts }
        }
    }
}

fn start_ingest(
    tasks: &mut TaskSet,
    base: &Base,
    samples: Samples,
    (live, quotas): (Live, Quotas),
    snapshots: Receiver,
) -> Ingest {
    let renewer = Renewer {
        database: base.database.clone(),
        pki: base.pki.clone(),
        live: live.clone(),
        clock: base.clock.clone(),
    };
    Ingest::start(
        tasks,
        base.database.clone(),
        samples,
        (live, quotas),
        (Box::new(renewer), snapshots),
        base.clock.clone(),
        &base.metrics,
    )
}

/// Takes configurations in, lets old ones go, and mirrors them where the file says so.
fn start_history(
    tasks: &mut TaskSet,
    base: &Base,
    config: &Config,
    jobs: &JobsChanged,
) -> (Receiver, Mirrors) {
    let (versions, writers) = (VersionsChanged::default(), Writers::default());
    let (database, clock, cancel) = (&base.database, &base.clock, tasks.cancellation());
    let sweeper = Sweeper::new(database.clone(), writers.clone(), clock.clone(), &base.metrics);
    tasks.spawn("retention", sweeper.run(cancel.clone()));
    let mut mirrors = Mirrors::default();
    if config.history.git_mirror {
        let mirror = Mirror::new(
            database.clone(),
            &config.data_dir,
            config.history.clone(),
            versions.clone(),
            clock.clone(),
            &base.metrics,
        );
        mirrors = mirror.health();
        tasks.spawn("mirror", mirror.run(cancel));
    }
    let parts = ReceiverParts {
        database: database.clone(),
        vault: base.vault.clone(),
        ids: base.ids.clone(),
        clock: clock.clone(),
        jobs: jobs.clone(),
        versions,
        writers,
    };
    (Receiver::new(parts, &base.metrics), mirrors)
}

fn evaluator(base: &Base, live: &Live, rules: &RuleChanges, nudge: Nudge) -> Evaluator {
    let (database, ids, clock) = (base.database.clone(), base.ids.clone(), base.clock.clone());
    Evaluator::new(database, live.clone(), ids, clock, rules.clone(), nudge, &base.metrics)
}

fn dispatcher(base: &Base, of: (Live, Commands), jobs: JobsChanged) -> Dispatcher {
    let kept = (base.database.clone(), base.vault.clone(), base.ids.clone());
    Dispatcher::new(kept, of, jobs, base.clock.clone(), &base.metrics)
}

fn agent_door(
    base: &Base,
    ingest: &Ingest,
    changes: AssignmentChanges,
    pipes: mpsc::Sender<io::Result<PeerPipe>>,
) -> AgentDoor {
    AgentDoor {
        database: base.database.clone(),
        clock: base.clock.clone(),
        sessions: ingest.sessions.clone(),
        push: AssignmentPush {
            clock: base.clock.clone(),
            database: base.database.clone(),
            vault: base.vault.clone(),
            changes,
            left_out: base.metrics.counter(
                "inventory_devices_left_out_total",
                "Devices left out of a pushed assignment, because their credential is damaged.",
                &[],
            ),
        },
        counters: DoorCounters::new(&base.metrics),
        pipes,
        connections: Arc::new(AtomicU64::new(0)),
        tcp: TcpSessions::default(),
    }
}

fn enrolment(
    base: &Base,
    addresses: &Addresses,
    live: &Live,
    limits: &Arc<Limits>,
) -> axum::Router {
    let counter = |name, help| base.metrics.counter(name, help, &[]);
    let service = EnrollmentService {
        database: base.database.clone(),
        pki: base.pki.clone(),
        ids: base.ids.clone(),
        clock: base.clock.clone(),
        limits: limits.clone(),
        live: live.clone(),
        accepted: counter("identity_enrolments_total", "Agents enrolled."),
        refused: counter("identity_enrolments_refused_total", "Enrolments refused."),
        endpoints: addresses.endpoints.clone().into(),
    };
    tonic::service::Routes::new(EnrollmentServer::new(service)).into_axum_router()
}

/// Leaves the note that says where the rows are; says so where it said something else.
fn place_noted(data_dir: &Path, server: &Server) -> Result<(), StoreError> {
    let now = format!("{server:?}");
    // What cannot be read is written anew, or that fails.
    let before = elsewhere::noted(data_dir).ok().flatten();
    if let Some(before) = before.filter(|before| *before != now) {
        tracing::warn!(
            before,
            now,
            "this data directory was served from another PostgreSQL database: if the rows were not \
             moved with it, stop the collector and name the one before"
        );
    }
    elsewhere::note(data_dir, server)
}

/// gRPC of the agents, on the pipes their connections open.
async fn serve_uplink(
    service: UplinkService,
    pipes: mpsc::Receiver<io::Result<PeerPipe>>,
    cancel: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    tonic::transport::Server::builder()
        .max_concurrent_streams(ingest::CALLS_MAX)
        .initial_stream_window_size(GRPC_STREAM_WINDOW)
        .initial_connection_window_size(GRPC_CONNECTION_WINDOW)
        .add_service(service.into_server())
        .serve_with_incoming_shutdown(ReceiverStream::new(pipes), cancel.cancelled_owned())
        .await
}

/// Keys that must outlive a restart, so that agents learn of one by stateless reset.
fn quic_keys(data_dir: &Path) -> Result<EndpointSecrets, ServeError> {
    let path = data_dir.join(QUIC_KEYS_FILE);
    let kept = read_if_present(&path).map_err(file_error(&path))?;
    let bytes = match kept.and_then(|bytes| <[u8; QUIC_KEYS_BYTES]>::try_from(bytes).ok()) {
        Some(bytes) => bytes,
        None => {
            // Lost or damaged keys cost agents an idle time-out once, nothing else.
            let fresh: [u8; QUIC_KEYS_BYTES] = std::array::from_fn(|_| rand::random());
            write_private(&path, &fresh).map_err(file_error(&path))?;
            fresh
        }
    };
    let (mut reset_key, mut token_key, mut id_key) = ([0; 32], [0; 32], [0; 8]);
    reset_key.copy_from_slice(&bytes[..32]);
    token_key.copy_from_slice(&bytes[32..64]);
    id_key.copy_from_slice(&bytes[64..]);
    Ok(EndpointSecrets { reset_key, token_key, connection_id_key: u64::from_le_bytes(id_key) })
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> ServeError {
    move |source| ServeError::File { path: path.to_owned(), source }
}
