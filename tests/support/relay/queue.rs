//! Datagrams on their way: each is handed over when it is due, whatever the order they came in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Datagrams on the way in one direction; more are lost, as on a real line.
const WAITING_MAX: usize = 8_192;

pub(super) struct Datagram {
    pub(super) due: Instant,
    /// Which of those that are due together came first.
    number: u64,
    socket: Arc<UdpSocket>,
    /// The peer the socket is connected to, without.
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
}

impl PartialEq for Datagram {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl Eq for Datagram {}

impl PartialOrd for Datagram {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Datagram {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

/// The way into the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(mpsc::Sender<Datagram>);

impl Queue {
    /// And what hands over; it ends with the last clone of the queue.
    pub(super) fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        (Self(sender), deliver(waiting))
    }

    pub(super) fn put(
        &self,
        due: Instant,
        socket: Arc<UdpSocket>,
        to: Option<SocketAddr>,
        bytes: &[u8],
    ) {
        let datagram = Datagram { due, number: 0, socket, to, bytes: bytes.to_vec() };
        let _ = self.0.try_send(datagram);
    }
}

async fn deliver(mut coming: mpsc::Receiver<Datagram>) {
    let mut waiting: BinaryHeap<Reverse<Datagram>> = BinaryHeap::new();
    let mut number = 0;
    loop {
        let due = waiting.peek().map(|Reverse(first)| first.due);
        tokio::select! {
            datagram = coming.recv() => {
                let Some(datagram) = datagram else { return };
                if waiting.len() < WAITING_MAX {
                    number += 1;
                    waiting.push(Reverse(Datagram { number, ..datagram }));
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let Some(Reverse(Datagram { socket, to, bytes, .. })) = waiting.pop() else {
                    continue;
                };
                // A refused datagram is a lost one: the other side is away.
                let _ = match to {
                    Some(address) => socket.send_to(&bytes, address).await,
                    None => socket.send(&bytes).await,
                };
            }
        }
    }
}
