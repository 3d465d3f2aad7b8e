//! The site's gateway: pinged beside the devices, so that a site whose first hop is gone is told from
//! one whose devices are.

use std::convert::Infallible;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_proto::v1::GatewayStatus;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::PingNow;
use crate::platform::routes;

/// Between two rounds. The routing table is read anew in each.
const EVERY: Duration = Duration::from_secs(30);

/// Publishes the gateway's state until `cancel`; `None` while the system names no gateway, or does not
/// let this agent ping.
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
        let round = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            round = round(&ping, &clock) => round,
        };
        state.send_replace(round);
    }
}

async fn round(ping: &PingNow, clock: &Clock) -> Option<GatewayStatus> {
    let gateway = routes::default_gateway()?;
    let outcome = ping.ping_address(gateway).await;
    let nothing_was_sent = outcome.sent == 0;
    (!nothing_was_sent).then(|| GatewayStatus {
        address: gateway.ip().to_string(),
        at_us: clock.now().0,
        sent: outcome.sent,
        received: outcome.received,
        rtt_us: outcome.rtt_us,
        jitter_us: outcome.jitter_us,
    })
}
