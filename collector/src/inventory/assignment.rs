//! What an agent is to poll, and the news that it changed.
//!
//! The revision rises in the transaction that changes a device, and an agent that connects gets the
//! whole assignment: the news may be lost, the change is not.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, SiteId, TenantId};
use farwatch_proto::v1::{Assignment, DeviceAssignment, SnmpCommunity, SnmpVersion};
use serde_json::json;
use tokio::sync::broadcast;

use super::profile::profile_of;
use super::vault::{Place, TenantKey, Vault, VaultError};
use super::{InventoryError, require};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::store::sql::sql;
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
    "SELECT d.device_id, d.site_id, d.host, d.port, d.interval_s, d.snmp_version,
            c.credential_id, c.key_version, c.sealed,
            p.profile_id, p.key_version, p.sealed, COALESCE(p.site_id, 0)
     FROM device d LEFT JOIN credential c
       ON c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = 'snmp_community'
     LEFT JOIN credential_profile p ON c.credential_id IS NULL
       AND p.tenant_id = d.tenant_id AND p.profile_id = ",
    profile_of!(),
    " WHERE d.tenant_id = $1 AND d.agent_id = $2
       AND (c.credential_id IS NOT NULL OR p.profile_id IS NOT NULL) ORDER BY d.device_id"
}

/// The whole assignment, credentials open, and the devices that are left out because theirs is
/// damaged; those that have none and find no profile are not in it. For the agent's own connection
/// only: tenant and agent come from its certificate. A revoked agent has none; without the tenant's
/// key there is none, and agents go on as before.
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
    let mut left_out = Vec::new();
    let mut tenant_key = None;
    for row in &rows {
        let number = |column| Ok::<_, InventoryError>(row.get::<i64>(column)?);
        let small = |column| {
            let what = || StoreError::Corrupt { what: "a number of a device".to_owned() };
            u32::try_from(number(column)?).map_err(|_| InventoryError::Store(what()))
        };
        let device = DeviceId(number(0)?);
        // The blob's id, its key's version and itself, of the device or of the profile.
        let (place, columns) = match row.get::<Option<i64>>(6)? {
            Some(own) => {
                let (site, credential) = (SiteId(number(1)?), CredentialId(own));
                (Place { tenant, site, device, credential }, (7, 8))
            }
            None => {
                let (profile, site) = (CredentialId(number(9)?), SiteId(number(12)?));
                (Place::of_profile(tenant, site, profile), (10, 11))
            }
        };
        let version = small(columns.0)?;
        // All are under one key, but in the middle of a rotation.
        let key = match tenant_key.take() {
            Some(key) if TenantKey::version(&key) == version => key,
            _ => vault.tenant_key(&mut read, tenant, Some(version)).await?,
        };
        let opened = key.open(place, &row.get::<Vec<u8>>(columns.1)?);
        tenant_key = Some(key);
        let community = match opened {
            Err(VaultError::Sealed) => {
                left_out.push(device);
                continue;
            }
            opened => opened?,
        };
        devices.push(DeviceAssignment {
            device_id: device.0,
            host: row.get(2)?,
            port: small(3)?,
            interval_ms: small(4)?.saturating_mul(1000),
            snmp: Some(SnmpCommunity {
                version: snmp_version(&row.get::<String>(5)?)?.into(),
                community: community.expose().to_vec(),
            }),
            ..DeviceAssignment::default()
        });
    }
    let revision = u64::try_from(revision).unwrap_or(0);
    Ok((Assignment { revision, devices }, left_out))
}

fn snmp_version(text: &str) -> Result<SnmpVersion, InventoryError> {
    match text {
        "v1" => Ok(SnmpVersion::V1),
        "v2c" => Ok(SnmpVersion::V2c),
        _ => Err(StoreError::Corrupt { what: "an SNMP version".to_owned() }.into()),
    }
}
