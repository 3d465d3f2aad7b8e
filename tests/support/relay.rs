//! A userspace relay between agents and collector: forwards UDP and TCP of one port, counts, and makes the line as
//! bad as a test wants it.
//!
//! Sites sit behind NATs; a relay stands for one. It needs no privileges and no kernel modules.

mod queue;
mod tcp;
mod udp;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::shape::Shape;

/// Bytes and datagrams that passed, both ways, headers included.
#[derive(Debug, Default)]
pub struct Traffic {
    pub up_bytes: AtomicU64,
    pub up_datagrams: AtomicU64,
    pub down_bytes: AtomicU64,
    pub down_datagrams: AtomicU64,
}

/// What the line is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// A perfect line without.
    pub shape: Option<Shape>,
    /// As a firewall that drops UDP both ways, without a word.
    pub udp_is_blocked: bool,
    /// Nothing passes, and nobody is told: connections stay open.
    pub is_black: bool,
}

impl Conditions {
    fn udp_passes(&self) -> bool {
        !self.udp_is_blocked && !self.is_black
    }
}

/// Forwards until dropped.
#[derive(Debug)]
pub struct Relay {
    /// What agents dial.
    pub address: SocketAddr,
    pub traffic: Arc<Traffic>,
    conditions: watch::Sender<Conditions>,
    bindings: Arc<AtomicU64>,
    bound: Arc<AtomicU64>,
    newest: Arc<Mutex<Option<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Relays a port of the system's choice to `collector`.
    pub async fn start(collector: SocketAddr) -> Self {
        let (tcp, udp) = both().await;
        let address = tcp.local_addr().expect("a bound socket has an address");
        let (conditions, seen) = watch::channel(Conditions::default());
        let way = Way {
            traffic: Arc::default(),
            conditions: seen,
            bindings: Arc::default(),
            bound: Arc::default(),
            newest: Arc::default(),
        };
        let Way { traffic, bindings, bound, newest, .. } = way.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(udp::relay(Arc::new(udp), collector, way.clone()));
        tasks.spawn(tcp::relay(tcp, collector, way));
        Self { address, traffic, conditions, bindings, bound, newest, _tasks: tasks }
    }

    /// From now on; what is on the way stays as it is.
    pub fn set(&self, conditions: Conditions) {
        self.conditions.send_replace(conditions);
    }

    /// As a firewall that drops UDP both ways, without a word.
    pub fn block_udp(&self, blocked: bool) {
        self.conditions.send_modify(|conditions| conditions.udp_is_blocked = blocked);
    }

    /// As a NAT that has forgotten its bindings: what comes next from an agent comes from another port.
    pub fn rebind(&self) {
        self.bindings.fetch_add(1, Ordering::Relaxed);
    }

    /// Ports that agents have come from so far, as the collector sees them.
    #[must_use]
    pub fn bindings(&self) -> u64 {
        self.bound.load(Ordering::Relaxed)
    }

    /// The last of them.
    #[must_use]
    pub fn outside(&self) -> Option<SocketAddr> {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What datagrams and connections meet on the way.
#[derive(Clone)]
struct Way {
    traffic: Arc<Traffic>,
    conditions: watch::Receiver<Conditions>,
    bindings: Arc<AtomicU64>,
    bound: Arc<AtomicU64>,
    newest: Arc<Mutex<Option<SocketAddr>>>,
}

impl Way {
    fn is_bound(&self, outside: &UdpSocket) {
        self.bound.fetch_add(1, Ordering::Relaxed);
        let address = outside.local_addr().expect("a bound socket has an address");
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    fn now(&self) -> Conditions {
        *self.conditions.borrow()
    }

    /// Waits while the line is black.
    async fn passes(&self) {
        // The relay is gone when this fails, and its tasks with it.
        let _ = self.conditions.clone().wait_for(|conditions| !conditions.is_black).await;
    }
}

/// TCP and UDP on one port: one that is free for TCP may be taken for UDP, then it is another one.
pub(crate) async fn both() -> (TcpListener, UdpSocket) {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free TCP port");
        let address = tcp.local_addr().expect("a bound socket has an address");
        match UdpSocket::bind(address).await {
            Ok(udp) => return (tcp, udp),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => panic!("UDP on {address}: {error}"),
        }
    }
}
