//! Parts of outcomes, kept until the whole is there.

use farwatch_common::id::ConfigJobId;
use farwatch_proto::v1::SnapshotPart;

use super::{KEY_LEN, PART_BYTES_MAX, PART_BYTES_MIN, ReceiveError};
use crate::history::HistoryKey;
use crate::history::job::{called_off, parts_drop};
use crate::history::outcome::{Broken, PACKED_BYTES_MAX};
use crate::identity::PeerInfo;
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// A part that breaks no limit by itself.
pub(super) struct Part {
    pub(super) bytes: u64,
    pub(super) hash: [u8; 32],
    offset: u64,
    data: Vec<u8>,
}

impl Part {
    pub(super) fn checked(part: SnapshotPart) -> Result<Self, Broken> {
        let SnapshotPart { job_id: _, bytes, hash, offset, data, key } = part;
        let hold = |is_sound: bool, what: &'static str| {
            if is_sound { Ok(()) } else { Err(Broken::Limit { what }) }
        };
        hold(bytes > 0 && bytes <= PACKED_BYTES_MAX as u64, "bytes")?;
        hold(data.len() <= PART_BYTES_MAX, "data")?;
        let end = offset.checked_add(data.len() as u64);
        hold(end.is_some_and(|end| end <= bytes), "offset")?;
        // One of 0 bytes is a question.
        let is_large = data.len() >= PART_BYTES_MIN || data.is_empty() || end == Some(bytes);
        hold(is_large, "data")?;
        hold(key.is_empty() || key.len() == KEY_LEN, "key")?;
        let hash = hash.try_into().map_err(|_| Broken::Limit { what: "hash" })?;
        Ok(Self { bytes, hash, offset, data })
    }
}

/// How far the parts go now.
#[derive(Debug)]
pub(super) enum Came {
    Part { next: u64 },
    Whole,
}

// Holds the row until the end of the transaction, and tells it as it was. A job that was given up goes
// on when its outcome comes after all, unless there is a newer one of its device.
sql! { pub(crate) TAKE =
    "UPDATE config_job SET state = 'running', cause = NULL, advice = NULL, ended_at = NULL
     WHERE tenant_id = $1 AND job_id = $2 AND agent_id = $3
       AND (state = 'running' OR (state = 'failed' AND cause = 'agent_lost' AND NOT EXISTS (
            SELECT 1 FROM config_job n WHERE n.tenant_id = $1
            AND n.device_id = config_job.device_id AND n.job_id > $2
            AND COALESCE(n.cause, '') NOT IN ", called_off!(), ")))
     RETURNING bytes, hash"
}
sql! { pub(crate) BEGIN =
    "UPDATE config_job SET bytes = $3, hash = $4 WHERE tenant_id = $1 AND job_id = $2"
}
sql! { pub(crate) LAST =
    "SELECT start, start + length(data) FROM config_part
     WHERE tenant_id = $1 AND job_id = $2 ORDER BY start DESC LIMIT 1"
}
sql! { pub(crate) ADD =
    "INSERT INTO config_part (tenant_id, job_id, start, data) VALUES ($1, $2, $3, $4)"
}

/// Keeps a part, if it is the next one; committed when this returns.
pub(super) async fn part_keep(
    database: &Database,
    (peer, job): (&PeerInfo, ConfigJobId),
    part: &Part,
) -> Result<Came, ReceiveError> {
    let number = |value: u64| i64::try_from(value).map_err(|_| Broken::Limit { what: "bytes" });
    let tenant = peer.tenant;
    let mut txn = database.history(HistoryKey::new(), &[tenant].into()).await?;
    let row = TAKE.bind(tenant).bind(job.0).bind(peer.agent).optional(&mut txn).await?;
    let row = row.ok_or(ReceiveError::NotFound)?;
    let is_same = row.get::<Option<i64>>(0)? == Some(number(part.bytes)?)
        && row.get::<Option<Vec<u8>>>(1)?.as_deref() == Some(&part.hash[..]);
    if !is_same {
        // Parts of another whole are no use to this one.
        parts_drop(&mut txn, tenant, job).await?;
        let begin = BEGIN.bind(tenant).bind(job.0).bind(number(part.bytes)?);
        begin.bind(part.hash).execute(&mut txn).await?;
    }
    let last = LAST.bind(tenant).bind(job.0).optional(&mut txn).await?;
    let read = |value: i64| {
        let what = || StoreError::Corrupt { what: "where a part begins".to_owned() };
        u64::try_from(value).map_err(|_| what())
    };
    let (start, mut next) = match &last {
        None => (0, 0),
        Some(row) => (read(row.get(0)?)?, read(row.get(1)?)?),
    };
    if !part.data.is_empty() && part.offset == next {
        let add = ADD.bind(tenant).bind(job.0).bind(number(next)?);
        add.bind(&part.data[..]).execute(&mut txn).await?;
        next += part.data.len() as u64;
    }
    txn.commit().await?;
    if next < part.bytes {
        return Ok(Came::Part { next });
    }
    // The whole was there before, and its end was not answered. Who only asks comes without the
    // key: the last part comes again.
    if part.data.is_empty() { Ok(Came::Part { next: start }) } else { Ok(Came::Whole) }
}
