//! The credential that a device is asked with, as it is stored: its own, or the closest profile's.

use farwatch_common::id::{CredentialId, DeviceId, SiteId, TenantId};

use super::InventoryError;
use super::credential::{Credential, Kind};
use super::snmp;
use super::vault::{Place, TenantKey, Vault, VaultError};
use crate::store::sql::Row;
use crate::store::{StoreError, Txn};

/// The columns that [`Sealed::of`] reads; those of the statement itself follow, from 10.
macro_rules! sealed_columns {
    () => {
        "d.device_id, d.site_id, d.snmp_version, c.credential_id, c.key_version, c.sealed,
         p.profile_id, p.key_version, p.sealed, COALESCE(p.site_id, 0)"
    };
}
pub(crate) use sealed_columns;

/// Devices `d`, each with its own credential `c` of this kind or, if it has none, its profile `p`.
macro_rules! with_sealed {
    ($kind:expr) => {
        concat!(
            " FROM device d LEFT JOIN credential c
               ON c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = ",
            $kind,
            " LEFT JOIN credential_profile p ON c.credential_id IS NULL
               AND p.tenant_id = d.tenant_id AND p.profile_id = ",
            $crate::inventory::profile::profile_of!($kind)
        )
    };
}
pub(crate) use with_sealed;

/// A blob, where it belongs, the version of its key, and what it is.
pub(super) struct Sealed {
    pub(super) place: Place,
    pub(super) version: u32,
    pub(super) blob: Vec<u8>,
    pub(super) kind: Kind,
}

impl Sealed {
    /// What the device of a row is asked with over SNMP, if anything.
    pub(super) fn of(row: &Row, tenant: TenantId) -> Result<Option<Self>, StoreError> {
        let kind = Kind::Snmp(snmp::Kind::of_version(&row.get::<String>(2)?));
        Self::of_kind(row, tenant, kind)
    }

    /// What is sealed for the device of a row, which was joined for this kind.
    pub(super) fn of_kind(
        row: &Row,
        tenant: TenantId,
        kind: Kind,
    ) -> Result<Option<Self>, StoreError> {
        if let Some(own) = row.get::<Option<i64>>(3)? {
            let (site, device) = (SiteId(row.get(1)?), DeviceId(row.get(0)?));
            let place = Place { tenant, site, device, credential: CredentialId(own) };
            return Ok(Some(Self { place, version: version(row, 4)?, blob: row.get(5)?, kind }));
        }
        let Some(profile) = row.get::<Option<i64>>(6)? else { return Ok(None) };
        let place = Place::of_profile(tenant, SiteId(row.get(9)?), CredentialId(profile));
        Ok(Some(Self { place, version: version(row, 7)?, blob: row.get(8)?, kind }))
    }

    /// `None`: it is damaged. `key` is that of the one before: all of a tenant are under one, but in
    /// the middle of a rotation.
    pub(super) async fn open(
        &self,
        txn: &mut Txn,
        vault: &Vault,
        key: &mut Option<TenantKey>,
    ) -> Result<Option<Credential>, InventoryError> {
        let fitting = match key.take().filter(|key| key.version() == self.version) {
            Some(key) => key,
            None => vault.tenant_key(txn, self.place.tenant, Some(self.version)).await?,
        };
        let plain = match fitting.open(self.place, &self.blob) {
            Err(VaultError::Sealed) => None,
            opened => Some(opened?),
        };
        *key = Some(fitting);
        Ok(plain.and_then(|plain| Credential::read(self.kind, plain)))
    }

    /// As [`Self::open`], for a person: one whose key is gone or does not open is damaged too.
    pub(super) async fn look(
        &self,
        txn: &mut Txn,
        vault: &Vault,
        key: &mut Option<TenantKey>,
    ) -> Result<Option<Credential>, InventoryError> {
        match self.open(txn, vault, key).await {
            Err(InventoryError::Vault(VaultError::TenantKey { .. })) => Ok(None),
            opened => opened,
        }
    }
}

/// The version of a key.
pub(super) fn version(row: &Row, column: usize) -> Result<u32, StoreError> {
    let what = |_| StoreError::Corrupt { what: "the version of a key".to_owned() };
    u32::try_from(row.get::<i64>(column)?).map_err(what)
}
