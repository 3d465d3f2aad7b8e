//! Core: the session with the agent of one device: what is asked next, and what its messages mean.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::sync::Arc;

use bytes::Bytes;
use farwatch_common::sample::Cause;

use super::clock::EngineClock;
use super::keys::{KeyError, Keys, MasterKeys};
use super::message::{Header, Message, Scoped, flag};
use super::report::Complaint;
use super::{Heard, Shared};
use crate::poll::SnmpUser;
use crate::poll::ber::{OCTETS, Writer};
use crate::poll::message::{self as pdu, GET, Head, REPORT, RESPONSE, VERSION_3};

/// Lengths of an engine id (RFC 3411 §5).
const ENGINE_ID_BYTES: std::ops::RangeInclusive<usize> = 5..=32;
/// Most times a question is asked again because the agent has told something: one for each step,
/// and as many if it is replaced or starts in between.
pub(super) const LESSONS_MAX: u8 = 6;
/// What a message of v3 has more around its PDU than one with an empty community, at most.
pub(in crate::poll) const ENVELOPE_BYTES: usize = 224;

/// So many silences in a row, each right behind an answer to what comes before, are no bad luck.
const SILENCES_MAX: u8 = 3;

/// What was asked last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// Who is the agent?
    #[default]
    Discover,
    /// What time has it? Signed, but deliberately out of its time window, and without content.
    Time,
    /// Does it answer at all at this level of security? In the default context, without content:
    /// some agents keep silent about a context they do not have.
    Level,
    /// The question itself.
    Question,
}

/// What has worked with an agent.
#[derive(Debug)]
struct Proof {
    engine_id: Vec<u8>,
    keys: Option<Keys>,
    clock: Option<EngineClock>,
}

/// What is known of the agent of one device.
#[derive(Debug)]
pub(in crate::poll) struct Session {
    user: SnmpUser,
    /// Made when first needed.
    master: Option<Arc<MasterKeys>>,
    engine_id: Vec<u8>,
    keys: Option<Keys>,
    clock: Option<EngineClock>,
    asked: Step,
    /// It answers at this level of security.
    level_known: bool,
    /// A question was answered since the agent was discovered: its protocols and passwords are
    /// right. From then on nothing that is not signed counts.
    proven: bool,
    lessons: u8,
    /// Of before a silence, until a discovery is answered: holds if the agent turns out to be the same.
    before: Option<Proof>,
    /// What is known is from before a silence.
    is_restored: bool,
    /// The user was answered at some time: its silence may be anything.
    has_worked: bool,
    /// How often in a row the question was met by silence, although what comes before it was answered.
    silences: u8,
}

impl Session {
    pub(in crate::poll) fn new(user: SnmpUser) -> Self {
        Self {
            user,
            master: None,
            engine_id: Vec::new(),
            keys: None,
            clock: None,
            asked: Step::Discover,
            level_known: false,
            proven: false,
            lessons: 0,
            before: None,
            is_restored: false,
            has_worked: false,
            silences: 0,
        }
    }

    fn level(&self) -> u8 {
        let auth = if self.user.auth.is_some() { flag::AUTH } else { 0 };
        let private = if self.user.privacy.is_some() { flag::PRIVATE } else { 0 };
        auth | private
    }

    fn next_step(&self) -> Step {
        match (self.engine_id.is_empty(), self.level() & flag::AUTH, self.clock) {
            (true, ..) => Step::Discover,
            (false, flag::AUTH, None) => Step::Time,
            _ if self.level_known || self.user.context.is_empty() => Step::Question,
            _ => Step::Level,
        }
    }

    /// Makes a message of the PDU `writer` holds, or of what has to be asked before it. `id` is
    /// that of message and PDU.
    pub(in crate::poll) fn wrap(
        &mut self,
        shared: &mut Shared,
        id: u32,
        now_us: u64,
        writer: &mut Writer,
    ) -> Result<(), Cause> {
        let signed = self.level() & flag::AUTH != 0;
        if signed && self.keys.is_none() && !self.engine_id.is_empty() {
            self.make_keys(shared).map_err(|_| Cause::WrongAuth)?;
        }
        self.asked = self.next_step();
        let flags = match self.asked {
            Step::Discover => 0,
            Step::Time => flag::AUTH,
            Step::Level | Step::Question => self.level(),
        };
        if self.asked != Step::Question {
            writer.clear();
            pdu::write(writer, VERSION_3, &[], GET, (id.cast_signed(), 0, 0), |_| {});
        }
        self.write(shared, id, flags, now_us, writer).map_err(|_| Cause::Budget)
    }

    fn make_keys(&mut self, shared: &mut Shared) -> Result<(), KeyError> {
        let master = match &self.master {
            Some(master) => master.clone(),
            None => shared.keyring.get(&self.user)?.ok_or(KeyError::User)?,
        };
        self.keys = Some(Keys::new(&master, &self.engine_id)?);
        self.master = Some(master);
        Ok(())
    }

    fn write(
        &self,
        shared: &mut Shared,
        id: u32,
        flags: u8,
        now_us: u64,
        writer: &mut Writer,
    ) -> Result<(), KeyError> {
        let discovers = self.asked == Step::Discover;
        let context = if self.asked == Step::Question { self.user.context.as_slice() } else { &[] };
        Scoped::close(writer, &self.engine_id, context);
        let clock = self.clock.map_or((0, 0), |clock| clock.at(now_us));
        let keys = self.keys.as_ref().filter(|_| flags & flag::AUTH != 0);
        let mut salt = Bytes::new();
        if let Some(keys) = keys.filter(|_| flags & flag::PRIVATE != 0) {
            let plain = writer.finish().ok_or(KeyError::User)?;
            let sealed;
            (sealed, salt) = keys.seal(plain, clock, shared.salts()?)?;
            writer.clear();
            writer.octets(OCTETS, &sealed);
        }
        let header = Header {
            id,
            flags: flags | flag::REPORTABLE,
            engine_id: &self.engine_id,
            clock,
            user: if discovers { &[] } else { &self.user.name },
            mac_bytes: keys.map_or(0, Keys::mac_bytes),
            salt: &salt,
        };
        let mac_at = header.close(writer);
        // One that does not fit is found out by the caller, as with every version.
        match (keys, writer.finish_mut()) {
            (Some(keys), Some(message)) => keys.sign(message, mac_at),
            _ => Ok(()),
        }
    }

    /// Takes a message that answers the last one by its id.
    pub(in crate::poll) fn open(&mut self, message: &Message<'_>, now_us: u64) -> Heard {
        let sealed = match message.flags & flag::LEVEL {
            flag::PRIVATE => return Heard::Stray,
            flag::LEVEL => true,
            _ => false,
        };
        if message.flags & flag::AUTH != 0 && !self.is_authentic(message) {
            return Heard::Stray;
        }
        let opened =
            if sealed { self.unseal(message) } else { Some(Bytes::copy_from_slice(message.data)) };
        let plain = opened.unwrap_or_default();
        let read = Scoped::read(&plain)
            .and_then(|scoped| Head::read_pdu(scoped.pdu).map(|head| (scoped, head)));
        let Ok((scoped, head)) = read else {
            // Signed, and yet not to be read: another key has sealed it.
            return if sealed { self.failed(Cause::WrongPrivacy) } else { Heard::Stray };
        };
        match (head.pdu, Complaint::read(&head)) {
            (REPORT, Some(complaint)) => self.complained(complaint, message, now_us),
            (RESPONSE, _) if self.is_ours(message, &scoped, &head) => {
                self.answered(message, plain.slice_ref(scoped.pdu), now_us)
            }
            _ => Heard::Stray,
        }
    }

    fn is_authentic(&self, message: &Message<'_>) -> bool {
        let verified =
            |keys: &Keys| keys.verify(message.whole, message.mac_at(), message.mac.len());
        message.engine_id == self.engine_id
            && message.user == self.user.name
            && self.keys.as_ref().is_some_and(verified)
    }

    fn unseal(&self, message: &Message<'_>) -> Option<Bytes> {
        let clock = (message.boots, message.time);
        self.keys.as_ref()?.open(message.data, clock, message.salt).ok()
    }

    /// Whether a response answers what was asked, at the level of security it was asked at
    /// (RFC 3412 §7.2.12).
    fn is_ours(&self, message: &Message<'_>, scoped: &Scoped<'_>, head: &Head<'_>) -> bool {
        let (level, context) = match self.asked {
            Step::Discover => return false,
            Step::Time => (flag::AUTH, &[][..]),
            Step::Level => (self.level(), &[][..]),
            Step::Question => (self.level(), self.user.context.as_slice()),
        };
        message.flags & flag::LEVEL == level
            && message.engine_id == self.engine_id
            && message.user == self.user.name
            && scoped.engine_id == self.engine_id
            && scoped.context == context
            && head.request_id == message.id
    }

    fn answered(&mut self, message: &Message<'_>, pdu: Bytes, now_us: u64) -> Heard {
        if message.flags & flag::AUTH != 0 && !self.told_time(message, now_us) {
            return Heard::Stray;
        }
        match self.asked {
            Step::Discover => Heard::Stray,
            // It does not look at the clock.
            Step::Time => self.learned(Cause::WrongClock),
            Step::Level => {
                self.level_known = true;
                self.learned(Cause::Malformed)
            }
            Step::Question => {
                self.proven = true;
                self.has_worked = true;
                self.silences = 0;
                self.lessons = 0;
                Heard::Answer(pdu)
            }
        }
    }

    /// Takes the clock of an authentic message; false if it is an old one.
    fn told_time(&mut self, message: &Message<'_>, now_us: u64) -> bool {
        match &mut self.clock {
            Some(clock) => clock.accept(message.boots, message.time, now_us),
            None => {
                self.clock = Some(EngineClock::new(message.boots, message.time, now_us));
                true
            }
        }
    }

    fn complained(&mut self, complaint: Complaint, message: &Message<'_>, now_us: u64) -> Heard {
        let signed = message.flags & flag::AUTH != 0;
        // Anybody could have written it.
        if self.proven && !signed && self.user.auth.is_some() {
            return Heard::Stray;
        }
        // Any Report tells the engine id, and some agents complain of the empty user name first.
        let other = message.engine_id != self.engine_id;
        if self.asked == Step::Discover || (complaint == Complaint::UnknownEngine && other) {
            return self.discovered(message);
        }
        if other {
            return Heard::Stray;
        }
        self.failed(match complaint {
            Complaint::NotInTimeWindow if signed => {
                return if self.told_time(message, now_us) {
                    self.learned(Cause::WrongClock)
                } else {
                    Heard::Stray
                };
            }
            Complaint::NotInTimeWindow => Cause::WrongClock,
            // Every user can do without both: it is another way to say that they are wanted.
            Complaint::UnsupportedLevel if self.level() == 0 => Cause::LevelTooLow,
            Complaint::UnsupportedLevel => Cause::WrongLevel,
            Complaint::UnknownUser => Cause::UnknownUser,
            Complaint::WrongDigest => Cause::WrongAuth,
            Complaint::DecryptionError => Cause::WrongPrivacy,
            Complaint::UnknownContext if self.asked == Step::Level => {
                self.level_known = true;
                return self.learned(Cause::WrongContext);
            }
            Complaint::UnknownContext => Cause::WrongContext,
            Complaint::UnknownEngine => Cause::Malformed,
            Complaint::Other => Cause::Unsupported,
        })
    }

    fn discovered(&mut self, message: &Message<'_>) -> Heard {
        if !ENGINE_ID_BYTES.contains(&message.engine_id.len()) {
            return self.failed(Cause::Malformed);
        }
        let before = self.before.take();
        self.forget();
        match before.filter(|before| before.engine_id == message.engine_id) {
            Some(Proof { engine_id, keys, clock }) => {
                (self.engine_id, self.keys, self.clock) = (engine_id, keys, clock);
                self.level_known = true;
                self.is_restored = true;
            }
            None => self.engine_id = message.engine_id.to_vec(),
        }
        self.learned(Cause::Malformed)
    }

    /// Asks again, unless the agent has too much to tell: then that is `cause`.
    fn learned(&mut self, cause: Cause) -> Heard {
        self.lessons += 1;
        if self.lessons > LESSONS_MAX { self.failed(cause) } else { Heard::AskAgain }
    }

    fn failed(&mut self, cause: Cause) -> Heard {
        self.lessons = 0;
        Heard::Failed(cause)
    }

    fn forget(&mut self) {
        self.engine_id.clear();
        self.keys = None;
        self.clock = None;
        self.level_known = false;
        self.proven = false;
        self.is_restored = false;
    }

    /// Takes note that nothing has answered, and tells why that may be. The agent is discovered anew: it may have
    /// been replaced. If it is the same, what has worked with it counts again, but once: its clock may
    /// have been set back.
    pub(in crate::poll) fn fell_silent(&mut self) -> Cause {
        let cause = match self.asked {
            // It has signed its time or answered outside of the context, and keeps silent when
            // asked for more: many agents drop what they cannot decipher or do not know.
            Step::Question if self.proven || self.is_restored => Cause::Timeout,
            Step::Question if self.level_known => Cause::WrongContext,
            Step::Question | Step::Level if self.user.privacy.is_some() => Cause::WrongPrivacy,
            _ => Cause::Timeout,
        };
        if self.proven {
            self.before = Some(Proof {
                engine_id: std::mem::take(&mut self.engine_id),
                keys: self.keys.take(),
                clock: self.clock,
            });
        }
        self.forget();
        self.lessons = 0;
        if cause == Cause::Timeout || !self.has_worked {
            return cause;
        }
        self.silences = self.silences.saturating_add(1);
        if self.silences < SILENCES_MAX { Cause::Timeout } else { cause }
    }

    /// Why an agent that has opened the question does not let its user read.
    pub(in crate::poll) fn refused(&self) -> Cause {
        if self.level() == flag::LEVEL { Cause::Auth } else { Cause::LevelTooLow }
    }
}
