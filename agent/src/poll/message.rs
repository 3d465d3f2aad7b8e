//! Core: SNMP v1 and v2c messages, and the PDU that v3 has in common with them.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

use super::ber::{self, BerError, INTEGER, NULL, OBJECT_ID, OCTETS, SEQUENCE, Writer};

pub const GET: u8 = 0xa0;
pub const GET_NEXT: u8 = 0xa1;
pub const RESPONSE: u8 = 0xa2;
pub const GET_BULK: u8 = 0xa5;
pub const REPORT: u8 = 0xa8;

/// In the version field of SNMPv3; what is around its PDU is [`super::usm`]'s.
pub const VERSION_3: u8 = 3;

/// Values beside INTEGER, OCTET STRING and OBJECT IDENTIFIER.
pub mod tag {
    pub const COUNTER32: u8 = 0x41;
    pub const GAUGE32: u8 = 0x42;
    pub const TIME_TICKS: u8 = 0x43;
    pub const COUNTER64: u8 = 0x46;
    pub const NO_SUCH_OBJECT: u8 = 0x80;
    pub const NO_SUCH_INSTANCE: u8 = 0x81;
    pub const END_OF_MIB_VIEW: u8 = 0x82;
}

/// Error states of a response (RFC 3416).
pub mod status {
    pub const NONE: u32 = 0;
    pub const TOO_BIG: u32 = 1;
    pub const NO_SUCH_NAME: u32 = 2;
    pub const AUTHORIZATION_ERROR: u32 = 16;
}

/// The part of a message that says whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// 0 is v1, 1 is v2c, 3 is v3.
    pub version: i64,
    pub community: &'a [u8],
    pub pdu: u8,
    pub request_id: i64,
    /// The two numbers and the variables, for [`Body::read`].
    body: &'a [u8],
    /// Every length so far lay within the datagram.
    whole: bool,
}

impl<'a> Head<'a> {
    /// Reads as far as the request id, even if the datagram is cut short behind it: so a broken
    /// answer can be laid at the door of the device that sent it.
    #[inline]
    pub fn read(datagram: &'a [u8]) -> Result<Self, BerError> {
        let (got, length, rest) = ber::header(datagram)?;
        if got != SEQUENCE {
            return Err(BerError::Tag { wanted: SEQUENCE, got });
        }
        // Bytes behind the message are padding.
        let message = rest.get(..length).unwrap_or(rest);
        let (version, message_rest) = ber::expect(INTEGER, message)?;
        let (community, message_rest) = ber::expect(OCTETS, message_rest)?;
        let around = (ber::signed(version)?, community);
        Self::of_pdu(around, message_rest, length <= rest.len())
    }

    /// The same of a PDU that was taken out of a message of SNMPv3.
    pub fn read_pdu(pdu: &'a [u8]) -> Result<Self, BerError> {
        Self::of_pdu((i64::from(VERSION_3), &[]), pdu, true)
    }

    #[inline]
    fn of_pdu(around: (i64, &'a [u8]), input: &'a [u8], whole: bool) -> Result<Self, BerError> {
        let (version, community) = around;
        let (pdu, length, rest) = ber::header(input)?;
        let (request_id, body) = ber::expect(INTEGER, rest.get(..length).unwrap_or(rest))?;
        Ok(Self {
            version,
            community,
            pdu,
            request_id: ber::signed(request_id)?,
            body,
            whole: whole && length <= rest.len(),
        })
    }
}

/// The rest of a message.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Error status of a response, non-repeaters of a GETBULK.
    pub status: u32,
    /// Error index of a response, max-repetitions of a GETBULK.
    pub index: u32,
    pub varbinds: Varbinds<'a>,
}

impl<'a> Body<'a> {
    #[inline]
    pub fn read(head: &Head<'a>) -> Result<Self, BerError> {
        if !head.whole {
            return Err(BerError::Truncated);
        }
        let (status, rest) = ber::expect(INTEGER, head.body)?;
        let (index, rest) = ber::expect(INTEGER, rest)?;
        let (list, _) = ber::expect(SEQUENCE, rest)?;
        let number =
            |content| u32::try_from(ber::signed(content)?.max(0)).map_err(|_| BerError::Number);
        Ok(Self {
            status: number(status)?,
            index: number(index)?,
            varbinds: Varbinds { rest: list },
        })
    }
}

/// The variables of a message, one after the other; ends after the first that cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Varbinds<'a> {
    rest: &'a [u8],
}

impl<'a> Varbinds<'a> {
    /// Bytes not read yet.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn read(&mut self) -> Result<(&'a [u8], Value<'a>), BerError> {
        let (varbind, rest) = ber::expect(SEQUENCE, self.rest)?;
        self.rest = rest;
        let (name, value) = ber::expect(OBJECT_ID, varbind)?;
        let (tag, content, _) = ber::element(value)?;
        Ok((name, Value::read(tag, content)?))
    }
}

impl<'a> Iterator for Varbinds<'a> {
    type Item = Result<(&'a [u8], Value<'a>), BerError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let varbind = self.read();
        if varbind.is_err() {
            self.rest = &[];
        }
        Some(varbind)
    }
}

/// One value, borrowed from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Integer(i64),
    /// Counter32, Gauge32, TimeTicks, Counter64.
    Unsigned(u64),
    Octets(&'a [u8]),
    ObjectId(&'a [u8]),
    /// noSuchObject, noSuchInstance, endOfMibView, NULL.
    Nothing,
    /// A type this agent has no use for (IpAddress, Opaque, …).
    Other,
}

impl<'a> Value<'a> {
    #[inline]
    fn read(tag: u8, content: &'a [u8]) -> Result<Self, BerError> {
        Ok(match tag {
            tag::COUNTER64 => Self::Unsigned(ber::unsigned(content)?),
            // Some agents extend the sign of 32-bit numbers; only 32 bits count.
            tag::COUNTER32 | tag::GAUGE32 | tag::TIME_TICKS => {
                Self::Unsigned(ber::unsigned(content)? & u64::from(u32::MAX))
            }
            INTEGER => Self::Integer(ber::signed(content)?),
            OCTETS => Self::Octets(content),
            OBJECT_ID => Self::ObjectId(content),
            NULL | tag::NO_SUCH_OBJECT | tag::NO_SUCH_INSTANCE | tag::END_OF_MIB_VIEW => {
                Self::Nothing
            }
            _ => Self::Other,
        })
    }

    /// The number in 64 bits; those of a `u64` for counters.
    #[inline]
    #[must_use]
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            Self::Unsigned(number) => Some(number.cast_signed()),
            _ => None,
        }
    }
}

/// Writes a message around the variables that `varbinds` writes (back to front, as all writing).
/// Of a message of version 3 it writes the PDU alone.
pub fn write(
    writer: &mut Writer,
    version: u8,
    community: &[u8],
    pdu: u8,
    numbers: (i32, u32, u32),
    varbinds: impl FnOnce(&mut Writer),
) {
    let (request_id, status, index) = numbers;
    let end = writer.len();
    varbinds(writer);
    writer.close(SEQUENCE, end);
    writer.signed(INTEGER, i64::from(index));
    writer.signed(INTEGER, i64::from(status));
    writer.signed(INTEGER, i64::from(request_id));
    writer.close(pdu, end);
    if version == VERSION_3 {
        return;
    }
    writer.octets(OCTETS, community);
    writer.bytes(&[INTEGER, 1, version]);
    writer.close(SEQUENCE, end);
}

/// Writes one variable of a question: a name in two parts and no value.
#[inline]
pub fn write_name(writer: &mut Writer, prefix: &[u8], suffix: &[u8]) {
    let end = writer.len();
    writer.bytes(&[NULL, 0]);
    let name_end = writer.len();
    writer.bytes(suffix);
    writer.bytes(prefix);
    writer.close(OBJECT_ID, name_end);
    writer.close(SEQUENCE, end);
}

#[cfg(test)]
mod tests;
