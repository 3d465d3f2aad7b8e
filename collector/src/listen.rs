//! The doors: one port, UDP for agents, TCP for enrolment and browsers.
//!
//! - in: connections from anywhere
//! - out: pipes with a known peer to `ingest`, HTTP requests to `api`, enrolments to `identity`
//! - bound: handshakes at once, connections per agent, TCP connections in all and per address
//! - when full: the newest agent connection replaces the oldest; an address with too many TCP
//!   connections is hung up on; others wait in the kernel
//! - on crash: agents learn of it by stateless reset and dial again

mod accept;
pub mod addresses;
pub mod agents;
pub mod web;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use farwatch_common::transport::{TransportError, quic};
use tokio::net::TcpListener;

use self::addresses::Addresses;

/// A port that the system chooses for TCP may be another program's for UDP: then it chooses again.
const PORTS_TRIED: u32 = 16;

/// Why a door cannot open.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "cannot listen on {address} (is another collector running, or does the port need root?)"
    )]
    Bind { address: SocketAddr, source: io::Error },
    #[error("--http serves plain HTTP and takes loopback addresses only, not {address}")]
    NotLoopback { address: SocketAddr },
    #[error("a bound socket does not know its address")]
    Address { source: io::Error },
    #[error("cannot listen for agents (QUIC)")]
    Quic(#[from] TransportError),
}

/// Bound sockets, before anything is served on them.
pub struct Doors {
    pub quic: quic::Listener,
    pub tls: TcpListener,
    /// Plain HTTP on loopback, for programs and browsers of this host.
    pub http: Option<TcpListener>,
}

impl Doors {
    /// Binds UDP and TCP on one port (the TCP one first: if it was 0, UDP takes the same), and
    /// plain HTTP if wanted.
    pub async fn open(
        listen: SocketAddr,
        http: Option<SocketAddr>,
        quic_tls: Arc<rustls::ServerConfig>,
        secrets: &quic::EndpointSecrets,
    ) -> Result<Self, ListenError> {
        let bind = |address: SocketAddr| async move {
            TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
        };
        let http = match http {
            Some(address) if !address.ip().is_loopback() => {
                return Err(ListenError::NotLoopback { address });
            }
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let mut tries = if listen.port() == 0 { PORTS_TRIED } else { 1 };
        loop {
            tries -= 1;
            let tls = bind(listen).await?;
            let bound = tls.local_addr().map_err(|source| ListenError::Address { source })?;
            match quic::Listener::bind(bound, Arc::clone(&quic_tls), secrets) {
                Ok(quic) => return Ok(Self { quic, tls, http }),
                Err(TransportError::Bind { source, .. })
                    if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where the doors are, now that the system has chosen ports.
    pub fn addresses(&self, public: &[String]) -> Result<Addresses, ListenError> {
        let unknown = |source| ListenError::Address { source };
        let listen = self.tls.local_addr().map_err(unknown)?;
        let http = self.http.as_ref().map(TcpListener::local_addr).transpose().map_err(unknown)?;
        Ok(Addresses::new(listen, http, public))
    }
}
