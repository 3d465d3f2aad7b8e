//! How agents were connected, as it is kept: the newest [`KEPT`] changes of each.

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;

use super::sql::{Row, sql};
use super::{Database, StoreError, Txn};
use crate::identity::TenantContext;
use crate::live::links::{LinkChange, LinkEvent};

/// Changes that are kept of an agent.
pub const KEPT: i64 = 500;

/// A change, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLink {
    pub at: Micros,
    pub event: LinkEvent,
    pub transport: String,
    pub remote: String,
    pub reason: Option<String>,
}

sql! { pub(in crate::store) ADD =
"INSERT INTO agent_link (tenant_id, agent_id, at, event, transport, remote, reason)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING" }
sql! { pub(in crate::store) TRIM =
"DELETE FROM agent_link WHERE tenant_id = $1 AND agent_id = $2
     AND at < (SELECT at FROM agent_link WHERE tenant_id = $1 AND agent_id = $2
               ORDER BY at DESC, event DESC LIMIT 1 OFFSET $3)" }
sql! { pub(in crate::store) LIST =
"SELECT at, event, transport, remote, reason FROM agent_link
     WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
     ORDER BY at DESC, event DESC LIMIT $3" }

/// Writes a change down, and forgets the oldest of its agent.
pub async fn link_add(txn: &mut Txn, change: &LinkChange) -> Result<(), StoreError> {
    let LinkChange { tenant, agent, at, event, transport, remote, reason } = change;
    let add = ADD.bind(*tenant).bind(*agent).bind(*at).bind(*event as i64);
    add.bind(*transport).bind(remote).bind(*reason).execute(txn).await?;
    TRIM.bind(*tenant).bind(*agent).bind(KEPT - 1).execute(txn).await?;
    Ok(())
}

/// The changes of an agent, the newest first.
pub async fn link_list(
    db: &Database,
    context: &TenantContext,
    agent: AgentId,
) -> Result<Vec<KeptLink>, StoreError> {
    let mut txn = db.read(context).await?;
    let rows = LIST.bind(context.tenants_json()).bind(agent).bind(KEPT).all(&mut txn).await?;
    rows.iter().map(kept).collect()
}

fn kept(row: &Row) -> Result<KeptLink, StoreError> {
    let event: i64 = row.get(1)?;
    let event = LinkEvent::from_stored(event)
        .ok_or_else(|| StoreError::Corrupt { what: format!("event {event} of a link") })?;
    Ok(KeptLink {
        at: Micros(row.get(0)?),
        event,
        transport: row.get(2)?,
        remote: row.get(3)?,
        reason: row.get(4)?,
    })
}
