//! Core: from a batch of the wire to one that may be stored.
//!
//! Everything an agent can get wrong is refused here, with a code that says what the agent has to
//! do. What an agent cannot help (a device that was removed meanwhile, a clock that runs ahead) is
//! put right and counted; a batch of which nothing is left counts as taken. A device that moved to
//! another agent is such a thing: what the old one still holds of others must not be lost with it.
//! What is dropped of a device that is still there is a loss, and becomes a gap of the batch.

pub(crate) mod clock;
mod events;
mod losses;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farwatch_common::batch::{
    BatchError, Codec, PACKED_BYTES_MAX, content_hash, decode_events, decode_rows, encode_rows,
};
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Class, Row, SchemaId, definition};
use farwatch_proto::v1::{Batch, RejectCode, SchemaDef};
use prost::Message as _;

use crate::live::layout::Layout;
use crate::store::samples::{Append, Fact};
use losses::Losses;

/// Most schemas one batch may bring.
pub const BATCH_SCHEMAS_MAX: usize = 1024;
/// Most schemas a tenant may have, and the memory their layouts may take: more would be devices
/// that change their shape all the time.
pub const TENANT_SCHEMAS_MAX: usize = 50_000;
pub const TENANT_LAYOUT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How far an agent's clock may run ahead, once it is corrected.
const FUTURE_MAX: Duration = Duration::from_secs(300);

/// Who polls a device now, seen by the agent that sent the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Own,
    /// Another agent of the tenant: the device has moved.
    Anothers,
    /// Nobody: it was removed. Other tenants' devices look the same.
    Nobodys,
}

/// What is known beside the batch.
pub trait Known {
    fn whose(&self, device: DeviceId) -> Whose;
    /// A schema that is stored.
    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>>;
    /// How many schemas the tenant has, and the memory their layouts take.
    fn schemas(&self) -> (usize, usize);
    /// Whether times of the agent are corrected now, by what its heartbeats tell of its clock.
    fn corrects_times(&self) -> bool;
    /// Whether the tenant has room for the series of a table of a device.
    fn series_room(&self, device: DeviceId, layout: &Arc<Layout>) -> bool;
}

/// Who sent the batch, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub received: Micros,
}

/// A batch that may be stored, and what it says.
#[derive(Clone, Debug)]
pub struct Checked {
    pub append: Append,
    pub rows: Vec<(Row, Arc<Layout>)>,
    /// Schemas that came with it.
    pub layouts: Vec<(SchemaId, Arc<Layout>)>,
    /// Whose time was shifted, as their agent's clock was wrong.
    pub rows_corrected: u64,
    pub rows_clamped: u64,
    pub rows_unknown_device: u64,
    /// Of new tables of devices, while the tenant's quota of series is used up.
    pub rows_over_quota: u64,
}

/// Why a batch is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    pub code: RejectCode,
    pub detail: String,
}

impl Refused {
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self { code: RejectCode::Malformed, detail: detail.into() }
    }
}

impl From<BatchError> for Refused {
    fn from(error: BatchError) -> Self {
        Self::malformed(error.to_string())
    }
}

/// Checks a batch against the limits and what is known. Linear in its unpacked size.
pub fn check(batch: Batch, sender: Sender, known: &impl Known) -> Result<Checked, Refused> {
    let Batch { stream_id, seq, class, codec, data, schemas, clock_offset_us, .. } = batch;
    if stream_id <= 0 || i64::try_from(seq).is_err() {
        return Err(Refused::malformed("stream and sequence have to fit 63 bits, above 0"));
    }
    if data.len() > PACKED_BYTES_MAX {
        return Err(BatchError::TooLarge { size: data.len(), max: PACKED_BYTES_MAX }.into());
    }
    let class = Class::from_wire(class)
        .ok_or_else(|| Refused::malformed(format!("there is no delivery class {class}")))?;
    let codec = Codec::from_wire(codec)
        .ok_or_else(|| Refused::malformed(format!("there is no codec {codec}")))?;
    let append = Append {
        tenant: sender.tenant,
        agent: sender.agent,
        stream: stream_id,
        seq,
        class,
        codec,
        received: sender.received,
        from: sender.received,
        to: sender.received,
        samples: 0,
        clock_offset: clock_offset_us.filter(|offset| clock::is_offset(*offset)),
        // Of what was sent: a repeat that knows the clock better is still one.
        hash: content_hash(class, codec, &data),
        data,
        sent: None,
        uses: Vec::new(),
        schemas: Vec::new(),
        facts: Vec::new(),
    };
    let mut checked = Checked {
        append,
        rows: Vec::new(),
        layouts: Vec::new(),
        rows_corrected: 0,
        rows_clamped: 0,
        rows_unknown_device: 0,
        rows_over_quota: 0,
    };
    take_schemas(&mut checked, schemas, known)?;
    match codec {
        Codec::Rows => take_rows(&mut checked, known)?,
        Codec::Events => take_events(&mut checked, known)?,
    }
    // Of rows that were dropped: nothing would ever refer to them.
    let used: BTreeSet<SchemaId> =
        checked.append.uses.iter().map(|(_, _, schema)| *schema).collect();
    checked.layouts.retain(|(id, _)| used.contains(id));
    checked.append.schemas.retain(|(id, _)| used.contains(id));
    Ok(checked)
}

fn take_schemas(
    checked: &mut Checked,
    schemas: Vec<SchemaDef>,
    known: &impl Known,
) -> Result<(), Refused> {
    if schemas.len() > BATCH_SCHEMAS_MAX {
        let detail = format!("the batch brings more than {BATCH_SCHEMAS_MAX} schemas");
        return Err(Refused::malformed(detail));
    }
    for def in schemas {
        let (id, schema) = definition::read(&def).map_err(|e| Refused::malformed(e.to_string()))?;
        if known.layout(id).is_some() || checked.layouts.iter().any(|(same, _)| *same == id) {
            continue;
        }
        let (count, bytes) = known.schemas();
        if count >= TENANT_SCHEMAS_MAX || bytes >= TENANT_LAYOUT_BYTES_MAX {
            // Nothing is wrong with the batch: the agent keeps it until there is room.
            let detail = format!("the tenant has {count} schemas of {bytes} bytes, the most there");
            let detail = format!("{detail} are; remove devices whose shape changes all the time");
            return Err(Refused { code: RejectCode::NotNow, detail });
        }
        checked.layouts.push((id, Arc::new(Layout::new(&schema))));
        checked.append.schemas.push((id, def.encode_to_vec()));
    }
    Ok(())
}

fn take_rows(checked: &mut Checked, known: &impl Known) -> Result<(), Refused> {
    let mut rows = decode_rows(&checked.append.data)?;
    if rows.is_empty() {
        return Err(Refused::malformed("the batch is empty"));
    }
    let decoded = rows.len();
    let shift = clock::shift(checked.append.clock_offset, known.corrects_times());
    if shift != 0 {
        rows.iter_mut().for_each(|row| row.at = clock::shifted(row.at, shift));
        checked.rows_corrected = decoded as u64;
    }
    checked.rows_clamped = clamp(&mut rows, checked.append.received);
    let mut losses = Losses::default();
    let strangers = strangers(rows.iter().map(|row| row.device), known);
    rows.retain(|row| {
        let whose = strangers.get(&row.device);
        if whose == Some(&Whose::Anothers) {
            losses.add(row.at);
        }
        whose.is_none()
    });
    checked.rows_unknown_device = (decoded - rows.len()) as u64;
    let layouts = layouts_of(checked, &rows, known)?;
    checked.rows_over_quota = drop_over_quota(&mut rows, &layouts, known, &mut losses);
    checked.append.facts.extend(losses.gap(&checked.append).map(Fact::Dropped));
    if rows.len() < decoded || checked.rows_clamped + checked.rows_corrected > 0 {
        let changed = Bytes::from(encode_rows(&rows)?);
        checked.append.sent = Some(mem::replace(&mut checked.append.data, changed));
    }
    let times = || rows.iter().map(|row| row.at);
    checked.append.from = times().min().unwrap_or(checked.append.received);
    checked.append.to = times().max().unwrap_or(checked.append.received);
    let samples: usize = rows.iter().map(|row| row.values.len()).sum();
    checked.append.samples = u32::try_from(samples).unwrap_or(u32::MAX);
    let uses: BTreeSet<_> = rows.iter().map(|row| (row.device, row.group, row.schema)).collect();
    checked.append.uses = uses.into_iter().collect();
    let with_layout = |row: Row| Some((layouts.get(&row.schema)?.clone(), row));
    let pairs = rows.into_iter().filter_map(with_layout);
    checked.rows = pairs.map(|(layout, row)| (row, layout)).collect();
    Ok(())
}

/// What each row means, if all fit to what they mean.
fn layouts_of(
    checked: &Checked,
    rows: &[Row],
    known: &impl Known,
) -> Result<BTreeMap<SchemaId, Arc<Layout>>, Refused> {
    let mut layouts: BTreeMap<SchemaId, Arc<Layout>> = checked.layouts.iter().cloned().collect();
    for row in rows {
        let layout = match layouts.entry(row.schema) {
            Entry::Occupied(layout) => layout.into_mut(),
            Entry::Vacant(new) => new.insert(known.layout(row.schema).ok_or_else(|| Refused {
                code: RejectCode::UnknownSchema,
                detail: format!("schema {:016x} is not known", row.schema.0),
            })?),
        };
        check_row(row, layout, checked.append.class)?;
    }
    Ok(layouts)
}

/// Drops rows of tables for which the tenant has no room; says how many. A poll that failed brings
/// no series.
fn drop_over_quota(
    rows: &mut Vec<Row>,
    layouts: &BTreeMap<SchemaId, Arc<Layout>>,
    known: &impl Known,
    losses: &mut Losses,
) -> u64 {
    let mut room: BTreeMap<(DeviceId, SchemaId), bool> = BTreeMap::new();
    let before = rows.len();
    rows.retain(|row| {
        let Some(layout) = layouts.get(&row.schema) else { return true };
        let stays = row.cause.is_some()
            || *room
                .entry((row.device, row.schema))
                .or_insert_with(|| known.series_room(row.device, layout));
        if !stays {
            losses.add(row.at);
        }
        stays
    });
    (before - rows.len()) as u64
}

fn check_row(row: &Row, layout: &Layout, class: Class) -> Result<(), Refused> {
    if row.group != layout.group || row.group.class() != class {
        return Err(Refused::malformed("a row's group is not that of its schema and class"));
    }
    let wanted = if row.cause.is_some() { 0 } else { layout.columns };
    if row.values.len() != wanted {
        let found = row.values.len();
        let detail = format!("a row has {found} values, its schema {} columns", layout.columns);
        return Err(Refused::malformed(detail));
    }
    Ok(())
}

fn take_events(checked: &mut Checked, known: &impl Known) -> Result<(), Refused> {
    if checked.append.class != Class::Events {
        return Err(Refused::malformed("events have a class of their own"));
    }
    let events = decode_events(&checked.append.data)?;
    let shift = clock::shift(checked.append.clock_offset, known.corrects_times());
    let (facts, devices) = events::check(events, shift, checked.append.received)?;
    // What a device is is told by the agent that it moved to: nothing of it is lost.
    let gone = strangers(devices.iter().flatten().copied(), known);
    let total = facts.len();
    for (fact, device) in facts.into_iter().zip(devices) {
        if device.is_none_or(|device| !gone.contains_key(&device)) {
            checked.append.facts.push(fact);
        }
    }
    checked.rows_unknown_device = (total - checked.append.facts.len()) as u64;
    Ok(())
}

/// The devices that are not (any more) the agent's, and whose they are.
fn strangers(
    devices: impl Iterator<Item = DeviceId>,
    known: &impl Known,
) -> BTreeMap<DeviceId, Whose> {
    let devices: BTreeSet<DeviceId> = devices.collect();
    let all = devices.into_iter().map(|device| (device, known.whose(device)));
    all.filter(|(_, whose)| *whose != Whose::Own).collect()
}

/// Moves rows of the future back, keeping the time between them: the newest comes to `received`. What
/// is before 1970 comes to its beginning: nothing is refused for its time.
fn clamp(rows: &mut [Row], received: Micros) -> u64 {
    let newest = rows.iter().map(|row| row.at).max().unwrap_or(received);
    let is_ahead = newest > received.after(FUTURE_MAX);
    let ahead = newest.since(received);
    let mut clamped = 0;
    for row in rows.iter_mut() {
        let was = row.at;
        if is_ahead && row.at > received {
            row.at = row.at.before(ahead);
        }
        row.at = row.at.max(Micros(0));
        clamped += u64::from(row.at != was);
    }
    clamped
}

#[cfg(test)]
mod tests;
