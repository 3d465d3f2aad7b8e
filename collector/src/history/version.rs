//! Versions: made where a configuration differs from the one before in what counts.
//!
//! What is costly is done before the transaction: the latest version is looked at, the new text
//! compared with it, and both kept only if it is still the latest.

pub mod list;
pub mod raw;

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ConfigJobId, ConfigVersionId, DeviceId, IdGenerator, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::task::chain;
use tokio::sync::{Mutex, MutexGuard};

use super::HistoryKey;
use super::job::{CHANGED, end, fail, is_of_now, parts_drop};
use super::outcome::{Failure, Outcome, Snapshot};
use super::text::{self, Counts, Packed, TextError};
use crate::identity::PeerInfo;
use crate::inventory::vault::Place;
use crate::inventory::{Vault, VaultError};
use crate::store::sql::sql;
use crate::store::{Database, StoreError, Txn};

/// Why an outcome is not kept.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error("there is no such job of this agent, or it ended")]
    NotRunning,
    #[error("a key cannot be sealed")]
    Vault(VaultError),
    #[error("a version cannot be stored")]
    Store(#[from] StoreError),
}

impl From<VaultError> for VersionError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => Self::Store(error),
            error => Self::Vault(error),
        }
    }
}

/// Who makes or removes versions, one at a time: a text that no version names goes, and must not be
/// found by who is about to name it. One process serves a database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Writers(Arc<Mutex<()>>);

impl Writers {
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.lock().await
    }
}

sql! { pub(crate) RUNNING =
    "SELECT device_id FROM config_job
     WHERE tenant_id = $1 AND job_id = $2 AND agent_id = $3 AND state = 'running'"
}
sql! { pub(crate) PARTS =
    "SELECT data FROM config_part WHERE tenant_id = $1 AND job_id = $2 ORDER BY start"
}
sql! { pub(crate) LATEST =
    "SELECT v.version_id, v.significant, v.hash, t.bytes, t.packed
     FROM config_version v
     LEFT JOIN config_text t ON t.tenant_id = v.tenant_id AND t.hash = v.hash
     WHERE v.tenant_id = $1 AND v.device_id = $2
     ORDER BY v.version_id DESC LIMIT 1"
}

/// The latest version of a device.
#[derive(Debug)]
pub(super) struct Before {
    id: ConfigVersionId,
    significant: Vec<u8>,
    text: Option<Packed>,
}

/// An outcome that is whole, and what it is compared with.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) packed: Vec<u8>,
    pub(super) before: Option<Before>,
}

/// All parts of an outcome, and the latest version of its device.
pub(super) async fn look(
    database: &Database,
    (peer, job): (&PeerInfo, ConfigJobId),
) -> Result<Looked, VersionError> {
    let tenant = peer.tenant;
    let mut txn = database.history_read(HistoryKey::new(), &[tenant].into()).await?;
    let row = RUNNING.bind(tenant).bind(job.0).bind(peer.agent).optional(&mut txn).await?;
    let device = DeviceId(row.ok_or(VersionError::NotRunning)?.get(0)?);
    let mut packed = Vec::new();
    for row in PARTS.bind(tenant).bind(job.0).all(&mut txn).await? {
        packed.extend(row.get::<Vec<u8>>(0)?);
    }
    Ok(Looked { packed, before: latest(&mut txn, tenant, device).await? })
}

async fn latest(
    txn: &mut Txn,
    tenant: TenantId,
    device: DeviceId,
) -> Result<Option<Before>, StoreError> {
    let Some(row) = LATEST.bind(tenant).bind(device).optional(txn).await? else {
        return Ok(None);
    };
    let text = row.get::<Option<Vec<u8>>>(4)?;
    let text = text.map(|packed| Packed::stored(row.get(2)?, row.get(3)?, packed)).transpose()?;
    Ok(Some(Before { id: ConfigVersionId(row.get(0)?), significant: row.get(1)?, text }))
}

/// What is to be written of an outcome.
#[derive(Debug)]
pub(super) enum Ready {
    /// Nothing that counts differs from this version.
    Again {
        version: ConfigVersionId,
        host_key: String,
    },
    New(Box<New>),
    Failure(Failure),
}

#[derive(Debug)]
pub(super) struct New {
    snapshot: Snapshot,
    text: Packed,
    lines: usize,
    counts: Counts,
    after: Option<ConfigVersionId>,
}

/// Compares a configuration with the one before. CPU-bound.
pub(super) fn compare(outcome: Outcome, before: Option<Before>) -> Result<Ready, TextError> {
    let mut snapshot = match outcome {
        Outcome::Failure(failure) => return Ok(Ready::Failure(failure)),
        Outcome::Snapshot(snapshot) => snapshot,
    };
    let after = before.as_ref().map(|before| before.id);
    let old = match before {
        Some(before) if before.significant == snapshot.significant => {
            return Ok(Ready::Again { version: before.id, host_key: snapshot.host_key });
        }
        // A text that does not unpack is as none: the new one is kept all the same.
        before => before.and_then(|before| before.text?.open().ok()).unwrap_or_default(),
    };
    let new = std::mem::take(&mut snapshot.text);
    let (lines, counts) = (text::lines(&new), text::counts(&old, &new));
    let text = Packed::new(&new)?;
    Ok(Ready::New(Box::new(New { snapshot, text, lines, counts, after })))
}

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    New,
    Again,
    Failed,
    /// What it was compared with is not the latest version any more: compare again.
    Stale,
}

// Holds the row until the end of the transaction.
sql! { pub(crate) TAKE =
    "UPDATE config_job SET state = state
     WHERE tenant_id = $1 AND job_id = $2 AND agent_id = $3 AND state = 'running'
     RETURNING device_id"
}
sql! { pub(crate) SEEN =
    "UPDATE config_version SET last_at = $3 WHERE tenant_id = $1 AND version_id = $2"
}
sql! { pub(crate) TEXT =
    "INSERT INTO config_text (tenant_id, hash, bytes, packed) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, hash) DO NOTHING"
}
sql! { pub(crate) ADD =
    "INSERT INTO config_version (tenant_id, version_id, device_id, job_id, first_at, last_at,
                                 platform, facts, hash, significant, lines, added, removed, raw,
                                 raw_bytes, raw_key, key_version)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
}
sql! { pub(crate) DONE =
    "UPDATE config_job SET state = 'done', ended_at = $3, version_id = $4, changed = $5
     WHERE tenant_id = $1 AND job_id = $2"
}
/// Writes what a ready outcome is, in one transaction. The caller has the turn of [`Writers`].
pub(super) async fn ready_keep(
    database: &Database,
    vault: &Vault,
    ids: &IdGenerator,
    (peer, job): (&PeerInfo, ConfigJobId),
    ready: Ready,
    now: Micros,
) -> Result<Kept, VersionError> {
    let tenant = peer.tenant;
    let mut txn = database.history(HistoryKey::new(), &[tenant].into()).await?;
    let device = running(&mut txn, (peer, job)).await?;
    if !is_of_now(&mut txn, (tenant, job)).await? {
        // What another device sent is no version of this one, and its host key none to pin.
        fail(&mut txn, (tenant, job), CHANGED, now).await?;
        txn.commit().await?;
        return Ok(Kept::Failed);
    }
    let done = DONE.bind(tenant).bind(job.0).bind(now);
    let mut sealed = None;
    let kept = match ready {
        Ready::Failure(failure) => {
            end(&mut txn, (tenant, job), &failure, now).await?;
            Kept::Failed
        }
        Ready::Again { version, host_key } => {
            let seen = SEEN.bind(tenant).bind(version.0).bind(now).execute(&mut txn).await?;
            if seen == 0 {
                return Ok(Kept::Stale);
            }
            done.bind(version.0).bind(false).execute(&mut txn).await?;
            fetched(&mut txn, (tenant, device), &host_key, now).await?;
            Kept::Again
        }
        Ready::New(new) => {
            let latest = latest(&mut txn, tenant, device).await?;
            if latest.map(|before| before.id) != new.after {
                return Ok(Kept::Stale);
            }
            let version = ConfigVersionId(ids.next(now));
            let by = add(&mut txn, vault, (tenant, device, job, version), &new, now).await?;
            done.bind(version.0).bind(true).execute(&mut txn).await?;
            fetched(&mut txn, (tenant, device), &new.snapshot.host_key, now).await?;
            sealed = Some(((version, by), new.snapshot.key));
            Kept::New
        }
    };
    parts_drop(&mut txn, tenant, job).await?;
    txn.commit().await?;
    if let Some((sealed, key)) = sealed
        && let Err(error) = reseal(database, vault, (tenant, device), (sealed, &key)).await
    {
        tracing::warn!(stage = "history", error = chain(&error), "cannot look for a newer key");
    }
    Ok(kept)
}

sql! { pub(crate) RESEAL =
    "UPDATE config_version SET key_version = $3, raw_key = $4
     WHERE tenant_id = $1 AND version_id = $2"
}

/// Seals the key of a raw anew, if the tenant's key was exchanged while it was being stored: who
/// exchanged it has not seen this one, and may forget the old one.
pub(super) async fn reseal(
    database: &Database,
    vault: &Vault,
    (tenant, device): (TenantId, DeviceId),
    ((version, by), plain): ((ConfigVersionId, u32), &Secret),
) -> Result<(), VersionError> {
    let mut txn = database.history(HistoryKey::new(), &[tenant].into()).await?;
    let newest = vault.tenant_key(&mut txn, tenant, None).await?;
    if newest.version() == by {
        return Ok(());
    }
    let sealed = newest.seal(Place::of_config(tenant, device, version), plain)?;
    let reseal = RESEAL.bind(tenant).bind(version.0).bind(newest.version()).bind(sealed);
    reseal.execute(&mut txn).await?;
    Ok(txn.commit().await?)
}

/// Whose device it is, if the job runs and is of this agent.
async fn running(
    txn: &mut Txn,
    (peer, job): (&PeerInfo, ConfigJobId),
) -> Result<DeviceId, VersionError> {
    let row = TAKE.bind(peer.tenant).bind(job.0).bind(peer.agent).optional(txn).await?;
    Ok(DeviceId(row.ok_or(VersionError::NotRunning)?.get(0)?))
}

/// Adds a version and its text; says which of the tenant's keys its key was sealed by.
async fn add(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, device, job, version): (TenantId, DeviceId, ConfigJobId, ConfigVersionId),
    new: &New,
    now: Micros,
) -> Result<u32, VersionError> {
    let New { snapshot, text, lines, counts, .. } = new;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let keep = TEXT.bind(tenant).bind(text.hash).bind(number(text.bytes)).bind(&text.packed[..]);
    keep.execute(txn).await?;
    let key = vault.tenant_key(txn, tenant, None).await?;
    let sealed = key.seal(Place::of_config(tenant, device, version), &snapshot.key)?;
    // A list of texts can be written.
    let facts = serde_json::to_string(&snapshot.facts).unwrap_or_default();
    let insert = ADD.bind(tenant).bind(version.0).bind(device).bind(job.0).bind(now);
    let insert = insert.bind(&snapshot.platform).bind(facts).bind(text.hash);
    let insert = insert.bind(snapshot.significant).bind(number(*lines));
    let insert = insert.bind(number(counts.added)).bind(number(counts.removed));
    let insert = insert.bind(&snapshot.raw[..]);
    let insert = insert.bind(i64::try_from(snapshot.raw_bytes).unwrap_or(i64::MAX));
    insert.bind(sealed).bind(key.version()).execute(txn).await?;
    Ok(key.version())
}

// The first host key that a device shows is pinned.
sql! { pub(crate) FETCHED =
    "INSERT INTO backup (tenant_id, device_id, host_key, host_key_at, fetched_at)
     VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (tenant_id, device_id) DO UPDATE SET
         host_key = CASE WHEN backup.host_key = '' THEN excluded.host_key
                         ELSE backup.host_key END,
         host_key_at = CASE WHEN backup.host_key = '' THEN excluded.host_key_at
                            ELSE backup.host_key_at END,
         other_key = CASE WHEN backup.host_key IN ('', excluded.host_key) THEN NULL
                          ELSE backup.other_key END,
         other_key_at = CASE WHEN backup.host_key IN ('', excluded.host_key) THEN NULL
                             ELSE backup.other_key_at END,
         fetched_at = excluded.fetched_at, failing = NULL, failing_since = NULL"
}
async fn fetched(
    txn: &mut Txn,
    (tenant, device): (TenantId, DeviceId),
    host_key: &str,
    now: Micros,
) -> Result<(), StoreError> {
    let fetched = FETCHED.bind(tenant).bind(device).bind(host_key).bind(now);
    fetched.execute(txn).await?;
    Ok(())
}

/// Ends a job of this agent that failed.
pub(super) async fn job_fail(
    database: &Database,
    (peer, job): (&PeerInfo, ConfigJobId),
    (cause, advice): (&str, &str),
    now: Micros,
) -> Result<(), VersionError> {
    let mut txn = database.history(HistoryKey::new(), &[peer.tenant].into()).await?;
    running(&mut txn, (peer, job)).await?;
    fail(&mut txn, (peer.tenant, job), (cause, advice), now).await?;
    txn.commit().await?;
    Ok(())
}
