//! Connections that leave the collector on behalf of tenants.
//!
//! A name is resolved once, every address of it is checked, the connection goes to a checked address
//! and not to the name, and its other end is looked at once more: a name that changes its mind
//! between the check and the connection (DNS rebinding) gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::tls::provider;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;

use super::guard::{Forbidden, Guard, Service};
use super::target::Target;

/// Addresses of one name that are looked at; a name with more is refused, not cut short.
const ADDRESSES_MAX: usize = 16;
/// How long one address is alone before the next is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Finds the addresses of a name.
pub trait Resolver: Send + Sync {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// As the system does.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A connection, with TLS or without.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Why there is no connection. The words are ours, and name no address.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("its name has no address")]
    Name,
    #[error("nothing takes the connection")]
    Refused,
    #[error("its certificate is not one that this collector trusts for this name")]
    Certificate,
    #[error("TLS does not come about")]
    Tls,
}

/// The system's roots, and those of the administrator's file.
#[must_use]
pub fn tls_config(extra: Vec<CertificateDer<'static>>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a root of the system cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    roots.add_parsable_certificates(extra);
    #[expect(clippy::expect_used, reason = "ring has the default versions of TLS")]
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Opens connections that the guard lets out. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    pub guard: Arc<Guard>,
    pub resolver: Arc<dyn Resolver>,
    pub tls: Arc<ClientConfig>,
}

impl Connector {
    pub async fn open(
        &self,
        target: &Target,
        service: Service,
    ) -> Result<Box<dyn Io>, ConnectError> {
        self.guard.target(target, service)?;
        let addresses = self.addresses(target).await?;
        for address in &addresses {
            self.guard.address(*address, target.plain, service)?;
        }
        let stream = self.connect(&addresses, target, service).await?;
        if target.plain {
            return Ok(Box::new(stream));
        }
        let name = match &target.host {
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| ConnectError::Name)?
            }
            Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::V4(*ip).into()),
            Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::V6(*ip).into()),
        };
        match TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if is_certificate(&error) => Err(ConnectError::Certificate),
            Err(_) => Err(ConnectError::Tls),
        }
    }

    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, ConnectError> {
        let name = match &target.host {
            Host::Ipv4(ip) => return Ok(vec![target.at((*ip).into())]),
            Host::Ipv6(ip) => return Ok(vec![target.at((*ip).into())]),
            Host::Domain(name) => name,
        };
        let found = self.resolver.resolve(name).await.map_err(|_| ConnectError::Name)?;
        if found.is_empty() || found.len() > ADDRESSES_MAX {
            return Err(ConnectError::Name);
        }
        Ok(found.into_iter().map(|ip| target.at(ip)).collect())
    }

    async fn connect(
        &self,
        addresses: &[SocketAddr],
        target: &Target,
        service: Service,
    ) -> Result<TcpStream, ConnectError> {
        let stream = first(in_turns(addresses), TcpStream::connect).await;
        let stream = stream.ok_or(ConnectError::Refused)?;
        let ends = stream.peer_addr().and_then(|peer| Ok((peer, stream.local_addr()?)));
        let (peer, local) = ends.map_err(|_| ConnectError::Refused)?;
        self.guard.address(peer, target.plain, service)?;
        // An address of this machine that no list of ours knows.
        if peer.ip() == local.ip() && !self.guard.is_allowed(peer, target.plain, service) {
            return Err(Forbidden::Own.into());
        }
        Ok(stream)
    }
}

/// IPv6 and IPv4 in turns, each in the order in which the name has them (RFC 8305, section 4).
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let (six, four): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv6());
    let longer = six.len().max(four.len());
    (0..longer).flat_map(|at| [six.get(at), four.get(at)]).flatten().copied().collect()
}

/// The first that comes about. Each but the first begins when [`STAGGER`] has passed since the one
/// before it, or that one failed; those before it go on meanwhile (RFC 8305, section 5).
async fn first<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> Option<T>
where
    F: Future<Output = io::Result<T>>,
{
    #[expect(clippy::disallowed_methods, reason = "a name has at most ADDRESSES_MAX addresses")]
    let mut running = FuturesUnordered::new();
    let mut left = addresses.into_iter();
    loop {
        let next = left.next();
        let more = next.is_some();
        running.extend(next.map(&connect));
        let patience = async {
            if more { tokio::time::sleep(STAGGER).await } else { std::future::pending().await }
        };
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(stream)) => return Some(stream),
                Some(Err(_)) => {}
                None => return None,
            },
            () = patience => {}
        }
    }
}

fn is_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Never answers at the addresses of port 1, refuses at those of port 2.
    async fn connect(address: SocketAddr) -> io::Result<SocketAddr> {
        match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Ok(address),
        }
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"];
        assert_eq!(in_turns(&found), addresses(&expected));
        assert_eq!(in_turns(&addresses(&["1.1.1.1:1"])), addresses(&["1.1.1.1:1"]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_holds_up_the_next_for_a_moment() {
        let began = tokio::time::Instant::now();
        let found = addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:443"]);
        assert_eq!(first(in_turns(&found), connect).await, Some(found[2]));
        assert_eq!(began.elapsed(), STAGGER);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_refuses_holds_up_nothing_and_none_is_the_end() {
        let began = tokio::time::Instant::now();
        let found = addresses(&["[::1]:2", "1.1.1.1:443"]);
        assert_eq!(first(found.clone(), connect).await, Some(found[1]));
        assert_eq!(first(addresses(&["[::1]:2", "1.1.1.1:2"]), connect).await, None);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(first(Vec::new(), connect).await, None);
    }
}
