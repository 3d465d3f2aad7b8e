//! Versions as people see them: of one device, the latest of all, one with its text.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ConfigVersionId, DeviceId, SiteId, TenantId};

use crate::history::text::Packed;
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, Listed, Named, Page, like, tenant_set};
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError};

/// What a configuration was for a while. Names are those of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub id: ConfigVersionId,
    pub device: Named<DeviceId>,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub platform: String,
    /// Version, model, serial number and the like, as the device says it.
    pub facts: Vec<String>,
    pub first_at: Micros,
    pub last_at: Micros,
    pub lines: u64,
    /// Against the version before.
    pub added: u64,
    pub removed: u64,
    /// BLAKE3 of its text.
    pub hash: Vec<u8>,
    pub raw_bytes: u64,
    /// Why it was fetched: `schedule`, `manual` or `hint`.
    pub reason: String,
    /// Who asked, as the audit names them.
    pub asked_by: Option<String>,
}

macro_rules! select_version {
    ($more:literal) => {
        concat!(
            "SELECT v.version_id, d.device_id, d.name, t.tenant_id, t.name, s.site_id, s.name,
                    v.platform, v.facts, v.first_at, v.last_at, v.lines, v.added, v.removed,
                    v.hash, v.raw_bytes, COALESCE(j.reason, ''), j.asked_by",
            $more,
            " FROM config_version v
             JOIN device d ON d.tenant_id = v.tenant_id AND d.device_id = v.device_id
             JOIN tenant t ON t.tenant_id = v.tenant_id
             JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
             LEFT JOIN config_job j ON j.tenant_id = v.tenant_id AND j.job_id = v.job_id
             LEFT JOIN config_text x ON x.tenant_id = v.tenant_id AND x.hash = v.hash
             WHERE v.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) OF_DEVICE_TOTAL =
    "SELECT COUNT(*) FROM config_version v WHERE v.device_id = $2 AND v.tenant_id IN ",
    tenant_set!()
}
sql! { pub(crate) OF_DEVICE =
    select_version!(""),
    " AND v.device_id = $2 AND v.version_id < $3 ORDER BY v.version_id DESC LIMIT $4"
}
sql! { pub(crate) GET = select_version!(", x.bytes, x.packed"), " AND v.version_id = $2" }
// The one before a version, of its device.
sql! { pub(crate) PREVIOUS =
    "SELECT MAX(o.version_id) FROM config_version v
     JOIN config_version o ON o.tenant_id = v.tenant_id AND o.device_id = v.device_id
         AND o.version_id < v.version_id
     WHERE v.version_id = $2 AND v.tenant_id IN ", tenant_set!()
}

fn read(row: &Row) -> Result<Version, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let count = |index| Ok::<_, StoreError>(u64::try_from(row.get::<i64>(index)?).unwrap_or(0));
    Ok(Version {
        id: ConfigVersionId(row.get(0)?),
        device: Named { id: DeviceId(row.get(1)?), name: row.get(2)? },
        tenant: Named { id: TenantId(row.get(3)?), name: row.get(4)? },
        site: Named { id: SiteId(row.get(5)?), name: row.get(6)? },
        platform: row.get(7)?,
        facts: serde_json::from_str(&row.get::<String>(8)?).map_err(corrupt)?,
        first_at: Micros(row.get(9)?),
        last_at: Micros(row.get(10)?),
        lines: count(11)?,
        added: count(12)?,
        removed: count(13)?,
        hash: row.get(14)?,
        raw_bytes: count(15)?,
        reason: row.get(16)?,
        asked_by: row.get(17)?,
    })
}

/// The versions of a device, which the caller may see, the newest first, those before an id.
pub async fn version_list(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    before: Option<i64>,
    limit: u32,
) -> Result<Listed<Version>, InventoryError> {
    let set = context.tenants_json();
    let mut txn = db.read(context).await?;
    let total: i64 = OF_DEVICE_TOTAL.bind(&set).bind(device).scalar(&mut txn).await?;
    let page = OF_DEVICE.bind(set).bind(device).bind(before.unwrap_or(i64::MAX)).bind(limit);
    Ok(Listed::read(&page.all(&mut txn).await?, total, read)?)
}

/// A version and its text, packed.
pub async fn version_get(
    db: &Database,
    context: &TenantContext,
    id: ConfigVersionId,
) -> Result<(Version, Packed), InventoryError> {
    let mut txn = db.read(context).await?;
    let row = GET.bind(context.tenants_json()).bind(id.0).optional(&mut txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let version = read(&row)?;
    let gone = || StoreError::Corrupt { what: "a version without its text".to_owned() };
    let packed = row.get::<Option<Vec<u8>>>(19)?.ok_or_else(gone)?;
    let text = Packed::stored(version.hash.clone(), row.get(18)?, packed)?;
    Ok((version, text))
}

/// The version before this one of its device, if it is kept.
pub async fn version_before(
    db: &Database,
    context: &TenantContext,
    id: ConfigVersionId,
) -> Result<Option<ConfigVersionId>, InventoryError> {
    let mut txn = db.read(context).await?;
    let before = PREVIOUS.bind(context.tenants_json()).bind(id.0);
    Ok(before.scalar::<Option<i64>>(&mut txn).await?.map(ConfigVersionId))
}

/// How a device stands that is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub device: Named<DeviceId>,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub latest: Option<Latest>,
    /// The cause of the failure since the last fetch, and since when.
    pub failing: Option<(String, Micros)>,
    pub host_key_changed: bool,
}

/// The latest version of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    pub id: ConfigVersionId,
    pub platform: String,
    pub first_at: Micros,
    pub last_at: Micros,
    pub lines: u64,
    /// Versions of the device that are kept.
    pub versions: u64,
}

/// Which devices are wanted, besides the caller's tenants.
#[derive(Clone, Debug, Default)]
pub struct StandingFilter {
    pub site: Option<SiteId>,
    /// Part of the name, of its site's or its tenant's, or of its platform; capitals do not matter.
    pub search: String,
    pub failing: Option<bool>,
}

macro_rules! from_standing {
    () => {
        concat!(
            " FROM device d JOIN tenant t ON t.tenant_id = d.tenant_id
             JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
             LEFT JOIN backup b ON b.tenant_id = d.tenant_id AND b.device_id = d.device_id
             LEFT JOIN config_version v ON v.tenant_id = d.tenant_id AND v.version_id = (
                 SELECT MAX(w.version_id) FROM config_version w
                 WHERE w.tenant_id = d.tenant_id AND w.device_id = d.device_id)
             WHERE d.tenant_id IN ",
            tenant_set!(),
            " AND (v.version_id IS NOT NULL OR b.fetched_at IS NOT NULL OR b.wanted = 1
                   OR b.failing IS NOT NULL)
              AND ($2 = 0 OR d.site_id = $2)
              AND ($3 = '' OR lower(d.name) LIKE $3 ESCAPE '\\'
                   OR lower(s.name) LIKE $3 ESCAPE '\\' OR lower(t.name) LIKE $3 ESCAPE '\\'
                   OR lower(v.platform) LIKE $3 ESCAPE '\\')
              AND ($4 < 0 OR ($4 = 1 AND b.failing IS NOT NULL)
                   OR ($4 = 0 AND b.failing IS NULL))"
        )
    };
}

sql! { pub(crate) STANDING_TOTAL = "SELECT COUNT(*)", from_standing!() }
sql! { pub(crate) STANDING =
    "SELECT d.device_id, d.name, t.tenant_id, t.name, s.site_id, s.name, b.failing,
            b.failing_since, b.other_key, v.version_id, v.platform, v.first_at, v.last_at, v.lines,
            (SELECT COUNT(*) FROM config_version c
             WHERE c.tenant_id = d.tenant_id AND c.device_id = d.device_id)",
    from_standing!(),
    " AND ($5 = 0 OR (d.name, d.device_id) > ($6, $7)) ORDER BY d.name, d.device_id LIMIT $8"
}

fn standing(row: &Row) -> Result<Standing, StoreError> {
    let count = |index| Ok::<_, StoreError>(u64::try_from(row.get::<i64>(index)?).unwrap_or(0));
    let latest = match row.get::<Option<i64>>(9)? {
        None => None,
        Some(id) => Some(Latest {
            id: ConfigVersionId(id),
            platform: row.get(10)?,
            first_at: Micros(row.get(11)?),
            last_at: Micros(row.get(12)?),
            lines: count(13)?,
            versions: count(14)?,
        }),
    };
    let since = row.get::<Option<i64>>(7)?.map(Micros);
    Ok(Standing {
        device: Named { id: DeviceId(row.get(0)?), name: row.get(1)? },
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        latest,
        failing: row.get::<Option<String>>(6)?.map(|cause| (cause, since.unwrap_or_default())),
        host_key_changed: row.get::<Option<String>>(8)?.is_some(),
    })
}

/// A page of the devices that are backed up, by name, and how many match.
pub async fn standing_list(
    db: &Database,
    context: &TenantContext,
    filter: &StandingFilter,
    page: &Page,
) -> Result<Listed<Standing>, InventoryError> {
    let failing = filter.failing.map_or(-1, i64::from);
    let wanted = |sql: &'static Sql| {
        let query = sql.bind(context.tenants_json()).bind(filter.site.map_or(0, |id| id.0));
        query.bind(like(&filter.search)).bind(failing)
    };
    let mut txn = db.read(context).await?;
    let total: i64 = wanted(&STANDING_TOTAL).scalar(&mut txn).await?;
    let (after, name, id) = page.binds();
    let rows = wanted(&STANDING).bind(after).bind(name).bind(id).bind(page.limit());
    Ok(Listed::read(&rows.all(&mut txn).await?, total, standing)?)
}
