//! gRPC inside a pipe.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

use super::{Carrier, Pipe, PipeKind, Session, TransportError};

/// About QUIC's windows, so that neither layer buffers much more than the other.
pub const GRPC_STREAM_WINDOW: u32 = 1024 * 1024;
pub const GRPC_CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// On TCP each pipe has a connection of its own, which dies without a word where a NAT forgets it.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A gRPC client on a new pipe of `session`. It lives as long as the pipe: after a redial, make
/// another one. Inside QUIC, HTTP/2 keep-alive stays off: it would kill streams that only wait.
pub async fn channel(session: Arc<dyn Session>, kind: PipeKind) -> Result<Channel, TransportError> {
    let endpoint = endpoint(session.carrier(), kind);
    Ok(endpoint.connect_with_connector(connector(session, kind)).await?)
}

/// The same, on one of so many pipes as there are `places`: it waits for one, which is given back when the pipe ends.
/// Whoever drops this before it is done leaves nothing behind.
pub async fn channel_in_place(
    session: Arc<dyn Session>,
    kind: PipeKind,
    places: Arc<Semaphore>,
) -> Result<Channel, TransportError> {
    let endpoint = endpoint(session.carrier(), kind);
    let connector = tower::service_fn(move |_| {
        let (session, places) = (Arc::clone(&session), Arc::clone(&places));
        async move {
            let closed = |_| TransportError::Closed { reason: "no pipe is opened any more".into() };
            let place = places.acquire_owned().await.map_err(closed)?;
            session.open(kind).await.map(|pipe| TokioIo::new(pipe.in_place(place)))
        }
    });
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// As [`channel`], but it opens its pipe with the first call, and another one where that broke. Made inside
/// the runtime.
#[must_use]
pub fn channel_when_used(session: Arc<dyn Session>, kind: PipeKind) -> Channel {
    let endpoint = endpoint(session.carrier(), kind);
    endpoint.connect_with_connector_lazy(connector(session, kind))
}

fn connector(
    session: Arc<dyn Session>,
    kind: PipeKind,
) -> impl Service<Uri, Response = TokioIo<Pipe>, Error = TransportError, Future: Send> + Send {
    tower::service_fn(move |_| {
        let session = Arc::clone(&session);
        async move { session.open(kind).await.map(TokioIo::new) }
    })
}

fn endpoint(carrier: Carrier, kind: PipeKind) -> Endpoint {
    let mut endpoint = Endpoint::from_static("http://farwatch")
        .initial_stream_window_size(GRPC_STREAM_WINDOW)
        .initial_connection_window_size(GRPC_CONNECTION_WINDOW)
        .connect_timeout(CONNECT_TIMEOUT);
    // Bulk fills the send buffer of a slow line, and a ping waits behind it: what looks for silence there
    // is the link, whose connection has room.
    let is_bulk = matches!(kind, PipeKind::Telemetry | PipeKind::Snapshot);
    if carrier == Carrier::Tcp && !is_bulk {
        endpoint = endpoint
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
    }
    endpoint
}

/// For a gRPC server on accepted pipes whose handlers need nothing of the connection.
impl tonic::transport::server::Connected for Pipe {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
