//! SNMPv3 messages for the poller: the layout, and what a session does with what is inside.
//!
//! The first octet of an input says as whom is asked: without security, with SHA-256, or with AES-128
//! too. What has the flag is signed with the right key: a message that is not gets nowhere. The rest are
//! messages, one after the other: how each is made, its flags, its length (two octets), and so many.

use std::sync::LazyLock;

use farwatch_agent::poll::ber::{self, INTEGER, OCTETS, SEQUENCE, Writer};
use farwatch_agent::poll::message::{REPORT, RESPONSE, VERSION_3};
use farwatch_agent::poll::{Access, SnmpUser};
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};
use ring::{digest, hmac};

use super::{ANSWERS_MAX, Poller};

const USER: &[u8] = b"fuzz";
const PASSWORD: &str = "fuzz-only-password";
const ENGINE: &[u8] = b"\x80\x00\x1f\x88\x04fuzz";
/// Boots and time of the agent.
const CLOCK: [i64; 2] = [3, 5000];
const AUTH: u8 = 1;
const PRIVATE: u8 = 2;
/// Of HMAC-192-SHA-256 (RFC 7860).
const MAC_BYTES: usize = 24;

/// See the head of this file.
pub fn usm(input: &[u8]) {
    rows(input);
}

/// How many rows of values the poller made of it.
fn rows(input: &[u8]) -> usize {
    let [who, rest @ ..] = input else { return 0 };
    let level = who % 3;
    let auth = (level > 0).then(|| (SnmpAuth::Sha256, PASSWORD.into()));
    let privacy = (level > 1).then(|| (SnmpPrivacy::Aes128, PASSWORD.into()));
    let user = SnmpUser { name: USER.to_vec(), auth, privacy, context: Vec::new() };
    let mut poller = Poller::new(Access::User(user));
    poller.receive(rest);
    let mut input = rest;
    for _ in 0..ANSWERS_MAX {
        let id = message_id(poller.question());
        let [how, flags, high, low, rest @ ..] = input else { break };
        let length = usize::from(*high) << 8 | usize::from(*low);
        let (content, after) = rest.split_at(length.min(rest.len()));
        input = after;
        poller.receive(&message(id, *how, *flags, content));
    }
    poller.rows
}

/// The msgID of a question of ours.
fn message_id(question: &[u8]) -> i64 {
    let read = || {
        let (message, _) = ber::expect(SEQUENCE, question)?;
        let (_, message) = ber::expect(INTEGER, message)?;
        let (header, _) = ber::expect(SEQUENCE, message)?;
        let (id, _) = ber::expect(INTEGER, header)?;
        ber::signed(id)
    };
    read().unwrap()
}

/// A message to which `content` gives the datagram, the security parameters, what stands behind them,
/// the PDU, or the variables of a response or report.
fn message(id: i64, how: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(content.len() + 512);
    let how = how % 6;
    match how {
        0 => return content.to_vec(),
        1 | 2 => writer.bytes(content),
        3 => {
            writer.bytes(content);
            scope(&mut writer);
        }
        _ => {
            writer.octets(SEQUENCE, content);
            for number in [0, 0, id] {
                writer.signed(INTEGER, number);
            }
            writer.close(if how == 4 { RESPONSE } else { REPORT }, 0);
            scope(&mut writer);
        }
    }
    let mut mac_at = None;
    if how == 1 {
        // Whatever the parameters say, with nothing behind them.
        writer.close(OCTETS, 0);
    } else {
        if flags & PRIVATE != 0 {
            // No key has sealed it: what it opens to is anything.
            writer.close(OCTETS, 0);
        }
        let behind = security(&mut writer, flags, content);
        mac_at = (flags & AUTH != 0).then_some(behind);
    }
    let header = writer.len();
    writer.signed(INTEGER, 3);
    writer.octets(OCTETS, &[flags]);
    writer.signed(INTEGER, 65_507);
    writer.signed(INTEGER, id);
    writer.close(SEQUENCE, header);
    writer.bytes(&[INTEGER, 1, VERSION_3]);
    writer.close(SEQUENCE, 0);
    let length = writer.len();
    let mut bytes = writer.finish().unwrap_or_default().to_vec();
    if let Some(behind) = mac_at
        && let Some(place) = bytes.get_mut(length - behind..length - behind + MAC_BYTES)
    {
        place.fill(0);
        let mac = hmac::sign(&KEY, &bytes);
        bytes[length - behind..][..MAC_BYTES].copy_from_slice(&mac.as_ref()[..MAC_BYTES]);
    }
    bytes
}

fn scope(writer: &mut Writer) {
    writer.octets(OCTETS, &[]);
    writer.octets(OCTETS, ENGINE);
    writer.close(SEQUENCE, 0);
}

/// Returns how far from the end of the message its digest begins.
fn security(writer: &mut Writer, flags: u8, content: &[u8]) -> usize {
    let start = writer.len();
    // Of eight octets, as it has to be, or of fewer.
    writer.octets(OCTETS, content.get(..8).unwrap_or(content));
    writer.bytes(&[0; MAC_BYTES]);
    let mac_at = writer.len();
    writer.bytes(&[OCTETS, MAC_BYTES as u8]);
    writer.octets(OCTETS, USER);
    // A higher bit of the flags is a clock that moves.
    let later = i64::from(flags >> 3);
    writer.signed(INTEGER, CLOCK[1] + later * later);
    writer.signed(INTEGER, CLOCK[0]);
    writer.octets(OCTETS, ENGINE);
    writer.close(SEQUENCE, start);
    writer.close(OCTETS, start);
    mac_at
}

/// Made of the password as RFC 3414 A.2 says, for [`ENGINE`].
static KEY: LazyLock<hmac::Key> = LazyLock::new(|| {
    const STRETCHED_BYTES: usize = 1 << 20;
    let stretched: Vec<u8> = PASSWORD.bytes().cycle().take(STRETCHED_BYTES).collect();
    let master = digest::digest(&digest::SHA256, &stretched);
    let localized = [master.as_ref(), ENGINE, master.as_ref()].concat();
    let key = digest::digest(&digest::SHA256, &localized);
    hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::tests::{check, read};

    #[test]
    fn no_message_of_version_3_breaks_the_poller() {
        check("usm", 1_000, usm);
    }

    #[test]
    fn only_what_is_signed_gets_through_to_a_user_who_signs() {
        let (mut open, signed) = (read("usm", "MikroTik-open"), read("usm", "Juniper-signed"));
        assert!(rows(&open) > 0);
        assert!(rows(&signed) > 0);
        open[0] = signed[0];
        assert_eq!(rows(&open), 0);
    }
}
