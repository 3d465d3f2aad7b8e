//! How agents were connected, as it is kept: the newest [`KEPT`] changes of each.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};

use super::samples::read_all_stored;
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

sql! { pub(in crate::store) OPEN =
"SELECT l.tenant_id, l.agent_id, l.at, l.transport, l.remote, coalesce(a.last_seen_at, 0)
     FROM agent a JOIN agent_link l ON l.tenant_id = a.tenant_id AND l.agent_id = a.agent_id
     WHERE l.event <> $1 AND l.at = (SELECT max(at) FROM agent_link
         WHERE tenant_id = a.tenant_id AND agent_id = a.agent_id)" }

/// Why a session ended whose end no collector has written down.
const COLLECTOR_ENDED: &str = "collector_ended";

/// A session that is open as far as is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLink {
    pub tenant: TenantId,
    agent: AgentId,
    /// When its agent was heard last.
    ended_at: Micros,
    transport: String,
    remote: String,
}

/// The sessions of before `start`, which the collector that ended then has not ended.
pub async fn links_open(db: &Database, start: Micros) -> Result<Vec<OpenLink>, StoreError> {
    let mut txn = read_all_stored(db).await?;
    let rows = OPEN.bind(LinkEvent::Ended as i64).all(&mut txn).await?;
    let one = |row: &Row| {
        let (opened_at, seen_at): (i64, i64) = (row.get(2)?, row.get(5)?);
        Ok(OpenLink {
            tenant: TenantId(row.get(0)?),
            agent: AgentId(row.get(1)?),
            // It may have been heard again by now; and an end comes after its beginning.
            ended_at: Micros(seen_at.min(start.0).max(opened_at + 1)),
            transport: row.get(3)?,
            remote: row.get(4)?,
        })
    };
    rows.iter().map(one).collect()
}

/// Writes the end of such a session down.
pub async fn link_end(txn: &mut Txn, open: &OpenLink) -> Result<(), StoreError> {
    let OpenLink { tenant, agent, ended_at, transport, remote } = open;
    let add = ADD.bind(*tenant).bind(*agent).bind(*ended_at).bind(LinkEvent::Ended as i64);
    let add = add.bind(transport).bind(remote).bind(Some(COLLECTOR_ENDED));
    add.execute(txn).await?;
    Ok(())
}

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
