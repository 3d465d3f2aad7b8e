//! What the objects of a device are: its processors, memory, disks, sensors and parts.

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;

use super::{InventoryError, device_get};
use crate::identity::TenantContext;
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// One object, as the device's tables name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceObject {
    /// Number of the group; 0 are parts.
    pub group: u32,
    pub object: String,
    pub name: String,
    pub kind: String,
    pub description: String,
    pub parent: String,
    pub vendor: String,
    pub model: String,
    pub serial: String,
    pub hardware_revision: String,
    pub firmware_revision: String,
    pub software_revision: String,
    pub seen_at: Micros,
}

sql! { pub(crate) OBJECTS =
    "SELECT grp, object, name, kind, description, parent, vendor, model, serial,
            hardware_revision, firmware_revision, software_revision, seen_at
     FROM device_object WHERE tenant_id = $1 AND device_id = $2
       AND ($3 = 0 OR (grp, object) > ($4, $5)) ORDER BY grp, object LIMIT $6"
}

/// The place of an object in their order: the number of its group, and its name.
pub type ObjectPlace = (u32, String);

/// At most `max` objects of a device behind a place, by group and name.
pub async fn device_objects(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
    after: Option<&ObjectPlace>,
    max: u32,
) -> Result<Vec<DeviceObject>, InventoryError> {
    let tenant = device_get(db, context, id).await?.tenant.id;
    let mut txn = db.read(context).await?;
    let (behind, group, object) = after.map_or((0, 0, ""), |(group, object)| (1, *group, object));
    let rows = OBJECTS.bind(tenant).bind(id).bind(behind).bind(group).bind(object);
    let rows = rows.bind(max).all(&mut txn).await?;
    let group = |number: i64| {
        let what = |_| StoreError::Corrupt { what: "the number of a group".to_owned() };
        u32::try_from(number).map_err(what)
    };
    let mut objects = Vec::with_capacity(rows.len());
    for row in &rows {
        objects.push(DeviceObject {
            group: group(row.get(0)?)?,
            object: row.get(1)?,
            name: row.get(2)?,
            kind: row.get(3)?,
            description: row.get(4)?,
            parent: row.get(5)?,
            vendor: row.get(6)?,
            model: row.get(7)?,
            serial: row.get(8)?,
            hardware_revision: row.get(9)?,
            firmware_revision: row.get(10)?,
            software_revision: row.get(11)?,
            seen_at: Micros(row.get(12)?),
        });
    }
    Ok(objects)
}
