//! The credentials of a device, one for SNMP and one to log in: its own, or none, and then the closest
//! profile's.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, IdGenerator, SiteId, TenantId};

use super::ids_json;
use crate::identity::TenantContext;
use crate::inventory::credential::Credential;
use crate::inventory::profile::kind_of;
use crate::inventory::sealed::{self, Sealed, sealed_columns, with_sealed};
use crate::inventory::snmp::About;
use crate::inventory::vault::{Place, Vault, VaultError};
use crate::inventory::{InventoryError, Named, in_order, tenant_set};
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};

/// Which credential an agent asks a device with over SNMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InForce {
    /// With what may be shown of a user.
    Own(Option<About>),
    Profile(Named<CredentialId>, Option<About>),
    /// The device is pinged and not asked for more.
    Nothing,
}

sql! { pub(crate) IN_FORCE =
    "SELECT ",
    sealed_columns!(),
    ", d.tenant_id, p.name, c.about, p.about",
    with_sealed!(kind_of!()),
    " WHERE d.tenant_id IN ",
    tenant_set!(),
    " AND d.device_id = $2"
}

/// Which credential is in force for a device over SNMP, and whether what is sealed of it cannot be read:
/// agents get a device like that without one.
pub async fn credential_in_force(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    id: DeviceId,
) -> Result<(InForce, bool), InventoryError> {
    let mut txn = db.read(context).await?;
    let row = IN_FORCE.bind(context.tenants_json()).bind(id).optional(&mut txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let Some(sealed) = Sealed::of(&row, TenantId(row.get(10)?))? else {
        return Ok((InForce::Nothing, false));
    };
    let about = |column| -> Result<_, StoreError> {
        Ok(row.get::<Option<String>>(column)?.as_deref().and_then(About::read))
    };
    let in_force = match row.get::<Option<i64>>(6)? {
        Some(id) => {
            InForce::Profile(Named { id: CredentialId(id), name: row.get(11)? }, about(13)?)
        }
        None => InForce::Own(about(12)?),
    };
    let credential = sealed.look(&mut txn, vault, &mut None).await?;
    Ok((in_force, credential.is_none()))
}

sql! { pub(crate) INSERT =
    "INSERT INTO credential (tenant_id, credential_id, device_id, site_id, kind, version,
                             key_version, sealed, created_at, about)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)"
}
sql! { pub(crate) DELETE =
    "DELETE FROM credential WHERE tenant_id = $1
     AND device_id IN (SELECT value FROM json_each($2))
     AND CASE kind WHEN 'ssh_login' THEN 1 ELSE 0 END = $3 RETURNING device_id"
}

/// For what a device has a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Snmp,
    Login,
}

/// Gives devices, each at its site, a credential of their own for this purpose, or takes it away. Says
/// which of them had one. Each has a new place, so that the blob of one before does not open in it.
pub(crate) async fn put(
    txn: &mut Txn,
    (vault, ids): (&Vault, &IdGenerator),
    tenant: TenantId,
    places: &[(SiteId, DeviceId)],
    (purpose, own): (Purpose, Option<&Credential>),
    now: Micros,
) -> Result<BTreeSet<DeviceId>, InventoryError> {
    let devices: Vec<_> = places.iter().map(|(_, device)| *device).collect();
    let had = take_away(txn, tenant, purpose, &devices).await?;
    let Some(own) = own else { return Ok(had) };
    let plain = own.plain();
    let key = vault.tenant_key(txn, tenant, None).await?;
    for (site, device) in places.iter().copied() {
        let place = Place { tenant, site, device, credential: CredentialId(ids.next(now)) };
        let insert = INSERT.bind(tenant).bind(place.credential.0).bind(device).bind(site);
        let insert = insert.bind(own.kind().name()).bind(key.version());
        let insert = insert.bind(key.seal(place, &plain)?).bind(now).bind(own.about());
        insert.execute(txn).await?;
    }
    Ok(had)
}

/// Takes the own credentials of devices for this purpose away. Says which of them had one.
pub(super) async fn take_away(
    txn: &mut Txn,
    tenant: TenantId,
    purpose: Purpose,
    devices: &[DeviceId],
) -> Result<BTreeSet<DeviceId>, InventoryError> {
    let delete = DELETE.bind(tenant).bind(ids_json(devices)).bind(purpose as i64);
    let had = delete.all(txn).await?;
    Ok(had.iter().map(|row| row.get(0).map(DeviceId)).collect::<Result<_, _>>()?)
}

sql! { pub(crate) OF_DEVICE =
    "SELECT credential_id, device_id, site_id, key_version, sealed FROM credential
     WHERE tenant_id = $1 AND device_id = $2"
}
sql! { pub(crate) OF_AGENT =
    "SELECT c.credential_id, c.device_id, c.site_id, c.key_version, c.sealed
     FROM credential c JOIN device d ON d.tenant_id = c.tenant_id AND d.device_id = c.device_id
     WHERE c.tenant_id = $1 AND d.agent_id = $2 ORDER BY c.credential_id"
}
sql! { pub(crate) MOVE =
    "UPDATE credential SET site_id = $3, key_version = $4, sealed = $5
     WHERE tenant_id = $1 AND credential_id = $2"
}
static LOCK: Sql = Sql::new(
    "SELECT device_id FROM device WHERE tenant_id = $1 AND agent_id = $2
     ORDER BY device_id FOR NO KEY UPDATE",
    file!(),
    line!(),
);
sql! { pub(crate) DEVICES_MOVE =
    "UPDATE device SET site_id = $3 WHERE tenant_id = $1 AND agent_id = $2"
}

/// Moves the devices of an agent to its new site, and what is sealed for them.
pub(in crate::inventory) async fn devices_follow(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, agent): (TenantId, AgentId),
    site: SiteId,
) -> Result<(), InventoryError> {
    in_order(txn, LOCK.bind(tenant).bind(agent)).await?;
    DEVICES_MOVE.bind(tenant).bind(agent).bind(site).execute(txn).await?;
    let rows = OF_AGENT.bind(tenant).bind(agent).all(txn).await?;
    reseal(txn, vault, tenant, &rows, site).await
}

/// Moves what is sealed for a device to its new site.
pub(super) async fn follow(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, device): (TenantId, DeviceId),
    site: SiteId,
) -> Result<(), InventoryError> {
    let rows = OF_DEVICE.bind(tenant).bind(device).all(txn).await?;
    reseal(txn, vault, tenant, &rows, site).await
}

/// The place of a blob names the site: another site is another blob. One that is damaged stays so.
async fn reseal(
    txn: &mut Txn,
    vault: &Vault,
    tenant: TenantId,
    rows: &[Row],
    site: SiteId,
) -> Result<(), InventoryError> {
    let newest = vault.tenant_key(txn, tenant, None).await?;
    for row in rows {
        let credential = CredentialId(row.get(0)?);
        let old = SiteId(row.get(2)?);
        let place = Place { tenant, site: old, device: DeviceId(row.get(1)?), credential };
        let (version, sealed) = (sealed::version(row, 3)?, row.get::<Vec<u8>>(4)?);
        let opened = if version == newest.version() {
            newest.open(place, &sealed)
        } else {
            // In the middle of a rotation.
            vault.tenant_key(txn, tenant, Some(version)).await?.open(place, &sealed)
        };
        let (version, sealed) = match opened {
            Ok(plain) => (newest.version(), newest.seal(Place { site, ..place }, &plain)?),
            Err(VaultError::Sealed) => (version, sealed),
            Err(error) => return Err(error.into()),
        };
        let update = MOVE.bind(tenant).bind(credential.0).bind(site).bind(version).bind(sealed);
        update.execute(txn).await?;
    }
    Ok(())
}
