//! Core: the layout of SNMPv3 messages (RFC 3412 §6, RFC 3414 §2.4).

use super::keys::MAC_BYTES_MAX;
use crate::poll::ber::{self, BerError, INTEGER, OCTETS, SEQUENCE, Writer};
use crate::poll::message::VERSION_3;

/// Flags of a message.
pub(super) mod flag {
    pub(in crate::poll::usm) const AUTH: u8 = 1;
    pub(in crate::poll::usm) const PRIVATE: u8 = 2;
    pub(in crate::poll::usm) const REPORTABLE: u8 = 4;
    /// The two that make up the level of security.
    pub(in crate::poll::usm) const LEVEL: u8 = AUTH | PRIVATE;
}

/// What an answer may have: all that UDP carries.
const ANSWER_BYTES_MAX: i64 = 65_507;
/// The user-based security model.
const SECURITY_MODEL: i64 = 3;

/// A message as it came, nothing of it believed yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::poll) struct Message<'a> {
    /// msgID.
    pub id: i64,
    pub(super) flags: u8,
    pub(in crate::poll) engine_id: &'a [u8],
    pub(in crate::poll) boots: u32,
    pub(super) time: u32,
    pub(in crate::poll) user: &'a [u8],
    pub(super) mac: &'a [u8],
    pub(super) salt: &'a [u8],
    /// A scoped PDU, or with [`flag::PRIVATE`] a sealed one.
    pub(super) data: &'a [u8],
    /// The bytes the digest is of.
    pub(super) whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram. One that is cut short is no message, as nothing can vouch for it.
    pub(in crate::poll) fn read(datagram: &'a [u8]) -> Result<Self, BerError> {
        let (content, padding) = ber::expect(SEQUENCE, datagram)?;
        let whole = datagram.get(..datagram.len() - padding.len()).unwrap_or_default();
        let (version, rest) = number(content)?;
        let (header, rest) = ber::expect(SEQUENCE, rest)?;
        let (security, data) = ber::expect(OCTETS, rest)?;
        let (id, header) = number(header)?;
        let (_, header) = number(header)?;
        let (flags, header) = ber::expect(OCTETS, header)?;
        let (model, _) = number(header)?;
        let ([flags], SECURITY_MODEL, true) = (flags, model, version == i64::from(VERSION_3))
        else {
            return Err(BerError::Number);
        };
        let (security, _) = ber::expect(SEQUENCE, security)?;
        let (engine_id, security) = ber::expect(OCTETS, security)?;
        let (boots, security) = number(security)?;
        let (time, security) = number(security)?;
        let (user, security) = ber::expect(OCTETS, security)?;
        let (mac, security) = ber::expect(OCTETS, security)?;
        let (salt, _) = ber::expect(OCTETS, security)?;
        let unsigned = |number| u32::try_from(number).map_err(|_| BerError::Number);
        let data = if *flags & flag::PRIVATE == 0 { data } else { ber::expect(OCTETS, data)?.0 };
        Ok(Self {
            id,
            flags: *flags,
            engine_id,
            boots: unsigned(boots)?,
            time: unsigned(time)?,
            user,
            mac,
            salt,
            data,
            whole,
        })
    }

    /// Where in the message its digest stands.
    pub(super) fn mac_at(&self) -> usize {
        self.mac.as_ptr().addr() - self.whole.as_ptr().addr()
    }
}

fn number(input: &[u8]) -> Result<(i64, &[u8]), BerError> {
    let (content, rest) = ber::expect(INTEGER, input)?;
    Ok((ber::signed(content)?, rest))
}

/// A PDU and where it belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoped<'a> {
    pub(super) engine_id: &'a [u8],
    pub(super) context: &'a [u8],
    pub(super) pdu: &'a [u8],
}

impl<'a> Scoped<'a> {
    pub(super) fn read(data: &'a [u8]) -> Result<Self, BerError> {
        let (content, _) = ber::expect(SEQUENCE, data)?;
        let (engine_id, rest) = ber::expect(OCTETS, content)?;
        let (context, pdu) = ber::expect(OCTETS, rest)?;
        Ok(Self { engine_id, context, pdu })
    }

    /// Puts the scope around the PDU that is all `writer` holds.
    pub(super) fn close(writer: &mut Writer, engine_id: &[u8], context: &[u8]) {
        writer.octets(OCTETS, context);
        writer.octets(OCTETS, engine_id);
        writer.close(SEQUENCE, 0);
    }
}

/// What stands around the data of a message that is sent.
pub(super) struct Header<'a> {
    pub(super) id: u32,
    pub(super) flags: u8,
    pub(super) engine_id: &'a [u8],
    /// Boots and time.
    pub(super) clock: (u32, u32),
    pub(super) user: &'a [u8],
    pub(super) mac_bytes: usize,
    pub(super) salt: &'a [u8],
}

impl Header<'_> {
    /// Puts the message around the data that is all `writer` holds. Returns where in the message
    /// its digest goes.
    pub(super) fn close(&self, writer: &mut Writer) -> usize {
        let security = writer.len();
        writer.octets(OCTETS, self.salt);
        let behind_mac = writer.len();
        let zeros = [0; MAC_BYTES_MAX];
        writer.octets(OCTETS, zeros.get(..self.mac_bytes).unwrap_or(&zeros));
        writer.octets(OCTETS, self.user);
        writer.signed(INTEGER, i64::from(self.clock.1));
        writer.signed(INTEGER, i64::from(self.clock.0));
        writer.octets(OCTETS, self.engine_id);
        writer.close(SEQUENCE, security);
        writer.close(OCTETS, security);
        let header = writer.len();
        writer.signed(INTEGER, SECURITY_MODEL);
        writer.octets(OCTETS, &[self.flags]);
        writer.signed(INTEGER, ANSWER_BYTES_MAX);
        writer.signed(INTEGER, i64::from(self.id));
        writer.close(SEQUENCE, header);
        writer.bytes(&[INTEGER, 1, VERSION_3]);
        writer.close(SEQUENCE, 0);
        writer.len() - behind_mac - self.mac_bytes
    }
}
