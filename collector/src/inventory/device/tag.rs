//! Tags: words that people put on devices, to find them and to give them credentials.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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

sql! { pub(crate) DELETE =
    "DELETE FROM device_tag WHERE tenant_id = $1 AND tag = $3
     AND device_id IN (SELECT value FROM json_each($2))"
}
sql! { pub(crate) INSERT =
    "INSERT INTO device_tag (tenant_id, device_id, tag) SELECT $1, value, $3 FROM json_each($2)"
}

/// Writes the tags of devices that had others, which are named before those they get: a statement
/// for each tag.
pub(super) async fn store<'a>(
    txn: &mut Txn,
    tenant: TenantId,
    devices: impl IntoIterator<Item = (DeviceId, &'a Tags, &'a Tags)>,
) -> Result<(), InventoryError> {
    let mut off: BTreeMap<&str, Vec<DeviceId>> = BTreeMap::new();
    let mut on = off.clone();
    for (device, before, after) in devices {
        if after.len() > TAGS_MAX && before != after {
            let max = u32::try_from(TAGS_MAX).unwrap_or(u32::MAX);
            return Err(InventoryError::Full { what: "tags on one device; take some off", max });
        }
        for tag in before.difference(after) {
            off.entry(tag).or_default().push(device);
        }
        for tag in after.difference(before) {
            on.entry(tag).or_default().push(device);
        }
    }
    for (statement, tags) in [(&DELETE, off), (&INSERT, on)] {
        for (tag, devices) in tags {
            statement.bind(tenant).bind(ids_json(&devices)).bind(tag).execute(txn).await?;
        }
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
