//! Byte pipes between agent and collector, whatever carries them.
//!
//! A [`Session`] is one authenticated connection. It opens and accepts [`Pipe`]s, one per traffic
//! class, so that bulk never delays telemetry (one shared stream was measured at 10 s p99). gRPC
//! runs inside pipes; either side may be the client. QUIC carries them as streams of one connection;
//! where UDP does not get through, TCP carries each on a connection of its own.

pub mod eyeballs;
mod grpc;
mod lifetime;
pub mod link;
mod pipe;
pub mod proxy;
pub mod quic;
pub mod tcp;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;

pub use grpc::{
    GRPC_CONNECTION_WINDOW, GRPC_STREAM_WINDOW, channel, channel_in_place, channel_when_used,
};
pub use pipe::{Pipe, PipeKind, await_hello};

/// ALPN of the agents' connections, on every carrier.
pub const ALPN_AGENT: &[u8] = b"farwatch/1";
/// ALPN of enrolment: TLS on TCP without a client certificate.
pub const ALPN_ENROLL: &[u8] = b"farwatch-enroll/1";

/// Why a session or a pipe ended or never began.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot bind {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("the TLS configuration does not fit QUIC: {reason}")]
    Config { reason: String },
    #[error("cannot connect to {to}: {reason}")]
    Connect { to: String, reason: String },
    /// One side does not take the other's certificate.
    #[error("{to} was reached and the handshake refused: {reason}")]
    Refused { to: String, reason: String },
    #[error(transparent)]
    Proxy(#[from] proxy::ProxyError),
    #[error("the session ended: {reason}")]
    Closed { reason: String },
    #[error("the pipe did not begin with a hello: {reason}")]
    Hello { reason: String },
    #[error("gRPC could not start on the pipe")]
    Grpc(#[from] tonic::transport::Error),
}

impl TransportError {
    fn connect(to: impl ToString, reason: &impl ToString) -> Self {
        Self::Connect { to: to.to_string(), reason: reason.to_string() }
    }

    fn closed(reason: &impl ToString) -> Self {
        Self::Closed { reason: reason.to_string() }
    }
}

/// What carries a session's pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// QUIC, over UDP.
    Quic,
    /// TLS over TCP.
    Tcp,
}

impl Carrier {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

/// One authenticated connection to a peer.
pub trait Session: Send + Sync + std::fmt::Debug {
    fn carrier(&self) -> Carrier;
    /// Opens a pipe; the peer learns of it at once.
    fn open(&self, kind: PipeKind) -> BoxFuture<'_, Result<Pipe, TransportError>>;
    /// The next pipe the peer opened. A pipe with a bad hello is dropped and logged, never returned.
    fn accept(&self) -> BoxFuture<'_, Result<(PipeKind, Pipe), TransportError>>;
    /// The peer's certificates, leaf first.
    fn certificates(&self) -> &[CertificateDer<'static>];
    /// Where the peer is now; may change while the session lives.
    fn remote(&self) -> SocketAddr;
    /// Current estimate of the round trip.
    fn rtt(&self) -> Duration;
    /// Packets sent so far, and how many of them were lost on the way; `None` where the system does
    /// not tell.
    fn packets(&self) -> Option<(u64, u64)> {
        None
    }
    /// Rises whenever the peer's transport acknowledges something: it lives, though its answers
    /// may be far behind.
    fn progress(&self) -> u64;
    /// Ends the session; the peer is told `reason`.
    fn close(&self, reason: &str);
    /// Resolves with the reason once the session has ended.
    fn closed(&self) -> BoxFuture<'_, String>;
}

/// Metadata of an agent's refusal of an older assignment: the revision it has.
pub const REVISION_HEADER: &str = "farwatch-revision";

/// Metadata of a collector's refusal of a session: another host runs as this agent.
pub const CLONED_HEADER: &str = "farwatch-cloned";

#[cfg(test)]
mod tests;
