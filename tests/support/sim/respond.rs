//! Questions in, answers out; no sockets, no clock.

use farwatch_agent::poll::ber::{OBJECT_ID, SEQUENCE, Writer};
use farwatch_agent::poll::message::{
    self, Body, GET, GET_BULK, GET_NEXT, Head, RESPONSE, status, tag,
};
use farwatch_agent::poll::oid::{self, Oid};
use farwatch_common::clock::Micros;

use super::fault::Fault;
use super::mib::{Mib, Object};
use super::oracle::Oracle;
use super::pulse::Turns;
use super::usm::Engine;

/// Largest answer by default: what Ethernet carries without fragments.
pub const MESSAGE_BYTES_MAX: usize = 1472;
/// Room for everything but the variables.
const ENVELOPE_BYTES: usize = 48;
/// Size of an answer that pays no heed to what was asked.
const OVERSIZED_BYTES: usize = 50_000;

/// One router's agent.
#[derive(Debug)]
pub struct Responder {
    pub mib: Mib,
    pub community: Vec<u8>,
    pub started: Micros,
    pub fault: Fault,
    pub message_bytes_max: usize,
    pub oracle: Option<Oracle>,
    /// Asked with SNMPv3, and with nothing else.
    pub engine: Option<Engine>,
    /// While these are on, by the clock of the wall, it does not answer.
    pub away: Option<Turns>,
    writer: Writer,
}

/// One variable of an answer; `None` is endOfMibView or noSuchInstance.
type Varbind = (Vec<u32>, Option<Object>);

impl Responder {
    #[must_use]
    pub fn new(mib: Mib, community: &[u8], started: Micros) -> Self {
        Self {
            mib,
            community: community.to_vec(),
            started,
            fault: Fault::None,
            message_bytes_max: MESSAGE_BYTES_MAX,
            oracle: None,
            engine: None,
            away: None,
            writer: Writer::new(65_507),
        }
    }

    /// The answer to a datagram, if there is one.
    pub fn respond(&mut self, datagram: &[u8], now: Micros) -> Option<Vec<u8>> {
        if self.fault == Fault::Silent || self.is_away(now) {
            return None;
        }
        if let Some(engine) = self.engine.take() {
            let time_s = u32::try_from((now.0 - self.started.0) / Micros::SECOND).unwrap_or(0);
            let answer = engine.respond(datagram, time_s, |pdu| {
                self.answer(datagram, &Head::read_pdu(pdu).ok()?, now)
            });
            self.engine = Some(engine);
            return answer;
        }
        let head = Head::read(datagram).ok()?;
        if head.community != self.community {
            return None;
        }
        self.answer(datagram, &head, now)
    }

    #[must_use]
    pub fn is_away(&self, now: Micros) -> bool {
        let at_us = u64::try_from(now.0).unwrap_or(0);
        self.away.is_some_and(|turns| turns.is_on(at_us))
    }

    /// The message that answers a question of v1 or v2c, the PDU of one of v3.
    fn answer(&mut self, datagram: &[u8], head: &Head<'_>, now: Micros) -> Option<Vec<u8>> {
        let body = Body::read(head).ok()?;
        if self.fault == Fault::Garbage {
            return Some(datagram.iter().rev().map(|octet| octet ^ 0x5a).collect());
        }
        let names: Option<Vec<Vec<u32>>> =
            body.varbinds.map(|varbind| arcs(varbind.ok()?.0)).collect();
        let names = names?;
        let choked = head.pdu == GET_BULK && body.index > 10;
        if choked && self.fault == Fault::ChokesOnLargeBulk {
            return None;
        }
        let v1 = head.version == 0;
        let answer = match head.pdu {
            GET => self.get(&names, v1),
            GET_NEXT => self.get_next(&names, v1),
            GET_BULK if !v1 => Ok(self.get_bulk(&names, body.status, body.index, now)),
            _ => return None,
        };
        let bytes = match answer {
            Ok(varbinds) => self.encode(head, (status::NONE, 0), &varbinds, now),
            Err(at) => {
                let varbinds: Vec<Varbind> = names.into_iter().map(|name| (name, None)).collect();
                let index = u32::try_from(at + 1).ok()?;
                self.encode(head, (status::NO_SUCH_NAME, index), &varbinds, now)
            }
        };
        Some(self.spoil(bytes))
    }

    fn get(&self, names: &[Vec<u32>], v1: bool) -> Result<Vec<Varbind>, usize> {
        let all = names.iter().enumerate().map(|(at, name)| {
            let object = self.mib.get(name).filter(|object| !(v1 && object.is_64_bit()));
            if object.is_none() && v1 { Err(at) } else { Ok((name.clone(), object.cloned())) }
        });
        all.collect()
    }

    fn get_next(&self, names: &[Vec<u32>], v1: bool) -> Result<Vec<Varbind>, usize> {
        let all = names.iter().enumerate().map(|(at, name)| {
            let varbind = self.after(name, v1);
            if varbind.1.is_none() && v1 { Err(at) } else { Ok(varbind) }
        });
        all.collect()
    }

    fn after(&self, name: &[u32], v1: bool) -> Varbind {
        // In an endless table the last row is followed by one more.
        if self.fault == Fault::Endless
            && name.starts_with(&[1, 3, 6, 1, 2, 1])
            && let [.., index] = name
            && name.len() > 10
        {
            let mut endless = name.to_vec();
            if let Some(last) = endless.last_mut() {
                *last = index.saturating_add(1);
            }
            return (endless, Some(Object::Integer(1)));
        }
        if self.fault == Fault::Stuck && name.len() > 10 && self.mib.get(name).is_some() {
            return (name.to_vec(), Some(Object::Integer(1)));
        }
        match self.mib.next(name, v1) {
            Some((name, object)) => (name.clone(), Some(object.clone())),
            None => (name.to_vec(), None),
        }
    }

    fn get_bulk(
        &mut self,
        names: &[Vec<u32>],
        non_repeaters: u32,
        repetitions: u32,
        now: Micros,
    ) -> Vec<Varbind> {
        let single = (non_repeaters as usize).min(names.len());
        let (singles, repeaters) = names.split_at(single);
        let mut varbinds: Vec<Varbind> =
            singles.iter().map(|name| self.after(name, false)).collect();
        let mut cursors = repeaters.to_vec();
        let mut rows: Vec<Vec<Varbind>> = Vec::new();
        let oversized = self.fault == Fault::Oversized;
        let repetitions = if oversized { 1000 } else { repetitions.min(1000) };
        for _ in 0..repetitions {
            let row: Vec<Varbind> = cursors.iter().map(|name| self.after(name, false)).collect();
            if row.iter().all(|(_, object)| object.is_none()) && !rows.is_empty() {
                break;
            }
            cursors = row.iter().map(|(name, _)| name.clone()).collect();
            rows.push(row);
        }
        if self.fault == Fault::Decreasing {
            rows.reverse();
        }
        varbinds.extend(rows.into_iter().flatten());
        let room = if oversized { OVERSIZED_BYTES } else { self.message_bytes_max };
        if self.fault != Fault::TooBig {
            self.cut(&mut varbinds, room, single, now);
        }
        varbinds
    }

    /// Drops variables from the end until the answer has room.
    fn cut(&mut self, varbinds: &mut Vec<Varbind>, room: usize, at_least: usize, now: Micros) {
        let room = room.saturating_sub(ENVELOPE_BYTES + self.community.len());
        let mut length = 0;
        let fitting = varbinds.iter().take_while(|(name, object)| {
            self.writer.clear();
            write_varbind(
                &mut self.writer,
                name,
                object.as_ref(),
                (self.started, now, u64::MAX),
                1,
            );
            length += self.writer.len();
            length <= room
        });
        let fitting = fitting.count();
        varbinds.truncate(fitting.max(at_least));
    }

    fn encode(
        &mut self,
        head: &Head<'_>,
        error: (u32, u32),
        varbinds: &[Varbind],
        now: Micros,
    ) -> Vec<u8> {
        let oracle = self.oracle.as_ref().map_or(0, Oracle::next);
        let moment = (self.started, now, oracle);
        let id = i32::try_from(head.request_id).unwrap_or(0);
        let id = if self.fault == Fault::WrongId { id ^ 1 } else { id };
        let version = u8::try_from(head.version).unwrap_or(1);
        let community =
            if self.fault == Fault::WrongCommunity { &b"elsewhere"[..] } else { head.community };
        let write = |writer: &mut Writer, error: (u32, u32), varbinds: &[Varbind]| {
            writer.clear();
            message::write(
                writer,
                version,
                community,
                RESPONSE,
                (id, error.0, error.1),
                |writer| {
                    for (name, object) in varbinds.iter().rev() {
                        write_varbind(writer, name, object.as_ref(), moment, version);
                    }
                },
            );
            writer.finish().map(<[u8]>::to_vec)
        };
        let whole = write(&mut self.writer, error, varbinds);
        let limit = match self.fault {
            Fault::AlwaysTooBig => 0,
            Fault::Oversized => usize::MAX,
            _ => self.message_bytes_max,
        };
        let whole = whole.filter(|bytes| bytes.len() <= limit);
        let carries = varbinds.iter().any(|(_, object)| matches!(object, Some(Object::Oracle)));
        match whole {
            Some(bytes) => {
                if let Some(oracle) = self.oracle.as_mut().filter(|_| carries) {
                    oracle.answered(now).unwrap_or_else(|error| {
                        eprintln!("the oracle's log cannot be written: {error}");
                    });
                }
                bytes
            }
            None => write(&mut self.writer, (status::TOO_BIG, 0), &[]).unwrap_or_default(),
        }
    }

    fn spoil(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self.fault {
            Fault::Truncated => bytes.truncate(bytes.len() / 2),
            Fault::EmptyNumbers => {
                // The last variable's value loses its octets but keeps the message's length.
                if let Some(last) = bytes.iter().rposition(|octet| *octet == 0x30) {
                    let name_length = usize::from(bytes.get(last + 3).copied().unwrap_or(0));
                    if let Some(length) = bytes.get_mut(last + 4 + name_length + 1) {
                        *length = 0;
                    }
                }
            }
            _ => {}
        }
        bytes
    }
}

fn write_varbind(
    writer: &mut Writer,
    name: &[u32],
    object: Option<&Object>,
    moment: (Micros, Micros, u64),
    version: u8,
) {
    let (started, now, oracle) = moment;
    let end = writer.len();
    match object {
        Some(object) => object.write(writer, started, now, oracle),
        // v1 repeats the question, which has no value.
        None if version == 0 => writer.octets(0x05, &[]),
        None => writer.octets(tag::END_OF_MIB_VIEW, &[]),
    }
    writer.octets(OBJECT_ID, Oid::new(name).as_bytes());
    writer.close(SEQUENCE, end);
}

/// All arcs of an encoded identifier, the first two apart.
fn arcs(encoded: &[u8]) -> Option<Vec<u32>> {
    let mut arcs = oid::arcs(encoded);
    let head = arcs.next()??;
    let first = (head / 40).min(2);
    [Some(first), Some(head - first * 40)].into_iter().chain(arcs).collect()
}
