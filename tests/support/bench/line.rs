//! A long and lossy line between this host and a site of its own: delay, loss, rate, and a queue.
//!
//! Packets go from one TUN device to another, so that TCP meets the line as QUIC does: a relay that
//! ends its connections would hide the loss from it. One device is in the site's namespace, the other
//! out here. Takes root.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_tun::Tun;

use crate::namespace::{Namespace, sh};

/// Packets on the way in one direction; none is larger than the devices' MTU.
const PACKETS_MAX: usize = 8_192;
const MTU: i32 = 1500;
/// What most hosts use for TCP, whatever this one does.
const CONGESTION: &str = "cubic";

/// What packets meet, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Of an empty line, both directions together.
    pub round_trip: Duration,
    /// Share of the packets that are lost, each for itself.
    pub loss: f64,
    pub bits_per_s: u64,
    /// Bytes that wait for their turn; what finds no room is lost.
    pub queue_bytes: u64,
}

/// A wire of the house.
pub const LAN: Shape = Shape {
    round_trip: Duration::from_millis(1),
    loss: 0.0,
    bits_per_s: 1_000_000_000,
    queue_bytes: 1_000_000,
};
/// A long way with loss.
pub const LOSSY: Shape = Shape {
    round_trip: Duration::from_millis(100),
    loss: 0.02,
    bits_per_s: 20_000_000,
    queue_bytes: 250_000,
};
/// A modem in a cupboard.
pub const LTE: Shape = Shape {
    round_trip: Duration::from_millis(60),
    loss: 0.001,
    bits_per_s: 5_000_000,
    queue_bytes: 312_000,
};

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
    let mut busy_until = Instant::now();
    loop {
        let length = from.recv(&mut buffer).await?;
        let Shape { round_trip, loss, bits_per_s, queue_bytes } = *shape.borrow();
        let on_the_line =
            |bytes: u64| Duration::from_secs_f64((bytes * 8) as f64 / bits_per_s as f64);
        let now = Instant::now();
        busy_until = busy_until.max(now);
        let waits = busy_until - now;
        if waits + on_the_line(length as u64) > on_the_line(queue_bytes) {
            continue;
        }
        busy_until += on_the_line(length as u64);
        // It has taken its time on the line before it is lost.
        if rand::random::<f64>() < loss {
            continue;
        }
        let packet = Packet { bytes: buffer[..length].to_vec(), due: busy_until + round_trip / 2 };
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
