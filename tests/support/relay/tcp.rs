//! Connections through the relay. They end here, so that a line's loss does not reach them: delay, rate and
//! silence do.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Way;

const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks on the way in one direction of one connection; then the sender waits.
const CHUNKS_MAX: usize = 32;

pub(super) async fn relay(listener: TcpListener, collector: SocketAddr, way: Way) {
    let mut connections = JoinSet::new();
    while let Ok((inside, _)) = listener.accept().await {
        let way = way.clone();
        connections.spawn(async move {
            // A handshake gets no further either.
            way.passes().await;
            let Ok(outside) = TcpStream::connect(collector).await else { return };
            let (inside_reads, inside_writes) = inside.into_split();
            let (outside_reads, outside_writes) = outside.into_split();
            tokio::join!(
                direction(inside_reads, outside_writes, way.clone()),
                direction(outside_reads, inside_writes, way.clone()),
            );
        });
    }
}

async fn direction(from: OwnedReadHalf, to: OwnedWriteHalf, way: Way) {
    let (queue, chunks) = mpsc::channel(CHUNKS_MAX);
    tokio::join!(take(from, queue, way.clone()), deliver(chunks, to, way));
}

async fn take(mut from: OwnedReadHalf, queue: mpsc::Sender<(Instant, Vec<u8>)>, way: Way) {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut busy_until = Instant::now();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let due = match way.now().shape {
            None => Instant::now(),
            Some(shape) => {
                let takes = (length * 8) as f64 / shape.bits_per_s as f64;
                busy_until = busy_until.max(Instant::now()) + Duration::from_secs_f64(takes);
                busy_until + shape.round_trip / 2
            }
        };
        if queue.send((due, buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn deliver(mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>, mut to: OwnedWriteHalf, way: Way) {
    while let Some((due, bytes)) = chunks.recv().await {
        sleep_until(due).await;
        way.passes().await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The end of a stream is swallowed like everything else.
    way.passes().await;
    let _ = to.shutdown().await;
}
