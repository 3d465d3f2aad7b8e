//! One agent: the uplink's core over a disk that is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use farwatch_agent::buffer::Lane;
use farwatch_agent::uplink::core::{Core, Effect};
use farwatch_common::ranges::SeqRanges;
use farwatch_proto::v1::{Batch, SchemaDef, telemetry_down};

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

impl Agent {
    pub(crate) fn new(disk: Disk) -> Self {
        let core = Core::new(disk.stream_id, disk.next_seq);
        Self { disk, core, session: None, copy: None, told: Vec::new() }
    }

    /// Its process begins anew.
    pub(crate) fn restart(&mut self, random: &mut Random) {
        // Numbers are taken from blocks: what is left of one is a hole.
        self.disk.next_seq += random.below(3);
        self.core = Core::new(self.disk.stream_id, self.disk.next_seq);
        self.session = None;
    }

    pub(crate) fn keep(&mut self, content: Content) {
        self.disk.batches.insert(self.disk.next_seq, content);
        self.disk.next_seq += 1;
        self.core.refilled();
    }

    /// What goes out now, as the shell does it.
    pub(crate) fn fill(&mut self, now: Duration, streams: &mut i64) -> Vec<Batch> {
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
        self.apply(effect, streams);
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
        self.apply(effects, streams);
    }

    fn apply(&mut self, effects: impl IntoIterator<Item = Effect>, streams: &mut i64) {
        let disk = &mut self.disk;
        for effect in effects {
            match effect {
                Effect::Acked(ranges) => {
                    let stored: Vec<u64> =
                        disk.batches.keys().copied().filter(|seq| ranges.contains(*seq)).collect();
                    disk.schemas_acked |= !stored.is_empty();
                    for seq in stored {
                        self.told.extend(disk.batches.remove(&seq));
                    }
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
            schemas_acked: false,
        })
    }
}
