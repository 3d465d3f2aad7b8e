//! QUIC: one bi-directional stream per pipe, mutual TLS, connection migration on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Connection, EndpointConfig, IdleTimeout, TransportConfig, VarInt};
use quinn_proto::HashedConnectionIdGenerator;
use rustls::pki_types::CertificateDer;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Carrier, Pipe, PipeKind, Session, TransportError};
use crate::tls::COLLECTOR_NAME;

/// NATs drop an idle UDP mapping after 20-30 s and only the inside can renew it.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT_MS: u32 = 30_000;
/// The agent must admit a tunnel per open terminal.
const AGENT_STREAMS_MAX: u32 = 256;
/// Its sessions, uploads and probes are a handful; each that may be costs 80 bytes of every connection.
const COLLECTOR_STREAMS_MAX: u32 = 16;
/// 50 Mbit/s at 160 ms.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// quinn's default is unlimited; this bounds what one peer can make us hold.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Small: what is queued in here cannot be overtaken.
const AGENT_SEND_WINDOW: u64 = 2 * 1024 * 1024;
const COLLECTOR_SEND_WINDOW: u64 = 4 * 1024 * 1024;
const INITIAL_MTU: u16 = 1200;
/// Asked of the kernel; 10,000 agents share one socket. It may grant less.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Handshakes under way before each new one must prove its address (RFC 9000 8.1.2): forged
/// ones then take no place of an agent. Sessions do not count, lest every agent pay a round trip.
const UNPROVED_MAX: usize = 32;
/// QUIC application error code of every orderly close; the reason is in the text.
const CLOSE_CODE: VarInt = VarInt::from_u32(0);

/// Secrets that let agents learn of a restarted collector at once, by stateless reset.
#[derive(Clone)]
pub struct EndpointSecrets {
    pub reset_key: [u8; 32],
    pub token_key: [u8; 32],
    pub connection_id_key: u64,
}

fn transport_config(streams: u32, send_window: u64) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(send_window)
        .initial_mtu(INITIAL_MTU)
        .datagram_receive_buffer_size(None);
    config
}

fn socket(address: SocketAddr) -> Result<std::net::UdpSocket, TransportError> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        // Refusal is no error: the kernel's limit applies.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(std::net::UdpSocket::from(socket))
    };
    open().map_err(|source| TransportError::Bind { address, source })
}

/// The collector's end: accepts agents.
#[derive(Debug)]
pub struct Listener {
    endpoint: quinn::Endpoint,
    /// One clone is in each handshake under way.
    pending: Arc<()>,
}

/// A handshake that has begun.
#[derive(Debug)]
pub struct Handshake {
    connecting: quinn::Connecting,
    proved: bool,
    _pending: Arc<()>,
}

impl Listener {
    /// Binds `address`. Must be called inside a tokio runtime.
    pub fn bind(
        address: SocketAddr,
        tls: Arc<rustls::ServerConfig>,
        secrets: &EndpointSecrets,
    ) -> Result<Self, TransportError> {
        let crypto = QuicServerConfig::try_from(tls)
            .map_err(|error| TransportError::Config { reason: error.to_string() })?;
        let token_key = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"farwatch quic token")
            .extract(&secrets.token_key);
        let mut config = quinn::ServerConfig::new(Arc::new(crypto), Arc::new(token_key));
        let mut transport = transport_config(COLLECTOR_STREAMS_MAX, COLLECTOR_SEND_WINDOW);
        // What goes down is acknowledgements: to hand the kernel ten datagrams at once would seldom do, and its
        // buffer stays with each connection, 13 KiB of 100.
        transport.enable_segmentation_offload(false);
        config.transport_config(Arc::new(transport)).migration(true);
        let reset_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secrets.reset_key);
        let mut endpoint_config = EndpointConfig::new(Arc::new(reset_key));
        let id_key = secrets.connection_id_key;
        endpoint_config
            .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(id_key)));
        let endpoint = quinn::Endpoint::new(
            endpoint_config,
            Some(config),
            socket(address)?,
            Arc::new(quinn::TokioRuntime),
        )
        .map_err(|source| TransportError::Bind { address, source })?;
        Ok(Self { endpoint, pending: Arc::new(()) })
    }

    /// Where it listens: the port the system chose if `bind` was given 0.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The next handshake; `None` once the listener is closed. Garbage never gets here: quinn
    /// drops datagrams that are no QUIC.
    pub async fn accept(&self) -> Option<Handshake> {
        loop {
            let incoming = self.endpoint.accept().await?;
            let crowded = self.pending() >= UNPROVED_MAX;
            let proved = incoming.remote_address_validated();
            if crowded && !proved && incoming.may_retry() {
                // The peer comes again with a token; an answer that fails here fails at the peer.
                let _ = incoming.retry();
                continue;
            }
            match incoming.accept() {
                Ok(connecting) => {
                    let pending = Arc::clone(&self.pending);
                    return Some(Handshake { connecting, proved, _pending: pending });
                }
                Err(error) => tracing::debug!(%error, "QUIC handshake refused"),
            }
        }
    }

    /// Handshakes accepted and neither finished nor dropped.
    fn pending(&self) -> usize {
        Arc::strong_count(&self.pending) - 1
    }

    /// Closes every session and the socket.
    pub async fn close(&self, reason: &str) {
        self.endpoint.close(CLOSE_CODE, reason.as_bytes());
        self.endpoint.wait_idle().await;
    }
}

impl Handshake {
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.connecting.remote_address()
    }

    /// Whether the peer has proved that it receives at its address, as it must where many
    /// handshakes are under way.
    #[must_use]
    pub fn proved(&self) -> bool {
        self.proved
    }

    /// Completes the handshake; the peer has then proved that it owns its certificate's key.
    pub async fn finish(self) -> Result<QuicSession, TransportError> {
        let address = self.connecting.remote_address();
        let connection =
            self.connecting.await.map_err(|error| TransportError::connect(address, &error))?;
        Ok(QuicSession::new(connection))
    }
}

/// The agent's end: dials collectors. A new one for each dial, so that a redial after a network
/// change never inherits a dead socket (quinn #2321).
pub async fn dial(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
) -> Result<QuicSession, TransportError> {
    let crypto = QuicClientConfig::try_from(tls)
        .map_err(|error| TransportError::Config { reason: error.to_string() })?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    let mut transport = transport_config(AGENT_STREAMS_MAX, AGENT_SEND_WINDOW);
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    config.transport_config(Arc::new(transport));
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = quinn::Endpoint::new(
        EndpointConfig::default(),
        None,
        socket(local)?,
        Arc::new(quinn::TokioRuntime),
    )
    .map_err(|source| TransportError::Bind { address: local, source })?;
    let connection = endpoint
        .connect_with(config, address, COLLECTOR_NAME)
        .map_err(|error| TransportError::connect(address, &error))?
        .await
        .map_err(|error| failed(address, &error))?;
    Ok(QuicSession::new(connection))
}

/// TLS alerts as errors of QUIC (0x100 and the alert, RFC 9001 §4.8), those of certificates: from
/// `bad_certificate` to `access_denied`, and `certificate_required` (RFC 8446 §6).
const REFUSALS: [std::ops::RangeInclusive<u64>; 2] = [0x12a..=0x131, 0x174..=0x174];

fn failed(address: SocketAddr, error: &quinn::ConnectionError) -> TransportError {
    use quinn::ConnectionError as E;
    let code = match error {
        E::TransportError(error) => Some(u64::from(error.code)),
        E::ConnectionClosed(close) => Some(u64::from(close.error_code)),
        _ => None,
    };
    if code.is_some_and(|code| REFUSALS.iter().any(|codes| codes.contains(&code))) {
        return TransportError::Refused { to: address.to_string(), reason: error.to_string() };
    }
    TransportError::connect(address, error)
}

/// A session over QUIC.
#[derive(Debug)]
pub struct QuicSession {
    connection: Connection,
    certificates: Vec<CertificateDer<'static>>,
}

impl QuicSession {
    fn new(connection: Connection) -> Self {
        let certificates = connection
            .peer_identity()
            .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
            .map(|certificates| *certificates)
            .unwrap_or_default();
        Self { connection, certificates }
    }
}

fn ended(error: &quinn::ConnectionError) -> TransportError {
    TransportError::Closed { reason: error.to_string() }
}

impl Session for QuicSession {
    fn carrier(&self) -> Carrier {
        Carrier::Quic
    }

    fn open(&self, kind: PipeKind) -> BoxFuture<'_, Result<Pipe, TransportError>> {
        async move {
            let (send, receive) = self.connection.open_bi().await.map_err(|e| ended(&e))?;
            // Fails only on a stream that is gone, which the hello will find out.
            let _ = send.set_priority(kind.priority());
            let mut pipe = Pipe::new(tokio::io::join(receive, send));
            pipe.greet(kind, &[]).await?;
            Ok(pipe)
        }
        .boxed()
    }

    fn accept(&self) -> BoxFuture<'_, Result<(PipeKind, Pipe), TransportError>> {
        async move {
            loop {
                let (send, receive) = self.connection.accept_bi().await.map_err(|e| ended(&e))?;
                let priority = |kind: PipeKind| send.set_priority(kind.priority());
                let mut hello = receive;
                match super::pipe::read_hello(&mut hello).await {
                    Ok((kind, _)) => {
                        let _ = priority(kind);
                        return Ok((kind, Pipe::new(tokio::io::join(hello, send))));
                    }
                    Err(error) => tracing::debug!(%error, "pipe refused"),
                }
            }
        }
        .boxed()
    }

    fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    fn packets(&self) -> Option<(u64, u64)> {
        let path = self.connection.stats().path;
        Some((path.sent_packets, path.lost_packets))
    }

    fn progress(&self) -> u64 {
        self.connection.stats().frame_rx.acks
    }

    fn close(&self, reason: &str) {
        self.connection.close(CLOSE_CODE, reason.as_bytes());
    }

    fn closed(&self) -> BoxFuture<'_, String> {
        self.connection.closed().map(|reason| reason.to_string()).boxed()
    }
}
