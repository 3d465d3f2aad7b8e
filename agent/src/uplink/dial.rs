//! Dials a collector: QUIC, and TCP beside it where that does not come up at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::transport::proxy::Proxy;
use farwatch_common::transport::{Session, TransportError, eyeballs, link, quic, tcp};
use tokio::net::UdpSocket;

use super::UplinkError;
use super::carrier::{Dial, QUIC_ALONE};
use crate::identity::Credentials;

/// A collector that does not answer a handshake in this time is away.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long each handshake over QUIC is waited for. Its packets are repeated ever more rarely, so one
/// that began in an outage finds out late that the link is back: a new one begins instead. The last
/// is for links so slow that they need it.
const HANDSHAKES: [Duration; 3] =
    [Duration::from_millis(2500), Duration::from_millis(2500), Duration::from_secs(5)];
/// A network that lets large packets through does it in this time.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where TCP connections go out of this site.
#[derive(Clone, Debug, Default)]
pub enum Proxies {
    /// What the environment says (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    #[default]
    Environment,
    /// This one.
    Through(Proxy),
}

impl Proxies {
    #[must_use]
    pub fn new(configured: Option<Proxy>) -> Self {
        configured.map_or(Self::Environment, Self::Through)
    }

    pub(crate) fn towards(&self, collector: &str) -> Option<Proxy> {
        match self {
            Self::Environment => Proxy::from_environment(collector),
            Self::Through(proxy) => Some(proxy.clone()),
        }
    }
}

/// One collector, and how to get there.
pub(super) struct Way {
    collector: String,
    tls: Arc<rustls::ClientConfig>,
    proxy: Option<Proxy>,
}

impl Way {
    pub(super) fn new(
        collector: &str,
        credentials: &Credentials,
        proxies: &Proxies,
    ) -> Result<Self, UplinkError> {
        let proxy = proxies.towards(collector);
        Ok(Self { collector: collector.to_owned(), tls: credentials.tls()?, proxy })
    }

    /// The first session that comes up.
    pub(super) async fn dial(&self, how: Dial) -> Result<Arc<dyn Session>, UplinkError> {
        match how {
            Dial::Race => self.race().await,
            Dial::TcpFirst => match self.tcp().await {
                Ok(session) => Ok(session),
                Err(tcp) => self.quic().await.map_err(|quic| both(quic, tcp)),
            },
        }
    }

    async fn race(&self) -> Result<Arc<dyn Session>, UplinkError> {
        let quic = self.quic();
        tokio::pin!(quic);
        match tokio::time::timeout(QUIC_ALONE, &mut quic).await {
            Ok(Ok(session)) => return Ok(session),
            // The collector does not take our certificate, and would not over TCP. It is otherwise with a
            // refusal over TCP: there a firewall may have looked into TLS.
            Ok(Err(quic)) if quic.is_refused() => return Err(quic),
            Ok(Err(quic)) => return self.tcp().await.map_err(|tcp| both(quic, tcp)),
            Err(_) => {}
        }
        let tcp = self.tcp();
        tokio::pin!(tcp);
        tokio::select! {
            first = &mut quic => match first {
                Ok(session) => Ok(session),
                Err(quic) => tcp.await.map_err(|tcp| both(quic, tcp)),
            },
            first = &mut tcp => match first {
                Ok(session) => Ok(session),
                Err(tcp) => quic.await.map_err(|quic| both(quic, tcp)),
            },
        }
    }

    /// QUIC, if it also carries large packets.
    pub(super) async fn probe_quic(&self) -> Result<Arc<dyn Session>, UplinkError> {
        let session = self.quic().await?;
        match tokio::time::timeout(PROBE_TIMEOUT, link::probe(&*session)).await {
            Ok(Ok(_)) => Ok(session),
            Ok(Err(error)) => Err(UplinkError::Pipe(error)),
            Err(_) => Err(UplinkError::Silent),
        }
    }

    /// Tries the addresses of the collector.
    async fn quic(&self) -> Result<Arc<dyn Session>, UplinkError> {
        let named = || self.collector.clone();
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(&self.collector)
            .await
            .map_err(|source| UplinkError::Resolve { collector: named(), source })?
            .collect();
        let is_final = UplinkError::is_refused;
        let first = eyeballs::first(addresses, |address| self.quic_at(address), is_final).await;
        first.unwrap_or_else(|| Err(UplinkError::NoAddress { collector: named() }))
    }

    async fn quic_at(&self, address: SocketAddr) -> Result<Arc<dyn Session>, UplinkError> {
        let named = || self.collector.clone();
        for patience in HANDSHAKES {
            let dialled = quic::dial(address, Arc::clone(&self.tls));
            match tokio::time::timeout(patience, dialled).await {
                Ok(Ok(session)) => return Ok(Arc::new(session)),
                Ok(Err(source)) => return Err(UplinkError::Dial { collector: named(), source }),
                Err(_) => {}
            }
        }
        Err(UplinkError::Timeout { collector: named() })
    }

    pub(super) async fn tcp(&self) -> Result<Arc<dyn Session>, UplinkError> {
        let named = || self.collector.clone();
        let dialled = tcp::dial(&self.collector, self.proxy.clone(), Arc::clone(&self.tls));
        match tokio::time::timeout(DIAL_TIMEOUT, dialled).await {
            Ok(Ok(session)) => Ok(Arc::new(session)),
            Ok(Err(source)) => Err(UplinkError::Dial { collector: named(), source }),
            Err(_) => Err(UplinkError::Timeout { collector: named() }),
        }
    }
}

/// The first of `remotes` that there is a way to, and the address of this host towards it.
pub(super) async fn way_out(
    remotes: impl IntoIterator<Item = SocketAddr>,
) -> Option<(SocketAddr, IpAddr)> {
    for remote in remotes {
        if let Some(here) = here(remote).await {
            return Some((remote, here));
        }
    }
    None
}

/// The address of this host towards `to`.
async fn here(to: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // Nothing is sent: the system only chooses the way.
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(to).await.ok()?;
    socket.local_addr().ok().map(|here| here.ip())
}

/// What is told when neither comes up: that the collector refuses us, or both.
fn both(quic: UplinkError, tcp: UplinkError) -> UplinkError {
    if quic.is_refused() {
        return quic;
    }
    UplinkError::Neither { quic: Box::new(quic), tcp: Box::new(tcp) }
}

impl UplinkError {
    /// The peer was reached and one side refused the other: no carrier changes that.
    fn is_refused(&self) -> bool {
        matches!(self, Self::Dial { source: TransportError::Refused { .. }, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_there_is_no_way_to_the_first_address_the_next_one_counts() {
        let there: SocketAddr = ([127, 0, 0, 1], 443).into();
        let also_there: SocketAddr = ([127, 0, 0, 2], 443).into();
        // A broadcast address, to which no socket gets that has not asked for it.
        let no_way: SocketAddr = (Ipv4Addr::BROADCAST, 443).into();
        let loopback = there.ip();
        assert_eq!(way_out([there, also_there]).await, Some((there, loopback)));
        assert_eq!(way_out([no_way, there]).await, Some((there, loopback)));
        assert_eq!(way_out([no_way]).await, None);
        assert_eq!(way_out([]).await, None);
    }
}
