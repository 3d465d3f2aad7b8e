//! Schemas the rows in the buffer follow: sent along until a batch with them is acknowledged, and
//! kept while a batch needs them. Those that none needs stay within a part of the cap, since a device
//! whose interfaces come and go makes a new one with every poll.

use std::collections::btree_map::{BTreeMap, Entry};

use farwatch_common::sample::{Class, Group, Schema, SchemaId, definition};
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, params};

/// What one schema costs in the file and in memory beside its definition.
const SCHEMA_BYTES: u64 = 256;

/// What is known of the schemas in the file, so that a row of a known one costs no statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemas {
    known: BTreeMap<SchemaId, Known>,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// An acknowledged batch has carried it.
    acked: bool,
    /// Of the batches that follow it; `None` in a file that did not keep it.
    class: Option<Class>,
    /// Highest number of them.
    last_seq: u64,
    bytes: u64,
}

impl Schemas {
    /// Those that are what their ids say. The others come again with the next row that follows them.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement =
            connection.prepare("SELECT schema_id, acked, class, last_seq, def FROM schema")?;
        let mut rows = statement.query([])?;
        let mut schemas = Self::default();
        while let Some(row) = rows.next()? {
            let def = row.get_ref(4)?.as_blob()?;
            if read(SchemaId(row.get(0)?), def).is_none() {
                tracing::error!("the definition of a schema is not what was written: left out");
                continue;
            }
            let class = Class::from_wire(row.get(2)?).filter(|class| *class != Class::Snapshots);
            let bytes = SCHEMA_BYTES + def.len() as u64;
            let last_seq = row.get::<_, i64>(3)?.cast_unsigned();
            let known = Known { acked: row.get(1)?, class, last_seq, bytes };
            schemas.known.insert(SchemaId(row.get(0)?), known);
            schemas.bytes += bytes;
        }
        Ok(schemas)
    }

    pub(super) fn has(&self, id: SchemaId) -> bool {
        self.known.contains_key(&id)
    }

    /// Keeps that the batch `seq` follows `schema`.
    pub(super) fn keep(
        &mut self,
        connection: &Connection,
        id: SchemaId,
        schema: Option<&Schema>,
        seq: u64,
    ) -> rusqlite::Result<()> {
        match (self.known.entry(id), schema) {
            (Entry::Occupied(mut known), _) => {
                known.get_mut().last_seq = seq;
                connection
                    .prepare_cached("UPDATE schema SET last_seq = ?2 WHERE schema_id = ?1")?
                    .execute(params![id.0, seq.cast_signed()])?;
            }
            (Entry::Vacant(new), Some(schema)) => {
                let def = definition::write(schema).encode_to_vec();
                let class = schema.group.class();
                connection
                    .prepare_cached(
                        // In the place of one that was damaged.
                        "INSERT OR REPLACE INTO schema (schema_id, def, acked, last_seq, class)
                         VALUES (?1, ?2, 0, ?3, ?4)",
                    )?
                    .execute(params![id.0, def, seq.cast_signed(), class as u8])?;
                let bytes = SCHEMA_BYTES + def.len() as u64;
                new.insert(Known { acked: false, class: Some(class), last_seq: seq, bytes });
                self.bytes += bytes;
            }
            (Entry::Vacant(_), None) => {}
        }
        Ok(())
    }

    /// Forgets schemas that no batch that waits follows, the longest unused first, until they take at
    /// most `most` bytes: a row that needs one brings it again. Those of batches that are kept go last.
    pub(super) fn prune(&mut self, connection: &Connection, most: u64) -> rusqlite::Result<()> {
        if self.bytes <= most {
            return Ok(());
        }
        let oldest = |class: Class| -> rusqlite::Result<u64> {
            let seq: Option<i64> = connection
                .prepare_cached("SELECT MIN(seq) FROM waiting WHERE class = ?1")?
                .query_row([class as u8], |row| row.get(0))?;
            Ok(seq.map_or(u64::MAX, i64::cast_unsigned))
        };
        let (gauges, counters) = (oldest(Class::Gauges)?, oldest(Class::Counters)?);
        let needed_from = |known: &Known| match known.class {
            Some(Class::Gauges) => gauges,
            Some(Class::Counters) => counters,
            _ => gauges.min(counters),
        };
        let mut idle: Vec<(u64, SchemaId, u64)> = self
            .known
            .iter()
            .filter(|(_, known)| known.last_seq < needed_from(known))
            .map(|(id, known)| (known.last_seq, *id, known.bytes))
            .collect();
        idle.sort_unstable();
        let mut delete = connection.prepare_cached("DELETE FROM schema WHERE schema_id = ?1")?;
        for (_, id, bytes) in idle {
            if self.bytes <= most {
                break;
            }
            delete.execute([id.0])?;
            self.known.remove(&id);
            self.bytes -= bytes;
        }
        Ok(())
    }

    /// Those of `ids` that have to go along with a batch.
    pub(super) fn to_send(
        &self,
        connection: &Connection,
        ids: &[SchemaId],
    ) -> rusqlite::Result<Vec<SchemaDef>> {
        let mut definitions = Vec::new();
        for id in ids.iter().filter(|id| self.known.get(id).is_some_and(|known| !known.acked)) {
            let bytes: Option<Vec<u8>> = connection
                .prepare_cached("SELECT def FROM schema WHERE schema_id = ?1")?
                .query_row([id.0], |row| row.get(0))
                .optional()?;
            // Without it the collector says what it misses, and the batch is set aside.
            definitions.extend(bytes.and_then(|bytes| read(*id, &bytes)));
        }
        Ok(definitions)
    }

    /// Whether there is one that still has to be sent.
    pub(super) fn any_unsent(&self) -> bool {
        self.known.values().any(|known| !known.acked)
    }

    /// The collector may have lost any of them. That is kept in memory only: where it is forgotten, the collector
    /// says what it misses.
    pub(super) fn unsent(&mut self) {
        self.known.values_mut().for_each(|known| known.acked = false);
    }

    /// The collector has them, or has lost them.
    pub(super) fn set_acked(
        &mut self,
        connection: &Connection,
        ids: &[SchemaId],
        acked: bool,
    ) -> rusqlite::Result<()> {
        for id in ids {
            if let Some(known) = self.known.get_mut(id).filter(|known| known.acked != acked) {
                connection
                    .prepare_cached("UPDATE schema SET acked = ?2 WHERE schema_id = ?1")?
                    .execute(params![id.0, acked])?;
                known.acked = acked;
            }
        }
        Ok(())
    }
}

/// A definition as it was kept; `None` if it is another one.
pub(super) fn read(id: SchemaId, def: &[u8]) -> Option<SchemaDef> {
    let def = SchemaDef::decode(def).ok()?;
    definition::read(&def).is_ok_and(|(read, _)| read == id).then_some(def)
}

/// Puts a definition from another file here, if it is what its id says.
pub(super) fn put(
    connection: &Connection,
    id: SchemaId,
    def: &[u8],
    last_seq: u64,
) -> rusqlite::Result<()> {
    let group = read(id, def).and_then(|def| Group::from_wire(def.group));
    let Some(class) = group.map(Group::class) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO schema (schema_id, def, acked, last_seq, class)
             VALUES (?1, ?2, 0, ?3, ?4)",
        )?
        .execute(params![id.0, def, last_seq.cast_signed(), class as u8])?;
    Ok(())
}

/// `ids` as the column of a batch.
pub(super) fn to_bytes(ids: &[SchemaId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0.to_le_bytes()).collect()
}

/// The column of a batch as ids.
pub(super) fn from_bytes(bytes: &[u8]) -> Vec<SchemaId> {
    let (whole, _) = bytes.as_chunks::<8>();
    whole.iter().map(|id| SchemaId(i64::from_le_bytes(*id))).collect()
}
