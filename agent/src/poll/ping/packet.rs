//! Core: echo requests and what comes back (RFC 792, RFC 4443).

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::platform::icmp::Family;

const HEADER_BYTES: usize = 8;
/// As many as ping(8) sends.
const PAYLOAD_BYTES: usize = 56;
/// An echo request and its answer.
pub(super) const ECHO_BYTES: usize = HEADER_BYTES + PAYLOAD_BYTES;
const TOKEN_BYTES: usize = 8;
const IPV4_HEADER_BYTES: usize = 20;
const IPV6_HEADER_BYTES: usize = 40;
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_ICMP6: u8 = 58;

/// What tells one echo request from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) identifier: u16,
    pub(super) sequence: u16,
    pub(super) token: u64,
}

/// What came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer to an echo request, whole.
    Reply(Echo),
    /// The network could not deliver one. It gives back the header and not always the token.
    Returned { to: IpAddr, identifier: u16, sequence: u16, token: Option<u64> },
}

struct Types {
    request: u8,
    reply: u8,
    /// Destination unreachable, time exceeded.
    errors: [u8; 2],
}

fn types(family: Family) -> Types {
    match family {
        Family::V4 => Types { request: 8, reply: 0, errors: [3, 11] },
        Family::V6 => Types { request: 128, reply: 129, errors: [1, 3] },
    }
}

/// The message, from its ICMP header on.
pub(super) fn request(family: Family, echo: Echo) -> [u8; ECHO_BYTES] {
    let mut bytes = message(types(family).request, echo);
    // Over IPv6 the system computes it, as it covers addresses that are chosen later.
    if family == Family::V4 {
        let sum = checksum(&bytes).to_be_bytes();
        for (place, byte) in bytes.iter_mut().skip(2).zip(sum) {
            *place = byte;
        }
    }
    bytes
}

fn message(kind: u8, echo: Echo) -> [u8; ECHO_BYTES] {
    let head = [kind, 0, 0, 0].into_iter();
    let rest = echo.identifier.to_be_bytes().into_iter().chain(echo.sequence.to_be_bytes());
    let mut bytes = [0; ECHO_BYTES];
    let filled = head.chain(rest).chain(echo.token.to_be_bytes()).chain(0..);
    bytes.iter_mut().zip(filled).for_each(|(place, byte)| *place = byte);
    bytes
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let pairs = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair.first().copied().unwrap_or(0), low]))
    });
    let sum: u32 = pairs.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

/// Reads what a socket has received; `None` if it is of no use to anybody who sends echo requests.
pub(super) fn read(family: Family, bytes: &[u8]) -> Option<Heard> {
    let bytes = match family {
        Family::V4 => without_header(bytes),
        Family::V6 => bytes,
    };
    let types = types(family);
    let kind = *bytes.first()?;
    if kind == types.reply {
        return reply(types.reply, bytes);
    }
    if !types.errors.contains(&kind) {
        return None;
    }
    let (to, inner) = original(family, bytes.get(HEADER_BYTES..)?)?;
    returned(family, to, inner)
}

/// Reads a message of ours, from its ICMP header on, that was to go to `to` and came back.
pub(super) fn returned(family: Family, to: IpAddr, bytes: &[u8]) -> Option<Heard> {
    let (identifier, sequence) = head(types(family).request, bytes)?;
    Some(Heard::Returned { to, identifier, sequence, token: token(bytes) })
}

fn reply(kind: u8, bytes: &[u8]) -> Option<Heard> {
    let (identifier, sequence) = head(kind, bytes)?;
    let echo = Echo { identifier, sequence, token: token(bytes)? };
    // The checksum the system has looked at. A shorter answer is none.
    let expected = message(kind, echo);
    let same = bytes.get(HEADER_BYTES..) == expected.get(HEADER_BYTES..);
    same.then_some(Heard::Reply(echo))
}

/// Identifier and sequence number of a message of this kind.
fn head(kind: u8, bytes: &[u8]) -> Option<(u16, u16)> {
    let head: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let [first, code, _, _, i, d, s, n] = *head;
    (first == kind && code == 0).then(|| (u16::from_be_bytes([i, d]), u16::from_be_bytes([s, n])))
}

fn token(bytes: &[u8]) -> Option<u64> {
    let token: &[u8; TOKEN_BYTES] = bytes.get(HEADER_BYTES..)?.first_chunk()?;
    Some(u64::from_be_bytes(*token))
}

/// A raw socket shows the IPv4 header, a ping socket does not; no ICMP type begins like one.
fn without_header(bytes: &[u8]) -> &[u8] {
    match bytes.first() {
        Some(first) if first >> 4 == 4 => {
            bytes.get(usize::from(first & 0xf) * 4..).unwrap_or_default()
        }
        _ => bytes,
    }
}

/// The packet inside of an error: where it was to go, and what was in it.
fn original(family: Family, bytes: &[u8]) -> Option<(IpAddr, &[u8])> {
    match family {
        Family::V4 => {
            let header: &[u8; IPV4_HEADER_BYTES] = bytes.first_chunk()?;
            let [first, _, _, _, _, _, _, _, _, protocol, ..] = *header;
            let [.., a, b, c, d] = *header;
            (protocol == PROTOCOL_ICMP && first >> 4 == 4)
                .then(|| (Ipv4Addr::new(a, b, c, d).into(), without_header(bytes)))
        }
        Family::V6 => {
            let header: &[u8; IPV6_HEADER_BYTES] = bytes.first_chunk()?;
            let [first, _, _, _, _, _, next, ..] = *header;
            let to: [u8; 16] = *header.last_chunk()?;
            let inner = bytes.get(IPV6_HEADER_BYTES..)?;
            (next == PROTOCOL_ICMP6 && first >> 4 == 6).then(|| (Ipv6Addr::from(to).into(), inner))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Echo = Echo { identifier: 0x1234, sequence: 0xfffe, token: 0x0102_0304_0506_0708 };

    #[test]
    fn a_request_over_ipv4_sums_up_to_nothing() {
        let bytes = request(Family::V4, ECHO);
        assert_eq!(checksum(&bytes), 0);
        assert_eq!(&bytes[..2], [8, 0]);
        // RFC 1071, section 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(&request(Family::V6, ECHO)[..4], [128, 0, 0, 0]);
    }

    #[test]
    fn only_the_whole_answer_is_one() {
        for (family, kind) in [(Family::V4, 0), (Family::V6, 129)] {
            let bytes = message(kind, ECHO);
            assert_eq!(read(family, &bytes), Some(Heard::Reply(ECHO)));
            for length in 0..bytes.len() {
                assert_eq!(read(family, &bytes[..length]), None, "{length}");
            }
            assert_eq!(read(family, &[&bytes[..], &[0]].concat()), None);
            let mut other = bytes;
            *other.last_mut().unwrap() ^= 1;
            assert_eq!(read(family, &other), None);
            // Our own request, as loopback shows it to a raw socket.
            assert_eq!(read(family, &request(family, ECHO)), None);
        }
        let header = [0x46; 24];
        let bytes = [&header[..], &message(0, ECHO)].concat();
        assert_eq!(read(Family::V4, &bytes), Some(Heard::Reply(ECHO)));
    }

    #[test]
    fn an_error_names_the_request_it_is_about() {
        let to: [u8; 4] = [192, 0, 2, 9];
        let mut inner = [0; IPV4_HEADER_BYTES];
        inner[0] = 0x45;
        inner[9] = PROTOCOL_ICMP;
        inner[16..].copy_from_slice(&to);
        let error = |quoted: usize| {
            let asked = request(Family::V4, ECHO);
            read(Family::V4, &[&[3, 1, 0, 0, 0, 0, 0, 0], &inner[..], &asked[..quoted]].concat())
        };
        let heard = |token| Heard::Returned {
            to: to.into(),
            identifier: ECHO.identifier,
            sequence: ECHO.sequence,
            token,
        };
        // RFC 792 asks for eight octets, RFC 1812 for as much as fits.
        assert_eq!(error(8), Some(heard(None)));
        assert_eq!(error(ECHO_BYTES), Some(heard(Some(ECHO.token))));
        assert_eq!(error(7), None);
        // About a datagram of UDP.
        inner[9] = 17;
        assert_eq!(
            read(Family::V4, &[&[3, 1, 0, 0, 0, 0, 0, 0], &inner[..], &[8; 8]].concat()),
            None
        );
    }

    #[test]
    fn an_error_over_ipv6_names_its_request_too() {
        let to: Ipv6Addr = "2001:db8::9".parse().unwrap();
        let mut inner = [0; IPV6_HEADER_BYTES];
        inner[0] = 0x60;
        inner[6] = PROTOCOL_ICMP6;
        inner[24..].copy_from_slice(&to.octets());
        let asked = request(Family::V6, ECHO);
        let bytes = [&[1, 3, 0, 0, 0, 0, 0, 0], &inner[..], &asked[..]].concat();
        let Some(Heard::Returned { to: told, token, .. }) = read(Family::V6, &bytes) else {
            panic!("not read");
        };
        assert_eq!((told, token), (IpAddr::from(to), Some(ECHO.token)));
    }
}
