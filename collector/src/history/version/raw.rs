//! What a device sent, secrets and all: opened for its administrators alone, and audited first.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ConfigJobId, ConfigVersionId, DeviceId};
use farwatch_common::secret::Secret;
use serde_json::json;

use super::list::version_get;
use crate::audit::Change;
use crate::history::outcome::open_raw;
use crate::identity::{Access, TenantContext};
use crate::inventory::vault::Place;
use crate::inventory::{InventoryError, Vault};
use crate::store::Database;
use crate::store::sql::sql;

sql! { pub(crate) RAW =
    "SELECT device_id, job_id, raw, raw_key, key_version FROM config_version
     WHERE tenant_id = $1 AND version_id = $2"
}

/// The raw of a version. Who asked is in the audit before it is opened, also if it does not open.
pub async fn version_raw(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    id: ConfigVersionId,
    now: Micros,
) -> Result<Secret, InventoryError> {
    let (version, _) = version_get(db, context, id).await?;
    let tenant = version.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let row = RAW.bind(tenant).bind(id.0).optional(&mut txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let device = DeviceId(row.get(0)?);
    let key_version = u32::try_from(row.get::<i64>(4)?).map_err(|_| InventoryError::Damaged)?;
    let key = vault.tenant_key(&mut txn, tenant, Some(key_version)).await?;
    let change = Change::new("config", "raw", id.0, &version.device.name);
    let after = json!({ "device": version.device.id.to_string() });
    txn.commit([change.after(after)], now).await?;
    let sealed = row.get::<Vec<u8>>(3)?;
    let raw_key = key.open(Place::of_config(tenant, device, id), &sealed);
    let (raw_key, job) = (raw_key.map_err(|_| InventoryError::Damaged)?, ConfigJobId(row.get(1)?));
    let raw = row.get::<Vec<u8>>(2)?;
    let opened = tokio::task::spawn_blocking(move || open_raw(&raw, job, &raw_key)).await;
    opened.map_err(|_| InventoryError::Damaged)?.map_err(|_| InventoryError::Damaged)
}
