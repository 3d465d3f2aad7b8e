//! Ping: sends echo requests to the devices of the site and to its gateway (ICMP, ICMPv6).
//!
//! - **In:** the targets (a watch, replaced as a whole), their addresses, single requests, the clock.
//! - **Out:** one row per device and interval; outcomes of single requests; the gateway's state.
//! - **Bound:** a burst of [`ECHOES`] per device, requests per tick, single bursts at a time, an output
//!   channel of the caller's size.
//! - **When full:** requests wait for the next tick, slots that pass meanwhile are skipped and counted;
//!   a row that finds no room is dropped and counted; a single request is refused.
//! - **On crash:** nothing is kept; the next slot pings again.
//!
//! [`core`] is the pure core, [`packet`] the format, [`shell`] owns the sockets; [`gateway`] finds the
//! site's first hop.

mod core;
pub mod gateway;
mod packet;
mod shell;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;
use farwatch_proto::v1::PingOutcome;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use self::core::ECHOES;
use self::core::Outcome;
use super::names::{Resolved, nowhere, shown};
use super::outlet::Outlet;
use super::resolve::lookup_now;
use super::{PollCounters, PollError, Target};

/// Single requests and addresses that wait to be taken in.
const REQUESTS_MAX: usize = 64;

/// For those who want a ping now. Cheap to clone. An outcome takes about 3 s at most, that of a host
/// name some more.
#[derive(Clone, Debug)]
pub struct PingNow(mpsc::Sender<Request>);

/// The other end, for [`run`].
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

#[derive(Debug)]
enum Request {
    Resolved(Resolved),
    Where(DeviceId, oneshot::Sender<Option<Whereabouts>>),
    Host(SocketAddr, oneshot::Sender<Outcome>),
    Devices(oneshot::Sender<BTreeMap<IpAddr, DeviceId>>),
}

/// Where somebody may be.
#[derive(Debug)]
struct Whereabouts {
    /// An address or a name, as people gave it.
    host: String,
    /// Of the host.
    addresses: Vec<SocketAddr>,
}

#[must_use]
pub fn channel() -> (PingNow, Requests) {
    let (requests, received) = mpsc::channel(REQUESTS_MAX);
    (PingNow(requests), Requests(received))
}

impl PingNow {
    /// Pings a device at all addresses of its name; `None` if it is no device or is not to be pinged.
    /// Its schedule goes on beside it.
    pub async fn ping(&self, device: DeviceId) -> Option<PingOutcome> {
        let (reply, answer) = oneshot::channel();
        if self.0.try_send(Request::Where(device, reply)).is_err() {
            return Some(tell(&Outcome::nothing(Cause::Budget)));
        }
        match answer.await {
            Ok(place) => Some(self.ping_any(place?).await),
            Err(_) => Some(tell(&Outcome::nothing(Cause::Budget))),
        }
    }

    /// Pings a host that may be no device: an IP address or a host name, at all its addresses.
    pub async fn ping_once(&self, host: &str) -> PingOutcome {
        let addresses = lookup_now(host, 0).await;
        self.ping_any(Whereabouts { host: host.to_owned(), addresses }).await
    }

    /// The outcome of the first address that answers, or of the first that was silent.
    async fn ping_any(&self, Whereabouts { host, addresses }: Whereabouts) -> PingOutcome {
        // In their order, but all at once.
        let ping =
            async |to| PingOutcome { address: shown(to, &host), ..self.ping_address(to).await };
        let mut bursts: FuturesOrdered<_> = addresses.into_iter().map(ping).collect();
        let unreachable = tell(&Outcome::nothing(Cause::Unreachable));
        let mut silent: Option<PingOutcome> = None;
        while let Some(outcome) = bursts.next().await {
            if outcome.received > 0 {
                return outcome;
            }
            let tells_more = |known: &PingOutcome| {
                known.cause == unreachable.cause && outcome.cause != unreachable.cause
            };
            if silent.as_ref().is_none_or(tells_more) {
                silent = Some(outcome);
            }
        }
        silent.unwrap_or_else(|| tell(&Outcome::nothing(nowhere(&host))))
    }

    pub(crate) async fn ping_address(&self, to: SocketAddr) -> PingOutcome {
        let (reply, answer) = oneshot::channel();
        // Full or gone: it is better to say so than to wait.
        let asked = self.0.try_send(Request::Host(to, reply)).is_ok();
        let outcome = if asked { answer.await.ok() } else { None };
        tell(&outcome.unwrap_or(Outcome::nothing(Cause::Budget)))
    }

    /// Which addresses are those of devices, also by their names. None where nobody pings any more.
    pub(super) async fn devices(&self) -> BTreeMap<IpAddr, DeviceId> {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Request::Devices(reply)).await.is_err() {
            return BTreeMap::new();
        }
        answer.await.unwrap_or_default()
    }

    /// Where a device with a host name may be. False if nobody pings any more.
    pub(super) async fn is_at(&self, resolved: Resolved) -> bool {
        self.0.send(Request::Resolved(resolved)).await.is_ok()
    }
}

fn tell(outcome: &Outcome) -> PingOutcome {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    // In a row of samples the loss tells it; who asked now is told why there is no answer.
    let silence = (outcome.sent > 0 && outcome.received == 0).then_some(Cause::Timeout);
    let cause = outcome.cause.or(silence);
    PingOutcome {
        cause: cause.map_or(0, |cause| cause as u32),
        sent: number(outcome.sent),
        received: number(outcome.received),
        rtt_us: number(outcome.mean.unwrap_or(0)),
        jitter_us: number(outcome.jitter.unwrap_or(0)),
        address: String::new(),
    }
}

/// Pings the targets that want it, and who else is asked for, until `cancel`.
pub async fn run(
    requests: Requests,
    targets: watch::Receiver<Arc<Vec<Target>>>,
    out: impl Into<Outlet>,
    clock: Clock,
    counters: Arc<PollCounters>,
    cancel: CancellationToken,
) -> Result<(), PollError> {
    let shell = shell::Shell::new(out.into(), clock, counters);
    tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = shell.run(targets, requests.0) => ended,
    }
}
