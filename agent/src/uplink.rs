//! Uplink: brings what the buffer holds to a collector.
//!
//! - **In:** batches of `buffer`, answers of the collector; assignments for `inventory`. Beside them
//!   the outcomes of jobs, which [`history::send`](crate::history::send) brings.
//! - **Out:** acknowledged numbers and refusals to `buffer`.
//! - **Bound:** [`core::WINDOW_MAX`] batches and [`core::WINDOW_BYTES`] on the way.
//! - **When full:** it stops asking the buffer. Polling never notices.
//! - **On crash:** what has no answer is sent again; the collector stores it once.
//!
//! [`core`] is the pure core, [`session`] the shell of one session, [`control`] serves the
//! collector's calls.

pub mod carrier;
mod control;
pub mod core;
mod dial;
mod handover;
mod networks;
pub mod redial;
mod session;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::task::chain;
use farwatch_common::tls::TlsError;
use farwatch_common::transport::{Carrier, Session, TransportError};
use farwatch_proto::v1::GatewayStatus;
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::carrier::Reason;
use self::core::Core;
pub use self::dial::Proxies;
use self::dial::{Way, way_out};
use self::networks::{Network, Networks};
use self::redial::Redial;
use self::session::Live;
use crate::buffer::{Buffer, BufferError};
use crate::command::Commander;
use crate::config::UplinkSettings;
use crate::history::outbox::Outbox;
use crate::identity::Credentials;
use crate::inventory::Inventory;
use crate::platform::routes::default_gateway;

/// Credentials that could not be saved are tried again after this.
const SAVE_AGAIN: Duration = Duration::from_secs(300);
/// While another host runs as this agent, it asks so often whether that has gone.
const CLONED_AGAIN: Duration = Duration::from_secs(60);
/// After the stop signal, what is buffered has this long to leave.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Why a session ended or could not begin.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    #[error("cannot find the address of {collector}; check the name and this host's DNS")]
    Resolve { collector: String, source: std::io::Error },
    #[error("{collector} has no address")]
    NoAddress { collector: String },
    #[error("{collector} does not answer; check that it runs and that this host may reach it")]
    Timeout { collector: String },
    #[error("cannot reach {collector}")]
    Dial { collector: String, source: TransportError },
    #[error("neither UDP nor TCP gets through. UDP: {}. TCP: {}", chain(quic), chain(tcp))]
    Neither { quic: Box<UplinkError>, tcp: Box<UplinkError> },
    #[error("the pipe of a session did not open")]
    Pipe(#[source] TransportError),
    #[error("the collector refused the call: {}", .0.message())]
    Refused(Box<tonic::Status>),
    #[error(
        "another host runs as this agent, with a copy of its state; stop the agent on one of the two \
         and enrol it there with a new token and --force, which gives up what waits in its buffer"
    )]
    Cloned,
    #[error("the collector ended the telemetry stream")]
    StreamEnded,
    #[error("the session ended: {reason}")]
    Closed { reason: String },
    #[error("no answer to heartbeats")]
    Silent,
    #[error("the collector sent ranges that cannot be read")]
    BadRanges,
    #[error("the link takes nothing")]
    Stuck,
    #[error("the buffer")]
    Buffer(#[from] BufferError),
    #[error(
        "this agent's key and certificate cannot be used; enrol again with a new token and --force"
    )]
    Tls(#[from] TlsError),
}

impl UplinkError {
    /// The peer was not heard any more.
    fn is_silence(&self) -> bool {
        matches!(self, Self::Silent)
    }

    /// Nothing a new session would cure.
    fn is_fatal(&self) -> bool {
        matches!(self, Self::Buffer(BufferError::Gone))
    }
}

/// How the uplink is, for `status`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct UplinkState {
    pub connected: bool,
    pub collector: Option<String>,
    pub transport: Option<&'static str>,
    /// Why it is not QUIC.
    pub transport_reason: Option<Reason>,
    /// Through an HTTP proxy.
    pub proxied: bool,
    /// UTC microseconds.
    pub connected_since_us: Option<i64>,
    pub last_ack_us: Option<i64>,
    pub round_trip_ms: Option<u64>,
    /// Share of packets lost since the session began; none where the system does not tell.
    pub lost_percent: Option<f64>,
    /// How far the collector's clock is ahead of ours.
    pub clock_offset_us: Option<i64>,
    pub last_error: Option<String>,
    /// The collector keeps this agent out, as another host runs as it.
    pub cloned: bool,
}

/// What the uplink is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    pub state_dir: PathBuf,
    pub buffer: Buffer,
    pub credentials: Credentials,
    /// Told the assignment.
    pub inventory: Arc<Inventory>,
    /// Carries out commands.
    pub commander: Arc<Commander>,
    /// Outcomes of jobs, to be sent beside what is buffered.
    pub outbox: Arc<Outbox>,
    pub settings: &'a UplinkSettings,
    pub clock: Clock,
    /// The site's first hop, as it was pinged.
    pub gateway: watch::Receiver<Option<GatewayStatus>>,
    pub state: watch::Sender<UplinkState>,
    /// Somebody asks the process to stop: only then is it a goodbye. Where a task has failed the
    /// process ends too, and it is the silence that tells.
    pub stop: CancellationToken,
}

/// What the uplink works with.
#[derive(Debug)]
pub struct Uplink {
    /// Drawn at the start: a copy of this host's state runs under another one.
    boot_id: [u8; 16],
    state_dir: PathBuf,
    buffer: Buffer,
    credentials: Credentials,
    inventory: Arc<Inventory>,
    commander: Arc<Commander>,
    outbox: Arc<Outbox>,
    clock: Clock,
    state: watch::Sender<UplinkState>,
    proxies: Proxies,
    networks: Networks,
    /// A session of another carrier that takes over, and its collector.
    ready: Option<(String, Arc<dyn Session>)>,
    /// The site's first hop, as it was pinged.
    gateway: watch::Receiver<Option<GatewayStatus>>,
    /// An address of a collector, to see by which of this host's it is reached. It stays as long as
    /// there is a way to it: seen from another family of addresses, one network would look like two.
    remote: Option<SocketAddr>,
    /// That of the last session without a proxy.
    last_remote: Option<SocketAddr>,
    /// Start of the time of `networks`.
    started: Instant,
    /// When to ask for the next certificate, by the collector's clock: this host's may stand years
    /// behind. Set by the first session.
    renew_at: Option<Micros>,
    /// When to try again to save the credentials, if they are not on disk.
    save_at: Option<tokio::time::Instant>,
    /// When the last session came up, if it did.
    up_since: Option<Instant>,
    /// Somebody asks the process to stop.
    stop: CancellationToken,
}

impl Uplink {
    #[must_use]
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { settings, clock, .. } = parts;
        Self {
            proxies: Proxies::new(settings.proxy.clone()),
            networks: Networks::new(Duration::from_secs(settings.quic_probe_s.into())),
            ready: None,
            gateway: parts.gateway,
            remote: None,
            last_remote: None,
            started: clock.monotonic(),
            boot_id: rand::random(),
            state_dir: parts.state_dir,
            buffer: parts.buffer,
            credentials: parts.credentials,
            inventory: parts.inventory,
            commander: parts.commander,
            outbox: parts.outbox,
            clock,
            state: parts.state,
            renew_at: None,
            save_at: None,
            up_since: None,
            stop: parts.stop,
        }
    }

    /// Keeps a session up until `cancel`, then drains for at most [`DRAIN_MAX`].
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), UplinkError> {
        let (stream_id, next_seq) = {
            let state = self.buffer.state();
            let state = state.borrow();
            (state.stream_id, state.next_seq)
        };
        let mut core = Core::new(stream_id, next_seq);
        let mut redial = Redial::default();
        let mut attempt = 0usize;
        while !cancel.is_cancelled() {
            self.up_since = None;
            let ended = self.session(attempt, &mut core, &cancel).await;
            self.state.send_if_modified(|state| {
                state.connected_since_us = None;
                std::mem::take(&mut state.connected)
            });
            self.networks
                .carriers
                .ended(ended.as_ref().is_err_and(UplinkError::is_silence), self.time());
            let now = self.clock.monotonic();
            let life = self.up_since.map_or(Duration::ZERO, |since| now - since);
            let lasted = redial.lived(life);
            // The collectors come best first: after one that was well, begin with the best again.
            attempt = match &ended {
                Ok(session::End::HandedOver) => attempt,
                Ok(session::End::SentAway(_)) => attempt + 1,
                Ok(_) => 0,
                Err(_) if lasted => 0,
                Err(_) => attempt + 1,
            };
            let again_at_once = match ended {
                Ok(session::End::Drained) => return Ok(()),
                Ok(session::End::HandedOver) => true,
                // It comes up again, or another one takes over.
                Ok(session::End::SentAway(sent_away)) => {
                    if let Some(wait) = sent_away.come_after {
                        redial.told(wait);
                    }
                    false
                }
                Ok(session::End::Renewed) => {
                    // It would show the old certificate.
                    self.ready = None;
                    true
                }
                Err(error) => {
                    self.failed(&error);
                    if error.is_fatal() {
                        return Err(error);
                    }
                    if matches!(error, UplinkError::Cloned) {
                        redial.told(CLONED_AGAIN);
                    }
                    // A session that lasted and went silent is replaced, not waited for. One that
                    // did not last waits its turn, lest a sick collector be dialled without end.
                    (lasted && matches!(error, UplinkError::Silent)) || self.ready.is_some()
                }
            };
            if again_at_once {
                continue;
            }
            let wait = redial.next(self.time(), rand::random());
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        Ok(())
    }

    fn failed(&self, error: &UplinkError) {
        let reason = chain(error);
        let known = self.state.borrow().last_error.as_ref() == Some(&reason);
        if known {
            tracing::debug!(error = reason, "uplink down");
        } else {
            tracing::warn!(error = reason, "uplink down, buffering");
        }
        self.state.send_modify(|state| {
            state.connected = false;
            state.connected_since_us = None;
            state.last_error = Some(reason);
            state.cloned = matches!(error, UplinkError::Cloned);
        });
    }

    async fn session(
        &mut self,
        attempt: usize,
        core: &mut Core,
        cancel: &CancellationToken,
    ) -> Result<session::End, UplinkError> {
        self.warn_if_expired();
        let collectors = &self.credentials.collectors;
        let next = collectors.get(attempt % collectors.len().max(1)).cloned();
        let next = next.unwrap_or_default();
        // What is buffered stays on disk: waiting for a collector would only cost the time the buffer
        // needs to close its file.
        let (collector, session) = tokio::select! {
            dialled = self.dialled(next) => dialled?,
            () = cancel.cancelled() => return Ok(session::End::Drained),
        };
        // Before the hello: what goes silent there counts too.
        let carrier = session.carrier();
        self.networks.carriers.began(carrier, self.time(), rand::random());
        let proxied = carrier == Carrier::Tcp && self.proxies.towards(&collector).is_some();
        if !proxied {
            self.last_remote = Some(session.remote());
        }
        self.look_around().await;
        self.state.send_modify(|state| state.proxied = proxied);
        let begun = async {
            let begun = Live::begin(self, Arc::clone(&session), core).await;
            // Where the collector has hung up, its reason tells more than what broke by it.
            begun.map_err(|error| match session.closed().now_or_never() {
                Some(reason) => UplinkError::Closed { reason },
                None => error,
            })
        };
        let live = tokio::select! {
            live = begun => live?,
            () = cancel.cancelled() => return Ok(session::End::Drained),
        };
        // What cannot be saved is told again by the next session.
        let before = self.credentials.passed;
        if self.credentials.note_passed(self.clock.now(), live.collector_time(self))
            && self.credentials.save(&self.state_dir).is_err()
        {
            self.credentials.passed = before;
        }
        self.up_since = Some(self.clock.monotonic());
        let reason = self.reason(carrier);
        self.state.send_modify(|state| {
            state.connected = true;
            state.collector = Some(collector.clone());
            state.transport = Some(carrier.name());
            state.transport_reason = reason;
            state.connected_since_us = Some(self.clock.now().0);
            state.last_error = None;
            state.cloned = false;
        });
        let reason = reason.map(Reason::name);
        tracing::info!(transport = carrier.name(), reason, "uplink up");
        live.drive(self, &collector, core, cancel).await
    }

    /// The session that takes over, or one with `next`.
    async fn dialled(&mut self, next: String) -> Result<(String, Arc<dyn Session>), UplinkError> {
        if let Some(ready) = self.ready.take() {
            return Ok(ready);
        }
        let way = self.way(&next)?;
        self.look_around().await;
        let session = way.dial(self.networks.carriers.dial(self.time())).await?;
        Ok((next, session))
    }

    /// Sees whether this host is in another network than it was.
    async fn look_around(&mut self) {
        let remotes = self.remote.into_iter().chain(self.last_remote);
        let Some((remote, here)) = way_out(remotes).await else { return };
        self.remote = Some(remote);
        // As the system routes now: what was pinged may still be of the network before.
        let gateway = default_gateway().map(|gateway| gateway.ip());
        if self.networks.enter(Network { here, gateway }, self.time()) {
            tracing::info!("this host is in another network: what is known of that one counts");
        }
    }

    /// Why TCP carries the session, if it does.
    fn reason(&self, carrier: Carrier) -> Option<Reason> {
        self.networks.carriers.reason().filter(|_| carrier == Carrier::Tcp)
    }

    fn way(&self, collector: &str) -> Result<Way, UplinkError> {
        Way::new(collector, &self.credentials, &self.proxies)
    }

    /// The other carrier gets through.
    fn gets_through(&mut self, carrier: Carrier) {
        if carrier == Carrier::Tcp {
            self.networks.carriers.give_up_quic(self.time());
        }
    }

    /// The other carrier does not get through.
    fn does_not_get_through(&mut self, carrier: Carrier) {
        if carrier == Carrier::Quic {
            self.networks.carriers.probe_failed(self.time(), rand::random());
        }
    }

    /// Since the start.
    fn time(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.started)
    }

    /// An expired certificate is shown nevertheless: this host's clock may be wrong.
    fn warn_if_expired(&self) {
        let now = self.clock.now();
        if now > self.credentials.not_after {
            tracing::error!(
                expired_s = now.since(self.credentials.not_after).as_secs(),
                "this agent's certificate has expired and the collector will refuse it; if this \
                 host's clock is right, run `farwatch-agent enroll --force` with a new token; \
                 polling goes on and what it sees is kept"
            );
        }
    }

    /// What cannot be saved is used nevertheless: the collector has given it.
    fn save_credentials(&mut self) {
        match self.credentials.save(&self.state_dir) {
            Ok(()) if self.save_at.take().is_some() => {
                tracing::info!("the renewed certificate is saved");
            }
            Ok(()) => {}
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    again_s = SAVE_AGAIN.as_secs(),
                    "the renewed certificate is in use but cannot be saved and would be lost with \
                     a restart; see to the disk of the state directory"
                );
                self.save_at = Some(tokio::time::Instant::now() + SAVE_AGAIN);
            }
        }
    }

    fn note_ack(&self, at: Micros) {
        self.state.send_modify(|state| state.last_ack_us = Some(at.0));
    }
}
