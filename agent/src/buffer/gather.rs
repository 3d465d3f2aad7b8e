//! Core: gathers rows and events into one open batch per class.
//!
//! All open batches close together, when one has waited long enough or has grown large: one
//! transaction and one fsync for all classes, and between two commits no number is in use.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::batch::{self, BatchError, Codec};
use farwatch_common::clock::Micros;
use farwatch_common::sample::{Class, Column, Row, Schema, SchemaId};
use farwatch_proto::v1::{Event, event};
use prost::Message as _;

use super::order;

/// When a batch closes. Contract G1 lets a crash cost one second; the rest of it is for the commit.
pub(super) const BATCH_AGE_MAX: Duration = Duration::from_millis(800);
/// The same on a disk that wears out by being written to: a crash may cost this and the commit.
pub(super) const BATCH_AGE_SD_CARD: Duration = Duration::from_secs(5);
/// State changes are committed at once, with what else is open. So much is waited for the others of
/// the same moment: a device that is read for the first time tells several.
pub(super) const EVENT_AGE_MAX: Duration = Duration::from_millis(50);
/// Estimated packed size at which a batch closes early.
pub(super) const BATCH_BYTES_MAX: usize = 256 * 1024;
/// What a value and a row cost when packed, measured on interface counters.
const VALUE_BYTES: usize = 3;
const ROW_BYTES: usize = 24;
/// What a column of a schema costs beside its names.
const COLUMN_BYTES: usize = 16;
/// Numbers reserved on disk at a time.
pub(super) const SEQ_BLOCK: u64 = 1024;
/// Reserve again when fewer are left; each commit takes at most one per class.
pub(super) const SEQ_LOW: u64 = 128;

/// Numbers of batches: taken in memory, reserved on disk in blocks (contract G7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequences {
    pub(super) next: u64,
    pub(super) reserved_to: u64,
}

impl Sequences {
    /// The next number; `None` when the disk has taken no reservation for long.
    pub(super) fn take(&mut self) -> Option<u64> {
        let seq = self.next;
        (seq < self.reserved_to).then(|| {
            self.next += 1;
            seq
        })
    }

    /// The next number, for what is committed along with how far they are used.
    pub(super) fn take_in_commit(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// What must be reserved on disk with the next commit.
    #[must_use]
    pub(super) fn wanted(self) -> Self {
        let low = self.reserved_to.saturating_sub(self.next) < SEQ_LOW;
        let reserved_to = if low { self.next + SEQ_BLOCK } else { self.reserved_to };
        Self { reserved_to, ..self }
    }
}

#[derive(Clone, Debug)]
enum Content {
    Rows { rows: Vec<Row>, schemas: BTreeSet<SchemaId> },
    Events(Vec<Event>),
}

/// A batch in memory, open or closed, not yet packed.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) seq: u64,
    pub(super) class: Class,
    /// Of the clock that its times are by.
    pub(super) epoch: u64,
    pub(super) t_min: Micros,
    pub(super) t_max: Micros,
    /// Estimated packed size.
    pub(super) bytes: usize,
    content: Content,
}

/// What a batch becomes on disk.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) codec: Codec,
    pub(super) data: Vec<u8>,
    pub(super) schemas: Vec<SchemaId>,
}

impl Gathered {
    /// An empty batch of events.
    #[must_use]
    pub(super) fn events(seq: u64, epoch: u64) -> Self {
        Self::new(seq, Class::Events, epoch)
    }

    fn new(seq: u64, class: Class, epoch: u64) -> Self {
        let content = match class {
            Class::Snapshots | Class::Events => Content::Events(Vec::new()),
            Class::Gauges | Class::Counters => {
                Content::Rows { rows: Vec::new(), schemas: BTreeSet::new() }
            }
        };
        let (t_min, t_max) = (Micros(i64::MAX), Micros(i64::MIN));
        Self { seq, class, epoch, t_min, t_max, bytes: 0, content }
    }

    #[must_use]
    pub(super) fn codec(&self) -> Codec {
        match self.content {
            Content::Rows { .. } => Codec::Rows,
            Content::Events(_) => Codec::Events,
        }
    }

    /// How many rows or events.
    #[must_use]
    pub(super) fn count(&self) -> u64 {
        match &self.content {
            Content::Rows { rows, .. } => rows.len() as u64,
            Content::Events(events) => events.len() as u64,
        }
    }

    /// Adds events; nothing on a batch of rows.
    pub(super) fn add_events(&mut self, added: impl IntoIterator<Item = Event>) {
        for event in added {
            self.spans(Micros(event.at_us), event.encoded_len());
            if let Content::Events(events) = &mut self.content {
                events.push(event);
            }
        }
    }

    fn spans(&mut self, at: Micros, bytes: usize) {
        self.t_min = self.t_min.min(at);
        self.t_max = self.t_max.max(at);
        self.bytes += bytes;
    }

    /// Whether `data`, of a batch of the same codec, is this batch. Of events it may have more gaps at the end: a
    /// commit that failed and was kept after all has reported them. With fewer it is another one: what it does not
    /// tell would never be told.
    #[must_use]
    pub(super) fn is_stored_as(&self, data: &[u8], packed: &Packed) -> bool {
        match &self.content {
            Content::Rows { .. } => data == packed.data,
            Content::Events(events) => {
                batch::decode_events(data).is_ok_and(|stored| stored.starts_with(events))
            }
        }
    }

    /// Encodes the content.
    pub(super) fn pack(&self) -> Result<Packed, BatchError> {
        match &self.content {
            Content::Rows { rows, schemas } => {
                let schemas = schemas.iter().copied().collect();
                Ok(Packed { codec: Codec::Rows, data: batch::encode_rows(rows)?, schemas })
            }
            Content::Events(events) => {
                let data = batch::encode_events(events.clone())?;
                Ok(Packed { codec: Codec::Events, data, schemas: Vec::new() })
            }
        }
    }
}

/// A row or an event that found no number, which only a full disk can bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoNumber;

/// The open batches.
#[derive(Debug)]
pub(super) struct Gather {
    /// How long rows may wait.
    age_max: Duration,
    /// Of the clock that rows are stamped by: another one only while nothing is open.
    epoch: u64,
    open: BTreeMap<Class, Gathered>,
    /// When they have to be committed.
    due: Option<Duration>,
    /// Schemas of open batches, for the disk.
    schemas: BTreeMap<SchemaId, Arc<Schema>>,
}

impl Gather {
    #[must_use]
    pub(super) fn new(age_max: Duration, epoch: u64) -> Self {
        Self { age_max, epoch, open: BTreeMap::new(), due: None, schemas: BTreeMap::new() }
    }

    /// Closes all open batches, as what comes is stamped in another epoch.
    pub(super) fn turn_to(
        &mut self,
        epoch: u64,
    ) -> (Vec<Gathered>, BTreeMap<SchemaId, Arc<Schema>>) {
        self.epoch = epoch;
        self.take()
    }

    /// Adds a row; `now` is monotonic time. A schema that the file does not have yet (`new`) counts
    /// with the first batch that brings it.
    pub(super) fn row(
        &mut self,
        row: Row,
        (schema, new): (&Arc<Schema>, bool),
        numbers: &mut Sequences,
        now: Duration,
    ) -> Result<(), NoNumber> {
        let id = row.schema;
        let mut bytes = ROW_BYTES + VALUE_BYTES * row.values.len();
        if new && !self.schemas.contains_key(&id) {
            bytes += definition_bytes(schema);
        }
        let batch = self.batch(row.group.class(), numbers, now)?;
        batch.spans(row.at, bytes);
        if let Content::Rows { rows, schemas } = &mut batch.content {
            schemas.insert(id);
            rows.push(row);
        }
        self.schemas.entry(id).or_insert_with(|| Arc::clone(schema));
        Ok(())
    }

    /// Adds an event.
    pub(super) fn event(
        &mut self,
        event: Event,
        numbers: &mut Sequences,
        now: Duration,
    ) -> Result<(), NoNumber> {
        self.batch(Class::Events, numbers, now)?.add_events([event]);
        Ok(())
    }

    fn batch(
        &mut self,
        class: Class,
        numbers: &mut Sequences,
        now: Duration,
    ) -> Result<&mut Gathered, NoNumber> {
        match self.open.entry(class) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => {
                let seq = numbers.take().ok_or(NoNumber)?;
                let age_max = if order::is_bulk(class) { self.age_max } else { EVENT_AGE_MAX };
                let due = now + age_max;
                self.due = Some(self.due.map_or(due, |known| known.min(due)));
                Ok(free.insert(Gathered::new(seq, class, self.epoch)))
            }
        }
    }

    /// When the open batches have to be committed.
    #[must_use]
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Whether to commit now.
    #[must_use]
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now) || self.is_full()
    }

    /// Whether a batch has all it may hold.
    #[must_use]
    pub(super) fn is_full(&self) -> bool {
        self.open.values().any(|batch| batch.bytes >= BATCH_BYTES_MAX)
    }

    /// Closes all open batches; their schemas come along.
    pub(super) fn take(&mut self) -> (Vec<Gathered>, BTreeMap<SchemaId, Arc<Schema>>) {
        self.due = None;
        let open = std::mem::take(&mut self.open);
        (open.into_values().collect(), std::mem::take(&mut self.schemas))
    }
}

/// About what a definition takes in the file.
fn definition_bytes(schema: &Schema) -> usize {
    let column = |column: &Column| COLUMN_BYTES + column.object.len() + column.metric.len();
    schema.columns.iter().map(column).sum()
}

/// A gap as the event that reports it.
#[must_use]
pub(super) fn gap_event(at: Micros, gap: farwatch_proto::v1::Gap) -> Event {
    Event { at_us: at.0, kind: Some(event::Kind::Gap(gap)) }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::DeviceId;
    use farwatch_common::sample::Group;

    use super::*;

    fn schema() -> Arc<Schema> {
        Arc::new(Schema { group: Group::System, columns: Vec::new() })
    }

    fn row(group: Group, at: i64, values: usize) -> Row {
        let schema = schema().id();
        let values = vec![Some(1); values];
        Row { device: DeviceId(1), group, schema, at: Micros(at), cause: None, values }
    }

    fn numbers() -> Sequences {
        Sequences { next: 7, reserved_to: 1024 }
    }

    #[test]
    fn a_batch_holds_one_class_and_all_close_together() {
        let (mut gather, mut numbers) = (Gather::new(BATCH_AGE_MAX, 1), numbers());
        let s = Duration::from_secs;
        gather.row(row(Group::System, 5, 3), (&schema(), false), &mut numbers, s(10)).unwrap();
        gather.row(row(Group::Interfaces, 9, 3), (&schema(), false), &mut numbers, s(10)).unwrap();
        gather.row(row(Group::Interfaces, 4, 3), (&schema(), false), &mut numbers, s(10)).unwrap();
        let due = s(10) + BATCH_AGE_MAX;
        assert!(!gather.is_due(due - Duration::from_millis(1)));
        assert!(gather.is_due(due));
        let (closed, schemas) = gather.take();
        let seen: Vec<_> =
            closed.iter().map(|b| (b.seq, b.class, b.count(), b.t_min.0, b.t_max.0)).collect();
        assert_eq!(seen, [(7, Class::Gauges, 1, 5, 5), (8, Class::Counters, 2, 4, 9)]);
        assert_eq!(schemas.len(), 1);
        assert_eq!((gather.deadline(), numbers.next), (None, 9));
    }

    #[test]
    fn a_state_change_waits_for_no_bulk_and_takes_it_along() {
        for age_max in [BATCH_AGE_MAX, BATCH_AGE_SD_CARD] {
            let (mut gather, mut numbers) = (Gather::new(age_max, 1), numbers());
            let (s, event) = (Duration::from_secs, || Event { at_us: 5, kind: None });
            let counters = row(Group::Interfaces, 4, 3);
            gather.row(counters, (&schema(), false), &mut numbers, s(10)).unwrap();
            assert_eq!(gather.deadline(), Some(s(10) + age_max));
            let told = s(10) + Duration::from_millis(20);
            gather.event(event(), &mut numbers, told).unwrap();
            // A second one does not put it off.
            gather.event(event(), &mut numbers, told + Duration::from_millis(40)).unwrap();
            assert!(!gather.is_due(told));
            assert!(gather.is_due(told + EVENT_AGE_MAX));
            let (closed, _) = gather.take();
            let classes: Vec<_> = closed.iter().map(|batch| (batch.class, batch.count())).collect();
            assert_eq!(classes, [(Class::Events, 2), (Class::Counters, 1)]);
            assert_eq!(gather.deadline(), None);
        }
    }

    #[test]
    fn a_large_batch_closes_early_and_fits_the_wire() {
        let (mut gather, mut numbers) = (Gather::new(BATCH_AGE_MAX, 1), numbers());
        while !gather.is_due(Duration::ZERO) {
            // The worst values there are for the codec.
            let mut worst = row(Group::Interfaces, 0, 1000);
            for (at, value) in worst.values.iter_mut().enumerate() {
                *value = Some((at as i64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64));
            }
            gather.row(worst, (&schema(), false), &mut numbers, Duration::ZERO).unwrap();
        }
        let (closed, _) = gather.take();
        assert!(closed[0].pack().unwrap().data.len() <= batch::PACKED_BYTES_MAX);
    }

    #[test]
    fn without_a_number_nothing_opens() {
        let mut gather = Gather::new(BATCH_AGE_MAX, 1);
        let mut used_up = Sequences { next: 5, reserved_to: 5 };
        let refused =
            gather.row(row(Group::System, 0, 1), (&schema(), false), &mut used_up, Duration::ZERO);
        assert_eq!(refused, Err(NoNumber));
        assert_eq!(gather.deadline(), None);
    }

    #[test]
    fn blocks_are_reserved_before_they_run_out() {
        assert_eq!(numbers().wanted(), numbers());
        let low = Sequences { next: 1000, reserved_to: 1024 };
        assert_eq!(low.wanted().reserved_to, 1000 + SEQ_BLOCK);
    }
}
