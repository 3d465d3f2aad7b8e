//! LEB128 varints and zigzag, over a cursor that never reads past its end.

use super::BatchError;

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Reads from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, BatchError> {
        let (first, rest) = self.rest.split_first().ok_or(BatchError::Malformed { what })?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn bytes(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> Result<&'a [u8], BatchError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(BatchError::Malformed { what })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn varint(&mut self, what: &'static str) -> Result<u64, BatchError> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(BatchError::Malformed { what })
    }

    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, BatchError> {
        let raw = self.varint(what)?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// A count that at least `bytes_each` bytes per item of the remaining input must back,
    /// so that no allocation can outgrow the input.
    pub(super) fn count(&mut self, what: &'static str, max: usize) -> Result<usize, BatchError> {
        let count =
            usize::try_from(self.varint(what)?).map_err(|_| BatchError::TooMany { what, max })?;
        if count > max {
            return Err(BatchError::TooMany { what, max });
        }
        Ok(count)
    }
}
