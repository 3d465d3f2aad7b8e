//! Core: where notifications may go.
//!
//! Tenants write URLs, and the collector stands in the provider's network: without a guard a channel
//! is a way to ask what only the collector can reach. So it goes to addresses of the public internet
//! and to few ports, by TLS. The administrator's file may allow more, per network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::target::Target;

/// What is spoken to an address: each has its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Http,
    Mqtt,
}

impl Service {
    /// Ports that need no allowance.
    const fn ports(self) -> &'static [u16] {
        match self {
            Self::Http => &[443, 8443],
            Self::Mqtt => &[443, 8443, 8883],
        }
    }
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `10.1.2.0/24`, `fd00::/8`, or one address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// What the administrator's file lets out besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    pub network: Network,
    /// Empty: those of the service.
    pub ports: Vec<u16>,
    /// Also without TLS.
    pub plain: bool,
}

impl Allowed {
    fn lets(&self, port: u16, plain: bool, service: Service) -> bool {
        let ports = if self.ports.is_empty() { service.ports() } else { &self.ports };
        ports.contains(&port) && (self.plain || !plain)
    }
}

/// Why the guard refuses; the words go to whoever made the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("it leads to {0}")]
    Address(&'static str),
    #[error("it leads to this collector itself")]
    Own,
    #[error("port {0} is not one of those that notifications may go to")]
    Port(u16),
    #[error("it is without TLS")]
    Plain,
}

/// Rules of this installation.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    pub allow: Vec<Allowed>,
    /// Where the collector itself listens.
    pub own: Vec<SocketAddr>,
}

impl Guard {
    /// Before anything is resolved: a literal address is checked as a whole, of a name what does not
    /// hang on its address.
    pub fn target(&self, target: &Target, service: Service) -> Result<(), Forbidden> {
        match &target.host {
            url::Host::Ipv4(ip) => self.address(target.at((*ip).into()), target.plain, service),
            url::Host::Ipv6(ip) => self.address(target.at((*ip).into()), target.plain, service),
            url::Host::Domain(name) => {
                if self.allow.iter().any(|allow| allow.lets(target.port, target.plain, service)) {
                    return Ok(());
                }
                let name = name.trim_end_matches('.');
                if name == "localhost" || name.ends_with(".localhost") {
                    return Err(Forbidden::Address("this machine"));
                }
                manner(target.port, target.plain, service)
            }
        }
    }

    /// Whether a connection may go to this address.
    pub fn address(&self, to: SocketAddr, plain: bool, service: Service) -> Result<(), Forbidden> {
        let is_own = |own: &SocketAddr| own.ip() == to.ip() && own.port() == to.port();
        if self.own.iter().any(is_own) {
            return Err(Forbidden::Own);
        }
        if self.is_allowed(to, plain, service) {
            return Ok(());
        }
        if let Some(what) = special(to.ip()) {
            return Err(Forbidden::Address(what));
        }
        manner(to.port(), plain, service)
    }

    /// Whether the administrator's file names it.
    #[must_use]
    pub fn is_allowed(&self, to: SocketAddr, plain: bool, service: Service) -> bool {
        let mut allow = self.allow.iter();
        allow.any(|allow| allow.network.holds(to.ip()) && allow.lets(to.port(), plain, service))
    }
}

fn manner(port: u16, plain: bool, service: Service) -> Result<(), Forbidden> {
    if plain {
        return Err(Forbidden::Plain);
    }
    if service.ports().contains(&port) { Ok(()) } else { Err(Forbidden::Port(port)) }
}

/// What an address is, unless it is a common one of the public internet (IANA's registries of special
/// addresses, and what clouds have their metadata at).
#[must_use]
pub fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = ip.octets();
    Some(match (a, b, c, d) {
        (0, ..) => "an address of «this network» (0.0.0.0/8)",
        (127, ..) => "a loopback address",
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => "a private address",
        (169, 254, 169, 254) | (100, 100, 100, 200) | (168, 63, 129, 16) => {
            "the metadata service of a cloud"
        }
        (169, 254, ..) => "a link-local address",
        (100, 64..=127, ..) => "a shared address of a carrier (100.64.0.0/10)",
        (192, 0, 0, _) | (192, 88, 99, _) => "an address of a protocol",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => "an address of examples",
        (198, 18 | 19, ..) => "an address of benchmarks",
        (224..=239, ..) => "a multicast address",
        (240..=255, ..) => "a reserved or broadcast address",
        _ => return None,
    })
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let segments = ip.segments();
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => "the address of no host",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        // IPv4 in other clothes: who means it can write it as it is.
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4-compatible address",
        [0, 0, 0, 0, 0, 0xffff, ..] => "an IPv4-mapped address",
        [0, 0, 0, 0, 0xffff, 0, ..] => "an IPv4-translated address",
        [0x64, 0xff9b, ..] => "an IPv4 address behind NAT64",
        [0x2002, ..] => "an IPv4 address behind 6to4",
        [0x2001, 0, ..] => "an IPv4 address behind Teredo",
        [0x2001, 0x2..=0x1ff, ..] => "an address of a protocol",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "an address of examples",
        [0xfc00..=0xfdff, ..] => "a unique local address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        [0x2000..=0x3fff, ..] => return None,
        _ => "an address that is not of the public internet",
    })
}

#[cfg(test)]
mod tests;
