//! A file of before on a disk without room: to be migrated it has to grow. As when it fills up while the agent
//! runs, the oldest bulk goes, counted, and its room is given back.

use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, TransactionBehavior, params};

use super::commit::give_back;
use super::losses::{self, EVICTABLE, used_bytes};
use super::{BufferConfig, BufferError, file};

/// The part of the file that goes at a time.
const PARTS: u64 = 8;
/// How often at most.
pub(super) const TRIES: u64 = PARTS;
/// Batches of one transaction, which takes as much of the log.
const STEP: i64 = 64;

/// Makes some room in a file that was not migrated yet. Says whether there was anything to give up.
pub(super) fn make_room(config: &BufferConfig) -> Result<bool, BufferError> {
    let mut connection = Connection::open(config.dir.join(file::FILE_NAME))?;
    if !file::is_of_before(&connection)? {
        return Ok(false);
    }
    file::set_pragmas(&connection, config.cap_bytes)?;
    let used = used_bytes(&connection)?;
    let target = used - used / PARTS;
    let mut any = false;
    for class in EVICTABLE {
        while used_bytes(&connection)? > target && step(&mut connection, class)? {
            any = true;
        }
    }
    give_back(&connection)?;
    Ok(any)
}

/// Deletes the oldest of `class`; false if there are none.
fn step(connection: &mut Connection, class: Class) -> Result<bool, BufferError> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut lost: Option<Gap> = None;
    let mut batches = 0;
    {
        let mut oldest = step.prepare(
            "SELECT seq, n, t_min, t_max, (SELECT stream_id FROM stream) FROM batch
             WHERE class = ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = oldest.query(params![class as u8, STEP])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?;
            let gap = Gap {
                stream_id: row.get(4)?,
                seq_first: seq.cast_unsigned(),
                seq_last: seq.cast_unsigned(),
                from_us: row.get(2)?,
                to_us: row.get(3)?,
                class: class as u32,
                count: row.get::<_, i64>(1)?.max(0).cast_unsigned(),
                reason: GapReason::Evicted as i32,
            };
            losses::merge(&mut lost, gap);
            batches += 1;
        }
    }
    let Some(gap) = lost else { return Ok(false) };
    let span = params![class as u8, gap.seq_first.cast_signed(), gap.seq_last.cast_signed()];
    step.execute(
        "UPDATE gap SET batch_seq = NULL WHERE batch_seq IN (
           SELECT seq FROM batch WHERE class = ?1 AND seq BETWEEN ?2 AND ?3)",
        span,
    )?;
    step.execute("DELETE FROM batch WHERE class = ?1 AND seq BETWEEN ?2 AND ?3", span)?;
    tracing::warn!(class = gap.class, batches, rows = gap.count, "batches lost");
    losses::count(&step, ("evicted", gap.class), batches, gap.count)?;
    step.execute(
        "INSERT INTO gap (stream_id, seq_first, seq_last, from_us, to_us, class, count, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            gap.stream_id,
            gap.seq_first.cast_signed(),
            gap.seq_last.cast_signed(),
            gap.from_us,
            gap.to_us,
            gap.class,
            gap.count.cast_signed(),
            gap.reason
        ],
    )?;
    step.commit()?;
    Ok(true)
}
