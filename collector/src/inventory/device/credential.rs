//! The credential of a device: its own, or none, and then the closest profile's.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, IdGenerator, SiteId, TenantId};

use super::{ids_json, in_txn};
use crate::identity::TenantContext;
use crate::inventory::profile::{kind_of, profile_of};
use crate::inventory::snmp::{About, Credential, Kind};
use crate::inventory::vault::{Place, Vault, VaultError};
use crate::inventory::{InventoryError, Named, in_order, tenant_set};
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};

/// Which credential an agent asks a device with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InForce {
    /// With what may be shown of a user.
    Own(Option<About>),
    Profile(Named<CredentialId>, Option<About>),
    /// The device is pinged and not asked for more.
    Nothing,
}

sql! { pub(crate) IN_FORCE =
    "SELECT c.credential_id, p.profile_id, p.name, c.about, p.about
     FROM device d LEFT JOIN credential c
       ON c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = ",
    kind_of!(),
    " LEFT JOIN credential_profile p ON p.tenant_id = d.tenant_id AND p.profile_id = ",
    profile_of!(),
    " WHERE d.tenant_id IN ",
    tenant_set!(),
    " AND d.device_id = $2"
}

sql! { pub(crate) SEALED_IN_FORCE =
    "SELECT c.credential_id, c.key_version, c.sealed, d.site_id,
            p.profile_id, p.key_version, p.sealed, COALESCE(p.site_id, 0), d.snmp_version
     FROM device d LEFT JOIN credential c
       ON c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = ",
    kind_of!(),
    " LEFT JOIN credential_profile p ON p.tenant_id = d.tenant_id AND p.profile_id = ",
    profile_of!(),
    " WHERE d.tenant_id = $1 AND d.device_id = $2"
}

/// Whether what is sealed of the credential in force cannot be read: agents get a device like that
/// without one.
pub async fn credential_damaged(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    (tenant, device): (TenantId, DeviceId),
) -> Result<bool, InventoryError> {
    let mut txn = db.read(context).await?;
    let row = SEALED_IN_FORCE.bind(tenant).bind(device).optional(&mut txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let what = |_| StoreError::Corrupt { what: "the version of a key".to_owned() };
    let (place, first) = match (row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(4)?) {
        (Some(own), _) => {
            let (site, credential) = (SiteId(row.get(3)?), CredentialId(own));
            (Place { tenant, site, device, credential }, 1)
        }
        (None, Some(profile)) => {
            let site = SiteId(row.get(7)?);
            (Place::of_profile(tenant, site, CredentialId(profile)), 5)
        }
        (None, None) => return Ok(false),
    };
    let version = u32::try_from(row.get::<i64>(first)?).map_err(what)?;
    let key = vault.tenant_key(&mut txn, tenant, Some(version)).await?;
    match key.open(place, &row.get::<Vec<u8>>(first + 1)?) {
        Ok(plain) => {
            let kind = Kind::of_version(&row.get::<String>(8)?);
            Ok(Credential::read(kind, plain).is_none())
        }
        Err(VaultError::Sealed) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Which credential is in force for a device.
pub async fn credential_in_force(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
) -> Result<InForce, InventoryError> {
    let mut txn = db.read(context).await?;
    in_txn(&mut txn, &context.tenants_json(), id).await?;
    let row = IN_FORCE.bind(context.tenants_json()).bind(id).one(&mut txn).await?;
    let about = |column| Ok(row.get::<Option<String>>(column)?.as_deref().and_then(About::read));
    if row.get::<Option<i64>>(0)?.is_some() {
        return about(3).map(InForce::Own);
    }
    Ok(match row.get::<Option<i64>>(1)? {
        Some(id) => InForce::Profile(Named { id: CredentialId(id), name: row.get(2)? }, about(4)?),
        None => InForce::Nothing,
    })
}

sql! { pub(crate) INSERT =
    "INSERT INTO credential (tenant_id, credential_id, device_id, site_id, kind, version,
                             key_version, sealed, created_at, about)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)"
}
sql! { pub(crate) DELETE =
    "DELETE FROM credential WHERE tenant_id = $1
     AND device_id IN (SELECT value FROM json_each($2)) RETURNING device_id"
}

/// Gives devices, each at its site, a credential of their own, or takes it away. Says which of them
/// had one. Each has a new place, so that the blob of one before does not open in it.
pub(super) async fn put(
    txn: &mut Txn,
    (vault, ids): (&Vault, &IdGenerator),
    tenant: TenantId,
    places: &[(SiteId, DeviceId)],
    own: Option<&Credential>,
    now: Micros,
) -> Result<BTreeSet<DeviceId>, InventoryError> {
    let devices: Vec<_> = places.iter().map(|(_, device)| *device).collect();
    let had = take_away(txn, tenant, &devices).await?;
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

/// Takes the own credentials of devices away. Says which of them had one.
pub(super) async fn take_away(
    txn: &mut Txn,
    tenant: TenantId,
    devices: &[DeviceId],
) -> Result<BTreeSet<DeviceId>, InventoryError> {
    let had = DELETE.bind(tenant).bind(ids_json(devices)).all(txn).await?;
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
        let sealed: Vec<u8> = row.get(4)?;
        let what = |_| StoreError::Corrupt { what: "the version of a key".to_owned() };
        let version = u32::try_from(row.get::<i64>(3)?).map_err(what)?;
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
