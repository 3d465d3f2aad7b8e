//! The agent's side of SNMPv3 with one user, who signs by HMAC-192-SHA-256 (RFC 7860) and seals by
//! AES-128 (RFC 3826). It opens questions, and closes what is answered, or the Report that says why
//! there is no answer (RFC 3414 §3.2).

use async_snmp::v3::auth::{authenticate_message, verify_message};
use async_snmp::v3::{AuthProtocol, LocalizedKey, MasterKeys, PrivKey, PrivProtocol, SaltCounter};
use farwatch_agent::poll::ber::{self, BerError, INTEGER, OBJECT_ID, OCTETS, SEQUENCE, Writer};
use farwatch_agent::poll::message::{self, Head, REPORT, VERSION_3, tag};
use farwatch_agent::poll::oid::Oid;

use super::pulse::mix;

const AUTH: u8 = 1;
const PRIVATE: u8 = 2;
const SECURITY_MODEL: i64 = 3;
const ANSWER_BYTES_MAX: i64 = 65_507;
/// It was never restarted.
const BOOTS: u32 = 1;
/// RFC 3414 §2.2.3.
const WINDOW_S: u32 = 150;
/// usmStats of RFC 3414 §5.
const USM_STATS: [u32; 9] = [1, 3, 6, 1, 6, 3, 15, 1, 1];

/// Which counter of usmStats a Report names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Complaint {
    UnsupportedLevel = 1,
    NotInTimeWindow = 2,
    UnknownUser = 3,
    UnknownEngine = 4,
    WrongDigest = 5,
    DecryptionError = 6,
}

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub auth: String,
    pub privacy: String,
}

/// An authoritative engine (RFC 3411 §3.1.1.1).
pub struct Engine {
    id: Vec<u8>,
    user: Vec<u8>,
    auth: LocalizedKey,
    privacy: PrivKey,
    salts: SaltCounter,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What stands around the PDU of a message.
struct Asked<'a> {
    id: i64,
    flags: u8,
    engine_id: &'a [u8],
    boots: i64,
    time: i64,
    user: &'a [u8],
    mac: &'a [u8],
    salt: &'a [u8],
    /// A scoped PDU, sealed where the flags say so.
    data: &'a [u8],
    whole: &'a [u8],
}

impl Engine {
    /// `seed` makes its id. The passwords have at least eight characters.
    pub fn new(user: &User, seed: u64) -> anyhow::Result<Self> {
        // Of Net-SNMP's number, with octets of its own (RFC 3411, SnmpEngineID).
        let id = [&[0x80, 0, 0x1f, 0x88, 5][..], &mix(seed).to_be_bytes()].concat();
        let keys = MasterKeys::new(AuthProtocol::Sha256, user.auth.as_bytes())?
            .with_privacy(PrivProtocol::Aes128, user.privacy.as_bytes())?;
        let (auth, privacy) = keys.localize(&id)?;
        let privacy = privacy.ok_or_else(|| anyhow::anyhow!("there is no key to seal with"))?;
        let salts = SaltCounter::new()?;
        Ok(Self { id, user: user.name.clone().into_bytes(), auth, privacy, salts })
    }

    /// The answer to a datagram at `time_s` since the engine's start. `answer` makes the PDU of the
    /// answer of that of the question.
    pub fn respond(
        &self,
        datagram: &[u8],
        time_s: u32,
        answer: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        let asked = Asked::read(datagram).ok()?;
        let scoped = match self.opened(&asked, time_s) {
            Ok(scoped) => scoped,
            Err(complaint) => return self.report(&asked, complaint, time_s),
        };
        let pdu = pdu_of(&scoped).ok()?;
        self.close(&asked, asked.flags & (AUTH | PRIVATE), time_s, &answer(pdu)?)
    }

    fn opened(&self, asked: &Asked<'_>, time_s: u32) -> Result<Vec<u8>, Complaint> {
        if asked.engine_id != self.id {
            return Err(Complaint::UnknownEngine);
        }
        if asked.user != self.user {
            return Err(Complaint::UnknownUser);
        }
        if asked.flags & AUTH == 0 {
            return Err(Complaint::UnsupportedLevel);
        }
        let at = asked.mac.as_ptr().addr() - asked.whole.as_ptr().addr();
        let length = asked.mac.len();
        let verified = length == self.auth.mac_len()
            && verify_message(&self.auth, asked.whole, at, length).unwrap_or(false);
        if !verified {
            return Err(Complaint::WrongDigest);
        }
        let apart = asked.time.abs_diff(i64::from(time_s));
        if asked.boots != i64::from(BOOTS) || apart > u64::from(WINDOW_S) {
            return Err(Complaint::NotInTimeWindow);
        }
        if asked.flags & PRIVATE == 0 {
            return Ok(asked.data.to_vec());
        }
        let time = u32::try_from(asked.time).unwrap_or(0);
        let opened = self.privacy.decrypt(asked.data, BOOTS, time, asked.salt);
        opened.map(|plain| plain.to_vec()).map_err(|_| Complaint::DecryptionError)
    }

    fn report(&self, asked: &Asked<'_>, complaint: Complaint, time_s: u32) -> Option<Vec<u8>> {
        // Of a question that was not sealed the id is known.
        let plain = if asked.flags & PRIVATE == 0 { pdu_of(asked.data).ok() } else { None };
        let head = plain.and_then(|pdu| Head::read_pdu(pdu).ok());
        let id = head.and_then(|head| i32::try_from(head.request_id).ok()).unwrap_or(0);
        let mut writer = Writer::new(128);
        message::write(&mut writer, VERSION_3, &[], REPORT, (id, 0, 0), |writer| {
            let name = [&USM_STATS[..], &[complaint as u32, 0]].concat();
            let end = writer.len();
            writer.unsigned(tag::COUNTER32, 1);
            writer.octets(OBJECT_ID, Oid::new(&name).as_bytes());
            writer.close(SEQUENCE, end);
        });
        // The time is believed only if it is signed.
        let flags = if complaint == Complaint::NotInTimeWindow { AUTH } else { 0 };
        self.close(asked, flags, time_s, writer.finish()?)
    }

    /// The message around a PDU.
    fn close(&self, asked: &Asked<'_>, flags: u8, time_s: u32, pdu: &[u8]) -> Option<Vec<u8>> {
        let mut writer = Writer::new(pdu.len() + 512);
        writer.bytes(pdu);
        writer.octets(OCTETS, &[]);
        writer.octets(OCTETS, &self.id);
        writer.close(SEQUENCE, 0);
        let mut salt = Vec::new();
        if flags & PRIVATE != 0 {
            let sealed = self.privacy.encrypt_aes(writer.finish()?, BOOTS, time_s, &self.salts);
            let (sealed, used) = sealed.ok()?;
            salt = used.to_vec();
            writer.clear();
            writer.octets(OCTETS, &sealed);
        }
        let mac_bytes = if flags & AUTH == 0 { 0 } else { self.auth.mac_len() };
        let security = writer.len();
        writer.octets(OCTETS, &salt);
        let behind_mac = writer.len();
        writer.octets(OCTETS, &vec![0; mac_bytes]);
        writer.octets(OCTETS, asked.user);
        writer.signed(INTEGER, i64::from(time_s));
        writer.signed(INTEGER, i64::from(BOOTS));
        writer.octets(OCTETS, &self.id);
        writer.close(SEQUENCE, security);
        writer.close(OCTETS, security);
        let header = writer.len();
        writer.signed(INTEGER, SECURITY_MODEL);
        writer.octets(OCTETS, &[flags]);
        writer.signed(INTEGER, ANSWER_BYTES_MAX);
        writer.signed(INTEGER, asked.id);
        writer.close(SEQUENCE, header);
        writer.bytes(&[INTEGER, 1, VERSION_3]);
        writer.close(SEQUENCE, 0);
        let mac_at = writer.len() - behind_mac - mac_bytes;
        let mut message = writer.finish()?.to_vec();
        if mac_bytes > 0 {
            authenticate_message(&self.auth, &mut message, mac_at, mac_bytes).ok()?;
        }
        Some(message)
    }
}

impl<'a> Asked<'a> {
    fn read(datagram: &'a [u8]) -> Result<Self, BerError> {
        let (content, padding) = ber::expect(SEQUENCE, datagram)?;
        let whole = &datagram[..datagram.len() - padding.len()];
        let (version, rest) = number(content)?;
        let (header, rest) = ber::expect(SEQUENCE, rest)?;
        let (security, data) = ber::expect(OCTETS, rest)?;
        let (id, header) = number(header)?;
        let (_, header) = number(header)?;
        let (flags, _) = ber::expect(OCTETS, header)?;
        let ([flags], true) = (flags, version == i64::from(VERSION_3)) else {
            return Err(BerError::Number);
        };
        let (security, _) = ber::expect(SEQUENCE, security)?;
        let (engine_id, security) = ber::expect(OCTETS, security)?;
        let (boots, security) = number(security)?;
        let (time, security) = number(security)?;
        let (user, security) = ber::expect(OCTETS, security)?;
        let (mac, security) = ber::expect(OCTETS, security)?;
        let (salt, _) = ber::expect(OCTETS, security)?;
        let data = if flags & PRIVATE == 0 { data } else { ber::expect(OCTETS, data)?.0 };
        Ok(Self { id, flags: *flags, engine_id, boots, time, user, mac, salt, data, whole })
    }
}

fn number(input: &[u8]) -> Result<(i64, &[u8]), BerError> {
    let (content, rest) = ber::expect(INTEGER, input)?;
    Ok((ber::signed(content)?, rest))
}

/// What is inside of a scope.
fn pdu_of(scoped: &[u8]) -> Result<&[u8], BerError> {
    let (content, _) = ber::expect(SEQUENCE, scoped)?;
    let (_, rest) = ber::expect(OCTETS, content)?;
    let (_, pdu) = ber::expect(OCTETS, rest)?;
    Ok(pdu)
}
