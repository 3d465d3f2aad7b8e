//! What the mirror reads of the database.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ConfigJobId, ConfigVersionId, DeviceId, SiteId, TenantId};

use super::stream::VERSION;
use crate::history::HistoryKey;
use crate::history::text::Packed;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

sql! { pub(crate) DEVICES =
    "SELECT d.device_id, d.name, s.name FROM device d
     JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
     WHERE d.tenant_id = $1 AND EXISTS (
         SELECT 1 FROM config_version v
         WHERE v.tenant_id = d.tenant_id AND v.device_id = d.device_id)
     ORDER BY d.device_id"
}

/// The devices that have a version, with their names and those of their sites.
pub(super) async fn devices(
    database: &Database,
    tenant: TenantId,
) -> Result<Vec<(DeviceId, String, String)>, StoreError> {
    let mut txn = database.history_read(HistoryKey::new(), &[tenant].into()).await?;
    let rows = DEVICES.bind(tenant).all(&mut txn).await?;
    rows.iter().map(|row| Ok((DeviceId(row.get(0)?), row.get(1)?, row.get(2)?))).collect()
}

/// Versions that are written at once, and the bytes of text after which a group ends.
pub(super) const GROUP: u32 = 64;
const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;

sql! { pub(crate) AFTER =
    "SELECT v.version_id, v.device_id, v.job_id, v.first_at, v.platform, v.added, v.removed,
            COALESCE(j.reason, ''), COALESCE(j.asked_by, ''), d.name, d.site_id, v.hash
     FROM config_version v
     JOIN device d ON d.tenant_id = v.tenant_id AND d.device_id = v.device_id
     LEFT JOIN config_job j ON j.tenant_id = v.tenant_id AND j.job_id = v.job_id
     WHERE v.tenant_id = $1 AND v.version_id > $2 ORDER BY v.version_id LIMIT $3"
}
sql! { pub(crate) TEXT =
    "SELECT bytes, packed FROM config_text WHERE tenant_id = $1 AND hash = $2"
}

/// A version as it is mirrored.
#[derive(Debug)]
pub(super) struct Mirrored {
    pub(super) id: ConfigVersionId,
    pub(super) device: DeviceId,
    pub(super) first_at: Micros,
    /// `None`: it is damaged, or gone.
    pub(super) text: Option<Packed>,
    job: ConfigJobId,
    platform: String,
    counts: (i64, i64),
    reason: String,
    asked_by: String,
    name: String,
    site: SiteId,
}

impl Mirrored {
    pub(super) fn subject(&self, has_text: bool) -> String {
        if !has_text {
            return format!("{}: the text of this version is damaged or missing", self.name);
        }
        format!("{}: +{} −{} lines", self.name, self.counts.0, self.counts.1)
    }

    pub(super) fn trailers(&self) -> [(&'static str, String); 7] {
        [
            ("Farwatch-Device", self.device.to_string()),
            ("Farwatch-Site", self.site.to_string()),
            (VERSION, self.id.to_string()),
            ("Farwatch-Job", self.job.to_string()),
            ("Farwatch-Reason", self.reason.clone()),
            ("Farwatch-Platform", self.platform.clone()),
            ("Farwatch-Asked-By", self.asked_by.clone()),
        ]
    }
}

/// The next versions of a tenant, in the order of their ids: a group.
pub(super) async fn versions_after(
    database: &Database,
    tenant: TenantId,
    after: ConfigVersionId,
) -> Result<Vec<Mirrored>, StoreError> {
    let mut txn = database.history_read(HistoryKey::new(), &[tenant].into()).await?;
    let rows = AFTER.bind(tenant).bind(after.0).bind(GROUP).all(&mut txn).await?;
    let (mut group, mut bytes) = (Vec::new(), 0);
    for row in &rows {
        let hash = row.get::<Vec<u8>>(11)?;
        let text = TEXT.bind(tenant).bind(&hash[..]).optional(&mut txn).await?;
        let text = text.map(|row| Ok::<_, StoreError>((row.get(0)?, row.get(1)?))).transpose()?;
        let text = text.and_then(|(bytes, packed)| Packed::stored(hash, bytes, packed).ok());
        bytes += text.as_ref().map_or(0, |text| text.bytes);
        group.push(read(row, text)?);
        if bytes >= GROUP_BYTES_MAX {
            break;
        }
    }
    Ok(group)
}

fn read(row: &Row, text: Option<Packed>) -> Result<Mirrored, StoreError> {
    Ok(Mirrored {
        id: ConfigVersionId(row.get(0)?),
        device: DeviceId(row.get(1)?),
        job: ConfigJobId(row.get(2)?),
        first_at: Micros(row.get(3)?),
        platform: row.get(4)?,
        counts: (row.get(5)?, row.get(6)?),
        reason: row.get(7)?,
        asked_by: row.get(8)?,
        name: row.get(9)?,
        site: SiteId(row.get(10)?),
        text,
    })
}
