//! An HTTP proxy on the way out of a site (CONNECT, RFC 9110 §9.3.6): found in a setting or in the
//! environment, as curl finds it.

use std::fmt;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why there is no way through a proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Without the text: a password may stand in it.
    #[error("this is not the URL of an HTTP proxy, as in http://USER:PASSWORD@HOST:3128")]
    Url,
    #[error("the proxy {proxy} wants a user and a password, or other ones: put them into its URL")]
    Password { proxy: String },
    #[error("the proxy {proxy} does not let this connection through: {reason}")]
    Refused { proxy: String, reason: String },
}

/// An HTTP proxy. It is shown without its password.
#[derive(Clone)]
pub struct Proxy(Intercept);

impl Proxy {
    /// `http://[USER:PASSWORD@]HOST[:PORT]`
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        let matcher = Matcher::builder().https(url).build();
        let any = Uri::from_static("https://collector");
        let found = matcher.intercept(&any).map(Self).ok_or(ProxyError::Url)?;
        if found.is_http() { Ok(found) } else { Err(ProxyError::Url) }
    }

    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say for `HOST:PORT`. A proxy of another kind
    /// (SOCKS) is none.
    #[must_use]
    pub fn from_environment(to: &str) -> Option<Self> {
        let to = Uri::builder().scheme("https").authority(to).path_and_query("/").build().ok()?;
        Matcher::from_env().intercept(&to).map(Self).filter(Self::is_http)
    }

    fn is_http(&self) -> bool {
        self.0.uri().scheme_str() == Some("http") && self.0.uri().host().is_some()
    }

    pub(super) fn uri(&self) -> &Uri {
        self.0.uri()
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.0.basic_auth()
    }
}

/// For configurations.
impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Without the password.
impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("http://{self}"))
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        (self.uri(), self.authorization()) == (other.uri(), other.authorization())
    }
}

impl Eq for Proxy {}

/// `HOST:PORT`
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.0.uri();
        write!(f, "{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_its_password_is_not_shown() {
        let proxy = Proxy::new("http://farm:hunter2@proxy.example:3128").unwrap();
        assert_eq!(proxy.to_string(), "proxy.example:3128");
        assert_eq!(format!("{proxy:?}"), "proxy.example:3128");
        assert_eq!(proxy.authorization().unwrap(), "Basic ZmFybTpodW50ZXIy");
        assert!(proxy.authorization().unwrap().is_sensitive());
        let proxy = Proxy::new("proxy.example:3128").unwrap();
        assert_eq!((proxy.to_string(), proxy.authorization()), ("proxy.example:3128".into(), None));
        for bad in
            ["", "socks5://proxy.example:1080", "https://proxy.example", "http://", "http://a b"]
        {
            assert!(Proxy::new(bad).is_err(), "{bad}");
        }
    }
}
