//! Epochs of the clock: kept in the file, and what the writer does when one begins.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use rusqlite::{Connection, params};

use super::epochs::{Epoch, Epochs, Measured, Offset};
use super::writer::Writer;

/// Numbers of epochs are below.
const ID_MAX: u64 = 1 << 62;

/// The epochs that the file knows.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<BTreeMap<u64, Epoch>> {
    let mut statement = connection.prepare(
        "SELECT epoch, process, began_us, ahead_us, offset_us, error_us, checksum FROM clock_epoch",
    )?;
    let read = statement.query_map([], |row| {
        let (us, error_us): (Option<i64>, Option<u32>) = (row.get(4)?, row.get(5)?);
        let offset = us.zip(error_us).map(|(us, error_us)| Offset { us, error_us });
        let (began, ahead_us) = (Micros(row.get(2)?), row.get(3)?);
        let epoch = Epoch { process: row.get(1)?, began, ahead_us, offset };
        let id = row.get::<_, i64>(0)?.cast_unsigned();
        Ok((id, epoch, row.get::<_, i64>(6)?))
    })?;
    let mut known = BTreeMap::new();
    for one in read {
        let (id, epoch, written) = one?;
        // One that was damaged must not shift what was stamped by it, nor use the numbers up.
        if checksum(id, &epoch, epoch.offset) == written && (1..ID_MAX).contains(&id) {
            known.insert(id, epoch);
        } else {
            tracing::error!(
                epoch = id,
                "what is known of a clock is not what was written: forgotten"
            );
        }
    }
    Ok(known)
}

/// Writes all epochs, with what stands for them: they are few and seldom change.
pub(super) fn save(connection: &Connection, epochs: &Epochs) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM clock_epoch")?.execute([])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO clock_epoch
           (epoch, process, began_us, ahead_us, offset_us, error_us, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (id, epoch) in epochs.all() {
        // What follows from another one is kept too, as that may be gone when it is asked for.
        let offset = epochs.offset(id);
        insert.execute(params![
            id.cast_signed(),
            epoch.process,
            epoch.began.0,
            epoch.ahead_us,
            offset.map(|offset| offset.us),
            offset.map(|offset| offset.error_us),
            checksum(id, epoch, offset),
        ])?;
    }
    Ok(())
}

fn checksum(id: u64, epoch: &Epoch, offset: Option<Offset>) -> i64 {
    let (us, error_us) = offset.map_or((0, -1), |known| (known.us, known.error_us.into()));
    let numbers = [id.cast_signed(), epoch.process, epoch.began.0, epoch.ahead_us, us, error_us];
    super::checksum::of_row(&numbers, &[])
}

/// Whether there are batches of it, or gaps that are told by its clock.
fn is_used(connection: &Connection, epoch: u64) -> rusqlite::Result<bool> {
    connection
        // Batches that are kept and do not wait are none older than the lowest number.
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM waiting WHERE epoch = ?1)
                 OR EXISTS (SELECT 1 FROM gap WHERE ?1 IN (from_epoch, to_epoch))
                 OR ?1 >= (SELECT epoch FROM batch ORDER BY seq LIMIT 1)",
        )?
        .query_row([epoch.cast_signed()], |row| Ok(row.get::<_, Option<bool>>(0)? == Some(true)))
}

impl Writer {
    /// Looks at the clocks. Where the system's was set, what is open closes with the times it has.
    pub(super) fn look(&mut self) {
        if !self.file.epochs.look(self.clock.look()) {
            return;
        }
        let step_us = self.file.epochs.step_us();
        tracing::warn!("the system's clock was set by {} s", step_us / Micros::SECOND);
        let (closed, schemas) = self.gather.turn_to(self.file.epochs.current());
        self.unwritten.extend(closed);
        self.unwritten_schemas.extend(schemas);
        // They are told by the new clock.
        for gap in self.lost.values_mut() {
            gap.from_us = gap.from_us.saturating_add(step_us);
            gap.to_us = gap.to_us.saturating_add(step_us);
        }
        if let Some(until) = &mut self.polled_until {
            until.0 = until.0.saturating_add(step_us);
        }
        self.commit();
    }

    pub(super) fn clock_measured(&mut self, measured: Measured) {
        self.file.epochs.measured(measured);
        if self.file.epochs.is_unsaved() {
            self.acked_since.get_or_insert(self.now());
        }
    }

    /// Forgets epochs of which nothing is left in the file.
    pub(super) fn forget_epochs(&mut self) {
        let connection = &self.file.connection;
        // Where that cannot be told, it is kept.
        self.file.epochs.keep(|epoch| is_used(connection, epoch).unwrap_or(true));
    }
}
