//! What an agent is to poll, and the news that it changed.
//!
//! The revision rises in the transaction that changes a device, and an agent that connects gets the
//! whole assignment: the news may be lost, the change is not.

use farwatch_common::id::{AgentId, CredentialId, DeviceId, SiteId, TenantId};
use farwatch_proto::v1::{Assignment, DeviceAssignment, SnmpCommunity, SnmpVersion};
use sqlx::Row as _;
use tokio::sync::broadcast;

use super::InventoryError;
use super::credential::{Place, TenantKey, Vault, VaultError};
use crate::store::{Database, StoreError, Transaction};

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

/// Marks the agent's assignment as changed; in the transaction of the change.
pub(super) async fn assignment_bump(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
) -> Result<(), InventoryError> {
    sqlx::query(
        "UPDATE agent SET assignment_revision = assignment_revision + 1
         WHERE tenant_id = $1 AND agent_id = $2",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .execute(&mut **txn)
    .await?;
    Ok(())
}

/// Lifts the agent's revision above `known`, which it has from a time this database does not
/// remember: it was restored from a backup. Says whether it could.
pub(super) async fn assignment_outgrow(
    db: &Database,
    tenant: TenantId,
    agent: AgentId,
    known: u64,
) -> Result<bool, InventoryError> {
    let Some(known) = i64::try_from(known).ok().filter(|known| *known < REVISION_MAX) else {
        return Ok(false);
    };
    let mut txn = db.write().await?;
    let done = sqlx::query(
        "UPDATE agent SET assignment_revision = $3 + 1
         WHERE tenant_id = $1 AND agent_id = $2 AND assignment_revision <= $3",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(known)
    .execute(&mut *txn)
    .await?;
    txn.commit().await?;
    Ok(done.rows_affected() > 0)
}

/// The whole assignment, credentials open, and the devices that are left out because theirs is
/// damaged. For the agent's own connection only: tenant and agent come from its certificate. A
/// revoked agent has none; without the tenant's key there is none, and agents go on as before.
pub async fn assignment_for(
    db: &Database,
    vault: &Vault,
    tenant: TenantId,
    agent: AgentId,
) -> Result<(Assignment, Vec<DeviceId>), InventoryError> {
    // One snapshot for revision and devices.
    let mut read = db.reader().begin().await?;
    let revision: i64 = sqlx::query_scalar(
        "SELECT assignment_revision FROM agent
         WHERE tenant_id = $1 AND agent_id = $2 AND revoked_at IS NULL",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .fetch_optional(&mut *read)
    .await?
    .ok_or(InventoryError::NotFound)?;
    let rows = sqlx::query(
        "SELECT d.device_id, d.site_id, d.host, d.port, d.interval_s, d.snmp_version,
                c.credential_id, c.key_version, c.sealed
         FROM device d JOIN credential c
           ON c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = 'snmp_community'
         WHERE d.tenant_id = $1 AND d.agent_id = $2 ORDER BY d.device_id",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .fetch_all(&mut *read)
    .await?;
    let mut devices = Vec::with_capacity(rows.len());
    let mut left_out = Vec::new();
    let mut tenant_key = None;
    for row in &rows {
        let number = |column| Ok::<_, InventoryError>(row.try_get::<i64, _>(column)?);
        let small = |column| {
            let what = || StoreError::Corrupt { what: "a number of a device".to_owned() };
            u32::try_from(number(column)?).map_err(|_| InventoryError::Store(what()))
        };
        let place = Place {
            tenant,
            site: SiteId(number(1)?),
            device: DeviceId(number(0)?),
            credential: CredentialId(number(6)?),
        };
        let version = small(7)?;
        // All are under one key, but in the middle of a rotation.
        let key = match tenant_key.take() {
            Some(key) if TenantKey::version(&key) == version => key,
            _ => vault.tenant_key(&mut read, tenant, Some(version)).await?,
        };
        let opened = key.open(place, row.try_get::<&[u8], _>(8)?);
        tenant_key = Some(key);
        let community = match opened {
            Err(VaultError::Sealed) => {
                left_out.push(place.device);
                continue;
            }
            opened => opened?,
        };
        devices.push(DeviceAssignment {
            device_id: place.device.0,
            host: row.try_get(2)?,
            port: small(3)?,
            interval_ms: small(4)?.saturating_mul(1000),
            snmp: Some(SnmpCommunity {
                version: snmp_version(row.try_get(5)?)?.into(),
                community: community.expose().to_vec(),
            }),
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
