//! Tags: words that people put on devices, to find them and to give them credentials.

use std::collections::{BTreeSet, HashMap};

use farwatch_common::id::{DeviceId, TenantId};

use super::{Device, ids_json};
use crate::inventory::{InventoryError, tenant_set};
use crate::store::Txn;
use crate::store::sql::sql;

/// Of one device.
pub const TAGS_MAX: usize = 32;
pub const TAG_CHARS_MAX: usize = 50;

pub type Tags = BTreeSet<String>;

/// Whether `tag` can be one: not empty, not too long, no spaces at its ends, no control characters
/// and no comma, so that a list of them can be written on one line.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.trim() == tag
        && tag.chars().count() <= TAG_CHARS_MAX
        && !tag.chars().any(|c| c.is_control() || c == ',')
}

sql! { pub(crate) OF_DEVICES =
    "SELECT device_id, tag FROM device_tag WHERE tenant_id IN ",
    tenant_set!(),
    " AND device_id IN (SELECT value FROM json_each($2)) ORDER BY device_id, tag"
}

/// Reads the tags of these devices.
pub(super) async fn fill(
    txn: &mut Txn,
    set: &str,
    devices: &mut [Device],
) -> Result<(), InventoryError> {
    if devices.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
    let mut tags: HashMap<i64, Tags> = HashMap::new();
    for row in OF_DEVICES.bind(set).bind(ids_json(&ids)).all(txn).await? {
        tags.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    for device in devices {
        device.tags = tags.remove(&device.id.0).unwrap_or_default();
    }
    Ok(())
}

sql! { pub(crate) CLEAR = "DELETE FROM device_tag WHERE tenant_id = $1 AND device_id = $2" }
sql! { pub(crate) INSERT =
    "INSERT INTO device_tag (tenant_id, device_id, tag) VALUES ($1, $2, $3)"
}

/// Replaces the tags of a device.
pub(super) async fn store(
    txn: &mut Txn,
    (tenant, device): (TenantId, DeviceId),
    tags: &Tags,
) -> Result<(), InventoryError> {
    if tags.len() > TAGS_MAX {
        let max = u32::try_from(TAGS_MAX).unwrap_or(u32::MAX);
        return Err(InventoryError::Full { what: "tags on one device; take some off", max });
    }
    CLEAR.bind(tenant).bind(device).execute(txn).await?;
    for tag in tags {
        INSERT.bind(tenant).bind(device).bind(tag).execute(txn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_can_be_written_on_one_line() {
        for (tag, good) in [("core", true), ("Dach 2", true), ("", false), (" x", false)] {
            assert_eq!(is_tag(tag), good, "{tag:?}");
        }
        for tag in ["a,b", "a\nb", &"x".repeat(TAG_CHARS_MAX + 1)] {
            assert!(!is_tag(tag), "{tag:?}");
        }
    }
}
