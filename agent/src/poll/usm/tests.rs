//! Sessions against an agent of our own making; Debian's snmpd is asked in the integration tests.

use std::sync::Arc;

use async_snmp::DecodeConfig;
use async_snmp::message::{RawV3Message, SecurityLevel};
use async_snmp::v3::UsmSecurityParams;
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};

use super::keys::Keys;
use super::message::{Header, Scoped, flag};
use super::session::LESSONS_MAX;
use super::*;
use crate::poll::SnmpUser;
use crate::poll::ber::{INTEGER, OCTETS, Writer};
use crate::poll::message::{self as pdu, GET, Head, REPORT, RESPONSE, VERSION_3, write_name};
use crate::poll::oid::Oid;

const SECOND: u64 = 1_000_000;
const ENGINE: &[u8] = b"\x80\x00\x1f\x88\x04agent";

fn user() -> SnmpUser {
    SnmpUser {
        name: b"watch".to_vec(),
        auth: Some((SnmpAuth::Sha256, Secret::from("auth-password"))),
        privacy: Some((SnmpPrivacy::Aes128, Secret::from("priv-password"))),
        context: Vec::new(),
    }
}

/// usmStats by the number of its counter.
fn usm_stats(counter: u32) -> Vec<u32> {
    vec![1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0]
}

const UNKNOWN_CONTEXTS: [u32; 10] = [1, 3, 6, 1, 6, 3, 12, 1, 5, 0];

/// An agent and what its next message is like.
struct Agent {
    shared: Shared,
    keys: Keys,
    engine: &'static [u8],
    user: &'static [u8],
    clock: (u32, u32),
    flags: u8,
    context: &'static [u8],
    pdu: u8,
    name: Vec<u32>,
}

impl Agent {
    fn new() -> Self {
        Self::of(&user())
    }

    fn of(user: &SnmpUser) -> Self {
        let mut shared = Shared::new(Micros(0));
        let master = shared.keyring.get(user).unwrap().unwrap();
        Self {
            shared,
            keys: Keys::new(&master, ENGINE).unwrap(),
            engine: ENGINE,
            user: b"watch",
            clock: (3, 5000),
            flags: flag::LEVEL,
            context: b"",
            pdu: RESPONSE,
            name: vec![1, 3, 6, 1, 2, 1, 1, 3, 0],
        }
    }

    /// A message whose one variable is `self.name`.
    fn message(&mut self, id: u32) -> Vec<u8> {
        let mut writer = Writer::new(1024);
        pdu::write(&mut writer, VERSION_3, &[], self.pdu, (id.cast_signed(), 0, 0), |writer| {
            write_name(writer, Oid::new(&self.name).as_bytes(), &[]);
        });
        Scoped::close(&mut writer, self.engine, self.context);
        let mut salt = Bytes::new();
        if self.flags & flag::PRIVATE != 0 {
            let salts = self.shared.salts().unwrap();
            let sealed;
            (sealed, salt) = self.keys.seal(writer.finish().unwrap(), self.clock, salts).unwrap();
            writer.clear();
            writer.octets(OCTETS, &sealed);
        }
        let signed = self.flags & flag::AUTH != 0;
        let header = Header {
            id,
            flags: self.flags,
            engine_id: self.engine,
            clock: self.clock,
            user: self.user,
            mac_bytes: if signed { self.keys.mac_bytes() } else { 0 },
            salt: &salt,
        };
        let mac_at = header.close(&mut writer);
        let message = writer.finish_mut().unwrap();
        if signed {
            self.keys.sign(message, mac_at).unwrap();
        }
        message.to_vec()
    }

    fn report(&mut self, name: &[u32], flags: u8, id: u32) -> Vec<u8> {
        let was = (self.pdu, self.flags, self.name.clone());
        (self.pdu, self.flags, self.name) = (REPORT, flags, name.to_vec());
        let message = self.message(id);
        (self.pdu, self.flags, self.name) = was;
        message
    }
}

/// Our side.
struct Side {
    shared: Shared,
    session: Session,
    now_us: u64,
}

impl Side {
    fn new(user: SnmpUser) -> Self {
        Self { shared: Shared::new(Micros(0)), session: Session::new(user), now_us: 0 }
    }

    fn ask(&mut self, id: u32) -> Vec<u8> {
        let mut writer = Writer::new(1024);
        pdu::write(&mut writer, VERSION_3, &[], GET, (id.cast_signed(), 0, 0), |writer| {
            write_name(writer, Oid::new(&[1, 3, 6, 1, 2, 1, 1, 3, 0]).as_bytes(), &[]);
        });
        self.session.wrap(&mut self.shared, id, self.now_us, &mut writer).unwrap();
        writer.finish().unwrap().to_vec()
    }

    fn hear(&mut self, datagram: &[u8]) -> Heard {
        match Message::read(datagram) {
            Ok(message) => self.session.open(&message, self.now_us),
            Err(_) => Heard::Stray,
        }
    }

    /// Up to the question itself.
    fn greet(&mut self, agent: &mut Agent) {
        self.ask(1);
        let told = agent.report(&usm_stats(4), 0, 1);
        assert_eq!(self.hear(&told), Heard::AskAgain);
        self.ask(2);
        let told = agent.report(&usm_stats(2), flag::AUTH, 2);
        assert_eq!(self.hear(&told), Heard::AskAgain);
        self.ask(3);
    }

    fn greeted(agent: &mut Agent) -> Self {
        let mut side = Self::new(user());
        side.greet(agent);
        side
    }
}

/// What another implementation reads of a message: level, engine, boots, time and user.
fn oracle(datagram: &[u8]) -> (SecurityLevel, Vec<u8>, u32, u32, Vec<u8>) {
    let message = RawV3Message::decode(Bytes::copy_from_slice(datagram), DecodeConfig::default());
    let message = message.unwrap().value;
    let security = message.security_params().clone();
    let usm = UsmSecurityParams::decode(security, DecodeConfig::default()).unwrap().value;
    let (engine, name) = (usm.engine_id().to_vec(), usm.username().to_vec());
    (message.security_level(), engine, usm.engine_boots(), usm.engine_time(), name)
}

#[test]
fn a_session_asks_who_and_what_time_and_then_its_question() {
    let mut agent = Agent::new();
    let mut side = Side::new(user());
    let none = SecurityLevel::NoAuthNoPriv;
    assert_eq!(oracle(&side.ask(1)), (none, Vec::new(), 0, 0, Vec::new()));
    let told = agent.report(&usm_stats(4), 0, 1);
    assert_eq!(side.hear(&told), Heard::AskAgain);
    let level = SecurityLevel::AuthNoPriv;
    assert_eq!(oracle(&side.ask(2)), (level, ENGINE.to_vec(), 0, 0, b"watch".to_vec()));
    let told = agent.report(&usm_stats(2), flag::AUTH, 2);
    assert_eq!(side.hear(&told), Heard::AskAgain);
    side.now_us = 10 * SECOND;
    let level = SecurityLevel::AuthPriv;
    assert_eq!(oracle(&side.ask(3)), (level, ENGINE.to_vec(), 3, 5010, b"watch".to_vec()));
    let Heard::Answer(pdu) = side.hear(&agent.message(3)) else { panic!() };
    let head = Head::read_pdu(&pdu).unwrap();
    assert_eq!((head.pdu, head.request_id), (RESPONSE, 3));
    // The next question goes out at once.
    assert_eq!(oracle(&side.ask(4)).0, SecurityLevel::AuthPriv);
}

#[test]
fn no_scratched_and_no_cut_message_becomes_an_answer() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    let good = agent.message(3);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x21;
        assert_eq!(side.hear(&bad), Heard::Stray, "octet {at}");
        assert_eq!(side.hear(&good[..at]), Heard::Stray, "cut at {at}");
    }
    // Bytes behind the message are padding, and nothing of the above has confused the session.
    assert!(matches!(side.hear(&[&good[..], b"padding"].concat()), Heard::Answer(_)));
}

#[test]
fn an_answer_at_another_level_or_for_another_context_or_user_is_none() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    for flags in [0, flag::AUTH, flag::PRIVATE] {
        agent.flags = flags;
        assert_eq!(side.hear(&agent.message(3)), Heard::Stray, "{flags}");
    }
    agent.flags = flag::LEVEL;
    agent.context = b"other";
    assert_eq!(side.hear(&agent.message(3)), Heard::Stray);
    agent.context = b"";
    agent.user = b"somebody";
    assert_eq!(side.hear(&agent.message(3)), Heard::Stray);
    agent.user = b"watch";
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
}

#[test]
fn an_old_answer_is_none() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    let old = agent.message(3);
    side.now_us = 151 * SECOND;
    assert_eq!(side.hear(&old), Heard::Stray);
    agent.clock.1 += 151;
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
}

#[test]
fn an_agent_that_boots_is_asked_again_with_its_new_time() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
    side.now_us = 60 * SECOND;
    side.ask(4);
    agent.clock = (4, 7);
    let told = agent.report(&usm_stats(2), flag::AUTH, 4);
    assert_eq!(side.hear(&told), Heard::AskAgain);
    let (_, _, boots, time, _) = oracle(&side.ask(5));
    assert_eq!((boots, time), (4, 7));
}

#[test]
fn every_complaint_has_its_cause() {
    for (name, flags, cause) in [
        (usm_stats(1), 0, Cause::WrongLevel),
        (usm_stats(2), 0, Cause::WrongClock),
        (usm_stats(3), 0, Cause::UnknownUser),
        (usm_stats(4), 0, Cause::Malformed),
        (usm_stats(5), 0, Cause::WrongAuth),
        (usm_stats(6), 0, Cause::WrongPrivacy),
        (UNKNOWN_CONTEXTS.to_vec(), flag::AUTH, Cause::WrongContext),
        (UNKNOWN_CONTEXTS.to_vec(), flag::LEVEL, Cause::WrongContext),
        (vec![1, 3, 6, 1, 6, 3, 11, 2, 1, 3, 0], flag::AUTH, Cause::Unsupported),
    ] {
        let mut agent = Agent::new();
        let mut side = Side::greeted(&mut agent);
        let told = agent.report(&name, flags, 3);
        assert_eq!(side.hear(&told), Heard::Failed(cause), "{name:?}");
    }
}

#[test]
fn once_answered_a_report_has_to_be_signed() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
    side.ask(4);
    for counter in 1..=6 {
        let told = agent.report(&usm_stats(counter), 0, 4);
        assert_eq!(side.hear(&told), Heard::Stray, "{counter}");
    }
    agent.engine = b"\x80\x00\x1f\x88\x04other";
    let told = agent.report(&usm_stats(4), 0, 4);
    assert_eq!(side.hear(&told), Heard::Stray);
    agent.engine = ENGINE;
    assert!(matches!(side.hear(&agent.message(4)), Heard::Answer(_)));
}

#[test]
fn a_replaced_agent_is_discovered_anew_after_silence() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
    side.ask(4);
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    assert_eq!(oracle(&side.ask(5)).1, Vec::<u8>::new());
}

/// Discovers the agent again, up to the question.
fn discover(side: &mut Side, agent: &mut Agent) -> SecurityLevel {
    assert_eq!(oracle(&side.ask(1)).1, Vec::<u8>::new());
    let told = agent.report(&usm_stats(4), 0, 1);
    assert_eq!(side.hear(&told), Heard::AskAgain);
    oracle(&side.ask(2)).0
}

#[test]
fn a_silence_forgets_nothing_that_has_worked() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
    side.now_us = 60 * SECOND;
    side.ask(4);
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    // The same agent: the next message is the question, with its time.
    assert_eq!(discover(&mut side, &mut agent), SecurityLevel::AuthPriv);
    let (_, _, boots, time, _) = oracle(&side.ask(3));
    assert_eq!((boots, time), (3, 5060));
    agent.clock.1 += 60;
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));

    side.ask(4);
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    // Another one has to tell its time.
    agent.engine = b"\x80\x00\x1f\x88\x04other";
    assert_eq!(discover(&mut side, &mut agent), SecurityLevel::AuthNoPriv);
}

#[test]
fn an_outage_of_several_questions_forgets_nothing_that_has_worked() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    assert!(matches!(side.hear(&agent.message(3)), Heard::Answer(_)));
    side.ask(4);
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    for id in 5..8 {
        assert_eq!(oracle(&side.ask(id)).1, Vec::<u8>::new());
        assert_eq!(side.session.fell_silent(), Cause::Timeout);
    }
    assert_eq!(discover(&mut side, &mut agent), SecurityLevel::AuthPriv);
    // It counts but once.
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    assert_eq!(discover(&mut side, &mut agent), SecurityLevel::AuthNoPriv);
}

#[test]
fn lost_questions_of_a_user_that_has_worked_are_time_outs() {
    for context in [&b""[..], b"vrf"] {
        let mut agent = Agent::new();
        let mut side = Side::new(SnmpUser { context: context.to_vec(), ..user() });
        let answer = |side: &mut Side, agent: &mut Agent| {
            if !context.is_empty() {
                agent.context = b"";
                assert_eq!(side.hear(&agent.message(3)), Heard::AskAgain);
                side.ask(4);
                agent.context = b"vrf";
            }
            let id = if context.is_empty() { 3 } else { 4 };
            assert!(matches!(side.hear(&agent.message(id)), Heard::Answer(_)));
            side.ask(5);
        };
        side.greet(&mut agent);
        answer(&mut side, &mut agent);
        assert_eq!(side.session.fell_silent(), Cause::Timeout);
        discover(&mut side, &mut agent);
        assert_eq!(side.session.fell_silent(), Cause::Timeout, "what is known from before");
        for _ in 0..2 {
            side.greet(&mut agent);
            assert_eq!(side.session.fell_silent(), Cause::Timeout, "it may be lost");
        }
        // It tells its time whenever asked, and never answers: its password was changed.
        for _ in 0..2 {
            side.greet(&mut agent);
            assert_eq!(side.session.fell_silent(), Cause::WrongPrivacy);
        }
        side.greet(&mut agent);
        answer(&mut side, &mut agent);
        assert_eq!(side.session.fell_silent(), Cause::Timeout);
        discover(&mut side, &mut agent);
        assert_eq!(side.session.fell_silent(), Cause::Timeout);
        side.greet(&mut agent);
        assert_eq!(side.session.fell_silent(), Cause::Timeout, "counted anew");
    }
}

#[test]
fn silence_is_told_by_what_was_answered_before() {
    let mut side = Side::new(user());
    side.ask(1);
    assert_eq!(side.session.fell_silent(), Cause::Timeout);
    let mut agent = Agent::new();
    side.greet(&mut agent);
    assert_eq!(side.session.fell_silent(), Cause::WrongPrivacy);

    let with_context = SnmpUser { context: b"vrf".to_vec(), ..user() };
    let mut side = Side::new(with_context);
    side.greet(&mut agent);
    assert_eq!(side.session.fell_silent(), Cause::WrongPrivacy);
    side.greet(&mut agent);
    assert_eq!(side.hear(&agent.message(3)), Heard::AskAgain);
    side.ask(4);
    assert_eq!(side.session.fell_silent(), Cause::WrongContext);
    side.greet(&mut agent);
    assert_eq!(side.hear(&agent.message(3)), Heard::AskAgain);
    side.ask(4);
    agent.context = b"vrf";
    assert!(matches!(side.hear(&agent.message(4)), Heard::Answer(_)));
}

#[test]
fn an_agent_that_never_agrees_on_the_time_is_given_up() {
    let mut agent = Agent::new();
    let mut side = Side::greeted(&mut agent);
    let mut again = 0;
    let told = loop {
        agent.clock.1 += 1;
        let told = agent.report(&usm_stats(2), flag::AUTH, 3);
        match side.hear(&told) {
            Heard::AskAgain => again += 1,
            other => break other,
        }
        side.ask(3);
    };
    assert_eq!(told, Heard::Failed(Cause::WrongClock));
    assert!(again < LESSONS_MAX);
}

#[test]
fn a_user_without_authentication_needs_no_clock() {
    let open = SnmpUser { auth: None, privacy: None, ..user() };
    let mut agent = Agent::new();
    let mut side = Side::new(open);
    side.ask(1);
    let told = agent.report(&usm_stats(4), 0, 1);
    assert_eq!(side.hear(&told), Heard::AskAgain);
    assert_eq!(oracle(&side.ask(2)).0, SecurityLevel::NoAuthNoPriv);
    agent.flags = 0;
    assert!(matches!(side.hear(&agent.message(2)), Heard::Answer(_)));
    assert_eq!(side.session.refused(), Cause::LevelTooLow);
    // Without keys it cannot have been asked for more than it can do.
    side.ask(3);
    let told = agent.report(&usm_stats(1), 0, 3);
    assert_eq!(side.hear(&told), Heard::Failed(Cause::LevelTooLow));
}

#[test]
fn an_engine_id_of_a_wrong_length_is_refused() {
    for engine in [&b"four"[..], &[7; 33]] {
        let mut agent = Agent::new();
        let mut side = Side::new(user());
        side.ask(1);
        agent.engine = engine;
        let told = agent.report(&usm_stats(4), 0, 1);
        assert_eq!(side.hear(&told), Heard::Failed(Cause::Malformed));
    }
}

#[test]
fn devices_of_one_credential_share_their_master_keys() {
    let mut ring = Keyring::default();
    let first = ring.get(&user()).unwrap().unwrap();
    let again = ring.get(&SnmpUser { name: b"other".to_vec(), ..user() }).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    let swapped = SnmpUser {
        auth: Some((SnmpAuth::Sha256, Secret::from("priv-password"))),
        privacy: Some((SnmpPrivacy::Aes128, Secret::from("auth-password"))),
        ..user()
    };
    let other = ring.get(&swapped).unwrap().unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
    assert_eq!(ring.len(), 2);
    drop((first, again));
    assert_eq!(ring.len(), 1);
    assert!(ring.get(&SnmpUser { auth: None, privacy: None, ..user() }).unwrap().is_none());
}

#[test]
fn salts_never_repeat() {
    for privacy in [SnmpPrivacy::Des, SnmpPrivacy::Aes256Cisco] {
        let user = SnmpUser { privacy: Some((privacy, Secret::from("priv-password"))), ..user() };
        let mut agent = Agent::of(&user);
        let salts = agent.shared.salts().unwrap();
        let seal = |_| agent.keys.seal(b"plain", (1, 1), salts).unwrap();
        let ((a, one), (b, two)) = (seal(1), seal(2));
        assert_ne!((&one, &a), (&two, &b));
        assert_ne!(one, two);
        assert_eq!(&agent.keys.open(&a, (1, 1), &one).unwrap()[..5], b"plain");
    }
}

#[test]
fn garbage_never_panics() {
    let good = Agent::new().message(3);
    for at in 0..good.len() {
        for octet in [0, 1, 0x7f, 0x80, 0x84, 0xff, INTEGER] {
            let mut bad = good.clone();
            bad[at] = octet;
            let _ = Message::read(&bad).map(|message| message.mac_at());
        }
    }
}
