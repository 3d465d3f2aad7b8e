//! Takes TCP connections within bounds, and lets them finish at the end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::task::spawn_child;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::serve::DRAIN_TIMEOUT;
use crate::identity::limits::address_key;
use crate::identity::places::{Place, Places};
use crate::metrics::Counter;

/// Pause after the kernel refused a connection (no descriptors left), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections a door holds at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of all peers; the next ones wait in the kernel.
    pub(super) all: usize,
    /// Of one address; the next ones are hung up on.
    pub(super) per_address: usize,
}

/// The place of a connection at a door: it counts until this is dropped.
pub(super) struct Held {
    _all: Option<OwnedSemaphorePermit>,
    _address: Place<IpAddr>,
}

/// Serves what comes to `listener` until `cancel`; then waits for the connections, which watch it
/// too, and ends those that do not finish in time.
pub(super) async fn accept<F, Fut>(
    listener: TcpListener,
    bounds: Bounds,
    refused: Counter,
    cancel: CancellationToken,
    serve: F,
) where
    F: Fn(TcpStream, SocketAddr, Held) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let open = Arc::new(Semaphore::new(bounds.all));
    let places: Places<IpAddr> = Places::new(bounds.all, bounds.per_address);
    let connections = TaskTracker::new();
    // Also when this future is dropped, no connection outlives it.
    let end = CancellationToken::new();
    let _end = end.clone().drop_guard();
    loop {
        let next = async {
            // It is never closed.
            let permit = Arc::clone(&open).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = cancel.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, remote)) => {
                let Ok(place) = places.take(address_key(remote.ip())) else {
                    refused.add(1);
                    tracing::debug!(%remote, "connection refused: its address has too many");
                    continue;
                };
                // Small answers must not wait for the peer's delayed ack.
                let _ = stream.set_nodelay(true);
                let held = Held { _all: permit, _address: place };
                spawn_child(&end, connections.track_future(serve(stream, remote, held)));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a TCP connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::metrics::Metrics;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn counter() -> Counter {
        Metrics::default().counter("x_total", "X", &[])
    }

    #[tokio::test]
    async fn what_is_under_way_finishes_when_the_door_closes() {
        let (listener, address) = listener().await;
        let cancel = CancellationToken::new();
        let (begun, mut begin) = mpsc::channel(1);
        let stopping = cancel.clone();
        let serve = move |mut stream: TcpStream, _, _| {
            let (begun, stopping) = (begun.clone(), stopping.clone());
            async move {
                let _ = begun.send(()).await;
                stopping.cancelled().await;
                let _ = stream.write_all(b"to the end").await;
            }
        };
        let (closed, close) = oneshot::channel();
        let bounds = Bounds { all: 4, per_address: 4 };
        let door = accept(listener, bounds, counter(), cancel.clone(), serve);
        spawn_child(&CancellationToken::new(), async move {
            door.await;
            let _ = closed.send(());
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        begin.recv().await.unwrap();
        cancel.cancel();
        let mut text = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
        read.expect("the connection stays open").unwrap();
        assert_eq!(text, "to the end");
        tokio::time::timeout(PATIENCE, close).await.expect("the door stays open").unwrap();
    }

    #[tokio::test]
    async fn an_address_with_too_many_connections_is_hung_up_on() {
        let (listener, address) = listener().await;
        let cancel = CancellationToken::new();
        let refused = counter();
        let serve = |mut stream: TcpStream, _, held| async move {
            let _ = stream.write_all(b"x").await;
            let _ = stream.read_u8().await;
            drop(held);
        };
        let bounds = Bounds { all: 4, per_address: 1 };
        spawn_child(&cancel, accept(listener, bounds, refused.clone(), cancel.clone(), serve));
        let mut first = TcpStream::connect(address).await.unwrap();
        assert_eq!(first.read_u8().await.unwrap(), b'x');
        let mut second = TcpStream::connect(address).await.unwrap();
        let read = tokio::time::timeout(PATIENCE, second.read_u8()).await;
        assert!(read.expect("the second is served").is_err());
        assert_eq!(refused.get(), 1);
        cancel.cancel();
    }
}
