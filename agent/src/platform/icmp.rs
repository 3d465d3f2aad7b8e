//! Sockets that send echo requests, as each system gives them out.
//!
//! Linux has two kinds: the ping socket, for users whose group is in `net.ipv4.ping_group_range`, and
//! the raw socket, for those with CAP_NET_RAW. Other systems have none here yet.

#[cfg(target_os = "linux")]
#[path = "icmp/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "icmp/none.rs"]
mod system;

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// Who may open it, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The system chooses the identifier of the requests and hands over nobody else's answers.
    Ping,
    /// It sees all ICMP that comes to this host.
    Raw,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping socket",
            Self::Raw => "raw socket",
        }
    }
}

/// A socket for echo requests of one address family, to any host.
#[derive(Debug)]
pub struct EchoSocket {
    // To the runtime a datagram socket is one like the other.
    socket: UdpSocket,
    family: Family,
    kind: Kind,
}

impl EchoSocket {
    /// The kind that takes no privilege if the system allows it, else the raw one. The error is
    /// `PermissionDenied` where neither is allowed, `Unsupported` where there is neither.
    pub fn open(family: Family) -> io::Result<Self> {
        Self::open_as(family, Kind::Ping).or_else(|_| Self::open_as(family, Kind::Raw))
    }

    /// Must be called inside a tokio runtime.
    pub fn open_as(family: Family, kind: Kind) -> io::Result<Self> {
        let socket = system::open(family, kind)?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, family, kind })
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    pub async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// Sends a message that begins with its ICMP header.
    pub fn try_send_to(&self, message: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.try_send_to(message, to)
    }

    /// A message that has come. Before its ICMP header there may be one of IPv4.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.try_recv_from(buffer)
    }

    /// The next message of ours that the network gave back, from its ICMP header on, and where it
    /// was to go. A raw socket has none: there the news comes as a message like others.
    pub fn next_returned(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        match self.kind {
            Kind::Ping => system::next_returned(&self.socket, buffer),
            Kind::Raw => None,
        }
    }
}
