//! Stage **ingest**: from the agents' streams to checked batches.
//!
//! - in: gRPC calls on connections whose agent is known by its certificate ([`PeerInfo`])
//! - out: checked batches to the committer; acks to the agents, after the commit
//! - bound: [`session::WINDOW`] batches per session, the committer's [`queue`] over all of them
//! - when full: agents are told to keep their backlog, then everything ([`admission`]); beyond that,
//!   streams are not read
//! - on crash: the agents send again what was not acked

pub mod admission;
pub mod boots;
mod clones;
pub mod committer;
mod counters;
mod key;
pub mod links;
mod measure;
pub(crate) mod presence;
pub mod queue;
pub mod refused;
pub mod session;
mod sessions;
pub mod telemetry;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::AgentId;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::task::{self, TaskSet, chain};
use farwatch_proto::v1::uplink_server::{Uplink, UplinkServer};
use farwatch_proto::v1::{
    MeasurePart, Measured, RenewReply, RenewRequest, SessionHello, SnapshotKept, SnapshotPart,
    StreamStored, TelemetryDown, TelemetryUp, Welcome,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use clones::Clones;
pub use committer::Committer;
pub use counters::Counters;
pub use key::IngestKey;
pub use presence::Presence;
pub use queue::CommitQueue;
pub use refused::Refusals;
pub use sessions::{Fenced, NoStream, SessionGuard, Sessions};

use crate::history::receive::Receiver;
use crate::identity::PeerInfo;
use crate::identity::limits::Limiter;
use crate::identity::places::Places;
use crate::inventory::quota::Quotas;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::store::{Database, SampleStore as _, Samples, StoreError};

/// Largest message of an agent: a batch with its schemas.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest version and platform.
const HELLO_BYTES_MAX: usize = 128;
/// Streams an agent may ask for.
const STREAMS_MAX: usize = 4;
/// What is stored of them is looked for no longer: the agent asks again, in the same session.
const STORED_TIMEOUT: Duration = Duration::from_secs(3);
/// Looks at what is stored of an agent's streams, at the same time: half of SQLite's readers. Where thousands of
/// agents come at once, as after a restore, who does not get its turn within [`STORED_TIMEOUT`] is told nothing.
const STORED_AT_ONCE: usize = 2;
/// Those that wait for their turn, and of one agent: whoever asks more often is in nobody's way.
const LOOKS_MAX: usize = 10_000;
const LOOKS_OF_AGENT_MAX: usize = 1;
/// Calls of an agent at once on one pipe: its telemetry stream and a few short ones.
pub const CALLS_MAX: u32 = 8;
/// Large batches of one lane that are decoded at the same time.
const DECODERS_MAX: usize = 4;

/// Signs the certificates that agents renew.
#[tonic::async_trait]
pub trait CertificateRenewer: Send + Sync + 'static {
    /// The chain, leaf first, and when to renew it.
    async fn renew(&self, peer: &PeerInfo, csr: &[u8]) -> Result<(Vec<Vec<u8>>, Micros), Status>;
}

/// Places for what takes a thread: the backlog of many agents is not ahead of what is live.
pub(crate) struct Decoders {
    live: Semaphore,
    backlog: Semaphore,
}

/// What every session shares.
pub(crate) struct Parts {
    pub(crate) live: Live,
    pub(crate) quotas: Quotas,
    pub(crate) queue: CommitQueue,
    pub(crate) sessions: Sessions,
    pub(crate) presence: Presence,
    pub(crate) refusals: Refusals,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    pub(crate) decoders: Decoders,
    looks: Semaphore,
    looking: Places<AgentId>,
    database: Database,
    samples: Samples,
    clones: Clones,
    renewer: Box<dyn CertificateRenewer>,
    renewals: Limiter<AgentId>,
    measuring: Places<AgentId>,
    snapshots: Receiver,
    /// Ends all streams.
    cancel: CancellationToken,
}

/// The running stage.
pub struct Ingest {
    pub service: UplinkService,
    /// For the listener: [`Sessions::begin`] on every accepted connection.
    pub sessions: Sessions,
}

impl Ingest {
    /// Starts the committer and what writes down when agents were heard.
    pub fn start(
        tasks: &mut TaskSet,
        database: Database,
        samples: Samples,
        (live, quotas): (Live, Quotas),
        (renewer, snapshots): (Box<dyn CertificateRenewer>, Receiver),
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let counters = Arc::new(Counters::new(metrics));
        let sessions = Sessions::new(counters.clone());
        let (presence, refusals) = (Presence::default(), Refusals::default());
        let cancel = tasks.cancellation();
        let (queue, committer) = Committer::new(
            samples.clone(),
            live.clone(),
            (presence.clone(), refusals.clone()),
            counters.clone(),
            clock.clone(),
        );
        tasks.spawn("committer", committer.run(cancel.clone()));
        let links = links::run(live.clone(), database.clone(), clock.now(), cancel.clone());
        tasks.spawn("links", links);
        tasks.spawn("presence", presence.clone().run(database.clone(), cancel.clone()));
        tasks.spawn("refusals", refusals.clone().run(database.clone(), cancel.clone()));
        let service = UplinkService::new(UplinkParts {
            database,
            samples,
            live,
            quotas,
            queue,
            sessions: sessions.clone(),
            presence,
            refusals,
            counters,
            clock,
            renewer,
            snapshots,
            cancel,
        });
        Self { service, sessions }
    }
}

/// The gRPC service `Uplink`. Cheap to clone.
#[derive(Clone)]
pub struct UplinkService {
    parts: Arc<Parts>,
}

/// What [`UplinkService::new`] is made of.
pub struct UplinkParts {
    /// For the audit.
    pub database: Database,
    /// To say what is stored.
    pub samples: Samples,
    pub live: Live,
    pub quotas: Quotas,
    pub queue: CommitQueue,
    pub sessions: Sessions,
    pub presence: Presence,
    pub refusals: Refusals,
    pub counters: Arc<Counters>,
    pub clock: Clock,
    pub renewer: Box<dyn CertificateRenewer>,
    pub snapshots: Receiver,
    pub cancel: CancellationToken,
}

impl UplinkService {
    #[must_use]
    pub fn new(parts: UplinkParts) -> Self {
        let UplinkParts {
            database,
            samples,
            live,
            quotas,
            queue,
            sessions,
            presence,
            refusals,
            counters,
            clock,
            renewer,
            snapshots,
            cancel,
        } = parts;
        let places = || Semaphore::new(DECODERS_MAX);
        let decoders = Decoders { live: places(), backlog: places() };
        Self {
            parts: Arc::new(Parts {
                live,
                quotas,
                queue,
                sessions,
                presence,
                refusals,
                counters,
                clock,
                decoders,
                looks: Semaphore::new(STORED_AT_ONCE),
                looking: Places::new(LOOKS_MAX, LOOKS_OF_AGENT_MAX),
                database,
                samples,
                clones: Clones::default(),
                renewer,
                renewals: Limiter::renewals(),
                measuring: measure::places(),
                snapshots,
                cancel,
            }),
        }
    }

    /// What is durable of the agent's streams. If that cannot be told now, the session goes on without:
    /// agents stay connected while the database is away.
    async fn stored(&self, peer: &PeerInfo, streams: &[i64]) -> Vec<StreamStored> {
        if streams.is_empty() {
            return Vec::new();
        }
        let until = Instant::now() + STORED_TIMEOUT;
        let turn = async {
            let place = self.parts.looking.take(peer.agent).ok()?;
            // Fails only if it is closed, which nobody does.
            Some((place, self.parts.looks.acquire().await.ok()?))
        };
        let Ok(Some(_turn)) = timeout_at(until, turn).await else {
            tracing::debug!(agent = %peer.agent, "too many agents ask what is stored of them");
            return Vec::new();
        };
        let look = self.parts.samples.durable(peer.tenant, peer.agent, streams);
        let error = match timeout_at(until, look).await {
            Ok(Ok(durable)) => {
                let told = |(stream_id, ranges): &(i64, SeqRanges)| StreamStored {
                    stream_id: *stream_id,
                    ranges: ranges.to_proto(),
                };
                return durable.iter().map(told).collect();
            }
            Ok(Err(error)) => chain(&error),
            Err(_) => "the database does not answer in time".to_owned(),
        };
        tracing::warn!(agent = %peer.agent, error, "cannot say what is stored of an agent's streams");
        Vec::new()
    }

    /// The service with its limits, for a tonic router.
    #[must_use]
    pub fn into_server(self) -> UplinkServer<Self> {
        UplinkServer::new(self).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

#[tonic::async_trait]
impl Uplink for UplinkService {
    async fn open_session(
        &self,
        request: Request<SessionHello>,
    ) -> Result<Response<Welcome>, Status> {
        let peer = peer(&request)?;
        let hello = request.into_inner();
        // PostgreSQL stores no NUL.
        let refused = |text: &str| text.len() > HELLO_BYTES_MAX || text.contains('\0');
        let texts = refused(&hello.agent_version) || refused(&hello.platform);
        if texts || hello.streams.len() > STREAMS_MAX {
            return Err(Status::invalid_argument("the hello breaks a limit"));
        }
        self.parts.sessions.lives(&peer).map_err(fenced)?;
        clones::admit(&self.parts, &peer, &hello.boot_id)?;
        let share = self.parts.sessions.open(&peer).map_err(fenced)?;
        let streams = self.stored(&peer, &hello.streams).await;
        let now = self.parts.clock.now();
        self.parts.presence.heard(peer.tenant, peer.agent, now);
        let (version, platform) = (hello.agent_version, hello.platform);
        self.parts.presence.hello(peer.tenant, peer.agent, &version, &platform);
        self.parts.live.agent_connected(&peer, (version, platform), hello.link.as_ref());
        Ok(Response::new(Welcome {
            window: session::WINDOW as u32,
            backlog_window: share.batches(),
            server_time_us: now.0,
            streams,
        }))
    }

    type TelemetryStream = ReceiverStream<Result<TelemetryDown, Status>>;

    async fn telemetry(
        &self,
        request: Request<Streaming<TelemetryUp>>,
    ) -> Result<Response<Self::TelemetryStream>, Status> {
        let peer = peer(&request)?;
        let permit = self.parts.sessions.stream(&peer).map_err(|error| match error {
            NoStream::Fenced(error) => fenced(error),
            NoStream::Taken => Status::resource_exhausted(error.to_string()),
        })?;
        let (down, messages) = mpsc::channel(telemetry::DOWN_MAX);
        let stream = telemetry::serve(self.parts.clone(), peer, permit, request.into_inner(), down);
        task::spawn_child(&self.parts.cancel, stream);
        Ok(Response::new(ReceiverStream::new(messages)))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewReply>, Status> {
        let peer = peer(&request)?;
        // A pipe may be there a moment longer than its session.
        self.parts.sessions.lives(&peer).map_err(fenced)?;
        self.parts.renewals.check(&peer.agent).map_err(|limited| {
            let wait = limited.seconds();
            Status::resource_exhausted(format!("too many renewals, try again in {wait} s"))
        })?;
        let (certificate_chain, renew_after) =
            self.parts.renewer.renew(&peer, &request.get_ref().csr).await?;
        Ok(Response::new(RenewReply { certificate_chain, renew_after_us: renew_after.0 }))
    }

    async fn measure(
        &self,
        request: Request<Streaming<MeasurePart>>,
    ) -> Result<Response<Measured>, Status> {
        let peer = peer(&request)?;
        self.parts.sessions.lives(&peer).map_err(fenced)?;
        let _place = self.parts.measuring.take(peer.agent).map_err(measure::refused)?;
        measure::measure(request.into_inner(), &self.parts.clock).await.map(Response::new)
    }

    async fn snapshot(
        &self,
        request: Request<SnapshotPart>,
    ) -> Result<Response<SnapshotKept>, Status> {
        let peer = peer(&request)?;
        self.parts.sessions.lives(&peer).map_err(fenced)?;
        let kept = self.parts.snapshots.part(&peer, request.into_inner()).await?;
        Ok(Response::new(kept))
    }
}

/// The agent of the connection the call came on.
fn peer<T>(request: &Request<T>) -> Result<PeerInfo, Status> {
    request
        .extensions()
        .get::<PeerInfo>()
        .cloned()
        .ok_or_else(|| Status::unauthenticated("this connection is not an agent's"))
}

/// What is written now and then beside the data, and could not be this time. Of a full disk the store tells itself.
fn not_written(error: &StoreError, what: &'static str) {
    let error_text = chain(error);
    if error.is_full() {
        tracing::debug!(error = error_text, "{what}");
    } else {
        tracing::warn!(error = error_text, "{what}");
    }
}

fn fenced(fenced: Fenced) -> Status {
    Status::failed_precondition(fenced.to_string())
}

#[cfg(test)]
mod tests;
