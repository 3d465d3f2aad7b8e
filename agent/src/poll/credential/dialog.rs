//! Core: one credential's dialog with a device: who are you? The questions, and what answers mean.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::sync::LazyLock;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;

use crate::poll::Access;
use crate::poll::ber::Writer;
use crate::poll::engine::Moment;
use crate::poll::facts::text;
use crate::poll::message::{self, Body, GET, Head, RESPONSE, Value, status};
use crate::poll::oid::{self, Oid};
use crate::poll::plan::mib2;
use crate::poll::usm::{self, Heard, Session};

/// Four names and the envelope of SNMPv3.
const QUESTION_BYTES_MAX: usize = 1024;

/// sysDescr, sysObjectID, sysUpTime and sysName (SNMPv2-MIB).
static NAMES: LazyLock<[Oid; 4]> = LazyLock::new(|| {
    [mib2(&[1, 1, 0]), mib2(&[1, 2, 0]), mib2(&[1, 3, 0]), mib2(&[1, 5, 0])].map(|a| Oid::new(&a))
});

/// What a device says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) sys_descr: String,
    /// Dotted.
    pub(super) sys_object_id: String,
    pub(super) sys_name: String,
    /// sysUpTime, in hundredths of a second.
    pub(super) uptime_cs: Option<u64>,
}

/// What a datagram means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// With the time its question was asked at, on the scale of [`Moment::mono_us`].
    Identity(Identity, u64),
    AskAgain,
    Failed(Cause),
}

pub(super) struct Dialog {
    access: Access,
    session: Option<Session>,
    shared: usm::Shared,
    writer: Writer,
    id: u32,
    /// Ids of the question on the way and of its repetition, and when they were sent. An answer to
    /// either counts.
    asked: Vec<(u32, u64)>,
}

impl Dialog {
    pub(super) fn new(access: &Access, started: Micros, seed: u32) -> Self {
        let session = match access {
            Access::User(user) => Some(Session::new(user.clone())),
            Access::Community { .. } | Access::Nothing => None,
        };
        Self {
            access: access.clone(),
            session,
            shared: usm::Shared::new(started),
            writer: Writer::new(QUESTION_BYTES_MAX),
            id: seed,
            asked: Vec::new(),
        }
    }

    /// The next datagram to send.
    pub(super) fn question(&mut self, now: Moment) -> Result<&[u8], Cause> {
        // 31 bits: request-id and msgID are signed, msgID must not be negative.
        self.id = self.id.wrapping_add(1) & i32::MAX.unsigned_abs();
        self.asked.push((self.id, now.mono_us));
        self.writer.clear();
        let (version, community) = (self.access.on_wire(), self.access.community());
        let numbers = (self.id.cast_signed(), 0, 0);
        message::write(&mut self.writer, version, community, GET, numbers, |writer| {
            for name in NAMES.iter().rev() {
                message::write_name(writer, name.as_bytes(), &[]);
            }
        });
        if let Some(session) = &mut self.session {
            session.wrap(&mut self.shared, self.id, now.mono_us, &mut self.writer)?;
        }
        self.writer.finish().ok_or(Cause::Budget)
    }

    /// Whether a datagram is like an answer to what was asked: by its id, and its community where
    /// there is one.
    pub(super) fn fits(&self, datagram: &[u8]) -> bool {
        match &self.session {
            None => Head::read(datagram).is_ok_and(|head| self.answered(&head).is_some()),
            Some(_) => usm::Message::read(datagram)
                .is_ok_and(|message| self.asked_at(message.id).is_some()),
        }
    }

    /// When the question was asked that a message by a community answers, if it does.
    fn answered(&self, head: &Head<'_>) -> Option<u64> {
        let ours = head.pdu == RESPONSE
            && head.version == i64::from(self.access.on_wire())
            && head.community == self.access.community();
        self.asked_at(head.request_id).filter(|_| ours)
    }

    /// Takes a datagram; `None` if it does not answer.
    pub(super) fn hear(&mut self, datagram: &[u8], now: Moment) -> Option<Told> {
        if self.session.is_none() {
            let head = Head::read(datagram).ok()?;
            let asked_us = self.answered(&head)?;
            return Some(self.identity(&head, asked_us));
        }
        let message = usm::Message::read(datagram).ok()?;
        let asked_us = self.asked_at(message.id)?;
        let session = self.session.as_mut()?;
        match session.open(&message, now.mono_us) {
            Heard::Answer(pdu) => Some(self.identity(&Head::read_pdu(&pdu).ok()?, asked_us)),
            Heard::AskAgain => {
                self.asked.clear();
                Some(Told::AskAgain)
            }
            Heard::Failed(cause) => Some(Told::Failed(cause)),
            Heard::Stray => None,
        }
    }

    fn asked_at(&self, id: i64) -> Option<u64> {
        self.asked.iter().find(|(asked, _)| i64::from(*asked) == id).map(|(_, at)| *at)
    }

    /// Why nothing has answered.
    pub(super) fn silent(&mut self) -> Cause {
        self.session.as_mut().map_or(Cause::Timeout, Session::fell_silent)
    }

    fn identity(&self, head: &Head<'_>, asked_us: u64) -> Told {
        let Ok(body) = Body::read(head) else {
            return Told::Failed(Cause::Malformed);
        };
        let refused = || self.session.as_ref().map_or(Cause::Auth, Session::refused);
        if body.status != status::NONE {
            // Every device has these objects: an error about them is a refusal.
            return Told::Failed(refused());
        }
        let mut identity = Identity::default();
        let mut values = 0;
        for (name, varbind) in NAMES.iter().zip(body.varbinds) {
            match varbind {
                Ok((got, value)) if got == name.as_bytes() => {
                    values += usize::from(value != Value::Nothing);
                    identity.take(name, value);
                }
                _ => return Told::Failed(Cause::Malformed),
            }
        }
        if values == 0 { Told::Failed(refused()) } else { Told::Identity(identity, asked_us) }
    }
}

impl Identity {
    fn take(&mut self, name: &Oid, value: Value<'_>) {
        let [descr, object_id, ..] = &*NAMES;
        match value {
            Value::ObjectId(id) if name == object_id => {
                self.sys_object_id = oid::dotted(id).unwrap_or_default();
            }
            Value::Unsigned(hundredths) => self.uptime_cs = Some(hundredths),
            Value::Octets(octets) if name == descr => self.sys_descr = text(octets),
            Value::Octets(octets) => self.sys_name = text(octets),
            _ => {}
        }
    }
}
