//! Core: the one-time enrolment token, as text that a person carries to a site.
//!
//! `fw1_` and base32 (RFC 4648, lower case, no padding) of: version (1 byte), token id (16), secret
//! (32), SHA-256 of the collector root's SPKI (32), number of endpoints (1), each endpoint as
//! length (1) and `HOST:PORT`, CRC-32 of all before (4, big endian).
//!
//! The agent checks the root against the pin before it sends the secret; the collector keeps only
//! the secret's hash.

use std::fmt;

use data_encoding::BASE32_NOPAD;

use crate::crc::crc32;
use crate::secret::Secret;

const PREFIX: &str = "fw1_";
const VERSION: u8 = 1;
pub const TOKEN_ID_LEN: usize = 16;
pub const TOKEN_SECRET_LEN: usize = 32;
pub const ROOT_PIN_LEN: usize = 32;
/// Most collectors one token names.
pub const ENDPOINTS_MAX: usize = 8;
/// A DNS name of 253 bytes, a colon and a port would fit 259; length is one byte.
pub const ENDPOINT_LEN_MAX: usize = 255;
/// Longest text that is looked at.
const TEXT_LEN_MAX: usize = 4096;

/// What a token says.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollToken {
    pub id: [u8; TOKEN_ID_LEN],
    /// [`TOKEN_SECRET_LEN`] bytes.
    pub secret: Secret,
    pub root_pin: [u8; ROOT_PIN_LEN],
    /// `HOST:PORT`, best first; empty if the installer names the collector.
    pub endpoints: Vec<String>,
}

impl fmt::Debug for EnrollToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrollToken").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// Why a text is no token. Never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenTextError {
    #[error("this is not an enrolment token: it must begin with `fw1_`")]
    Prefix,
    #[error("the enrolment token is damaged: copy it again, whole and unchanged")]
    Damaged,
    #[error("the enrolment token is of a newer version: update this program")]
    Version,
    #[error("an endpoint of the token is not HOST:PORT, or there are too many")]
    Endpoint,
}

impl EnrollToken {
    /// The text form; as secret as the token.
    pub fn encode(&self) -> Result<Secret, TokenTextError> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.id);
        if self.secret.expose().len() != TOKEN_SECRET_LEN {
            return Err(TokenTextError::Damaged);
        }
        bytes.extend_from_slice(self.secret.expose());
        bytes.extend_from_slice(&self.root_pin);
        if self.endpoints.len() > ENDPOINTS_MAX {
            return Err(TokenTextError::Endpoint);
        }
        bytes.push(u8::try_from(self.endpoints.len()).map_err(|_| TokenTextError::Endpoint)?);
        for endpoint in &self.endpoints {
            if !is_endpoint(endpoint) {
                return Err(TokenTextError::Endpoint);
            }
            bytes.push(u8::try_from(endpoint.len()).map_err(|_| TokenTextError::Endpoint)?);
            bytes.extend_from_slice(endpoint.as_bytes());
        }
        let crc = crc32(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        let mut text = BASE32_NOPAD.encode(&bytes);
        text.make_ascii_lowercase();
        text.insert_str(0, PREFIX);
        Ok(Secret::from(text))
    }

    /// Reads the text form. White space around it and the case of letters do not matter.
    pub fn parse(text: &str) -> Result<Self, TokenTextError> {
        let text = text.trim();
        if text.len() > TEXT_LEN_MAX {
            return Err(TokenTextError::Damaged);
        }
        let lower = text.to_ascii_lowercase();
        let body = lower.strip_prefix(PREFIX).ok_or(TokenTextError::Prefix)?;
        let bytes = BASE32_NOPAD
            .decode(body.to_ascii_uppercase().as_bytes())
            .map_err(|_| TokenTextError::Damaged)?;
        let (bytes, crc) = bytes.split_last_chunk::<4>().ok_or(TokenTextError::Damaged)?;
        if crc32(bytes) != u32::from_be_bytes(*crc) {
            return Err(TokenTextError::Damaged);
        }
        let mut rest = bytes;
        let [version] = take::<1>(&mut rest)?;
        if version != VERSION {
            return Err(TokenTextError::Version);
        }
        let id = take(&mut rest)?;
        let secret = Secret::new(take::<TOKEN_SECRET_LEN>(&mut rest)?.to_vec());
        let root_pin = take(&mut rest)?;
        let endpoints = take_endpoints(&mut rest)?;
        if !rest.is_empty() {
            return Err(TokenTextError::Damaged);
        }
        Ok(Self { id, secret, root_pin, endpoints })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TokenTextError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(TokenTextError::Damaged)?;
    *rest = tail;
    Ok(*head)
}

fn take_endpoints(rest: &mut &[u8]) -> Result<Vec<String>, TokenTextError> {
    let [count] = take::<1>(rest)?;
    if usize::from(count) > ENDPOINTS_MAX {
        return Err(TokenTextError::Endpoint);
    }
    let mut endpoints = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let [length] = take::<1>(rest)?;
        let (text, tail) =
            rest.split_at_checked(usize::from(length)).ok_or(TokenTextError::Damaged)?;
        *rest = tail;
        let endpoint = str::from_utf8(text).map_err(|_| TokenTextError::Endpoint)?;
        if !is_endpoint(endpoint) {
            return Err(TokenTextError::Endpoint);
        }
        endpoints.push(endpoint.to_owned());
    }
    Ok(endpoints)
}

/// `HOST:PORT`, `1.2.3.4:PORT` or `[V6]:PORT`, with a port other than 0.
#[must_use]
pub fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    if text.len() > ENDPOINT_LEN_MAX || !port.parse::<u16>().is_ok_and(|port| port != 0) {
        return false;
    }
    if let Some(v6) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return v6.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    !host.is_empty() && host.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(endpoints: Vec<String>) -> EnrollToken {
        EnrollToken { id: [7; 16], secret: Secret::new(vec![9; 32]), root_pin: [3; 32], endpoints }
    }

    fn text(token: &EnrollToken) -> String {
        String::from_utf8(token.encode().unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn only_host_and_port_is_an_endpoint() {
        for good in ["fw.example.net:443", "10.0.0.1:8443", "[2001:db8::1]:443"] {
            assert!(is_endpoint(good), "{good}");
        }
        let long = format!("{}:443", "a".repeat(260));
        for bad in
            ["", ":443", "host", "host:0", "host:70000", "a b:1", "[::1:443", "::1:443", &long]
        {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    #[test]
    fn an_unknown_version_is_told_apart() {
        let mut bytes = vec![2; 90];
        bytes[0] = 2;
        let crc = crc32(&bytes);
        bytes.extend(crc.to_be_bytes());
        let text = format!("fw1_{}", BASE32_NOPAD.encode(&bytes));
        assert_eq!(EnrollToken::parse(&text), Err(TokenTextError::Version));
    }

    #[test]
    fn too_many_endpoints_are_refused() {
        let many = token(vec!["a:1".to_owned(); ENDPOINTS_MAX + 1]);
        assert_eq!(many.encode().unwrap_err(), TokenTextError::Endpoint);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", token(vec!["a:1".into()]));
        assert_eq!(shown, r#"EnrollToken { endpoints: ["a:1"], .. }"#);
    }

    proptest! {
        #[test]
        fn round_trips(
            id: [u8; 16],
            secret: [u8; 32],
            root_pin: [u8; 32],
            hosts in prop::collection::vec(("[a-z0-9.-]{1,40}", 1u16..), 0..=ENDPOINTS_MAX),
        ) {
            let endpoints = hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
            let token =
                EnrollToken { id, secret: Secret::new(secret.to_vec()), root_pin, endpoints };
            let text = text(&token);
            prop_assert_eq!(EnrollToken::parse(&text), Ok(token.clone()));
            let shouted = format!("  {}\n", text.to_ascii_uppercase());
            prop_assert_eq!(EnrollToken::parse(&shouted), Ok(token));
        }

        #[test]
        fn one_changed_letter_is_noticed(at in 4usize..140, letter in "[a-z2-7]") {
            let good = text(&token(vec!["a.example:443".into()]));
            let at = at.min(good.len() - 1);
            let mut bad = good.clone();
            bad.replace_range(at..=at, &letter);
            prop_assume!(bad != good);
            prop_assert!(EnrollToken::parse(&bad).is_err());
        }

        #[test]
        fn no_text_panics(text in "(fw1_)?[ -~]{0,300}") {
            let _ = EnrollToken::parse(&text);
        }

        #[test]
        fn no_bytes_with_a_good_checksum_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let crc = crc32(&bytes);
            bytes.extend(crc.to_be_bytes());
            let _ = EnrollToken::parse(&format!("fw1_{}", BASE32_NOPAD.encode(&bytes)));
        }
    }
}
