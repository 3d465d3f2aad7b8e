//! Asks a device at all its addresses, and finds out why it is silent where it is.
//!
//! Somebody waits, so all of it goes on at the same time, at all addresses of a name: the poll, echo
//! requests, a knock at the port, and SNMP v1 where v2c is not answered.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use farwatch_proto::v1::PingOutcome;
use futures_util::StreamExt as _;
use futures_util::future::{Either, join, select};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::knock::{Told, knock};
use super::look::Look;
use super::silence::{Asked, NoAnswer, Silence};
use super::{ProbeFailure, ProbeReport};
use crate::poll::names::{nowhere, textual};
use crate::poll::ping::{self, PingNow};
use crate::poll::resolve::lookup_now;
use crate::poll::{Access, PollCounters, PollError, SnmpVersion, Target, credential};

/// What else is tried has ended by then, from the start of the poll.
const LIMIT: Duration = Duration::from_millis(2900);
/// So long v2c is silent before v1 is tried; that takes less than what is left.
const V1_AFTER: Duration = Duration::from_secs(1);

/// Asks `target` once for all that the standard plan knows. For SNMPv3 the failure is the
/// diagnosis; a community that fails over v2c is tried over v1 too.
pub async fn probe(target: Target) -> Result<ProbeReport, PollError> {
    let clock = Clock::system();
    let (pinger, requests) = ping::channel();
    let (_targets, nobody) = watch::channel(Arc::default());
    let (out, _rows) = mpsc::channel(1);
    let counters = Arc::new(PollCounters::default());
    let pinging =
        ping::run(requests, nobody, out, clock.clone(), counters, CancellationToken::new());
    tokio::select! {
        ended = pinging => Err(ended.err().unwrap_or(PollError::OutputClosed)),
        probed = everywhere(&target, &pinger, &clock) => probed,
    }
}

/// Looks at the first address that answers. Of failures the first address's counts, of silences the one
/// that tells most.
async fn everywhere(
    target: &Target,
    pinger: &PingNow,
    clock: &Clock,
) -> Result<ProbeReport, PollError> {
    let addresses = lookup_now(&target.host, target.port).await;
    // Of an address that is there and no answer, the routes are to blame.
    let no_way = if addresses.is_empty() { nowhere(&target.host) } else { Cause::Unreachable };
    let at = |address| Attempt { target, address, pinger, clock };
    let mut attempts: FuturesUnordered<_> = (0usize..)
        .zip(addresses)
        .map(|(number, address)| async move { (number, at(address).attempt().await) })
        .collect();
    let mut silence = None;
    let mut failure: Option<(usize, PollError)> = None;
    while let Some((number, attempted)) = attempts.next().await {
        match attempted {
            Ok(look) => {
                drop(attempts);
                return look.rest().await;
            }
            Err(Missed::Silent(told)) => silence = silence.max(Some(told)),
            Err(Missed::NoWay) => {}
            // Another address may yet answer: which one is quicker must not matter.
            Err(Missed::Failed(error)) => {
                if failure.as_ref().is_none_or(|(known, _)| number < *known) {
                    failure = Some((number, error));
                }
            }
        }
    }
    if let Some((_, error)) = failure {
        return Err(error);
    }
    let asked = Asked::with(&target.access);
    Err(match silence {
        Some(silence) => PollError::NoAnswer(NoAnswer { silence, asked, port: target.port }),
        None => PollError::Device(ProbeFailure { cause: no_way, asked }),
    })
}

/// Why an attempt led to nothing.
enum Missed {
    Silent(Silence),
    NoWay,
    Failed(PollError),
}

/// What was tried beside the poll.
#[derive(Default)]
struct Aside {
    ping: Option<PingOutcome>,
    speaks_v1: bool,
}

/// A device at one of its addresses.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    target: &'a Target,
    address: SocketAddr,
    pinger: &'a PingNow,
    clock: &'a Clock,
}

impl Attempt<'_> {
    /// A poll that the device has begun to answer.
    async fn attempt(self) -> Result<Look, Missed> {
        let target = Target { host: textual(self.address), ..self.target.clone() };
        let mut look = Look::begin(target, self.clock.clone());
        self.first(&mut look).await?;
        Ok(look)
    }

    /// Waits for the first answer, or for all that tells why there is none.
    async fn first(self, look: &mut Look) -> Result<(), Missed> {
        let until = Instant::now() + LIMIT;
        let (heard, aside) = (pin!(self.hear(look)), pin!(self.aside()));
        let (heard, aside) = match select(heard, aside).await {
            Either::Left((Err(missed), aside)) if missed.is_open() => (Err(missed), aside.await),
            Either::Left((heard, _)) => (heard, Aside::default()),
            Either::Right((aside, heard)) => (heard.await, aside),
        };
        match heard {
            Err(missed) if missed.is_open() && aside.speaks_v1 => {
                Err(Missed::Failed(PollError::OnlyV1))
            }
            Err(Missed::Silent(Silence::Unexplained)) => Err(explained(aside.ping.as_ref())),
            Err(Missed::Failed(PollError::Device(_)))
                if timeout_at(until, self.speaks_v1()).await.unwrap_or(false) =>
            {
                Err(Missed::Failed(PollError::OnlyV1))
            }
            heard => heard,
        }
    }

    /// Waits for the first answer, for the end of the time-outs, or for a port that is closed.
    async fn hear(self, look: &mut Look) -> Result<(), Missed> {
        let (step, knock) = (pin!(look.step()), pin!(knock(self.address, self.clock)));
        let (step, unheard) = match select(step, knock).await {
            Either::Left((step, _)) => (step, Silence::Unexplained),
            Either::Right((Told::SpeaksSnmp { .. }, step)) => {
                (step.await, Silence::CredentialIgnored)
            }
            Either::Right((Told::Closed, _)) => return Err(Missed::Silent(Silence::PortClosed)),
            Either::Right((Told::Filtered, _)) => return Err(Missed::Silent(Silence::Filtered)),
        };
        step.map_err(|error| match error {
            PollError::Device(ProbeFailure { cause: Cause::Timeout, .. }) => {
                Missed::Silent(unheard)
            }
            PollError::Device(ProbeFailure { cause: Cause::Unreachable, .. }) => Missed::NoWay,
            error => Missed::Failed(error),
        })
    }

    async fn aside(self) -> Aside {
        let silent = PingOutcome { cause: Cause::Timeout as u32, ..PingOutcome::default() };
        let ping = async {
            // Whoever may not send any is told so at once.
            timeout(LIMIT, self.pinger.ping_address(self.address)).await.unwrap_or(silent)
        };
        let v1 = async {
            sleep(V1_AFTER).await;
            self.speaks_v1().await
        };
        let (ping, speaks_v1) = join(ping, v1).await;
        Aside { ping: Some(ping), speaks_v1 }
    }

    /// Whether a device that was asked over v2c takes the community over v1.
    async fn speaks_v1(self) -> bool {
        let Access::Community { version: SnmpVersion::V2c, community } = &self.target.access else {
            return false;
        };
        let over_v1 = Access::Community { version: SnmpVersion::V1, community: community.clone() };
        let host = textual(self.address);
        credential::answers(&host, self.address.port(), &over_v1, self.clock).await
    }
}

impl Missed {
    /// What was tried aside may yet explain it.
    fn is_open(&self) -> bool {
        matches!(self, Self::Silent(Silence::Unexplained | Silence::CredentialIgnored))
    }
}

/// A silence, by what echo requests have shown.
fn explained(ping: Option<&PingOutcome>) -> Missed {
    let Some(ping) = ping else { return Missed::Silent(Silence::Unexplained) };
    match Cause::from_wire(ping.cause) {
        _ if ping.received > 0 => Missed::Silent(Silence::HostAnswers),
        Some(Cause::Timeout) => Missed::Silent(Silence::HostSilent),
        Some(Cause::Unreachable) => Missed::NoWay,
        _ => Missed::Silent(Silence::Unexplained),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_explained_by_echo_requests_where_they_are_permitted() {
        let told = |received, cause: u32| {
            explained(Some(&PingOutcome { sent: 5, received, cause, ..PingOutcome::default() }))
        };
        let timeout = Cause::Timeout as u32;
        assert!(matches!(told(1, 0), Missed::Silent(Silence::HostAnswers)));
        assert!(matches!(told(0, timeout), Missed::Silent(Silence::HostSilent)));
        assert!(matches!(told(0, Cause::Unreachable as u32), Missed::NoWay));
        let not_permitted = told(0, Cause::NotPermitted as u32);
        assert!(matches!(not_permitted, Missed::Silent(Silence::Unexplained)));
        assert!(matches!(explained(None), Missed::Silent(Silence::Unexplained)));
    }
}
