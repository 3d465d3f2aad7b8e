//! Who logs in to a device by SSH: its own login, or the closest profile's.

use farwatch_common::id::{CredentialId, DeviceId, TenantId};

use crate::inventory::credential::{Credential, Kind};
use crate::inventory::sealed::{Sealed, sealed_columns, with_sealed};
use crate::inventory::ssh::{About, Login};
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, Named, tenant_set};
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

/// Whether somebody can log in to the device `d`: 1 or 0.
macro_rules! login_there {
    () => {
        concat!(
            "(CASE WHEN EXISTS (SELECT 1 FROM credential c WHERE c.tenant_id = d.tenant_id
                 AND c.device_id = d.device_id AND c.kind = 'ssh_login')
              OR ",
            $crate::inventory::profile::profile_of!("'ssh_login'"),
            " IS NOT NULL THEN 1 ELSE 0 END)"
        )
    };
}
pub(crate) use login_there;

/// Which login is in force for the device `d`, so that another one is known by it: it tells nothing of
/// what is in it. A profile counts as another one when anything of it was changed. Empty: there is none.
macro_rules! login_mark {
    () => {
        concat!(
            "COALESCE((SELECT 'own ' || CAST(c.credential_id AS TEXT) FROM credential c
                 WHERE c.tenant_id = d.tenant_id AND c.device_id = d.device_id
                 AND c.kind = 'ssh_login' LIMIT 1),
              (SELECT 'profile ' || CAST(p.profile_id AS TEXT) || ' ' || CAST(p.version AS TEXT)
               FROM credential_profile p WHERE p.tenant_id = d.tenant_id AND p.profile_id = ",
            $crate::inventory::profile::profile_of!("'ssh_login'"),
            "), '')"
        )
    };
}
pub(crate) use login_mark;

sql! { pub(crate) HAS_LOGIN =
    "SELECT ", login_there!(), " FROM device d WHERE d.tenant_id = $1 AND d.device_id = $2"
}

/// Whether somebody can log in to the device.
pub(crate) async fn has_login(
    txn: &mut Txn,
    (tenant, device): (TenantId, DeviceId),
) -> Result<bool, StoreError> {
    let row = HAS_LOGIN.bind(tenant).bind(device).optional(txn).await?;
    row.map_or(Ok(false), |row| row.get(0))
}

/// Which login is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginInForce {
    /// `None`: the device's own.
    pub profile: Option<Named<CredentialId>>,
    pub about: About,
}

sql! { pub(crate) IN_FORCE =
    "SELECT p.profile_id, p.name, COALESCE(c.about, p.about)",
    with_sealed!("'ssh_login'"),
    " WHERE d.tenant_id IN ",
    tenant_set!(),
    " AND d.device_id = $2"
}

/// The login in force for a device of these tenants, as far as it may be shown.
pub(crate) async fn login_in_force(
    txn: &mut Txn,
    set: &str,
    device: DeviceId,
) -> Result<Option<LoginInForce>, StoreError> {
    let Some(row) = IN_FORCE.bind(set).bind(device).optional(txn).await? else { return Ok(None) };
    let about = row.get::<Option<String>>(2)?.as_deref().and_then(About::read);
    let profile = match row.get::<Option<i64>>(0)? {
        Some(id) => Some(Named { id: CredentialId(id), name: row.get(1)? }),
        None => None,
    };
    Ok(about.map(|about| LoginInForce { profile, about }))
}

sql! { pub(crate) SEALED =
    "SELECT ",
    sealed_columns!(),
    ", d.host",
    with_sealed!("'ssh_login'"),
    " WHERE d.tenant_id = $1 AND d.device_id = $2"
}

/// The way into a device.
pub(crate) struct WayIn {
    pub(crate) host: String,
    /// `None`: nobody can log in.
    pub(crate) login: Option<Opened>,
}

/// A login that was sealed.
pub(crate) enum Opened {
    Login(Login),
    Damaged,
}

/// The way into a device, its login open: to be sent to its agent. `None`: there is no such device.
pub(crate) async fn way_in(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, device): (TenantId, DeviceId),
) -> Result<Option<WayIn>, InventoryError> {
    let Some(row) = SEALED.bind(tenant).bind(device).optional(txn).await? else {
        return Ok(None);
    };
    let host = row.get(10)?;
    let Some(sealed) = Sealed::of_kind(&row, tenant, Kind::Login)? else {
        return Ok(Some(WayIn { host, login: None }));
    };
    let opened = sealed.look(txn, vault, &mut None).await?.and_then(Credential::into_login);
    let login = Some(opened.map_or(Opened::Damaged, Opened::Login));
    Ok(Some(WayIn { host, login }))
}
