//! What an agent is to poll, and the news that it changed.
//!
//! The revision rises in the transaction that changes a device, and an agent that connects gets the
//! whole assignment: the news may be lost, the change is not.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_proto::v1::{Assignment, DeviceAssignment};
use serde_json::json;
use tokio::sync::broadcast;

use super::credential::Credential;
use super::profile::kind_of;
use super::sealed::{Sealed, sealed_columns, with_sealed};
use super::snmp::version_sent;
use super::vault::{TenantKey, Vault};
use super::{InventoryError, require};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// News that may wait for a listener; one that lags compares revisions with the database.
pub const ASSIGNMENT_CHANGES_MAX: usize = 256;

/// No agent honestly has a higher revision.
const REVISION_MAX: i64 = 1 << 53;

/// Tells the sessions whose assignment changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AssignmentChanges(broadcast::Sender<AgentId>);

impl Default for AssignmentChanges {
    fn default() -> Self {
        Self(broadcast::Sender::new(ASSIGNMENT_CHANGES_MAX))
    }
}

impl AssignmentChanges {
    /// Call after the commit. Nobody listening is fine.
    pub fn notify(&self, agent: AgentId) {
        let _ = self.0.send(agent);
    }

    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<AgentId> {
        self.0.subscribe()
    }
}

sql! { pub(crate) BUMP =
    "UPDATE agent SET assignment_revision = assignment_revision + 1
     WHERE tenant_id = $1 AND agent_id = $2 RETURNING revoked_at IS NOT NULL"
}

/// Marks the agent's assignment as changed; in the transaction of the change, and before it: until
/// the commit nobody else changes the agent. Says whether it is revoked.
pub(super) async fn assignment_bump(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
) -> Result<bool, InventoryError> {
    let row = BUMP.bind(tenant).bind(agent).optional(txn).await?;
    Ok(row.ok_or(InventoryError::NotFound)?.get(0)?)
}

sql! { pub(crate) OUTGROW =
    "UPDATE agent SET assignment_revision = $3 + 1
     WHERE tenant_id = $1 AND agent_id = $2 AND assignment_revision <= $3 RETURNING name"
}

/// Lifts the agent's revision above `known`, which it has from a time this database does not
/// remember: it was restored from a backup. Says whether it could.
pub(super) async fn assignment_outgrow(
    db: &Database,
    context: &TenantContext,
    (tenant, agent): (TenantId, AgentId),
    known: u64,
    now: Micros,
) -> Result<bool, InventoryError> {
    let Some(known) = i64::try_from(known).ok().filter(|known| *known < REVISION_MAX) else {
        return Ok(false);
    };
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let raised = OUTGROW.bind(tenant).bind(agent).bind(known).optional(&mut txn).await?;
    let Some(row) = raised else { return Ok(false) };
    let change = Change::new("agent", "assignment_outgrow", agent.0, &row.get::<String>(0)?);
    txn.commit([change.after(json!({ "assignment_revision": known + 1 }))], now).await?;
    Ok(true)
}

sql! { pub(crate) REVISION =
    "SELECT assignment_revision FROM agent
     WHERE tenant_id = $1 AND agent_id = $2 AND revoked_at IS NULL"
}
sql! { pub(crate) DEVICES =
    "SELECT ",
    sealed_columns!(),
    ", d.host, d.port, d.interval_s, d.ping_off, d.strict_source, d.request_gap_ms",
    with_sealed!(kind_of!()),
    " WHERE d.tenant_id = $1 AND d.agent_id = $2 ORDER BY d.device_id"
}

/// The whole assignment, credentials open, and the devices whose credential is damaged: those, and
/// those that find none, are in it without one. For the agent's own connection only: tenant and
/// agent come from its certificate. A revoked agent has none; without the tenant's key there is
/// none, and agents go on as before.
pub async fn assignment_for(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    (tenant, agent): (TenantId, AgentId),
) -> Result<(Assignment, Vec<DeviceId>), InventoryError> {
    // One snapshot for revision and devices.
    require(context, tenant, Access::Read)?;
    let mut read = db.read(context).await?;
    let revision = REVISION.bind(tenant).bind(agent).optional(&mut read).await?;
    let revision: i64 = revision.ok_or(InventoryError::NotFound)?.get(0)?;
    let rows = DEVICES.bind(tenant).bind(agent).all(&mut read).await?;
    let mut devices = Vec::with_capacity(rows.len());
    let mut damaged = Vec::new();
    let mut tenant_key: Option<TenantKey> = None;
    for row in &rows {
        let mut device = asked(row)?;
        if let Some(sealed) = Sealed::of(row, tenant)? {
            let asked = row.get::<String>(2)?;
            let version = version_sent(&asked).ok_or_else(|| corrupt("an SNMP version"))?;
            let credential = sealed.open(&mut read, vault, &mut tenant_key).await?;
            match credential.and_then(Credential::into_snmp) {
                Some(credential) => (device.snmp, device.snmp_user) = credential.sent(version),
                None => damaged.push(DeviceId(device.device_id)),
            }
        }
        devices.push(device);
    }
    let revision = u64::try_from(revision).unwrap_or(0);
    Ok((Assignment { revision, devices }, damaged))
}

fn corrupt(what: &str) -> InventoryError {
    StoreError::Corrupt { what: what.to_owned() }.into()
}

fn small(row: &Row, column: usize) -> Result<u32, InventoryError> {
    u32::try_from(row.get::<i64>(column)?).map_err(|_| corrupt("a number of a device"))
}

/// What the row of a device says of it, without the credential.
fn asked(row: &Row) -> Result<DeviceAssignment, InventoryError> {
    Ok(DeviceAssignment {
        device_id: row.get(0)?,
        host: row.get(10)?,
        port: small(row, 11)?,
        interval_ms: small(row, 12)?.saturating_mul(1000),
        snmp: None,
        snmp_user: None,
        ping_off: row.get(13)?,
        strict_source: row.get(14)?,
        request_gap_ms: small(row, 15)?,
    })
}
