//! Batches on their way from a damaged file to the fresh one.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::SchemaId;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::keys::Effort;
use super::{Room, Ruin};
use crate::buffer::batches::{self, Found};
use crate::buffer::checksum::Head;
use crate::buffer::waiting::{self, Waits};
use crate::buffer::{BufferError, schemas};

/// Batches of one transaction.
const STEP: usize = 64;
/// Their content, which goes through the log.
const STEP_BYTES: usize = 1024 * 1024;

pub(super) struct Copy<'a> {
    pub(super) ruin: &'a Ruin<'a>,
    pub(super) room: &'a Room<'a>,
    pub(super) effort: &'a Effort<'a>,
    /// What can be told of those that are not what was written.
    pub(super) damaged: BTreeMap<u64, Head>,
    /// What was saved and does not wait.
    pub(super) kept: Vec<Waits>,
    /// Schemas that are there.
    followed: BTreeSet<SchemaId>,
    /// What comes now matters less than what has found no room.
    is_full: bool,
}

impl<'a> Copy<'a> {
    pub(super) fn new(ruin: &'a Ruin<'a>, room: &'a Room<'a>, effort: &'a Effort<'a>) -> Self {
        let (damaged, kept, followed) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { ruin, room, effort, damaged, kept, followed, is_full: false }
    }

    /// Those that are in `fresh` afterwards: all, as far as there is time and room.
    pub(super) fn all(
        &mut self,
        fresh: &mut Connection,
        seqs: impl IntoIterator<Item = u64>,
        waits: bool,
    ) -> Result<SeqRanges, BufferError> {
        let mut saved = SeqRanges::new();
        let mut seqs = seqs.into_iter().peekable();
        while seqs.peek().is_some()
            && !self.is_full
            && !self.effort.is_over()
            && !self.room.is_short()
        {
            match self.some(fresh, &mut seqs, waits) {
                Ok(some) => some.into_iter().for_each(|seq| saved.insert(seq)),
                Err(error) if error.is_full() => {
                    // The room that this makes belongs to what is told last.
                    self.room.give_up();
                    self.is_full = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(saved)
    }

    fn some(
        &mut self,
        fresh: &mut Connection,
        seqs: &mut impl Iterator<Item = u64>,
        waits: bool,
    ) -> Result<Vec<u64>, BufferError> {
        let (mut saved, mut kept, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut followed = BTreeSet::new();
        let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for seq in seqs.take(STEP) {
            // What cannot be read concerns this one alone.
            let read = match self.ruin.is_of_before {
                true => batches::read_of_before(self.ruin.connection, seq),
                false => batches::read(self.ruin.connection, seq),
            };
            let (head, data) = match read {
                Ok(Found::Good { head, data, is_proven })
                    if is_proven || batches::is_told(&head, &data) =>
                {
                    (head, data)
                }
                Ok(Found::Damaged(Some(head))) => {
                    self.damaged.insert(seq, head);
                    continue;
                }
                Ok(_) | Err(_) => continue,
            };
            let known = self.ruin.epochs.contains(&head.epoch);
            let head = Head { epoch: if known { head.epoch } else { 0 }, ..head };
            batches::put(&step, &head, &data)?;
            let row = Waits::of(&head, data.len() as u64);
            match waits {
                true => waiting::put(&step, &row)?,
                false => kept.push(row),
            }
            for id in schemas::from_bytes(&head.schemas) {
                if !self.followed.contains(&id) && followed.insert(id) {
                    // Which number follows it last is not known yet, but that none is higher.
                    schema(self.ruin, &step, id, self.ruin.end.max(seq))?;
                }
            }
            saved.push(seq);
            bytes += data.len();
            if bytes >= STEP_BYTES {
                break;
            }
        }
        step.commit()?;
        self.kept.extend(kept);
        self.followed.extend(followed);
        Ok(saved)
    }
}

/// The definition of a schema, if it is what its id says; the collector knows of most.
fn schema(
    ruin: &Ruin<'_>,
    fresh: &Connection,
    id: SchemaId,
    last_seq: u64,
) -> rusqlite::Result<()> {
    let def: Option<Vec<u8>> = ruin
        .connection
        .prepare_cached("SELECT def FROM schema WHERE schema_id = ?1")
        .and_then(|mut statement| statement.query_row([id.0], |row| row.get(0)).optional())
        .unwrap_or(None);
    match def {
        Some(def) => schemas::put(fresh, id, &def, last_seq),
        None => Ok(()),
    }
}
