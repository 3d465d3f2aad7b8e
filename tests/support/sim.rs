//! Simulated routers: SNMP responders whose counters move with time.
//!
//! [`mib`] holds the objects and [`pulse`] what moves in them, [`router`] fills them for several kinds
//! of gear, [`respond`] turns a question into an answer without sockets, [`usm`] does so with SNMPv3,
//! [`fault`] spoils answers, this file serves them on UDP. [`field`] makes a whole site of them, behind
//! lines with delay and loss, as it is written down.

pub mod fault;
pub mod field;
pub mod mib;
pub mod oracle;
pub mod parts;
pub mod past;
pub mod pulse;
pub mod respond;
pub mod router;
pub mod usm;

use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::spawn_child;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::respond::Responder;

/// A responder on a UDP socket of its own; dropping it closes the socket.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    asked: Arc<AtomicU64>,
    _stop: DropGuard,
}

impl Served {
    /// Datagrams that have come.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Serves `responder` on `socket` until the result is dropped.
pub fn serve(socket: UdpSocket, responder: Responder) -> std::io::Result<Served> {
    let stop = CancellationToken::new();
    let (address, asked) = (socket.local_addr()?, Arc::new(AtomicU64::new(0)));
    spawn_child(&stop, answer(socket, responder, Arc::clone(&asked)));
    Ok(Served { address, asked, _stop: stop.drop_guard() })
}

/// Serves `responder` on a port of the system's choice.
pub async fn serve_anywhere(responder: Responder) -> std::io::Result<Served> {
    serve(UdpSocket::bind("127.0.0.1:0").await?, responder)
}

/// An answer that waits for its time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    at: std::cmp::Reverse<Instant>,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// Answers that may wait; more are lost, as on a real line.
const LATE_MAX: usize = 1024;

async fn answer(socket: UdpSocket, mut responder: Responder, asked: Arc<AtomicU64>) {
    let clock = Clock::system();
    let mut buffer = vec![0; 65_535];
    let mut late: BinaryHeap<Late> = BinaryHeap::new();
    loop {
        let next = late
            .peek()
            .map_or_else(|| Instant::now() + Duration::from_secs(3600), |answer| answer.at.0);
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                // ICMP errors of earlier answers come up here: the asker is gone.
                let Ok((length, from)) = received else { continue };
                asked.fetch_add(1, Ordering::Relaxed);
                let Some(bytes) = responder.respond(&buffer[..length], clock.now()) else {
                    continue;
                };
                match responder.fault.delay() {
                    None => drop(socket.send_to(&bytes, from).await),
                    Some(delay) if late.len() < LATE_MAX => {
                        let at = std::cmp::Reverse(Instant::now() + delay);
                        late.push(Late { at, to: from, bytes });
                    }
                    Some(_) => {}
                }
            }
            () = tokio::time::sleep_until(next) => {
                if let Some(answer) = late.pop() {
                    drop(socket.send_to(&answer.bytes, answer.to).await);
                }
            }
        }
    }
}
