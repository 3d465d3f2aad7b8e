//! Batches that were refused for good, as they are kept: the newest [`KEPT`] of each agent, and of those the newest
//! [`KEPT_OF_TENANT`] of each tenant.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::RejectCode;

use super::sql::{Row, sql};
use super::{Database, StoreError, Txn};
use crate::identity::TenantContext;

/// Batches that are kept of an agent.
pub const KEPT: i64 = 100;
/// ... and of all of a tenant: 8 MiB of how they began.
pub const KEPT_OF_TENANT: i64 = 2_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBatch {
    pub stream: i64,
    pub seq: i64,
    /// By the collector's clock.
    pub at: Micros,
    pub code: RejectCode,
    /// For people.
    pub detail: String,
    /// Of what was sent.
    pub hash: [u8; 32],
    pub bytes: i64,
    /// How it began.
    pub head: Vec<u8>,
}

sql! { pub(in crate::store) ADD =
"INSERT INTO refused_batch (tenant_id, agent_id, stream_id, seq, at, code, detail, hash, bytes, head)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING" }
sql! { pub(in crate::store) TRIM =
"DELETE FROM refused_batch WHERE tenant_id = $1 AND agent_id = $2
     AND (at, stream_id, seq) <
         (SELECT at, stream_id, seq FROM refused_batch WHERE tenant_id = $1 AND agent_id = $2
          ORDER BY at DESC, stream_id DESC, seq DESC LIMIT 1 OFFSET $3)" }
sql! { pub(in crate::store) TRIM_TENANT =
"DELETE FROM refused_batch WHERE tenant_id = $1
     AND (at, agent_id, stream_id, seq) <
         (SELECT at, agent_id, stream_id, seq FROM refused_batch WHERE tenant_id = $1
          ORDER BY at DESC, agent_id DESC, stream_id DESC, seq DESC LIMIT 1 OFFSET $2)" }
sql! { pub(in crate::store) LIST =
"SELECT stream_id, seq, at, code, detail, hash, bytes, head FROM refused_batch
     WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
     ORDER BY at DESC, stream_id DESC, seq DESC LIMIT $3" }
sql! { pub(in crate::store) COUNT =
"SELECT count(*), max(at) FROM refused_batch
     WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2" }

/// Writes one down, and forgets the oldest of its agent. One that comes again is known.
pub async fn refused_add(
    txn: &mut Txn,
    (tenant, agent): (TenantId, AgentId),
    batch: &RefusedBatch,
) -> Result<(), StoreError> {
    let add = ADD.bind(tenant).bind(agent).bind(batch.stream).bind(batch.seq).bind(batch.at);
    let add = add.bind(batch.code as i32).bind(&batch.detail).bind(batch.hash);
    add.bind(batch.bytes).bind(&batch.head[..]).execute(txn).await?;
    TRIM.bind(tenant).bind(agent).bind(KEPT - 1).execute(txn).await?;
    Ok(())
}

/// Forgets the oldest of a tenant, after some were added.
pub async fn refused_trim(txn: &mut Txn, tenant: TenantId) -> Result<(), StoreError> {
    TRIM_TENANT.bind(tenant).bind(KEPT_OF_TENANT - 1).execute(txn).await.map(drop)
}

/// Those of an agent, the newest first.
pub async fn refused_list(
    db: &Database,
    context: &TenantContext,
    agent: AgentId,
) -> Result<Vec<RefusedBatch>, StoreError> {
    let mut txn = db.read(context).await?;
    let rows = LIST.bind(context.tenants_json()).bind(agent).bind(KEPT).all(&mut txn).await?;
    rows.iter().map(refused).collect()
}

/// How many are kept of an agent, and when the last one came.
pub async fn refused_count(
    db: &Database,
    context: &TenantContext,
    agent: AgentId,
) -> Result<(u64, Option<Micros>), StoreError> {
    let mut txn = db.read(context).await?;
    let row = COUNT.bind(context.tenants_json()).bind(agent).one(&mut txn).await?;
    let count: i64 = row.get(0)?;
    Ok((count.max(0).cast_unsigned(), row.get::<Option<i64>>(1)?.map(Micros)))
}

fn refused(row: &Row) -> Result<RefusedBatch, StoreError> {
    let code: i64 = row.get(3)?;
    let code = i32::try_from(code).ok().and_then(|code| RejectCode::try_from(code).ok());
    let what = || StoreError::Corrupt { what: "the hash of a refused batch".to_owned() };
    Ok(RefusedBatch {
        stream: row.get(0)?,
        seq: row.get(1)?,
        at: Micros(row.get(2)?),
        code: code.unwrap_or(RejectCode::Unspecified),
        detail: row.get(4)?,
        hash: row.get::<Vec<u8>>(5)?.try_into().map_err(|_| what())?,
        bytes: row.get(6)?,
        head: row.get(7)?,
    })
}
