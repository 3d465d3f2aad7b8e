//! A userspace relay between agents and collector: forwards UDP and TCP of one port and counts.
//!
//! Sites sit behind NATs; a relay stands for one. It needs no privileges and no kernel modules.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// IPv4 and UDP headers: what a datagram costs on the line beside its payload.
const UDP_OVERHEAD: u64 = 28;
const DATAGRAM_MAX: usize = 65_536;

/// Bytes and datagrams that passed, both ways, headers included.
#[derive(Debug, Default)]
pub struct Traffic {
    pub up_bytes: AtomicU64,
    pub up_datagrams: AtomicU64,
    pub down_bytes: AtomicU64,
    pub down_datagrams: AtomicU64,
}

/// Forwards until dropped.
#[derive(Debug)]
pub struct Relay {
    /// What agents dial.
    pub address: SocketAddr,
    pub traffic: Arc<Traffic>,
    udp_is_blocked: Arc<AtomicBool>,
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
        let traffic = Arc::new(Traffic::default());
        let mut tasks = JoinSet::new();
        let udp_is_blocked = Arc::new(AtomicBool::new(false));
        let bindings = Arc::new(AtomicU64::new(0));
        let bound = Arc::new(AtomicU64::new(0));
        let newest = Arc::new(Mutex::new(None));
        let way = Way {
            newest: Arc::clone(&newest),
            traffic: Arc::clone(&traffic),
            is_blocked: Arc::clone(&udp_is_blocked),
            bindings: Arc::clone(&bindings),
            bound: Arc::clone(&bound),
        };
        tasks.spawn(relay_udp(Arc::new(udp), collector, way));
        tasks.spawn(relay_tcp(tcp, collector));
        Self { address, traffic, udp_is_blocked, bindings, bound, newest, _tasks: tasks }
    }

    /// As a firewall that drops UDP both ways, without a word.
    pub fn block_udp(&self, blocked: bool) {
        self.udp_is_blocked.store(blocked, Ordering::Relaxed);
    }
}

impl Relay {
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

/// What datagrams meet on the way.
#[derive(Clone)]
struct Way {
    traffic: Arc<Traffic>,
    is_blocked: Arc<AtomicBool>,
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

    fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
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

async fn relay_udp(inside: Arc<UdpSocket>, collector: SocketAddr, way: Way) {
    let mut outside: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut answers = JoinSet::new();
    let mut binding = 0;
    let mut buffer = vec![0; DATAGRAM_MAX];
    while let Ok((length, agent)) = inside.recv_from(&mut buffer).await {
        if way.is_blocked() {
            continue;
        }
        let now = way.bindings.load(Ordering::Relaxed);
        if now != binding {
            binding = now;
            outside.clear();
            // What was on the way back through the old ports is lost.
            answers.abort_all();
        }
        let socket = match outside.get(&agent) {
            Some(known) => Arc::clone(known),
            None => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let socket = Arc::new(socket.expect("a free UDP port"));
                socket.connect(collector).await.expect("a local address");
                let (inside, back) = (Arc::clone(&inside), Arc::clone(&socket));
                answers.spawn(relay_back(back, inside, agent, way.clone()));
                outside.insert(agent, Arc::clone(&socket));
                way.is_bound(&socket);
                socket
            }
        };
        way.traffic.up_bytes.fetch_add(length as u64 + UDP_OVERHEAD, Ordering::Relaxed);
        way.traffic.up_datagrams.fetch_add(1, Ordering::Relaxed);
        // A refused datagram is a lost one: the collector is away.
        let _ = socket.send(&buffer[..length]).await;
    }
}

async fn relay_back(outside: Arc<UdpSocket>, inside: Arc<UdpSocket>, agent: SocketAddr, way: Way) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        // ECONNREFUSED while the collector is away is told once per datagram; go on.
        let Ok(length) = outside.recv(&mut buffer).await else { continue };
        if way.is_blocked() {
            continue;
        }
        way.traffic.down_bytes.fetch_add(length as u64 + UDP_OVERHEAD, Ordering::Relaxed);
        way.traffic.down_datagrams.fetch_add(1, Ordering::Relaxed);
        let _ = inside.send_to(&buffer[..length], agent).await;
    }
}

async fn relay_tcp(listener: TcpListener, collector: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut inside, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut outside) = TcpStream::connect(collector).await {
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
