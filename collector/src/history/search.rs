//! Looks for a word in the latest text of every device that the caller may see.
//!
//! Text by text: nothing of it is indexed, so the cost grows with all that there is, and a page
//! ends after [`SCAN_BYTES_MAX`] or [`Within::page`], wherever that is. One text is in memory at a
//! time. A text that takes too long is named and left out: those behind it are looked at all the same.

#[cfg(test)]
mod tests;
mod wanted;

use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ConfigVersionId, DeviceId, SiteId, TenantId};

pub use self::wanted::{Match, Wanted};
use super::busy::Busy;
use super::text::Packed;
use crate::identity::TenantContext;
use crate::inventory::{Named, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Unpacked bytes that one page looks at.
pub const SCAN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Devices whose latest versions are looked up at once.
const GROUP: u32 = 100;
/// Texts that one page leaves out.
const SKIPPED_MAX: usize = 100;

/// How long a search looks.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// A page ends behind the text that is looked at then.
    pub page: Duration,
    /// At one text, from when it is its turn on a core: what holds up others is not its fault.
    pub text: Duration,
}

impl Within {
    pub const USUAL: Self = Self { page: Duration::from_secs(5), text: Duration::from_secs(5) };
}

/// The latest version of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    pub device: Named<DeviceId>,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub version: ConfigVersionId,
    /// When it was last fetched.
    pub last_at: Micros,
}

/// One whose text has what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub of: Latest,
    pub matches: Vec<Match>,
    /// Lines that match beyond those.
    pub more: usize,
}

/// Why a text was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The expression takes too long for it.
    TooSlow,
    Damaged,
}

/// A place in the order of the search.
pub type Place = (i64, i64);

/// What a page of the search found.
#[derive(Debug)]
pub struct FoundPage {
    pub found: Vec<Found>,
    /// What was left out of it.
    pub skipped: Vec<(Latest, Why)>,
    /// Texts that were looked at.
    pub scanned: usize,
    /// Where the next page goes on; `None`: that was all.
    pub next: Option<Place>,
}

sql! { pub(crate) LATEST =
    "SELECT d.tenant_id, d.device_id, d.name, t.name, s.site_id, s.name, v.version_id, v.hash,
            COALESCE(x.bytes, 0), v.last_at
     FROM device d JOIN tenant t ON t.tenant_id = d.tenant_id
     JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
     JOIN config_version v ON v.tenant_id = d.tenant_id AND v.version_id = (
         SELECT MAX(w.version_id) FROM config_version w
         WHERE w.tenant_id = d.tenant_id AND w.device_id = d.device_id)
     LEFT JOIN config_text x ON x.tenant_id = v.tenant_id AND x.hash = v.hash
     WHERE (d.tenant_id, d.device_id) > ($2, $3) AND d.tenant_id IN ", tenant_set!(),
    " ORDER BY d.tenant_id, d.device_id LIMIT $4"
}
sql! { pub(crate) TEXT =
    "SELECT x.packed FROM config_version v
     LEFT JOIN config_text x ON x.tenant_id = v.tenant_id AND x.hash = v.hash
     WHERE v.version_id = $2 AND v.tenant_id IN ", tenant_set!()
}

/// The text of a version.
struct Text {
    hash: Vec<u8>,
    bytes: i64,
}

fn read(row: &Row) -> Result<(Latest, Text), StoreError> {
    let latest = Latest {
        tenant: Named { id: TenantId(row.get(0)?), name: row.get(3)? },
        device: Named { id: DeviceId(row.get(1)?), name: row.get(2)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        version: ConfigVersionId(row.get(6)?),
        last_at: Micros(row.get(9)?),
    };
    Ok((latest, Text { hash: row.get(7)?, bytes: row.get(8)? }))
}

/// The next page: at most `limit` devices, in the order of their tenants and ids.
pub async fn search(
    db: &Database,
    context: &TenantContext,
    wanted: &Wanted,
    (after, limit): (Option<Place>, usize),
    (clock, busy, within): (&Clock, &Busy, Within),
) -> Result<FoundPage, StoreError> {
    let until = clock.monotonic() + within.page;
    let mut page = FoundPage { found: Vec::new(), skipped: Vec::new(), scanned: 0, next: after };
    let mut bytes = 0;
    loop {
        let (tenant, device) = page.next.unwrap_or((i64::MIN, i64::MIN));
        let query = LATEST.bind(context.tenants_json()).bind(tenant).bind(device).bind(GROUP);
        // A transaction of its own for each group: none is open while texts are looked at.
        let rows = query.all(&mut db.read(context).await?).await?;
        let group = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let is_last = group.len() < GROUP as usize;
        for (latest, text) in group {
            page.next = Some((latest.tenant.id.0, latest.device.id.0));
            bytes += usize::try_from(text.bytes).unwrap_or(0);
            match look(db, context, (wanted, busy), (&latest, text), (clock, within)).await? {
                Looked::Through(matches, more) => {
                    page.scanned += 1;
                    if !matches.is_empty() {
                        page.found.push(Found { of: latest, matches, more });
                    }
                }
                Looked::Skipped(why) => page.skipped.push((latest, why)),
                Looked::Gone => {}
            }
            let is_full = page.found.len() >= limit || page.skipped.len() >= SKIPPED_MAX;
            if is_full || bytes >= SCAN_BYTES_MAX || clock.monotonic() >= until {
                return Ok(page);
            }
        }
        if is_last {
            page.next = None;
            return Ok(page);
        }
    }
}

/// How looking at one text ended.
#[derive(Debug, PartialEq, Eq)]
enum Looked {
    /// The first lines that match, and how many more do.
    Through(Vec<Match>, usize),
    Skipped(Why),
    /// Its version went since the group was read.
    Gone,
}

async fn look(
    db: &Database,
    context: &TenantContext,
    (wanted, busy): (&Wanted, &Busy),
    (of, Text { hash, bytes }): (&Latest, Text),
    (clock, within): (&Clock, Within),
) -> Result<Looked, StoreError> {
    let text = TEXT.bind(set_of(of.tenant.id)).bind(of.version.0);
    let Some(row) = text.optional(&mut db.read(context).await?).await? else {
        return Ok(Looked::Gone);
    };
    let packed = row.get::<Option<Vec<u8>>>(0)?;
    let (wanted, clock) = (wanted.clone(), clock.clone());
    let looked = move || {
        let until = clock.monotonic() + within.text;
        let text = Packed::stored(hash, bytes, packed?).ok()?.open().ok()?;
        Some(wanted.find(&text, || clock.monotonic() >= until))
    };
    Ok(match busy.run(looked).await {
        Ok(Some(Some((matches, more)))) => Looked::Through(matches, more),
        Ok(Some(None)) => Looked::Skipped(Why::TooSlow),
        _ => {
            tracing::warn!(stage = "history", version = %of.version, "is damaged");
            Looked::Skipped(Why::Damaged)
        }
    })
}
