//! One commit: gathered batches in, acknowledged ones out, and what to do when it fails.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Schema, SchemaId};
use farwatch_common::task::chain;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, TransactionBehavior};

use super::batches::{self, Books, Fill, Kept};
use super::delivered::Delivered;
use super::epochs::Epochs;
use super::file::{self, Opening, Owner, PAGE_BYTES};
use super::gather::{BATCH_BYTES_MAX, Gathered, Sequences};
use super::losses::{self, Eviction};
use super::schemas::Schemas;
use super::writer::Writer;
use super::{BufferError, BufferState, aside, clocks, gaps, order, retention, stream};

/// Batches that wait in memory while the disk takes none, by their estimated size.
const UNWRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How much more than needed an eviction frees, as a part of the cap: the next one is far off.
const EVICTION_SLACK_PARTS: u64 = 32;
/// The part of the cap that schemas no batch needs may take.
const SCHEMAS_PARTS: u64 = 8;
/// Pages given back to a full disk in one step, which takes as much of the log.
const VACUUM_PAGES: u32 = 128;
/// Steps at a time: 16 MiB.
const VACUUM_STEPS: usize = 32;

/// What a commit changes in memory once it is durable.
struct Written {
    numbers: Sequences,
    schemas: Schemas,
    fill: Fill,
    delivered: Delivered,
}

impl Writer {
    /// Commits all that is gathered, and what is acknowledged.
    pub(super) fn commit(&mut self) {
        self.take_unplaced();
        // While the disk takes nothing, open batches fill up, so that numbers last. None that was
        // part of an attempt does: it may be in the file after all.
        let stuck = self.trouble.is_some() && !self.gather.is_full();
        if !stuck {
            self.close_open();
        }
        let mut written = self.write(false);
        if let Err(error) = &written {
            written = self.recover(error).and_then(|()| self.write(false));
        }
        self.suspect &= written.is_err();
        match written {
            Ok(()) => {
                if self.trouble.take().is_some() {
                    tracing::info!("the buffer commits again");
                }
                if stuck {
                    return self.commit();
                }
            }
            Err(error) => self.hold(&error),
        }
        if self.trouble.is_none() {
            self.ballast.keep(self.now());
        }
        self.publish_again();
    }

    pub(super) fn close_open(&mut self) {
        let (closed, schemas) = self.gather.take();
        self.unwritten.extend(closed);
        self.unwritten_schemas.extend(schemas);
    }

    fn write(&mut self, stop: bool) -> Result<(), BufferError> {
        let now = self.clock.now();
        let limit = self.limit_bytes();
        self.tell_again();
        self.attempt = Some((now, mem::take(&mut self.lost)));
        let mut written = Written {
            numbers: self.file.numbers,
            schemas: self.file.schemas.clone(),
            fill: self.file.fill,
            delivered: self.file.delivered.clone(),
        };
        let step =
            self.file.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut books = Books {
            schemas: &mut written.schemas,
            fill: &mut written.fill,
            delivered: &mut written.delivered,
        };
        let known = self.file.epochs.offset_us(self.file.epochs.current());
        let collector_now = known.map(|offset_us| Micros(now.0.saturating_add(offset_us)));
        let case = (self.file.stream_id, &self.file.epochs, collector_now.unwrap_or(now));
        batches::acked(&step, case, &self.acked, &mut books)?;
        let by = retention::Ours::of(&self.file.epochs);
        retention::turn(&step, &mut books, (by, collector_now), self.config.cap_bytes)?;
        let schemas_most = self.config.cap_bytes / SCHEMAS_PARTS;
        written.schemas.prune(&step, schemas_most)?;
        for gap in self.attempt.as_ref().into_iter().flat_map(|(_, lost)| lost.values()) {
            let mut gap = *gap;
            if gap.seq_first == 0 {
                // Lost for want of a number: two gaps under the same one would be taken for one.
                gap.stream_id = self.file.stream_id;
                gap.seq_first = written.numbers.take_in_commit();
                gap.seq_last = gap.seq_first;
            }
            losses::note_loss(&step, &gap, self.file.epochs.current(), 0)?;
        }
        let incoming: usize = self.unwritten.iter().map(|batch| batch.bytes).sum();
        let mut eviction = Eviction {
            connection: &step,
            stream_id: self.file.stream_id,
            in_flight: &self.in_flight,
            fill: &mut written.fill,
            schemas: &mut written.schemas,
            delivered: &mut written.delivered,
        };
        let fits = make_room(&mut eviction, limit, incoming as u64)?;
        let mut insert = Insert {
            connection: &step,
            stream_id: self.file.stream_id,
            epochs: &self.file.epochs,
            definitions: &self.unwritten_schemas,
            written: &mut written,
        };
        insert.all(&self.unwritten, fits, now)?;
        written.numbers = written.numbers.wanted();
        if self.file.epochs.is_unsaved() {
            clocks::save(&step, &self.file.epochs)?;
        }
        retention::save(&step, &mut written.delivered)?;
        // Until the file is closed an uplink may still send: nothing is asked any more since polling has ended.
        let until = self.polled_until.filter(|_| stop).unwrap_or(now);
        stream::save_numbers(&step, written.numbers, until, stop)?;
        step.commit()?;
        self.file.numbers = written.numbers;
        self.file.schemas = written.schemas;
        self.file.fill = written.fill;
        self.file.delivered = written.delivered;
        self.unwritten.clear();
        self.unwritten_schemas.clear();
        self.attempt = None;
        self.acked = Default::default();
        (self.acked_count, self.acked_since) = (0, None);
        self.file.epochs.saved();
        self.forget_epochs();
        Ok(())
    }

    /// What a commit that failed would have told as lost.
    fn tell_again(&mut self) {
        let (_, lost) = self.attempt.take().unwrap_or_default();
        lost.into_values().for_each(|gap| self.lose(gap));
    }

    /// What the file may hold: the cap less its log and a margin for the tables' own pages.
    fn limit_bytes(&self) -> u64 {
        let cap = self.config.cap_bytes;
        cap.saturating_sub(file::wal_pages(cap) * PAGE_BYTES).saturating_sub(cap / 16)
    }

    /// After a failure: makes room on a full disk, opens the file anew after anything else.
    pub(super) fn recover(&mut self, error: &BufferError) -> Result<(), BufferError> {
        let recovered = if error.is_full() { self.relieve() } else { self.reopen(error) };
        if let Err(second) = &recovered
            && self.trouble.is_none()
        {
            tracing::error!(
                error = chain(error),
                second = chain(second),
                "the buffer could not recover from a failure of the disk"
            );
        }
        recovered
    }

    /// On a full disk even a deletion fails, for want of room in the log, and so does what empties the log,
    /// for want of room in the file: the ballast is as large as the log, and makes it. So much is evicted
    /// that it can be built again, and then fill up once more before the next time.
    fn relieve(&mut self) -> Result<(), BufferError> {
        if self.trouble.is_none() {
            tracing::warn!("the disk is full: dropping the ballast and evicting the oldest");
        }
        // If they stay, the eviction says what is wrong.
        let _ = aside::drop_all(&self.config.dir);
        let _ = self.ballast.drop_it();
        // If there is no room even for that, the eviction may still find it in the log.
        let _ = empty_log(&self.file.connection);
        let incoming: usize = self.unwritten.iter().map(|batch| batch.bytes).sum();
        let ballast = 2 * self.config.ballast_bytes as u64;
        let needed = incoming as u64 + BATCH_BYTES_MAX as u64 + ballast;
        let (stream_id, in_flight, mut fill) =
            (self.file.stream_id, self.in_flight.clone(), self.file.fill);
        let mut schemas = self.file.schemas.clone();
        let mut delivered = self.file.delivered.clone();
        let (acked, epochs) = (self.acked.clone(), self.file.epochs.clone());
        let now = self.clock.now();
        let at =
            epochs.offset_us(epochs.current()).map_or(now, |us| Micros(now.0.saturating_add(us)));
        self.in_one(|step| {
            // What the collector has is no loss.
            let mut books =
                Books { schemas: &mut schemas, fill: &mut fill, delivered: &mut delivered };
            batches::acked(step, (stream_id, &epochs, at), &acked, &mut books)?;
            let free: i64 = step.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
            let free = free.max(0).cast_unsigned() * PAGE_BYTES;
            if free >= needed {
                return retention::save(step, &mut delivered);
            }
            let target = losses::used_bytes(step)?.saturating_sub(needed - free);
            let (in_flight, fill) = (&in_flight, &mut fill);
            let (schemas, delivered) = (&mut schemas, &mut delivered);
            Eviction { connection: step, stream_id, in_flight, fill, schemas, delivered }
                .until(target)?;
            retention::save(step, delivered)
        })?;
        (self.file.fill, self.file.schemas, self.file.delivered) = (fill, schemas, delivered);
        self.acked = SeqRanges::new();
        self.acked_count = 0;
        give_back(&self.file.connection)?;
        self.ballast.again();
        Ok(())
    }

    fn reopen(&mut self, error: &BufferError) -> Result<(), BufferError> {
        // What is in the place of a file that cannot be opened tells nothing of that file.
        let opening = match error.is_damage() && self.is_open {
            false => self.opening,
            true if self.suspect => Opening::Replace,
            true => Opening::Check,
        };
        self.opening = opening;
        let (stream_id, numbers) = (self.file.stream_id, self.file.numbers);
        let (epochs, delivered) = (&self.file.epochs.clone(), &self.file.delivered.clone());
        let acked = &self.acked;
        let owner = Owner { stream_id, numbers, epochs, delivered, acked, opening };
        // Closed first: some systems rename no file that is open. While no other is open, each
        // statement fails on this one.
        self.is_open = false;
        self.file.connection = Connection::open_in_memory()?;
        let mut opened = file::open(&self.config, Some(owner), &self.clock)?;
        opened.delivered.go_on(&self.file.delivered);
        self.file = opened;
        self.is_open = true;
        self.opening = Opening::Trust;
        self.suspect |= opening == Opening::Check;
        // A commit that failed may have been kept after all.
        if self.attempt.as_ref().is_some_and(|(at, _)| self.file.committed_at == Some(*at)) {
            self.attempt = None;
        }
        if self.file.stream_id != stream_id {
            self.renumber();
        }
        Ok(())
    }

    /// The file is a fresh one: what waits in memory gets numbers of its stream.
    fn renumber(&mut self) {
        self.close_open();
        for batch in &mut self.unwritten {
            batch.seq = self.file.numbers.take_in_commit();
        }
        self.in_flight.clear();
        self.acked = Default::default();
        self.acked_count = 0;
        // What was open is committed in time.
        self.acked_since.get_or_insert(self.now());
    }

    /// Keeps what could not be committed, and loses the oldest bulk beyond the limit.
    fn hold(&mut self, error: &BufferError) {
        let reason = chain(error);
        if self.trouble.as_ref() != Some(&reason) {
            tracing::error!(error = reason, "the buffer cannot commit: holding batches in memory");
        }
        self.trouble = Some(reason);
        // Again with the next batch, or after the time one takes.
        self.acked_since = Some(self.now());
        let mut held: usize = self.unwritten.iter().map(|batch| batch.bytes).sum();
        let bulk = |batch: &Gathered| order::is_bulk(batch.class);
        let event = |batch: &Gathered| batch.class == Class::Events;
        while held > UNWRITTEN_BYTES_MAX
            && let Some(at) = self
                .unwritten
                .iter()
                .position(bulk)
                .or_else(|| self.unwritten.iter().position(event))
        {
            let batch = self.unwritten.remove(at);
            held -= batch.bytes;
            let gap = lost_gap(self.file.stream_id, &self.file.epochs, &batch, GapReason::Evicted);
            self.lose(gap);
        }
    }

    pub(super) fn publish(&mut self, flushed: bool) {
        let oldest = batches::oldest(&self.file.connection).unwrap_or(None);
        let oldest = oldest.map(|(epoch, at)| self.file.epochs.to_current(epoch, at));
        let to_tell = gaps::oldest(&self.file.connection, &self.file.epochs).unwrap_or(None);
        let waits = oldest.into_iter().chain(to_tell).min();
        if self.is_open {
            let (waits, now) = (waits.unwrap_or_else(|| self.clock.now()), self.now());
            self.since.keep(waits, &self.file.epochs.here(), now);
        }
        let state = BufferState {
            stream_id: self.file.stream_id,
            streams: self.file.delivered.streams(self.file.stream_id),
            next_seq: self.file.numbers.next,
            batches: self.file.fill.batches,
            bytes: self.file.fill.bytes,
            oldest,
            epoch: self.file.epochs.current(),
            flushed,
            trouble: self.trouble.clone(),
        };
        self.state.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
    }

    /// Says in the file that nothing is missing.
    pub(super) fn stop(&mut self) {
        self.commit();
        if self.trouble.is_none()
            && let Err(error) = self.write(true)
        {
            tracing::warn!(error = chain(&error), "the buffer could not be closed cleanly");
        }
    }
}

/// Evicts until `incoming` fits below `limit`; says whether it does.
fn make_room(eviction: &mut Eviction<'_>, limit: u64, incoming: u64) -> rusqlite::Result<bool> {
    if losses::used_bytes(eviction.connection)? + incoming <= limit {
        return Ok(true);
    }
    let slack = limit / EVICTION_SLACK_PARTS;
    eviction.until(limit.saturating_sub(incoming + slack))?;
    Ok(losses::used_bytes(eviction.connection)? + incoming <= limit)
}

/// Carries out a statement, whatever rows it tells.
pub(super) fn drain(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(text)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    drain(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
}

/// Makes the file as small as what it holds, in steps: each page given back takes one of the log.
pub(super) fn give_back(connection: &Connection) -> Result<(), BufferError> {
    empty_log(connection)?;
    let mut free: u32 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    for _ in 0..VACUUM_STEPS {
        if free == 0 {
            break;
        }
        drain(connection, &format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        empty_log(connection)?;
        free = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    }
    Ok(())
}

fn lost_gap(stream_id: i64, epochs: &Epochs, batch: &Gathered, reason: GapReason) -> Gap {
    let time = |at| epochs.to_current(batch.epoch, at).0;
    Gap {
        stream_id,
        seq_first: batch.seq,
        seq_last: batch.seq,
        from_us: time(batch.t_min),
        to_us: time(batch.t_max),
        class: batch.class as u32,
        count: batch.count(),
        reason: reason as i32,
    }
}

/// Puts batches into the file.
struct Insert<'a> {
    connection: &'a Connection,
    stream_id: i64,
    epochs: &'a Epochs,
    definitions: &'a BTreeMap<SchemaId, Arc<Schema>>,
    written: &'a mut Written,
}

impl Insert<'_> {
    /// Bulk is lost, counted, where nothing more could be evicted for it.
    fn all(&mut self, gathered: &[Gathered], fits: bool, now: Micros) -> rusqlite::Result<()> {
        // What is lost is told by the clock of now.
        let epoch = self.epochs.current();
        let reports = |batch: &&Gathered| {
            batch.epoch == epoch && batch.codec() == farwatch_common::batch::Codec::Events
        };
        let reporter = gathered.iter().rfind(reports).map(|batch| batch.seq);
        for batch in gathered {
            if !fits && order::is_bulk(batch.class) {
                let gap = lost_gap(self.stream_id, self.epochs, batch, GapReason::Evicted);
                losses::note_loss(self.connection, &gap, epoch, 1)?;
            } else if Some(batch.seq) != reporter {
                self.one(batch)?;
            }
        }
        // Last, so that it reports what this very commit has lost.
        let (stream_id, epochs) = (self.stream_id, self.epochs);
        gaps::settle_stops(self.connection, stream_id, epochs, || {
            self.written.numbers.take_in_commit()
        })?;
        let mut reporting = gathered.iter().find(|batch| Some(batch.seq) == reporter).cloned();
        if reporting.is_none() && gaps::any_unreported(self.connection, self.epochs)? {
            reporting = Some(Gathered::events(self.written.numbers.take_in_commit(), epoch));
        }
        if let Some(mut batch) = reporting {
            batch.add_events(gaps::report(
                self.connection,
                (self.stream_id, batch.seq),
                now,
                self.epochs,
            )?);
            self.one(&batch)?;
        }
        Ok(())
    }

    fn one(&mut self, batch: &Gathered) -> rusqlite::Result<()> {
        match batch.pack() {
            Ok(packed) => {
                let mut seq = batch.seq;
                let mut kept = batches::insert(self.connection, seq, batch, &packed)?;
                while kept == Kept::Taken {
                    let taken = seq;
                    seq = self.written.numbers.take_in_commit();
                    tracing::error!(taken, seq, "a number is in use: the batch gets another");
                    gaps::report_moved(self.connection, taken, seq)?;
                    kept = batches::insert(self.connection, seq, batch, &packed)?;
                }
                if kept == Kept::New {
                    self.written.fill.add(packed.data.len() as u64);
                }
                for id in packed.schemas {
                    let schema = self.definitions.get(&id).map(AsRef::as_ref);
                    self.written.schemas.keep(self.connection, id, schema, seq)?;
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "a batch cannot be packed: lost");
                let gap = lost_gap(self.stream_id, self.epochs, batch, GapReason::Rejected);
                losses::note_loss(self.connection, &gap, self.epochs.current(), 1)
            }
        }
    }
}
