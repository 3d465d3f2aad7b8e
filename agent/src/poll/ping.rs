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

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;
use farwatch_proto::v1::PingOutcome;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use self::core::ECHOES;
use self::core::Outcome;
use super::{Observation, PollCounters, PollError, Target};

/// Single requests and addresses that wait to be taken in.
const REQUESTS_MAX: usize = 64;
/// A name that takes longer to look up has no address.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// For those who want a ping now. Cheap to clone. An outcome takes about 3 s at most, that of a host
/// name some more.
#[derive(Clone, Debug)]
pub struct PingNow(mpsc::Sender<Request>);

/// The other end, for [`run`].
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

#[derive(Debug)]
enum Request {
    Address(DeviceId, IpAddr),
    Device(DeviceId, oneshot::Sender<Option<Outcome>>),
    Host(SocketAddr, oneshot::Sender<Option<Outcome>>),
}

#[must_use]
pub fn channel() -> (PingNow, Requests) {
    let (requests, received) = mpsc::channel(REQUESTS_MAX);
    (PingNow(requests), Requests(received))
}

impl PingNow {
    /// Pings a device where it was found last; `None` if it is no device or is not to be pinged. Its
    /// schedule goes on beside it.
    pub async fn ping(&self, device: DeviceId) -> Option<PingOutcome> {
        self.ask(|reply| Request::Device(device, reply)).await.map(|outcome| tell(&outcome))
    }

    /// Pings a host that may be no device: an IP address or a host name.
    pub async fn ping_once(&self, host: &str) -> PingOutcome {
        let lookup = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, 0)));
        let found = lookup.await.ok().and_then(Result::ok).and_then(|mut found| found.next());
        let Some(address) = found else {
            return PingOutcome { cause: Cause::Unreachable as u32, ..PingOutcome::default() };
        };
        self.ping_address(address).await
    }

    pub(crate) async fn ping_address(&self, to: SocketAddr) -> PingOutcome {
        let outcome = self.ask(|reply| Request::Host(to, reply)).await;
        tell(&outcome.unwrap_or(Outcome::nothing(Cause::Budget)))
    }

    async fn ask(
        &self,
        request: impl FnOnce(oneshot::Sender<Option<Outcome>>) -> Request,
    ) -> Option<Outcome> {
        let (reply, answer) = oneshot::channel();
        // Full or gone: it is better to say so than to wait.
        let refused = Some(Outcome::nothing(Cause::Budget));
        if self.0.try_send(request(reply)).is_err() {
            return refused;
        }
        answer.await.unwrap_or(refused)
    }

    /// Where a device with a host name is. False if nobody pings any more.
    pub(super) async fn is_at(&self, device: DeviceId, ip: IpAddr) -> bool {
        self.0.send(Request::Address(device, ip)).await.is_ok()
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
    }
}

/// Pings the targets that want it, and who else is asked for, until `cancel`.
pub async fn run(
    requests: Requests,
    targets: watch::Receiver<Arc<Vec<Target>>>,
    out: mpsc::Sender<Observation>,
    clock: Clock,
    counters: Arc<PollCounters>,
    cancel: CancellationToken,
) -> Result<(), PollError> {
    let shell = shell::Shell::new(out, clock, counters);
    tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = shell.run(targets, requests.0) => ended,
    }
}
