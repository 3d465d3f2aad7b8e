//! Datagrams through the relay, each agent from a port of its own, as behind a NAT.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Way;
use super::queue::Queue;
use crate::shape::Direction;

/// IPv4 and UDP headers: what a datagram costs on the line beside its payload.
const UDP_OVERHEAD: u64 = 28;
const DATAGRAM_MAX: usize = 65_536;

pub(super) async fn relay(inside: Arc<UdpSocket>, collector: SocketAddr, way: Way) {
    let mut outside: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let (up, deliver_up) = Queue::new();
    let (down, deliver_down) = Queue::new();
    tasks.spawn(deliver_up);
    tasks.spawn(deliver_down);
    let mut line = Direction::idle(std::time::Instant::now());
    let back_line = Arc::new(std::sync::Mutex::new(Direction::idle(std::time::Instant::now())));
    let mut answers = JoinSet::new();
    let mut binding = 0;
    let mut buffer = vec![0; DATAGRAM_MAX];
    while let Ok((length, agent)) = inside.recv_from(&mut buffer).await {
        let now = way.bindings.load(Ordering::Relaxed);
        if now != binding {
            binding = now;
            outside.clear();
            // What was on the way back through the old ports is lost.
            answers.abort_all();
        }
        let conditions = way.now();
        if !conditions.udp_passes() {
            continue;
        }
        let socket = match outside.get(&agent) {
            Some(known) => Arc::clone(known),
            None => {
                let bound = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let socket = Arc::new(bound.expect("a free port"));
                socket.connect(collector).await.expect("loopback can be connected");
                let (inside, back) = (Arc::clone(&inside), Arc::clone(&socket));
                let back_line = Arc::clone(&back_line);
                answers.spawn(back_to(agent, (back, inside), way.clone(), down.clone(), back_line));
                outside.insert(agent, Arc::clone(&socket));
                way.is_bound(&socket);
                socket
            }
        };
        let bytes = length as u64 + UDP_OVERHEAD;
        way.traffic.up_bytes.fetch_add(bytes, Ordering::Relaxed);
        way.traffic.up_datagrams.fetch_add(1, Ordering::Relaxed);
        match conditions.shape {
            // A refused datagram is a lost one: the collector is away.
            None => drop(socket.send(&buffer[..length]).await),
            Some(shape) => {
                if let Some(due) = line.admit(bytes, &shape, std::time::Instant::now()) {
                    up.put(Instant::from_std(due), socket, None, &buffer[..length]);
                }
            }
        }
    }
}

async fn back_to(
    agent: SocketAddr,
    (outside, inside): (Arc<UdpSocket>, Arc<UdpSocket>),
    way: Way,
    queue: Queue,
    line: Arc<std::sync::Mutex<Direction>>,
) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        // ECONNREFUSED while the collector is away is told once per datagram; go on.
        let Ok(length) = outside.recv(&mut buffer).await else { continue };
        let conditions = way.now();
        if !conditions.udp_passes() {
            continue;
        }
        let bytes = length as u64 + UDP_OVERHEAD;
        way.traffic.down_bytes.fetch_add(bytes, Ordering::Relaxed);
        way.traffic.down_datagrams.fetch_add(1, Ordering::Relaxed);
        match conditions.shape {
            None => drop(inside.send_to(&buffer[..length], agent).await),
            Some(shape) => {
                let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let due = line.admit(bytes, &shape, std::time::Instant::now());
                drop(line);
                if let Some(due) = due {
                    let inside = Arc::clone(&inside);
                    queue.put(Instant::from_std(due), inside, Some(agent), &buffer[..length]);
                }
            }
        }
    }
}
