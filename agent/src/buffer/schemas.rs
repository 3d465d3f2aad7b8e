//! Schemas the rows in the buffer follow: kept until no batch needs them, sent along until a batch
//! with them is acknowledged.

use std::collections::btree_map::{BTreeMap, Entry};

use farwatch_common::sample::{Schema, SchemaId, definition};
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, params};

/// What is known of the schemas in the file, so that a row of a known one costs no statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemas {
    acked: BTreeMap<SchemaId, bool>,
}

impl Schemas {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT schema_id, acked FROM schema")?;
        let rows = statement.query_map([], |row| Ok((SchemaId(row.get(0)?), row.get(1)?)))?;
        Ok(Self { acked: rows.collect::<Result<_, _>>()? })
    }

    /// Keeps that the batch `seq` follows `schema`.
    pub(super) fn keep(
        &mut self,
        connection: &Connection,
        id: SchemaId,
        schema: Option<&Schema>,
        seq: u64,
    ) -> rusqlite::Result<()> {
        match (self.acked.entry(id), schema) {
            (Entry::Occupied(_), _) => {
                connection
                    .prepare_cached("UPDATE schema SET last_seq = ?2 WHERE schema_id = ?1")?
                    .execute(params![id.0, seq.cast_signed()])?;
            }
            (Entry::Vacant(new), Some(schema)) => {
                let bytes = definition::write(schema).encode_to_vec();
                connection
                    .prepare_cached(
                        "INSERT INTO schema (schema_id, def, acked, last_seq)
                         VALUES (?1, ?2, 0, ?3)",
                    )?
                    .execute(params![id.0, bytes, seq.cast_signed()])?;
                new.insert(false);
            }
            (Entry::Vacant(_), None) => {}
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
        for id in ids.iter().filter(|id| self.acked.get(id) == Some(&false)) {
            let bytes: Option<Vec<u8>> = connection
                .prepare_cached("SELECT def FROM schema WHERE schema_id = ?1")?
                .query_row([id.0], |row| row.get(0))
                .optional()?;
            // Without it the collector says what it misses, and the batch is set aside.
            definitions.extend(bytes.and_then(|bytes| SchemaDef::decode(bytes.as_slice()).ok()));
        }
        Ok(definitions)
    }

    /// Whether there is one that still has to be sent.
    pub(super) fn any_unsent(&self) -> bool {
        self.acked.values().any(|acked| !acked)
    }

    /// The collector has them, or has lost them.
    pub(super) fn set_acked(
        &mut self,
        connection: &Connection,
        ids: &[SchemaId],
        acked: bool,
    ) -> rusqlite::Result<()> {
        for id in ids {
            if self.acked.get(id).is_some_and(|known| *known != acked) {
                connection
                    .prepare_cached("UPDATE schema SET acked = ?2 WHERE schema_id = ?1")?
                    .execute(params![id.0, acked])?;
                self.acked.insert(*id, acked);
            }
        }
        Ok(())
    }
}

/// Forgets schemas that no batch follows: a row that needs one brings it again.
pub(super) fn prune(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM schema WHERE last_seq <
           (SELECT COALESCE(MIN(batch.seq), stream.next_seq) FROM stream LEFT JOIN batch)",
        [],
    )?;
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
