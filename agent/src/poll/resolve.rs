//! Looks up the host names of targets, for the SNMP engine and the pinger, beside their loops: a slow
//! name server delays nobody. Link-local addresses with a zone (`fe80::1%eth0`, RFC 4007 §11) are looked
//! up too: the system knows the number of the interface, which changes when that comes again.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::id::DeviceId;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::{mpsc, watch};

use super::Target;
use super::names::bounded;
use super::ping::PingNow;

/// Lookups the engine has not yet taken in.
pub(super) const ADDRESSES_MAX: usize = 64;
/// Lookups at a time; each holds a thread of the runtime's blocking pool.
const LOOKUPS_MAX: usize = 8;
/// Names are looked up again this often, as gear moves.
const AGAIN_AFTER: Duration = Duration::from_secs(300);
/// Sooner while a name cannot be looked up.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A device and where it may be, in the resolver's order; at least one address.
pub(super) type Resolved = (DeviceId, Vec<SocketAddr>);

/// Runs as long as there is somebody to tell.
pub(super) async fn run(
    mut targets: watch::Receiver<Arc<Vec<Target>>>,
    addresses: mpsc::Sender<Resolved>,
    mut ping: Option<PingNow>,
) {
    loop {
        let all = targets.borrow_and_update().clone();
        // Owned, as a task that borrows from the list over an await cannot be spawned.
        let named: Vec<Target> = all.iter().filter(|target| !is_literal(target)).cloned().collect();
        let mut lookups = stream::iter(named).map(lookup).buffer_unordered(LOOKUPS_MAX);
        let mut missing = false;
        while let Some(resolved) = lookups.next().await {
            // Whether a name is gone or its server out of reach cannot be told on every system,
            // so the last address stays: a site that is cut off is polled on.
            let Some(resolved) = resolved else {
                missing = true;
                continue;
            };
            if let Some(pinger) = &ping
                && !pinger.is_at(resolved.0, resolved.1.clone()).await
            {
                ping = None;
            }
            if addresses.send(resolved).await.is_err() {
                return;
            }
        }
        let pause = if missing { RETRY_AFTER } else { AGAIN_AFTER };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = targets.changed() => if changed.is_err() {
                // The last targets stay; their names go on being looked up.
                tokio::time::sleep(pause).await;
            }
        }
    }
}

fn is_literal(target: &Target) -> bool {
    target.host.parse::<IpAddr>().is_ok()
}

async fn lookup(target: Target) -> Option<Resolved> {
    match tokio::net::lookup_host((target.host.as_str(), target.port)).await {
        Ok(found) => {
            let addresses = bounded(found);
            (!addresses.is_empty()).then_some((target.device, addresses))
        }
        Err(error) => {
            tracing::debug!(device_id = %target.device, %error, "a host name has no address");
            None
        }
    }
}
