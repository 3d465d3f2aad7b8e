//! Looks up the host names of targets, for the SNMP engine and the pinger, beside their loops: a slow
//! name server delays nobody. Link-local addresses with a zone (`fe80::1%eth0`, RFC 4007 §11) are looked
//! up too: the system knows the number of the interface, which changes when that comes again.
//!
//! - **In:** the targets (a watch, replaced as a whole).
//! - **Out:** where each name leads, to the engine and the pinger.
//! - **Bound:** [`LOOKUPS_MAX`] at a time, a line no longer than the targets.
//! - **When full:** a name waits for its turn; one of a new target goes first.
//! - **On crash:** nothing is kept.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::id::DeviceId;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Target;
use super::names::{Name, Resolved, bounded};
use super::ping::PingNow;

/// Lookups the engine has not yet taken in.
pub(super) const ADDRESSES_MAX: usize = 64;
/// Lookups at a time; each holds a thread of the runtime's blocking pool.
const LOOKUPS_MAX: usize = 8;
/// Names are looked up again this often, as gear moves.
const AGAIN_AFTER: Duration = Duration::from_secs(300);
/// Sooner while a name cannot be looked up.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Where somebody waits, a name that takes longer has no address.
const NOW_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs as long as there is somebody to tell.
pub(super) async fn run(
    targets: watch::Receiver<Arc<Vec<Target>>>,
    addresses: mpsc::Sender<Resolved>,
    ping: Option<PingNow>,
) {
    rounds(targets, Told { addresses, ping }, lookup).await;
}

/// Looks up all names, over and over; those of new targets as soon as one of the lookups that are under
/// way has ended.
async fn rounds<F: Future<Output = Vec<SocketAddr>>>(
    mut targets: watch::Receiver<Arc<Vec<Target>>>,
    mut told: Told,
    lookup: impl Fn(Name) -> F,
) {
    let mut line = Line::default();
    line.assign(&targets.borrow_and_update());
    #[expect(clippy::disallowed_methods, reason = "LOOKUPS_MAX bounds what is in it")]
    let mut under_way = FuturesUnordered::new();
    let (mut missing, mut again_at) = (false, None::<Instant>);
    let mut may_change = true;
    loop {
        while under_way.len() < LOOKUPS_MAX
            && let Some((device, name)) = line.next()
        {
            let found = lookup(name.clone());
            under_way.push(async move { Resolved { device, name, addresses: found.await } });
        }
        tokio::select! {
            biased;
            // Without a sender the last targets stay; their names go on being looked up.
            changed = targets.changed(), if may_change => {
                may_change = changed.is_ok();
                line.assign(&targets.borrow_and_update());
            }
            Some(resolved) = under_way.next() => {
                // Whether a name is gone or its server out of reach cannot be told on every system,
                // so the last address stays: a site that is cut off is polled on.
                if resolved.addresses.is_empty() {
                    missing = true;
                } else if !told.tell(resolved).await {
                    return;
                }
                if under_way.is_empty() && line.is_empty() {
                    let at = Instant::now() + if missing { RETRY_AFTER } else { AGAIN_AFTER };
                    again_at = Some(again_at.map_or(at, |known| known.min(at)));
                }
            }
            () = until(again_at) => {
                (missing, again_at) = (false, None);
                line.begin(&targets.borrow());
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Who is told what was found.
struct Told {
    addresses: mpsc::Sender<Resolved>,
    ping: Option<PingNow>,
}

impl Told {
    /// False if the engine is gone.
    async fn tell(&mut self, resolved: Resolved) -> bool {
        if let Some(pinger) = &self.ping
            && !pinger.is_at(resolved.clone()).await
        {
            self.ping = None;
        }
        self.addresses.send(resolved).await.is_ok()
    }
}

/// The names that are yet to be looked up in this round.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(DeviceId, Name)>,
    /// Of the present targets.
    known: HashMap<DeviceId, Name>,
}

impl Line {
    /// The targets have changed. New names go to the front: those before them may take long, as all do
    /// while the name server is out of reach.
    fn assign(&mut self, targets: &[Target]) {
        let wanted: HashMap<DeviceId, Name> = named(targets).collect();
        let before = std::mem::take(&mut self.waiting);
        let is_new = |(device, name): &(DeviceId, Name)| self.known.get(device) != Some(name);
        self.waiting = named(targets).filter(is_new).collect();
        let stays = |(device, name): &(DeviceId, Name)| wanted.get(device) == Some(name);
        self.waiting.extend(before.into_iter().filter(stays));
        self.known = wanted;
    }

    /// Another round.
    fn begin(&mut self, targets: &[Target]) {
        self.waiting = named(targets).collect();
    }

    fn next(&mut self) -> Option<(DeviceId, Name)> {
        self.waiting.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn named(targets: &[Target]) -> impl Iterator<Item = (DeviceId, Name)> {
    targets.iter().filter_map(|target| Some((target.device, Name::of(target)?)))
}

/// Empty if the name cannot be looked up.
async fn lookup(name: Name) -> Vec<SocketAddr> {
    match tokio::net::lookup_host((name.host.as_str(), name.port)).await {
        Ok(found) => bounded(found),
        Err(error) => {
            tracing::debug!(host = name.host, %error, "a host name has no address");
            Vec::new()
        }
    }
}

/// Where a host is that somebody waits for: an IP address or a name. In the resolver's order.
pub(super) async fn lookup_now(host: &str, port: u16) -> Vec<SocketAddr> {
    let name = Name { host: host.to_owned(), port };
    timeout(NOW_TIMEOUT, lookup(name)).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::poll::{Access, Manner};

    fn target(device: i64, host: &str) -> Target {
        Target {
            device: DeviceId(device),
            host: host.to_owned(),
            port: 161,
            interval: Duration::from_secs(60),
            access: Access::Nothing,
            manner: Manner::default(),
        }
    }

    /// The devices whose turn it is, to the last.
    fn turns(line: &mut Line) -> Vec<i64> {
        std::iter::from_fn(|| line.next()).map(|(device, _)| device.0).collect()
    }

    #[test]
    fn new_names_go_first_and_addresses_are_not_looked_up() {
        let mut line = Line::default();
        let mut targets: Vec<_> =
            (0..4).map(|device| target(device, &format!("router-{device}.example"))).collect();
        targets.push(target(9, "192.0.2.9"));
        line.assign(&targets);
        assert_eq!(turns(&mut line).len(), 4);
        line.begin(&targets);
        assert_eq!(line.next().unwrap().0, DeviceId(0));
        targets[2].host = "other.example".to_owned();
        targets.push(target(7, "new.example"));
        targets.remove(1);
        line.assign(&targets);
        assert_eq!(turns(&mut line), [2, 7, 3], "the first had its turn, the second is gone");
        line.assign(&targets);
        assert!(line.is_empty(), "nothing is new");
    }

    #[tokio::test]
    async fn a_new_name_does_not_wait_for_those_before_it() {
        let mut all: Vec<_> =
            (0..100).map(|device| target(device, &format!("router-{device}.example"))).collect();
        let (targets, watch) = watch::channel(Arc::new(all.clone()));
        let (addresses, mut found) = mpsc::channel::<Resolved>(ADDRESSES_MAX);
        let (begun, mut begins) = mpsc::channel(1000);
        // A name server that answers when it is let.
        let answers = Arc::new(Semaphore::new(0));
        let server = Arc::clone(&answers);
        let lookup = |name: Name| {
            begun.try_send(name.host).unwrap();
            let answer = Arc::clone(&server).acquire_owned();
            async move {
                answer.await.unwrap().forget();
                vec![([192, 0, 2, 1], name.port).into()]
            }
        };
        let looked = async {
            for _ in 0..LOOKUPS_MAX {
                begins.recv().await.unwrap();
            }
            all.push(target(100, "new.example"));
            targets.send_replace(Arc::new(all));
            answers.add_permits(1);
            assert_eq!(begins.recv().await.unwrap(), "new.example");
            answers.add_permits(1000);
            while found.recv().await.unwrap().name.host != "new.example" {}
        };
        tokio::select! {
            () = rounds(watch, Told { addresses, ping: None }, lookup) => panic!("it ended"),
            () = looked => {}
        }
    }
}
