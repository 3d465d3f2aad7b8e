//! Core: the few pieces of BER that SNMP needs, read without copying, written back to front.
//!
//! Writing from the end makes every length known when its header is written, so messages come out
//! with minimal lengths in one pass and without a second buffer.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OBJECT_ID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;

/// Why bytes are not BER as SNMP uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    #[error("the message ends inside an element")]
    Truncated,
    #[error("an element has an indefinite or overlong length")]
    Length,
    #[error("a number has no or too many octets")]
    Number,
    #[error("tag {got:#04x} stands where {wanted:#04x} belongs")]
    Tag { wanted: u8, got: u8 },
}

/// Tag and declared length of the element at the head of `input`, and what follows the header.
/// The content may be cut short: callers that need it whole use [`element`].
#[inline]
pub fn header(input: &[u8]) -> Result<(u8, usize, &[u8]), BerError> {
    match input {
        [tag, length @ 0..=0x7f, rest @ ..] => Ok((*tag, usize::from(*length), rest)),
        [tag, 0x81, length, rest @ ..] => Ok((*tag, usize::from(*length), rest)),
        [tag, 0x82, high, low, rest @ ..] => {
            Ok((*tag, usize::from(*high) << 8 | usize::from(*low), rest))
        }
        // Longer forms only occur with leading zeros: a datagram has less than 64 KiB.
        [tag, 0x83, 0, high, low, rest @ ..] | [tag, 0x84, 0, 0, high, low, rest @ ..] => {
            Ok((*tag, usize::from(*high) << 8 | usize::from(*low), rest))
        }
        [_, 0x80 | 0x83..=0xff, _, _, _, _, ..] => Err(BerError::Length),
        _ => Err(BerError::Truncated),
    }
}

/// The element at the head of `input`: tag, content, and what follows it.
#[inline]
pub fn element(input: &[u8]) -> Result<(u8, &[u8], &[u8]), BerError> {
    let (tag, length, rest) = header(input)?;
    let (content, rest) = rest.split_at_checked(length).ok_or(BerError::Truncated)?;
    Ok((tag, content, rest))
}

/// Content and rest of an element that must have the tag `wanted`.
#[inline]
pub fn expect(wanted: u8, input: &[u8]) -> Result<(&[u8], &[u8]), BerError> {
    let (got, content, rest) = element(input)?;
    if got == wanted { Ok((content, rest)) } else { Err(BerError::Tag { wanted, got }) }
}

/// A two's complement number of 1 to 8 octets.
#[inline]
pub fn signed(content: &[u8]) -> Result<i64, BerError> {
    let (first, rest) = content.split_first().ok_or(BerError::Number)?;
    if rest.len() > 7 {
        return Err(BerError::Number);
    }
    let head = i64::from(first.cast_signed());
    Ok(rest.iter().fold(head, |number, octet| number << 8 | i64::from(*octet)))
}

/// A number without sign of 1 to 8 octets, or 9 with a leading zero.
#[inline]
pub fn unsigned(content: &[u8]) -> Result<u64, BerError> {
    let content = match content {
        [] => return Err(BerError::Number),
        [0, rest @ ..] if rest.len() == 8 => rest,
        [_, rest @ ..] if rest.len() > 7 => return Err(BerError::Number),
        whole => whole,
    };
    Ok(content.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
}

/// Writes one message from its end to its start into a buffer of fixed size.
#[derive(Debug)]
pub struct Writer {
    buffer: Box<[u8]>,
    start: usize,
    overflow: bool,
}

impl Writer {
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { buffer: vec![0; capacity].into_boxed_slice(), start: capacity, overflow: false }
    }

    pub fn clear(&mut self) {
        self.start = self.buffer.len();
        self.overflow = false;
    }

    /// The message, or `None` if it did not fit.
    #[must_use]
    pub fn finish(&self) -> Option<&[u8]> {
        if self.overflow { None } else { self.buffer.get(self.start..) }
    }

    /// The same, to fill in what depends on all of it.
    pub fn finish_mut(&mut self) -> Option<&mut [u8]> {
        if self.overflow { None } else { self.buffer.get_mut(self.start..) }
    }

    /// How many bytes are written so far. The way to close an element: take the length before its
    /// content is written and hand it to [`Self::close`] afterwards.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let room = self.start.checked_sub(bytes.len());
        match room.and_then(|at| self.buffer.get_mut(at..self.start).map(|into| (at, into))) {
            Some((at, into)) => {
                into.copy_from_slice(bytes);
                self.start = at;
            }
            None => self.overflow = true,
        }
    }

    /// Puts tag and length before everything written since the length was `before`.
    #[inline]
    pub fn close(&mut self, tag: u8, before: usize) {
        let length = self.len() - before;
        match length {
            0..=0x7f => self.bytes(&[tag, low_byte(length)]),
            0x80..=0xff => self.bytes(&[tag, 0x81, low_byte(length)]),
            _ => self.bytes(&[tag, 0x82, low_byte(length >> 8), low_byte(length)]),
        }
        self.overflow |= length > 0xffff;
    }

    pub fn octets(&mut self, tag: u8, content: &[u8]) {
        let before = self.len();
        self.bytes(content);
        self.close(tag, before);
    }

    /// A number in the fewest octets of two's complement.
    pub fn signed(&mut self, tag: u8, number: i64) {
        let octets = number.to_be_bytes();
        // A leading octet is redundant while it only repeats the next one's sign bit.
        let redundant = (1..8)
            .take_while(|bits| {
                let rest = 64 - bits * 8 - 1;
                number >> rest == 0 || number >> rest == -1
            })
            .count();
        self.octets(tag, octets.get(redundant..).unwrap_or_default());
    }

    /// A number without sign in the fewest octets, with a leading zero where the sign bit is set.
    pub fn unsigned(&mut self, tag: u8, number: u64) {
        let mut octets = [0; 9];
        if let Some(tail) = octets.get_mut(1..) {
            tail.copy_from_slice(&number.to_be_bytes());
        }
        let redundant = (1..9).take_while(|bits| number >> (72 - bits * 8 - 1) == 0).count();
        self.octets(tag, octets.get(redundant..).unwrap_or_default());
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
fn low_byte(number: usize) -> u8 {
    number as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new(64);
        write(&mut writer);
        writer.finish().unwrap().to_vec()
    }

    #[test]
    fn numbers_take_the_fewest_octets() {
        let check = |number: i64, wanted: &[u8]| {
            assert_eq!(written(|w| w.signed(INTEGER, number)), wanted, "{number}");
        };
        check(0, &[2, 1, 0]);
        check(127, &[2, 1, 0x7f]);
        check(128, &[2, 2, 0, 0x80]);
        check(-1, &[2, 1, 0xff]);
        check(-129, &[2, 2, 0xff, 0x7f]);
        check(i64::MIN, &[2, 8, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        let all = written(|w| w.unsigned(0x46, u64::MAX));
        assert_eq!(all, [0x46, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(written(|w| w.unsigned(0x41, 0)), [0x41, 1, 0]);
    }

    #[test]
    fn broken_lengths_are_refused() {
        assert_eq!(element(&[2]), Err(BerError::Truncated));
        assert_eq!(element(&[2, 2, 0]), Err(BerError::Truncated));
        assert_eq!(element(&[0x30, 0x80, 0, 0, 0, 0]), Err(BerError::Length));
        assert_eq!(element(&[0x30, 0x84, 1, 0, 0, 0]), Err(BerError::Length));
        assert_eq!(element(&[0x30, 0x84, 0, 0, 0, 1, 9]), Ok((0x30, &[9][..], &[][..])));
        assert_eq!(signed(&[]), Err(BerError::Number));
        assert_eq!(unsigned(&[1; 9]), Err(BerError::Number));
    }

    #[test]
    fn a_message_that_does_not_fit_is_no_message() {
        let mut writer = Writer::new(4);
        writer.octets(OCTETS, b"abc");
        assert_eq!(writer.finish(), None);
        writer.clear();
        writer.octets(OCTETS, b"ab");
        assert_eq!(writer.finish(), Some(&[4, 2, b'a', b'b'][..]));
    }

    proptest! {
        #[test]
        fn numbers_round_trip(signed_in: i64, unsigned_in: u64) {
            let bytes = written(|w| w.signed(INTEGER, signed_in));
            prop_assert_eq!(signed(expect(INTEGER, &bytes).unwrap().0), Ok(signed_in));
            let bytes = written(|w| w.unsigned(0x46, unsigned_in));
            prop_assert_eq!(unsigned(expect(0x46, &bytes).unwrap().0), Ok(unsigned_in));
        }

        #[test]
        fn lengths_round_trip(length in 0usize..3000) {
            let mut writer = Writer::new(4000);
            writer.octets(OCTETS, &vec![7; length]);
            let (content, rest) = expect(OCTETS, writer.finish().unwrap()).unwrap();
            prop_assert_eq!((content.len(), rest.len()), (length, 0));
        }
    }
}
