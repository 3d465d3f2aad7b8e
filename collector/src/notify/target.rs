//! Core: what a URL or a broker's name means: host, port, TLS, path.
//!
//! The parser is the browsers' (WHATWG): `0x7f.1`, `2130706433` and full-width digits are the address
//! that a resolver may take them for.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

/// Longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

/// Where a connection is to go. Its path may hold a secret: `Debug` shows the host and the port.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub host: Host<String>,
    pub port: u16,
    /// Without TLS.
    pub plain: bool,
    /// Path and query; empty for a broker.
    pub path: String,
}

/// Why a text names no target. Never shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    #[error("must be an https URL of at most {URL_BYTES_MAX} bytes, like https://example.com/hook")]
    Url,
    #[error("must be without a user name and password: those of a URL are shown in logs")]
    User,
    #[error("must be a host name or an IP address")]
    Host,
}

impl Target {
    pub fn url(text: &str) -> Result<Self, BadTarget> {
        if text.len() > URL_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(BadTarget::Url);
        }
        let url = Url::parse(text).map_err(|_| BadTarget::Url)?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(BadTarget::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::User);
        }
        let host = url.host().ok_or(BadTarget::Url)?.to_owned();
        let port = url.port_or_known_default().ok_or(BadTarget::Url)?;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self { host, port, plain, path })
    }

    /// A broker by name or address, and its port.
    pub fn broker(host: &str, port: u16, tls: bool) -> Result<Self, BadTarget> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let text = match bare.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => host.to_owned(),
        };
        let host = Host::parse(&text).map_err(|_| BadTarget::Host)?;
        if port == 0 || text.len() > 255 {
            return Err(BadTarget::Host);
        }
        Ok(Self { host, port, plain: !tls, path: String::new() })
    }

    #[must_use]
    pub fn at(&self, ip: IpAddr) -> SocketAddr {
        SocketAddr::new(ip, self.port)
    }

    /// Host and port for a `Host` header and for people; the port only where it is not HTTP's.
    #[must_use]
    pub fn authority(&self) -> String {
        let usual = if self.plain { 80 } else { 443 };
        if self.port == usual {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_bad_ones_are_refused() {
        let target = Target::url("https://Hooks.Example.com/a/b?token=hunter2#part").unwrap();
        assert_eq!((target.port, target.plain), (443, false));
        assert_eq!(target.path, "/a/b?token=hunter2");
        assert_eq!(target.authority(), "hooks.example.com");
        assert!(!format!("{target:?}").contains("hunter2"));
        assert_eq!(
            Target::url("https://[2620:fe::fe]:8443").unwrap().authority(),
            "[2620:fe::fe]:8443"
        );
        for (text, error) in [
            ("https://user@example.com/", BadTarget::User),
            ("https://u:p@example.com/", BadTarget::User),
            ("ftp://example.com/", BadTarget::Url),
            ("file:///etc/passwd", BadTarget::Url),
            ("gopher://example.com", BadTarget::Url),
            ("example.com", BadTarget::Url),
            ("https://", BadTarget::Url),
            ("https://exa mple.com/", BadTarget::Url),
            ("https://example.com/\r\nX: y", BadTarget::Url),
            ("https://999.1.1.1/", BadTarget::Url),
        ] {
            assert_eq!(Target::url(text), Err(error), "{text}");
        }
        assert!(Target::url(&format!("https://example.com/{}", "x".repeat(3000))).is_err());
    }

    #[test]
    fn brokers_are_names_or_addresses() {
        assert_eq!(Target::broker("::1", 8883, true).unwrap().host.to_string(), "[::1]");
        assert!(
            matches!(Target::broker("127.1", 1, true).unwrap().host, Host::Ipv4(ip) if ip.is_loopback())
        );
        for host in ["", "a b", "a/b", "user@host", "http://x"] {
            assert_eq!(Target::broker(host, 1883, true), Err(BadTarget::Host), "{host}");
        }
        assert!(Target::broker("example.com", 0, true).is_err());
    }
}
