//! The site's gateway: pinged beside the devices, so that a site whose first hop is gone is told from
//! one whose devices are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::sample::Cause;
use farwatch_proto::v1::{GatewayStatus, PingOutcome};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::PingNow;
use crate::platform::routes;

/// Between two rounds. The routing table is read anew in each.
const EVERY: Duration = Duration::from_secs(30);

/// Publishes the gateway's state until `cancel`; `None` while the system names no gateway, or does not
/// let this agent ping. A round in which nothing could be sent leaves the state, with its time.
pub async fn run(
    ping: PingNow,
    state: watch::Sender<Option<GatewayStatus>>,
    clock: Clock,
    cancel: CancellationToken,
) -> Result<(), Infallible> {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            _ = tick.tick() => {}
        }
        let gateway = routes::default_gateway();
        let outcome = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            outcome = outcome(&ping, gateway) => outcome,
        };
        state.send_modify(|known| *known = after(known.take(), gateway, &outcome, clock.now()));
    }
}

async fn outcome(ping: &PingNow, gateway: Option<SocketAddr>) -> PingOutcome {
    match gateway {
        Some(gateway) => ping.ping_address(gateway).await,
        None => PingOutcome::default(),
    }
}

/// What is known of the gateway after a round.
fn after(
    known: Option<GatewayStatus>,
    gateway: Option<SocketAddr>,
    outcome: &PingOutcome,
    now: Micros,
) -> Option<GatewayStatus> {
    let address = gateway?.ip().to_string();
    if outcome.sent == 0 {
        // Another gateway than that of the last round is not known yet.
        let may_ping = outcome.cause != Cause::NotPermitted as u32;
        return known.filter(|known| may_ping && known.address == address);
    }
    Some(GatewayStatus {
        address,
        at_us: now.0,
        sent: outcome.sent,
        received: outcome.received,
        rtt_us: outcome.rtt_us,
        jitter_us: outcome.jitter_us,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(address.parse().unwrap(), 0))
    }

    fn told(cause: Option<Cause>, sent: u32, received: u32) -> PingOutcome {
        let cause = cause.map_or(0, |cause| cause as u32);
        PingOutcome { cause, sent, received, ..PingOutcome::default() }
    }

    #[test]
    fn a_gateway_that_answers_nothing_is_lost_and_not_unknown() {
        let gateway = at("192.0.2.254");
        let good = after(None, gateway, &told(None, 5, 5), Micros(1)).unwrap();
        assert_eq!((good.received, good.at_us), (5, 1));
        for cause in [Cause::Timeout, Cause::Unreachable] {
            let told = told(Some(cause), 5, 0);
            let lost = after(Some(good.clone()), gateway, &told, Micros(2)).unwrap();
            assert_eq!((lost.sent, lost.received, lost.at_us), (5, 0, 2), "{cause:?}");
        }
    }

    #[test]
    fn a_round_that_could_not_ask_leaves_what_is_known() {
        let gateway = at("192.0.2.254");
        let good = after(None, gateway, &told(None, 5, 5), Micros(1));
        let busy = told(Some(Cause::Budget), 0, 0);
        assert_eq!(after(good.clone(), gateway, &busy, Micros(2)), good);
        assert_eq!(after(good.clone(), at("192.0.2.1"), &busy, Micros(2)), None);
        assert_eq!(after(None, gateway, &busy, Micros(2)), None);
        let forbidden = told(Some(Cause::NotPermitted), 0, 0);
        assert_eq!(after(good.clone(), gateway, &forbidden, Micros(2)), None);
        assert_eq!(after(good, None, &PingOutcome::default(), Micros(2)), None);
    }
}
