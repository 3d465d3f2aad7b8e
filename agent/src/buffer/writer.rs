//! The thread that owns the file: gathers, commits, hands out, deletes.
//!
//! When the disk is full it drops the ballast, evicts, gives the log's room back and tries again;
//! while even that fails, batches wait in memory up to a limit, oldest bulk lost
//! first. After any other failure the file is opened anew, and a damaged one replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Schema, SchemaId};
use farwatch_common::task::chain;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, watch};

use super::ballast::Ballast;
use super::batches::{self, Picked, Shelf};
use super::file::{self, File, Opening};
use super::gather::{Gather, Gathered};
use super::losses;
use super::since::Since;
use super::{
    BufferConfig, BufferError, BufferState, Command, Outgoing, Refusal, Wanted, aside, stream,
    upgrade,
};
use crate::poll::Observation;
use crate::poll::outlet::{Loss, Unplaced};

/// Taken from the channel at a time.
const RECEIVED_MAX: usize = 256;
/// Acknowledged batches are noted with the next commit, or once so many wait for that.
const ACKED_MAX: u64 = 256;

/// By stream and class.
pub(super) type Lost = BTreeMap<(i64, u32), Gap>;

pub(super) struct Writer {
    pub(super) config: BufferConfig,
    pub(super) clock: Clock,
    started: Instant,
    pub(super) state: watch::Sender<BufferState>,
    pub(super) ballast: Ballast,
    pub(super) since: Since,
    pub(super) file: File,
    pub(super) gather: Gather,
    /// Closed, not yet committed.
    pub(super) unwritten: Vec<Gathered>,
    pub(super) unwritten_schemas: BTreeMap<SchemaId, Arc<Schema>>,
    /// Acknowledged, which the file does not say yet.
    pub(super) acked: SeqRanges,
    pub(super) acked_count: u64,
    pub(super) acked_since: Option<Duration>,
    pub(super) in_flight: BTreeSet<u64>,
    /// What the collector said last that it has, until the file tells what follows of that.
    pub(super) told: Option<Vec<(i64, SeqRanges)>>,
    /// When polling has ended, by the clock of now.
    pub(super) polled_until: Option<Micros>,
    /// What found no room on the way here.
    unplaced: Arc<Unplaced>,
    /// Lost in memory, not yet noted in the file.
    pub(super) lost: Lost,
    /// When a commit was tried that has not succeeded, and what it would have noted.
    pub(super) attempt: Option<(Micros, Lost)>,
    pub(super) trouble: Option<String>,
    /// The file looked damaged, was checked and seemed sound; nothing was committed since.
    pub(super) suspect: bool,
    /// How the file is to be taken that could not be opened again.
    pub(super) opening: Opening,
    /// Not after the file could not be opened again: an empty one in memory is in its place.
    pub(super) is_open: bool,
}

impl Writer {
    pub(super) fn open(
        config: BufferConfig,
        clock: Clock,
        state: watch::Sender<BufferState>,
        unplaced: Arc<Unplaced>,
    ) -> Result<Self, BufferError> {
        let ballast = Ballast::of(&config);
        let file = match file::open(&config, None, &clock) {
            Err(error) if error.is_full() => {
                tracing::warn!("the disk is full: dropping the ballast to open the buffer");
                // If that fails too, the second attempt says so.
                let _ = aside::drop_all(&config.dir);
                let _ = ballast.drop_it();
                let mut opened = file::open(&config, None, &clock);
                let is_full = |opened: &Result<File, BufferError>| {
                    opened.as_ref().is_err_and(BufferError::is_full)
                };
                for _ in 0..upgrade::TRIES {
                    if !is_full(&opened) || !upgrade::make_room(&config).unwrap_or(false) {
                        break;
                    }
                    opened = file::open(&config, None, &clock);
                }
                opened?
            }
            other => other?,
        };
        let since = Since::new(&config.dir);
        let mut writer = Self {
            started: clock.monotonic(),
            gather: Gather::new(config.batch_age, file.epochs.current()),
            unwritten: Vec::new(),
            unwritten_schemas: BTreeMap::new(),
            acked: SeqRanges::new(),
            acked_count: 0,
            acked_since: None,
            in_flight: BTreeSet::new(),
            told: None,
            polled_until: None,
            unplaced,
            lost: Lost::new(),
            attempt: None,
            trouble: None,
            suspect: false,
            opening: Opening::Trust,
            is_open: true,
            config,
            clock,
            state,
            ballast,
            since,
            file,
        };
        writer.ballast.keep(writer.now());
        writer.publish(false);
        Ok(writer)
    }

    /// Runs until polling has ended and nobody commands any more.
    pub(super) async fn run(
        mut self,
        mut observations: mpsc::Receiver<Observation>,
        mut commands: mpsc::Receiver<Command>,
    ) {
        let mut received = Vec::with_capacity(RECEIVED_MAX);
        let (mut polling, mut commanded) = (true, true);
        // Gaps an unclean stop left are reported without waiting for the first row.
        self.commit();
        while polling || commanded {
            let due = self.deadline().map(|due| tokio::time::Instant::from_std(self.started + due));
            tokio::select! {
                command = commands.recv(), if commanded => match command {
                    Some(command) => self.obey(command),
                    None => commanded = false,
                },
                count = observations.recv_many(&mut received, RECEIVED_MAX), if polling => {
                    received.drain(..).for_each(|observation| self.take(observation));
                    if count == 0 {
                        polling = false;
                        self.polled_until = Some(self.clock.now());
                        self.commit();
                        self.publish(true);
                    }
                }
                () = sleep_until(due) => {}
            }
            if self.deadline().is_some_and(|due| due <= self.now()) {
                self.commit();
                self.compare_told();
            }
        }
        self.stop();
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.started)
    }

    /// When something has to be committed.
    fn deadline(&self) -> Option<Duration> {
        let acked = self.acked_since.map(|since| since + self.config.batch_age);
        let gathered = self.gather.deadline().filter(|_| self.trouble.is_none());
        let again = self.file.delivered.any_again() && self.trouble.is_none();
        gathered.into_iter().chain(acked).chain(again.then(|| self.now())).min()
    }

    pub(super) fn take(&mut self, observation: Observation) {
        self.look();
        let (now, numbers) = (self.now(), &mut self.file.numbers);
        let (class, at, taken) = match observation {
            Observation::Row { mut row, schema } => {
                row.at = self.file.epochs.rectified(row.at);
                let (class, at) = (row.group.class(), row.at);
                let schema = (&schema, !self.file.schemas.has(row.schema));
                (class, at, self.gather.row(row, schema, numbers, now))
            }
            Observation::Ended(_) => return,
            Observation::Event(mut event) => {
                let at = self.file.epochs.rectified(Micros(event.at_us));
                event.at_us = at.0;
                (Class::Events, at, self.gather.event(event, numbers, now))
            }
        };
        if taken.is_err() {
            self.lose_unnumbered(class, Loss::one(at));
        }
        let due = match self.trouble {
            None => self.gather.is_due(now),
            Some(_) => self.gather.is_full(),
        };
        if due {
            self.commit();
        }
    }

    /// What found no room on the way here is a loss like any other.
    pub(super) fn take_unplaced(&mut self) {
        for (class, mut loss) in self.unplaced.take() {
            loss.from = self.file.epochs.rectified(loss.from);
            loss.to = self.file.epochs.rectified(loss.to);
            self.lose_unnumbered(class, loss);
        }
    }

    /// No number was given to it: the gap gets one with the next commit.
    fn lose_unnumbered(&mut self, class: Class, loss: Loss) {
        self.lose(Gap {
            stream_id: self.file.stream_id,
            // Those from both sides of a jump may be told the wrong way round.
            from_us: loss.from.0.min(loss.to.0),
            to_us: loss.from.0.max(loss.to.0),
            class: class as u32,
            count: loss.count,
            reason: GapReason::Evicted as i32,
            ..Gap::default()
        });
    }

    pub(super) fn lose(&mut self, gap: Gap) {
        let key = (gap.stream_id, gap.class);
        let mut merged = self.lost.remove(&key);
        losses::merge(&mut merged, gap);
        self.lost.extend(merged.map(|gap| (key, gap)));
    }

    fn obey(&mut self, command: Command) {
        self.look();
        // What is published comes before the answer: who reads both sees the stream of the answer.
        // An uplink that left does not mind that nobody takes it.
        match command {
            Command::Next(wanted, reply) => {
                let found = self.attempt(|writer| writer.next(&wanted));
                self.publish_again();
                let _ = reply.send(found);
            }
            Command::Fork(reply) => {
                let stream_id = self.attempt(Self::fork);
                self.publish_again();
                let _ = reply.send(stream_id);
            }
            Command::Acked(stream_id, seqs) => {
                if stream_id == self.file.stream_id {
                    self.acked(&seqs);
                }
            }
            Command::Stored(told) => {
                self.told = Some(told);
                self.compare_told();
            }
            Command::Measured(measured) => self.clock_measured(measured),
            // What fails for good is not lost: the batch is sent again and refused again.
            Command::Refused(stream_id, refusal) => {
                let _ = self.attempt(|writer| match stream_id == writer.file.stream_id {
                    true => writer.refuse(&refusal),
                    false => Ok(()),
                });
            }
            Command::SchemasUnknown(stream_id, seq) => {
                let _ = self.attempt(|writer| match stream_id == writer.file.stream_id {
                    true => writer.schemas_unknown(seq),
                    false => Ok(()),
                });
            }
        }
        self.publish_again();
    }

    /// Does `work`, and once more after recovering from its failure.
    fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, BufferError>,
    ) -> Result<T, BufferError> {
        work(self).or_else(|error| {
            tracing::error!(error = chain(&error), "the buffer could not do what was asked");
            self.recover(&error)?;
            work(self)
        })
    }

    pub(super) fn publish_again(&mut self) {
        // Not in one expression: the look would hold the lock that publishing takes.
        let flushed = self.state.borrow().flushed;
        self.publish(flushed);
    }

    fn next(&mut self, wanted: &Wanted) -> Result<Vec<Outgoing>, BufferError> {
        loop {
            let shelf = Shelf {
                connection: &self.file.connection,
                stream_id: self.file.stream_id,
                schemas: &self.file.schemas,
                epochs: &self.file.epochs,
                gone: &self.acked,
            };
            let Picked { outgoing, damaged } = batches::next(&shelf, wanted)?;
            if damaged.is_empty() {
                self.in_flight.clone_from(&wanted.in_flight);
                self.in_flight.extend(outgoing.iter().map(|outgoing| outgoing.batch.seq));
                return Ok(outgoing);
            }
            // Without them others have room.
            self.drop_damaged(&damaged)?;
        }
    }

    fn drop_damaged(&mut self, seqs: &[u64]) -> Result<(), BufferError> {
        let (stream_id, mut fill) = (self.file.stream_id, self.file.fill);
        self.in_one(|step| losses::drop_damaged(step, stream_id, seqs, &mut fill))?;
        self.file.fill = fill;
        // The gaps are reported with the next commit.
        self.acked_since.get_or_insert(self.now());
        Ok(())
    }

    /// What it was told may find a disk that takes nothing: then again after the next commit.
    pub(super) fn compare_told(&mut self) {
        if self.trouble.is_some() {
            return;
        }
        let Some(told) = self.told.take() else { return };
        if self.attempt(|writer| writer.stored(&told)).is_err() {
            self.told = Some(told);
            self.acked_since.get_or_insert(self.now());
        }
    }

    pub(super) fn acked(&mut self, seqs: &SeqRanges) {
        let stream_id = self.file.stream_id;
        let told = self.told.iter_mut().flatten().filter(|(told, _)| *told == stream_id);
        // It has these beside what it said.
        let mut told: Vec<&mut SeqRanges> = told.map(|(_, stored)| stored).collect();
        for (first, last) in seqs.iter() {
            told.iter_mut().for_each(|stored| stored.insert_range(first, last));
            self.acked.insert_range(first, last);
            self.acked_count = self.acked_count.saturating_add(last - first).saturating_add(1);
        }
        self.acked_since.get_or_insert(self.now());
        if self.acked_count >= ACKED_MAX {
            self.commit();
        }
    }

    fn refuse(&mut self, refusal: &Refusal) -> Result<(), BufferError> {
        let (now, stream_id) = (self.clock.now(), self.file.stream_id);
        let mut fill = self.file.fill;
        self.in_one(|step| losses::quarantine(step, (stream_id, now), refusal, &mut fill))?;
        self.file.fill = fill;
        tracing::error!(
            batch_seq = refusal.seq,
            code = refusal.code,
            detail = refusal.detail,
            "the collector refused a batch for good: set aside"
        );
        self.in_flight.remove(&refusal.seq);
        // The gap is reported with the next commit.
        self.acked_since.get_or_insert(self.now());
        Ok(())
    }

    fn schemas_unknown(&mut self, seq: u64) -> Result<(), BufferError> {
        let ids = batches::schemas_of(&self.file.connection, seq)?;
        let mut schemas = self.file.schemas.clone();
        self.in_one(|step| schemas.set_acked(step, &ids, false))?;
        self.file.schemas = schemas;
        Ok(())
    }

    fn fork(&mut self) -> Result<i64, BufferError> {
        // What the collector has belongs to the old stream.
        self.commit();
        let stream_id = stream::new_id();
        self.in_one(|step| {
            step.execute("UPDATE stream SET stream_id = ?1", [stream_id])?;
            stream::sign(step)
        })?;
        tracing::error!(
            old = self.file.stream_id,
            new = stream_id,
            "this agent's state was copied or rolled back: going on under a new stream"
        );
        self.file.stream_id = stream_id;
        Ok(stream_id)
    }

    pub(super) fn in_one(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), BufferError> {
        let step =
            self.file.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&step)?;
        Ok(step.commit()?)
    }
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
