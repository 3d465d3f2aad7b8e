//! What the parts of a device are called: its ports, memories, disks and sensors.

use farwatch_common::id::{DeviceId, TenantId};
use farwatch_common::sample::Group;

use crate::evaluate::engine::step::Tracked;
use crate::store::sql::{Query, sql};
use crate::store::{StoreError, Txn};

sql! { pub(crate) PORT =
"SELECT COALESCE(NULLIF(name, ''), description) FROM interface
 WHERE tenant_id = $1 AND device_id = $2 AND if_index = $3" }
sql! { pub(crate) OBJECT =
"SELECT COALESCE(NULLIF(name, ''), description) FROM device_object
 WHERE tenant_id = $1 AND device_id = $2 AND grp = $3 AND object = $4" }
sql! { pub(crate) CALLED =
"SELECT object_name FROM alert WHERE tenant_id = $1 AND alert_id = $2" }

/// The name of an object; empty where it has none, or is not there.
pub(in crate::evaluate) async fn part_name(
    txn: &mut Txn,
    tenant: TenantId,
    device: DeviceId,
    object: &str,
) -> Result<String, StoreError> {
    let Some((kind, index)) = object.split_once(':') else { return Ok(String::new()) };
    let query = match kind {
        "if" => {
            let Ok(index) = index.parse::<u32>() else { return Ok(String::new()) };
            PORT.bind(tenant).bind(device).bind(i64::from(index))
        }
        "sensor" => OBJECT.bind(tenant).bind(device).bind(Group::Sensors as i64).bind(object),
        _ => OBJECT.bind(tenant).bind(device).bind(Group::Host as i64).bind(object),
    };
    named(query, txn).await
}

/// The name of what an alert is about; where it is gone, as it was called.
pub(in crate::evaluate) async fn part_of(
    txn: &mut Txn,
    tenant: TenantId,
    alert: &Tracked,
) -> Result<String, StoreError> {
    let object = &alert.subject.object;
    let Some(device) = alert.subject.device.filter(|_| !object.is_empty()) else {
        return Ok(String::new());
    };
    let name = part_name(txn, tenant, device, object).await?;
    if !name.is_empty() {
        return Ok(name);
    }
    named(CALLED.bind(tenant).bind(alert.alert), txn).await
}

async fn named(query: Query, txn: &mut Txn) -> Result<String, StoreError> {
    query.optional(txn).await?.map_or_else(|| Ok(String::new()), |row| row.get(0))
}
