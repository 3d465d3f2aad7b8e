//! One agent: the uplink's core over a disk that is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use farwatch_agent::buffer::Lane;
use farwatch_agent::buffer::delivered::{Acked, Delivered, Hour, Missing};
use farwatch_agent::uplink::core::{Core, Effect, stored};
use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_proto::v1::{Batch, SchemaDef, Welcome, telemetry_down};

use super::random::Random;

/// What a batch says: made once, by one agent.
pub(crate) type Content = u64;

/// What the buffer has on disk.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) stream_id: i64,
    pub(crate) next_seq: u64,
    pub(crate) batches: BTreeMap<u64, Content>,
    pub(crate) quarantined: BTreeSet<Content>,
    /// Acknowledged and still here, with their streams.
    pub(crate) kept: BTreeMap<u64, (i64, Content)>,
    /// What was there of those that are given up: the agent knows their numbers only.
    pub(crate) gone: BTreeMap<(i64, u64), Content>,
    pub(crate) delivered: Delivered,
    /// What the file tells of it.
    hours: BTreeMap<i64, Hour>,
    schemas_acked: bool,
}

pub(crate) struct Agent {
    pub(crate) disk: Disk,
    pub(crate) core: Core,
    /// Number of the session that is up.
    pub(crate) session: Option<u64>,
    /// What was copied of the disk, to be put back.
    pub(crate) copy: Option<Disk>,
    /// What it was told is stored.
    pub(crate) told: Vec<Content>,
}

/// Every third content waits long enough to be backlog.
pub(crate) fn lane(content: Content) -> Lane {
    if content.is_multiple_of(3) { Lane::Backlog } else { Lane::Live }
}

/// Packed, in bytes: most are small, some fill a window.
fn size(content: Content) -> usize {
    if content.is_multiple_of(41) { 700_000 } else { 4_000 + (content % 17) as usize * 500 }
}

impl Disk {
    /// All that it knows of.
    pub(crate) fn contents(&self) -> impl Iterator<Item = Content> {
        let waiting = self.batches.values().chain(&self.quarantined).chain(self.gone.values());
        waiting.chain(self.kept.values().map(|(_, content)| content)).copied()
    }

    fn acked(&mut self, seq: u64, content: Content, now: Duration) {
        // Fast, so that there are many hours.
        let now = Micros(i64::try_from(now.as_micros()).unwrap() * 1_000);
        let batch = Acked { seq, bytes: size(content) as u64, from: now, to: now };
        self.delivered.acked(self.stream_id, batch, now);
        self.kept.insert(seq, (self.stream_id, content));
    }

    fn save(&mut self) {
        let (write, delete) = self.delivered.unsaved();
        let write: Vec<Hour> = write.into_iter().cloned().collect();
        delete.iter().for_each(|id| drop(self.hours.remove(id)));
        self.hours.extend(write.into_iter().map(|hour| (hour.id, hour)));
        self.delivered.saved();
    }

    /// Some of what was acknowledged goes for want of room.
    pub(crate) fn give_up(&mut self, most: usize) {
        for seq in self.delivered.oldest(most) {
            let (stream_id, content) = self.kept.remove(&seq).unwrap();
            self.delivered.forget(seq, size(content) as u64);
            self.gone.insert((stream_id, seq), content);
        }
        self.save();
    }

    /// Some of what the collector has lost waits again.
    fn wait_again(&mut self, most: usize) {
        for seq in self.delivered.again(most) {
            let (_, content) = self.kept.remove(&seq).unwrap();
            self.delivered.waits(seq, size(content) as u64);
            self.batches.insert(seq, content);
        }
        self.save();
    }
}

impl Agent {
    pub(crate) fn new(disk: Disk) -> Self {
        let core = Core::new(disk.stream_id, disk.next_seq);
        Self { disk, core, session: None, copy: None, told: Vec::new() }
    }

    /// Its process begins anew.
    pub(crate) fn restart(&mut self, random: &mut Random) {
        // Numbers are taken from blocks: what is left of one is a hole.
        self.disk.next_seq += random.below(3);
        self.disk.delivered = Delivered::new(self.disk.hours.values().cloned());
        self.core = Core::new(self.disk.stream_id, self.disk.next_seq);
        self.session = None;
    }

    /// Something is to be sent.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.disk.batches.is_empty() || self.disk.delivered.any_again()
    }

    pub(crate) fn keep(&mut self, content: Content) {
        self.disk.batches.insert(self.disk.next_seq, content);
        self.disk.next_seq += 1;
        self.core.refilled();
    }

    /// A session begins. Returns what is declared lost, and whether anything was missing.
    pub(crate) fn connected(&mut self, welcome: &Welcome, now: Duration) -> (Vec<Content>, bool) {
        let asked = self.disk.delivered.streams(self.disk.stream_id);
        let (mut declared, mut any) = (Vec::new(), false);
        for (stream_id, stored) in stored(welcome, &asked) {
            let missing = self.disk.delivered.compare(stream_id, &stored);
            any |= missing != Missing::default();
            if let Some(gone) = missing.gone {
                let lost = (stream_id, gone.first)..=(stream_id, gone.last);
                declared.extend(self.disk.gone.range(lost).map(|(_, content)| *content));
            }
        }
        if any {
            self.disk.schemas_acked = false;
        }
        self.disk.save();
        self.core.connected(welcome, now);
        (declared, any)
    }

    /// What goes out now, as the shell does it.
    pub(crate) fn fill(&mut self, now: Duration, streams: &mut i64) -> Vec<Batch> {
        if self.disk.delivered.any_again() {
            self.disk.wait_again(3);
            self.core.refilled();
        }
        let Some(room) = self.core.room() else { return Vec::new() };
        let disk = &self.disk;
        let mut left = room.bytes;
        let mut found = Vec::new();
        let lanes = [
            (Lane::Live, room.live, room.bytes),
            (Lane::Backlog, room.backlog, room.backlog_bytes),
        ];
        for (wanted, most, bytes) in lanes {
            let space = left.min(bytes);
            let (mut taken, mut count) = (0, 0);
            let waiting = disk.batches.iter().filter(|(seq, content)| {
                let asked = room.only.as_ref().is_none_or(|only| only.contains(**seq));
                lane(**content) == wanted && asked && !room.in_flight.contains(seq)
            });
            for (seq, content) in waiting {
                let fits = count == 0 || taken + size(*content) <= space;
                if count >= most || taken >= space || !fits {
                    break;
                }
                taken += size(*content);
                count += 1;
                found.push((*seq, *content, wanted));
            }
            left = left.saturating_sub(taken);
        }
        found.truncate(room.live);
        let (stream_id, schemas) = (disk.stream_id, !disk.schemas_acked);
        let batch = |(seq, content, lane): &(u64, Content, Lane)| Batch {
            stream_id,
            seq: *seq,
            data: Bytes::copy_from_slice(&content.to_be_bytes()),
            schemas: if schemas { vec![SchemaDef::default()] } else { Vec::new() },
            late: *lane == Lane::Backlog,
            ..Batch::default()
        };
        for (seq, content, lane) in &found {
            self.core.sent(*seq, *lane, size(*content), now);
        }
        let effect = self.core.filled(found.len());
        self.apply(effect, now, streams);
        found.iter().map(batch).collect()
    }

    pub(crate) fn take(&mut self, message: telemetry_down::Kind, now: Duration, streams: &mut i64) {
        self.core.heard();
        let effects = match message {
            telemetry_down::Kind::Ack(ack) => {
                let durable = SeqRanges::from_proto(&ack.durable).unwrap();
                self.core.acked(ack.stream_id, &durable, now)
            }
            telemetry_down::Kind::Reject(reject) => {
                let code = reject.code();
                self.core.rejected(reject.stream_id, reject.seq, code, String::new(), now)
            }
            telemetry_down::Kind::Credit(credit) => {
                self.core.credit(&credit, now);
                Vec::new()
            }
            telemetry_down::Kind::Heartbeat(_) => Vec::new(),
        };
        self.apply(effects, now, streams);
    }

    fn apply(
        &mut self,
        effects: impl IntoIterator<Item = Effect>,
        now: Duration,
        streams: &mut i64,
    ) {
        let disk = &mut self.disk;
        for effect in effects {
            match effect {
                Effect::Acked(ranges) => {
                    let stored: Vec<u64> =
                        disk.batches.keys().copied().filter(|seq| ranges.contains(*seq)).collect();
                    disk.schemas_acked |= !stored.is_empty();
                    for seq in stored {
                        let content = disk.batches.remove(&seq).unwrap();
                        disk.acked(seq, content, now);
                        self.told.push(content);
                    }
                    disk.save();
                }
                Effect::Refused(refusal) => {
                    disk.quarantined.extend(disk.batches.remove(&refusal.seq));
                }
                Effect::SchemasUnknown(_) => disk.schemas_acked = false,
                Effect::Fork => {
                    *streams += 1;
                    disk.stream_id = *streams;
                    self.core.forked(disk.stream_id);
                }
            }
        }
    }

    pub(crate) fn fresh(stream_id: i64) -> Self {
        Self::new(Disk {
            stream_id,
            next_seq: 1,
            batches: BTreeMap::new(),
            quarantined: BTreeSet::new(),
            kept: BTreeMap::new(),
            gone: BTreeMap::new(),
            delivered: Delivered::default(),
            hours: BTreeMap::new(),
            schemas_acked: false,
        })
    }
}
