//! A long and lossy line between this host and a site of its own: delay, loss, rate, and a queue.
//!
//! Packets go from one TUN device to another, so that TCP meets the line as QUIC does: a relay that
//! ends its connections would hide the loss from it. One device is in the site's namespace, the other
//! out here. Takes root.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_tun::Tun;

use crate::namespace::{Namespace, sh};
use crate::shape::{Direction, Shape};

/// Packets on the way in one direction; none is larger than the devices' MTU.
const PACKETS_MAX: usize = 8_192;
const MTU: i32 = 1500;
/// What most hosts use for TCP, whatever this one does.
const CONGESTION: &str = "cubic";

/// Gone when dropped.
#[derive(Debug)]
pub struct Line {
    pub site: Namespace,
    /// This host, as the site reaches it.
    pub here: Ipv4Addr,
    shape: watch::Sender<Shape>,
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Line {
    /// `None` where this user may have no namespaces or devices; that is printed.
    pub fn new(shape: Shape) -> anyhow::Result<Option<Self>> {
        let Some(site) = Namespace::new() else { return Ok(None) };
        let device = || Tun::builder().name("farwatch%d").mtu(MTU).build();
        let (near, far) = match (device(), device()) {
            (Ok(mut near), Ok(mut far)) => {
                (near.pop().context("no device")?, far.pop().context("no device")?)
            }
            (Err(error), _) | (_, Err(error)) => {
                println!("skipped: no TUN devices: {error}");
                return Ok(None);
            }
        };
        let [here, there] = addresses();
        let (name, pid) = (far.name(), site.pid());
        sh(&format!("ip link set {name} netns {pid}"));
        site.sh(&format!(
            "ip address add {there}/30 dev {name}
             ip link set {name} up
             ip route add {here}/32 dev {name} congctl {CONGESTION}"
        ));
        let name = near.name();
        sh(&format!("ip address add {here}/30 dev {name}; ip link set {name} up"));
        let (shape, seen) = watch::channel(shape);
        let (near, far) = (Arc::new(near), Arc::new(far));
        let mut tasks = JoinSet::new();
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (queue, waiting) = mpsc::channel(PACKETS_MAX);
            tasks.spawn(take(Arc::clone(from), seen.clone(), queue));
            tasks.spawn(deliver(Arc::clone(to), waiting));
        }
        Ok(Some(Self { site, here, shape, _tasks: tasks }))
    }

    /// From now on; what is on the way stays as it is.
    pub fn set(&self, shape: Shape) {
        self.shape.send_replace(shape);
    }

    /// Where a collector listens that the site is to reach.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        (self.here, 0).into()
    }
}

/// Two addresses of this process alone, out of the block for benchmarks (RFC 2544).
fn addresses() -> [Ipv4Addr; 2] {
    let block = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + std::process::id() % (1 << 15) * 4;
    [block + 1, block + 2].map(Ipv4Addr::from)
}

struct Packet {
    bytes: Vec<u8>,
    due: Instant,
}

/// Decides what becomes of each packet, as it comes.
async fn take(
    from: Arc<Tun>,
    shape: watch::Receiver<Shape>,
    queue: mpsc::Sender<Packet>,
) -> anyhow::Result<()> {
    let mut buffer = [0; MTU as usize];
    let mut line = Direction::idle(std::time::Instant::now());
    loop {
        let length = from.recv(&mut buffer).await?;
        let shape = *shape.borrow();
        let Some(due) = line.admit(length as u64, &shape, std::time::Instant::now()) else {
            continue;
        };
        let packet = Packet { bytes: buffer[..length].to_vec(), due: Instant::from_std(due) };
        // More of them than the line holds in bytes: lost like any other.
        let _ = queue.try_send(packet);
    }
}

/// Hands packets over when they are due, in the order they came.
async fn deliver(to: Arc<Tun>, mut waiting: mpsc::Receiver<Packet>) -> anyhow::Result<()> {
    while let Some(Packet { bytes, due }) = waiting.recv().await {
        sleep_until(due).await;
        to.send(&bytes).await?;
    }
    Ok(())
}
