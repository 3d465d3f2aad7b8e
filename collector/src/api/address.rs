//! Core: the address of a device, as people write it: a host and perhaps a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::inventory::device::SNMP_PORT;

const HOST_LEN_MAX: usize = 253;
const LABEL_LEN_MAX: usize = 63;
/// IFNAMSIZ without its end on Linux; other systems number their interfaces.
const ZONE_LEN_MAX: usize = 15;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// An IP address in its usual form, or a host name in lower case.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == SNMP_PORT {
            return f.write_str(&self.host);
        }
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why a text is no address of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressError {
    NoAddress,
    /// A link-local address is another device's on each interface (RFC 4007 §4).
    NoZone,
}

impl AddressError {
    /// What a client is told of the field.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::NoAddress => {
                "must be an IP address or host name, with `:port` if it is not 161; of a link-local \
                 address with the agent's interface, `fe80::1%eth0`"
            }
            Self::NoZone => {
                "is link-local: add `%` and the agent's interface that it is on, as in `fe80::1%eth0`"
            }
        }
    }
}

/// Reads `IP`, `IP:port`, `[v6]:port`, `name` or `name:port`; `v6` may be a link-local address with the
/// agent's interface, `fe80::1%eth0` (RFC 4007 §11). An IPv4 address in the form of IPv6
/// (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is the IPv4 address.
pub(super) fn parse_address(text: &str, default_port: u16) -> Result<Address, AddressError> {
    let text = text.trim();
    if let Ok(ip) = text.parse::<IpAddr>() {
        return usable(ip, default_port);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (v6, port) = in_brackets(rest, default_port).ok_or(AddressError::NoAddress)?;
        return match v6.parse::<Ipv6Addr>() {
            Ok(ip) => usable(ip.into(), port),
            Err(_) => zoned(v6, port),
        };
    }
    if text.contains('%') {
        return zoned(text, default_port);
    }
    let (host, port) = match text.split_once(':') {
        Some((host, text)) => (host, port(text).ok_or(AddressError::NoAddress)?),
        None => (text, default_port),
    };
    if let Ok(ip) = host.parse::<IpAddr>() {
        return usable(ip, port);
    }
    let address = || Address { host: host.to_ascii_lowercase(), port };
    is_host_name(host).then(address).ok_or(AddressError::NoAddress)
}

/// What stands between the brackets, of which `text` has the second, and the port behind.
fn in_brackets(text: &str, default_port: u16) -> Option<(&str, u16)> {
    let (inside, behind) = text.split_once(']')?;
    if behind.is_empty() {
        return Some((inside, default_port));
    }
    Some((inside, port(behind.strip_prefix(':')?)?))
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// Not "any address", nor an address of many, nor one that is many devices'.
fn usable(ip: IpAddr, port: u16) -> Result<Address, AddressError> {
    let ip = ip.to_canonical();
    let is_many = match ip {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => return Err(AddressError::NoZone),
        IpAddr::V6(_) => false,
    };
    let one = !ip.is_unspecified() && !ip.is_multicast() && !is_many;
    one.then(|| Address { host: ip.to_string(), port }).ok_or(AddressError::NoAddress)
}

/// The zone is an interface of the agent; what is not link-local has none.
fn zoned(text: &str, port: u16) -> Result<Address, AddressError> {
    let (address, zone) = text.split_once('%').ok_or(AddressError::NoAddress)?;
    let address = address.parse::<Ipv6Addr>().ok().filter(Ipv6Addr::is_unicast_link_local);
    let address = address.ok_or(AddressError::NoAddress)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_zone = (1..=ZONE_LEN_MAX).contains(&zone.len()) && zone.bytes().all(allowed);
    let address = || Address { host: format!("{address}%{zone}"), port };
    is_zone.then(address).ok_or(AddressError::NoAddress)
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LABEL_LEN_MAX).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name of digits only is an address with a typing error.
    let last = text.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= HOST_LEN_MAX && !numeric && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown() {
        for (text, host, port, shown) in [
            ("10.0.0.1", "10.0.0.1", 161, "10.0.0.1"),
            (" 10.0.0.1:16100 ", "10.0.0.1", 16100, "10.0.0.1:16100"),
            ("10.0.0.1:161", "10.0.0.1", 161, "10.0.0.1"),
            ("2001:DB8::0:1", "2001:db8::1", 161, "2001:db8::1"),
            ("[2001:db8::1]:162", "2001:db8::1", 162, "[2001:db8::1]:162"),
            ("[2001:db8::1]", "2001:db8::1", 161, "2001:db8::1"),
            ("Core-1.Example.net:1161", "core-1.example.net", 1161, "core-1.example.net:1161"),
            ("router_7", "router_7", 161, "router_7"),
            ("FE80::1%Eth0.7", "fe80::1%Eth0.7", 161, "fe80::1%Eth0.7"),
            ("::ffff:10.0.0.1", "10.0.0.1", 161, "10.0.0.1"),
            ("[::FFFF:a00:1]:162", "10.0.0.1", 162, "10.0.0.1:162"),
            ("[fe80::0:1%br-lan]:162", "fe80::1%br-lan", 162, "[fe80::1%br-lan]:162"),
        ] {
            let address = parse_address(text, 161).unwrap();
            assert_eq!(address, Address { host: host.into(), port }, "{text}");
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = "a".repeat(64);
        for text in [
            "",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1:0",
            "10.0.0.1:+5",
            "10.0.0.1:99999",
            "[10.0.0.1]:1",
            "a b",
            "-a",
            "a-",
            "a..b",
            "http://a",
            "a/b",
            "user@host",
            "a:b:c",
            "fe80::1%",
            "fe80::1%a b",
            "fe80::1%a%b",
            "fe80::1%an-interface-too-long",
            "[fe80::1]%eth0",
            "[fe80::1%eth0",
            "[core]:161",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
            "::ffff:255.255.255.255",
            "::ffff:10.0.0.1%eth0",
            "2001:db8::1%eth0",
            "10.0.0.1%eth0",
            "core%eth0",
            &long,
        ] {
            assert_eq!(parse_address(text, 161), Err(AddressError::NoAddress), "{text}");
        }
    }

    #[test]
    fn a_link_local_address_needs_its_interface() {
        for text in ["fe80::2", "FE80::2", "[fe80::2]", "[febf::1]:162"] {
            assert_eq!(parse_address(text, 161), Err(AddressError::NoZone), "{text}");
        }
        // Of IPv4 there is no such form.
        assert!(parse_address("169.254.0.1", 161).is_ok());
    }
}
