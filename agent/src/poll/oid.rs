//! Core: object identifiers in their encoded form.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

use std::cmp::Ordering;
use std::fmt;

/// Longest arc of 32 bits: five octets of seven.
const ARC_OCTETS_MAX: usize = 5;

/// An object identifier as it stands in a message, without tag and length.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Oid(Box<[u8]>);

impl Oid {
    /// From arcs of which the first two are 1 and 3, as with all of SNMP; others are taken as
    /// they come (`40 * first + second`).
    #[must_use]
    pub fn new(arcs: &[u32]) -> Self {
        let mut bytes = Vec::with_capacity(arcs.len() + 4);
        let (head, tail) = match arcs {
            [first, second, tail @ ..] => (first.saturating_mul(40).saturating_add(*second), tail),
            [only] => (only.saturating_mul(40), &[][..]),
            [] => (0, &[][..]),
        };
        for arc in std::iter::once(&head).chain(tail) {
            let (octets, length) = encode_arc(*arc);
            bytes.extend_from_slice(octets.get(ARC_OCTETS_MAX - length..).unwrap_or_default());
        }
        Self(bytes.into_boxed_slice())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dotted(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One arc in base 128, at the end of the array; the second value counts its octets.
#[inline]
#[must_use]
pub fn encode_arc(arc: u32) -> ([u8; ARC_OCTETS_MAX], usize) {
    let octet = |shift: u32| (arc >> shift & 0x7f) as u8;
    let octets = [octet(28) | 0x80, octet(21) | 0x80, octet(14) | 0x80, octet(7) | 0x80, octet(0)];
    let length = match arc {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0xfff_ffff => 4,
        _ => 5,
    };
    (octets, length)
}

/// The arcs of an encoded identifier; the first stands for two. `None` marks an arc that is cut
/// short or has more than 32 bits.
pub fn arcs(encoded: &[u8]) -> impl Iterator<Item = Option<u32>> + '_ {
    let mut rest = encoded;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut arc: u32 = 0;
        while let Some((octet, tail)) = rest.split_first() {
            rest = tail;
            if arc >> 25 != 0 {
                rest = &[];
                return Some(None);
            }
            arc = arc << 7 | u32::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                return Some(Some(arc));
            }
        }
        Some(None)
    })
}

/// The index of a row whose key is one arc: what is left of a name behind its column.
#[inline]
#[must_use]
pub fn single_arc(suffix: &[u8]) -> Option<u32> {
    if let [octet @ 0..=0x7f] = suffix {
        return Some(u32::from(*octet));
    }
    let mut arcs = arcs(suffix);
    let arc = arcs.next()??;
    arcs.next().is_none().then_some(arc)
}

/// Order of the tree: arc by arc, not byte by byte. Broken arcs sort first.
#[must_use]
pub fn compare(left: &[u8], right: &[u8]) -> Ordering {
    arcs(left).cmp(arcs(right))
}

/// `1.3.6.1…`, or `None` if the identifier is broken.
#[must_use]
pub fn dotted(encoded: &[u8]) -> Option<String> {
    let mut arcs = arcs(encoded);
    let head = arcs.next()??;
    let first = (head / 40).min(2);
    let mut text = format!("{first}.{}", head - first * 40);
    for arc in arcs {
        text.push('.');
        text.push_str(&arc?.to_string());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_encodings() {
        let oid = Oid::new(&[1, 3, 6, 1, 4, 1, 14988, 1]);
        assert_eq!(oid.as_bytes(), [0x2b, 6, 1, 4, 1, 0xf5, 0x0c, 1]);
        assert_eq!(oid.to_string(), "1.3.6.1.4.1.14988.1");
        assert_eq!(dotted(&[0x2b, 0x81]), None);
        assert_eq!(single_arc(&[]), None);
        assert_eq!(single_arc(&[1, 2]), None);
        assert_eq!(single_arc(&[0x9f, 0xff, 0xff, 0xff, 0x7f]), None);
        assert_eq!(single_arc(&[0x8f, 0xff, 0xff, 0xff, 0x7f]), Some(u32::MAX));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_arcs(
            left in proptest::collection::vec(any::<u32>(), 0..6),
            right in proptest::collection::vec(any::<u32>(), 0..6),
        ) {
            let full = |tail: &[u32]| Oid::new(&[&[1, 3][..], tail].concat());
            prop_assert_eq!(
                compare(full(&left).as_bytes(), full(&right).as_bytes()),
                left.cmp(&right)
            );
        }

        #[test]
        fn a_single_arc_round_trips(arc: u32) {
            let (octets, length) = encode_arc(arc);
            prop_assert_eq!(single_arc(&octets[5 - length..]), Some(arc));
        }
    }
}
