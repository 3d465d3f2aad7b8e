//! A new key for a tenant, and all that the old one sealed sealed anew.
//!
//! - in: a tenant; out: one row of the audit
//! - bound: [`GROUP_MAX`] blobs in a transaction, so that nobody waits long for the tenant's lock
//! - when full: the next group
//! - on crash: each step is a transaction; every blob names the key it is under, and the old key
//!   goes only when none does. Beginning again goes on: more than one key is a rotation under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use farwatch_common::clock::Micros;
use farwatch_common::id::{CredentialId, DeviceId, SiteId, TenantId};
use serde_json::json;

use super::seal::{Place, TenantKey};
use super::{Vault, VaultError, key_insert};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::InventoryError;
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError};

/// Blobs that are sealed anew in one transaction.
pub const GROUP_MAX: u32 = 500;

sql! { pub(crate) KEYS =
    "SELECT COUNT(k.version), COALESCE(MAX(k.version), 0), t.name
     FROM tenant t LEFT JOIN tenant_key k ON k.tenant_id = t.tenant_id
     WHERE t.tenant_id = $1 GROUP BY t.name"
}
sql! { pub(crate) OF_DEVICES =
    "SELECT credential_id, device_id, site_id, key_version, sealed FROM credential
     WHERE tenant_id = $1 AND key_version < $2 AND credential_id > $3
     ORDER BY credential_id LIMIT $4"
}
sql! { pub(crate) OF_PROFILES =
    "SELECT profile_id, 0, COALESCE(site_id, 0), key_version, sealed FROM credential_profile
     WHERE tenant_id = $1 AND key_version < $2 AND profile_id > $3
     ORDER BY profile_id LIMIT $4"
}
// Their place has the version where a device's has the device.
sql! { pub(crate) OF_CHANNELS =
    "SELECT channel_id, version, 0, key_version, sealed FROM channel
     WHERE tenant_id = $1 AND key_version < $2 AND channel_id > $3 AND sealed IS NOT NULL
     ORDER BY channel_id LIMIT $4"
}
// Their place has -1 where a device's credential has the site.
sql! { pub(crate) OF_CONFIGS =
    "SELECT version_id, device_id, -1, key_version, raw_key FROM config_version
     WHERE tenant_id = $1 AND key_version < $2 AND version_id > $3
     ORDER BY version_id LIMIT $4"
}
sql! { pub(crate) DEVICE_RESEAL =
    "UPDATE credential SET key_version = $3, sealed = $4
     WHERE tenant_id = $1 AND credential_id = $2"
}
sql! { pub(crate) PROFILE_RESEAL =
    "UPDATE credential_profile SET key_version = $3, sealed = $4
     WHERE tenant_id = $1 AND profile_id = $2"
}
sql! { pub(crate) CHANNEL_RESEAL =
    "UPDATE channel SET key_version = $3, sealed = $4 WHERE tenant_id = $1 AND channel_id = $2"
}
sql! { pub(crate) CONFIG_RESEAL =
    "UPDATE config_version SET key_version = $3, raw_key = $4
     WHERE tenant_id = $1 AND version_id = $2"
}
sql! { pub(crate) KEYS_FORGET =
    "DELETE FROM tenant_key WHERE tenant_id = $1 AND version < $2
     AND version NOT IN (SELECT key_version FROM credential WHERE tenant_id = $1)
     AND version NOT IN (SELECT key_version FROM credential_profile WHERE tenant_id = $1)
     AND version NOT IN (SELECT key_version FROM channel
                         WHERE tenant_id = $1 AND sealed IS NOT NULL)
     AND version NOT IN (SELECT key_version FROM config_version WHERE tenant_id = $1)"
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    pub version: u32,
    pub resealed: u64,
    /// Blobs that do not open any more: they stay as they are, and the key they name stays.
    pub damaged: Vec<CredentialId>,
}

/// Where a rotation stands: what is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    /// After this id.
    Devices(i64),
    Profiles(i64),
    Channels(i64),
    Configs(i64),
    End,
    Done,
}

/// A rotation under way. Dropped, it stays so, to be begun again.
pub struct TenantRotation<'a> {
    db: &'a Database,
    vault: &'a Vault,
    context: &'a TenantContext,
    tenant: TenantId,
    name: String,
    stage: Stage,
    done: Rotated,
}

/// Exchanges the tenant's key, or takes up an exchange that was cut short.
pub async fn tenant_key_rotate(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    tenant: TenantId,
    now: Micros,
) -> Result<Rotated, InventoryError> {
    let mut rotation = TenantRotation::new(db, vault, context, tenant);
    while rotation.step(now).await? {}
    Ok(rotation.done)
}

impl<'a> TenantRotation<'a> {
    #[must_use]
    pub fn new(
        db: &'a Database,
        vault: &'a Vault,
        context: &'a TenantContext,
        tenant: TenantId,
    ) -> Self {
        let done = Rotated { version: 0, resealed: 0, damaged: Vec::new() };
        Self { db, vault, context, tenant, name: String::new(), stage: Stage::Begin, done }
    }

    /// The next transaction; false after the last.
    pub async fn step(&mut self, now: Micros) -> Result<bool, InventoryError> {
        self.stage = match self.stage {
            Stage::Begin => self.begin(now).await?,
            Stage::Devices(after) => {
                let (read, write) = (&OF_DEVICES, &DEVICE_RESEAL);
                self.group((read, write), after, now)
                    .await?
                    .map_or(Stage::Profiles(0), Stage::Devices)
            }
            Stage::Profiles(after) => {
                let (read, write) = (&OF_PROFILES, &PROFILE_RESEAL);
                self.group((read, write), after, now)
                    .await?
                    .map_or(Stage::Channels(0), Stage::Profiles)
            }
            Stage::Channels(after) => {
                let (read, write) = (&OF_CHANNELS, &CHANNEL_RESEAL);
                self.group((read, write), after, now)
                    .await?
                    .map_or(Stage::Configs(0), Stage::Channels)
            }
            Stage::Configs(after) => {
                let (read, write) = (&OF_CONFIGS, &CONFIG_RESEAL);
                self.group((read, write), after, now).await?.map_or(Stage::End, Stage::Configs)
            }
            Stage::End => self.end(now).await?,
            Stage::Done => return Ok(false),
        };
        Ok(true)
    }

    async fn begin(&mut self, now: Micros) -> Result<Stage, InventoryError> {
        let wrapping = self.vault.wrapping()?;
        let mut txn = self.db.change(self.context, self.tenant, Access::Admin).await?;
        let keys = KEYS.bind(self.tenant).optional(&mut txn).await?;
        let keys = keys.ok_or(InventoryError::NotFound)?;
        let missing = |_| VaultError::TenantKey { tenant: self.tenant };
        let (count, newest): (i64, i64) = (keys.get(0)?, keys.get(1)?);
        let newest = u32::try_from(newest).map_err(missing)?;
        (self.name, self.done.version) = (keys.get(2)?, newest);
        if count <= 1 {
            self.done.version = newest + 1;
            key_insert(&mut txn, &wrapping, (self.tenant, newest + 1), now).await?;
        }
        // The audit tells of the whole, at its end.
        txn.commit([], now).await?;
        Ok(Stage::Devices(0))
    }

    /// Seals a group anew; the last id of it, or `None` if there was nothing left.
    async fn group(
        &mut self,
        (read, write): (&'static Sql, &'static Sql),
        after: i64,
        now: Micros,
    ) -> Result<Option<i64>, InventoryError> {
        let mut txn = self.db.change(self.context, self.tenant, Access::Admin).await?;
        let (tenant, version) = (self.tenant, self.done.version);
        let rows = read.bind(tenant).bind(version).bind(after).bind(GROUP_MAX);
        let rows = rows.all(&mut txn).await?;
        let newest = self.vault.tenant_key(&mut txn, tenant, Some(version)).await?;
        let mut keys: HashMap<u32, TenantKey> = HashMap::new();
        let mut last = None;
        for row in &rows {
            let (place, old) = self.place(row)?;
            last = Some(place.credential.0);
            let key = match keys.entry(old) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(empty) => {
                    empty.insert(self.vault.tenant_key(&mut txn, tenant, Some(old)).await?)
                }
            };
            let Ok(plain) = key.open(place, &row.get::<Vec<u8>>(4)?) else {
                self.done.damaged.push(place.credential);
                continue;
            };
            let write = write.bind(tenant).bind(place.credential.0).bind(version);
            write.bind(newest.seal(place, &plain)?).execute(&mut txn).await?;
            self.done.resealed += 1;
        }
        txn.commit([], now).await?;
        Ok(last)
    }

    fn place(&self, row: &Row) -> Result<(Place, u32), InventoryError> {
        let place = Place {
            tenant: self.tenant,
            credential: CredentialId(row.get(0)?),
            device: DeviceId(row.get(1)?),
            site: SiteId(row.get(2)?),
        };
        let what = |_| StoreError::Corrupt { what: "the version of a key".to_owned() };
        Ok((place, u32::try_from(row.get::<i64>(3)?).map_err(what)?))
    }

    /// The old key goes with the last blob that was under it.
    async fn end(&mut self, now: Micros) -> Result<Stage, InventoryError> {
        let mut txn = self.db.change(self.context, self.tenant, Access::Admin).await?;
        KEYS_FORGET.bind(self.tenant).bind(self.done.version).execute(&mut txn).await?;
        let Rotated { version, resealed, damaged } = &self.done;
        let after =
            json!({ "key_version": version, "resealed": resealed, "damaged": damaged.len() });
        let change = Change::new("tenant", "key_rotate", self.tenant.0, &self.name);
        txn.commit([change.after(after)], now).await?;
        Ok(Stage::Done)
    }
}
