//! Core: the little of IPv4 (RFC 791), ICMP (RFC 792) and UDP (RFC 768) that a device behind a line
//! needs to be asked and to answer.

use std::net::Ipv4Addr;

const HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const TTL: u8 = 64;

/// Whom a packet is for; `None` of what is no whole IPv4 packet.
#[must_use]
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let (_, address) = addresses(packet)?;
    Some(address)
}

/// The packet that answers this one, if it is an echo request or a datagram to `port` that `answer`
/// has an answer to.
pub(super) fn answer(
    packet: &[u8],
    port: u16,
    answer: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let (from, to) = addresses(packet)?;
    let (protocol, content) = (packet[9], content(packet)?);
    let content = match (protocol, content) {
        (ICMP, [ECHO_REQUEST, 0, _, _, rest @ ..]) => {
            let mut reply = [&[ECHO_REPLY, 0, 0, 0], rest].concat();
            let sum = checksum(&reply).to_be_bytes();
            reply[2..4].copy_from_slice(&sum);
            reply
        }
        (UDP, [source @ .., _, _, _, _]) if source.len() >= 4 => {
            let asked = u16::from_be_bytes([content[2], content[3]]);
            let datagram = content.get(UDP_HEADER_BYTES..)?;
            let reply = (asked == port).then(|| answer(datagram))??;
            let length = u16::try_from(UDP_HEADER_BYTES + reply.len()).ok()?.to_be_bytes();
            // A checksum of zero is none.
            let header =
                [content[2], content[3], content[0], content[1], length[0], length[1], 0, 0];
            [&header[..], &reply].concat()
        }
        _ => return None,
    };
    let length = u16::try_from(HEADER_BYTES + content.len()).ok()?.to_be_bytes();
    let mut whole = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, TTL, protocol, 0, 0];
    whole.extend(to.octets());
    whole.extend(from.octets());
    let sum = checksum(&whole).to_be_bytes();
    whole[10..12].copy_from_slice(&sum);
    whole.extend(content);
    Some(whole)
}

/// Source and destination.
fn addresses(packet: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let header = packet.first_chunk::<HEADER_BYTES>()?;
    if header[0] >> 4 != 4 {
        return None;
    }
    let at = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    Some((at(12), at(16)))
}

/// What the header announces, options passed over; nothing of a fragment.
fn content(packet: &[u8]) -> Option<&[u8]> {
    let header = packet.first_chunk::<HEADER_BYTES>()?;
    let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let end = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if is_fragment { None } else { packet.get(usize::from(header[0] & 15) * 4..end) }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 192.168.88.254 to 192.168.88.7.
    fn packet(protocol: u8, content: &[u8]) -> Vec<u8> {
        let length = (20 + content.len()) as u16;
        let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0];
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet.extend([192, 168, 88, 254, 192, 168, 88, 7]);
        packet.extend(content);
        packet
    }

    #[test]
    fn an_echo_comes_back_with_all_that_it_carried() {
        let asked = packet(ICMP, &[8, 0, 0, 0, 1, 2, 3, 4, 9, 9, 9]);
        assert_eq!(destination(&asked), Some(Ipv4Addr::new(192, 168, 88, 7)));
        let reply = answer(&asked, 161, |_| None).unwrap();
        assert_eq!(destination(&reply), Some(Ipv4Addr::new(192, 168, 88, 254)));
        assert_eq!(reply[20..22], [0, 0]);
        assert_eq!(reply[24..], [1, 2, 3, 4, 9, 9, 9]);
        assert_eq!((checksum(&reply[..20]), checksum(&reply[20..])), (0, 0));
    }

    #[test]
    fn a_datagram_is_answered_from_the_port_it_went_to() {
        let asked = packet(UDP, &[0x90, 1, 0, 161, 0, 10, 0, 0, 5, 6]);
        let reply = answer(&asked, 161, |datagram| {
            assert_eq!(datagram, [5, 6]);
            Some(vec![7])
        });
        assert_eq!(reply.unwrap()[20..], [0, 161, 0x90, 1, 0, 9, 0, 0, 7]);
        assert_eq!(answer(&asked, 162, |_| Some(vec![7])), None);
    }

    #[test]
    fn what_is_broken_is_not_answered() {
        let asked = packet(UDP, &[0x90, 1, 0, 161, 0, 10, 0, 0, 5, 6]);
        for length in 0..asked.len() {
            assert_eq!(answer(&asked[..length], 161, |_| Some(vec![7])), None, "{length}");
        }
        assert_eq!(answer(&packet(6, &[0; 20]), 161, |_| Some(vec![7])), None);
        let mut fragment = asked.clone();
        fragment[6] = 0x20;
        assert_eq!(answer(&fragment, 161, |_| Some(vec![7])), None);
    }
}
