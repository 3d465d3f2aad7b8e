//! Looks for a word in the latest text of every device that the caller may see.
//!
//! Text by text: nothing of it is indexed, so the cost grows with all that there is, and a page
//! ends after [`SCAN_BYTES_MAX`] or [`SCAN_WITHIN`], wherever that is. One text is in memory at a
//! time.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigVersionId, DeviceId, SiteId, TenantId};
use regex::{Regex, RegexBuilder};

use super::busy::Busy;
use super::text::Packed;
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, Named, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Unpacked bytes that one page looks at.
pub const SCAN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long one page looks.
pub const SCAN_WITHIN: Duration = Duration::from_secs(5);
/// Devices whose latest versions are looked up at once.
const GROUP: u32 = 100;
/// Lines shown of one device.
const MATCHES_MAX: usize = 5;
/// Lines shown before and after each.
const AROUND: usize = 2;
const LINE_CHARS_MAX: usize = 500;
/// What a compiled expression may take: how long it looks at a character grows with that.
const REGEX_BYTES_MAX: usize = 256 * 1024;
const REGEX_CACHE_BYTES_MAX: usize = 4 * 1024 * 1024;
const NESTING_MAX: u32 = 50;
/// What of a line an expression is held against: the clock is looked at between lines.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the expression takes too long for a single text")]
    TooSlow,
    #[error(transparent)]
    Inventory(#[from] InventoryError),
}

impl From<StoreError> for SearchError {
    fn from(error: StoreError) -> Self {
        Self::Inventory(error.into())
    }
}

/// What is looked for, line by line.
#[derive(Clone, Debug)]
pub struct Wanted {
    regex: Regex,
    /// What of a line is looked at. A word takes no longer than reading it.
    line_bytes: usize,
}

impl Wanted {
    /// A word, or a regular expression; the error says what is wrong with that.
    pub fn new(text: &str, is_regex: bool, with_case: bool) -> Result<Self, regex::Error> {
        let escaped = if is_regex { text.to_owned() } else { regex::escape(text) };
        let mut builder = RegexBuilder::new(&escaped);
        builder.case_insensitive(!with_case).nest_limit(NESTING_MAX);
        builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_CACHE_BYTES_MAX);
        let line_bytes = if is_regex { LINE_BYTES_MAX } else { usize::MAX };
        builder.build().map(|regex| Self { regex, line_bytes })
    }

    /// The first lines that match, and how many more do; `None`: it got late.
    #[must_use]
    pub fn find(&self, text: &str, is_late: impl Fn() -> bool) -> Option<(Vec<Match>, usize)> {
        let lines: Vec<&str> = text.lines().collect();
        let (mut matches, mut more) = (Vec::new(), 0);
        for (index, line) in lines.iter().enumerate() {
            if is_late() {
                return None;
            }
            if !self.regex.is_match(&line[..line.floor_char_boundary(self.line_bytes)]) {
                continue;
            }
            if matches.len() == MATCHES_MAX {
                more += 1;
                continue;
            }
            let shown = |lines: &[&str]| lines.iter().map(|line| short(line)).collect();
            let end = lines.len().min(index + 1 + AROUND);
            matches.push(Match {
                line: index + 1,
                text: short(line),
                before: shown(&lines[index.saturating_sub(AROUND)..index]),
                after: shown(&lines[index + 1..end]),
            });
        }
        Some((matches, more))
    }
}

fn short(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS_MAX) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// From 1.
    pub line: usize,
    pub text: String,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// A device whose latest text has what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub device: Named<DeviceId>,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub version: ConfigVersionId,
    pub matches: Vec<Match>,
    /// Lines that match beyond those.
    pub more: usize,
}

/// A place in the order of the search.
pub type Place = (i64, i64);

/// What a page of the search found.
#[derive(Debug)]
pub struct FoundPage {
    pub found: Vec<Found>,
    /// Texts that were looked at.
    pub scanned: usize,
    /// Where the next page goes on; `None`: that was all.
    pub next: Option<Place>,
}

sql! { pub(crate) LATEST =
    "SELECT d.tenant_id, d.device_id, d.name, t.name, s.site_id, s.name, v.version_id, v.hash,
            x.bytes
     FROM device d JOIN tenant t ON t.tenant_id = d.tenant_id
     JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
     JOIN config_version v ON v.tenant_id = d.tenant_id AND v.version_id = (
         SELECT MAX(w.version_id) FROM config_version w
         WHERE w.tenant_id = d.tenant_id AND w.device_id = d.device_id)
     JOIN config_text x ON x.tenant_id = v.tenant_id AND x.hash = v.hash
     WHERE (d.tenant_id, d.device_id) > ($2, $3) AND d.tenant_id IN ", tenant_set!(),
    " ORDER BY d.tenant_id, d.device_id LIMIT $4"
}
sql! { pub(crate) TEXT =
    "SELECT x.packed FROM config_text x WHERE x.hash = $2 AND x.tenant_id IN ", tenant_set!()
}

/// The latest version of a device, and which text it has.
struct Latest {
    found: Found,
    hash: Vec<u8>,
    bytes: i64,
}

fn read(row: &Row) -> Result<Latest, StoreError> {
    let found = Found {
        tenant: Named { id: TenantId(row.get(0)?), name: row.get(3)? },
        device: Named { id: DeviceId(row.get(1)?), name: row.get(2)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        version: ConfigVersionId(row.get(6)?),
        matches: Vec::new(),
        more: 0,
    };
    Ok(Latest { found, hash: row.get(7)?, bytes: row.get(8)? })
}

/// The next page: at most `limit` devices, in the order of their tenants and ids.
pub async fn search(
    db: &Database,
    context: &TenantContext,
    wanted: &Wanted,
    (after, limit): (Option<Place>, usize),
    (clock, busy): (&Clock, &Busy),
) -> Result<FoundPage, SearchError> {
    let until = clock.monotonic() + SCAN_WITHIN;
    let mut page = FoundPage { found: Vec::new(), scanned: 0, next: after };
    let mut bytes = 0;
    loop {
        let (tenant, device) = page.next.unwrap_or((i64::MIN, i64::MIN));
        let query = LATEST.bind(context.tenants_json()).bind(tenant).bind(device).bind(GROUP);
        // A transaction of its own for each group: none is open while texts are looked at.
        let rows = query.all(&mut db.read(context).await?).await?;
        let group = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let is_last = group.len() < GROUP as usize;
        for latest in group {
            let next = (latest.found.tenant.id.0, latest.found.device.id.0);
            bytes += usize::try_from(latest.bytes).unwrap_or(0);
            match look(db, context, (wanted, busy), latest, (clock, until)).await? {
                Looked::Found(found) => page.found.push(found),
                Looked::Nothing => {}
                // The next page begins with it, and has more time for it.
                Looked::Late if page.scanned > 0 => return Ok(page),
                Looked::Late => return Err(SearchError::TooSlow),
            }
            page.next = Some(next);
            page.scanned += 1;
            let is_late = clock.monotonic() >= until;
            if page.found.len() >= limit || bytes >= SCAN_BYTES_MAX || is_late {
                return Ok(page);
            }
        }
        if is_last {
            page.next = None;
            return Ok(page);
        }
    }
}

enum Looked {
    Found(Found),
    Nothing,
    Late,
}

/// Looks at one text.
async fn look(
    db: &Database,
    context: &TenantContext,
    (wanted, busy): (&Wanted, &Busy),
    Latest { mut found, hash, bytes }: Latest,
    (clock, until): (&Clock, Instant),
) -> Result<Looked, StoreError> {
    let text = TEXT.bind(set_of(found.tenant.id)).bind(&hash[..]);
    let row = text.optional(&mut db.read(context).await?).await?;
    let packed = row.map(|row| row.get::<Vec<u8>>(0)).transpose()?;
    let (wanted, clock) = (wanted.clone(), clock.clone());
    let looked = move || {
        let text = Packed::stored(hash, bytes, packed?).ok()?.open().ok()?;
        Some(wanted.find(&text, || clock.monotonic() >= until))
    };
    match busy.run(looked).await {
        Ok(Some(Some((matches, more)))) => (found.matches, found.more) = (matches, more),
        Ok(Some(None)) => return Ok(Looked::Late),
        // The others can be looked at all the same.
        _ => tracing::warn!(stage = "history", version = %found.version, "is damaged"),
    }
    Ok(if found.matches.is_empty() { Looked::Nothing } else { Looked::Found(found) })
}
