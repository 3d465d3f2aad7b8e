//! Looks for a word in the latest text of every device that the caller may see.
//!
//! Text by text: nothing of it is indexed, so the cost grows with all that there is, and a page
//! ends after [`SCAN_BYTES_MAX`] or [`SCAN_WITHIN`], wherever that is.

use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigVersionId, DeviceId, SiteId, TenantId};
use regex::{Regex, RegexBuilder};

use super::text::Packed;
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, Named, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Unpacked bytes that one page looks at.
pub const SCAN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long one page looks.
pub const SCAN_WITHIN: Duration = Duration::from_secs(5);
/// Texts that are read at once: the largest are 17 MiB each, unpacked one after the other.
const GROUP: u32 = 16;
/// Lines shown of one device.
const MATCHES_MAX: usize = 5;
/// Lines shown before and after each.
const AROUND: usize = 2;
const LINE_CHARS_MAX: usize = 500;
/// What a compiled expression may take.
const REGEX_BYTES_MAX: usize = 1024 * 1024;
const REGEX_CACHE_BYTES_MAX: usize = 4 * 1024 * 1024;
const NESTING_MAX: u32 = 50;

/// What is looked for, line by line.
#[derive(Clone, Debug)]
pub struct Wanted(Regex);

impl Wanted {
    /// A word, or a regular expression; the error says what is wrong with that.
    pub fn new(text: &str, is_regex: bool, with_case: bool) -> Result<Self, regex::Error> {
        let escaped = if is_regex { text.to_owned() } else { regex::escape(text) };
        let mut builder = RegexBuilder::new(&escaped);
        builder.case_insensitive(!with_case).nest_limit(NESTING_MAX);
        builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_CACHE_BYTES_MAX);
        builder.build().map(Self)
    }

    /// The first lines that match, and how many more do.
    #[must_use]
    pub fn find(&self, text: &str) -> (Vec<Match>, usize) {
        let lines: Vec<&str> = text.lines().collect();
        let (mut matches, mut more) = (Vec::new(), 0);
        for (index, line) in lines.iter().enumerate() {
            if !self.0.is_match(line) {
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
        (matches, more)
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
            x.bytes, x.packed
     FROM device d JOIN tenant t ON t.tenant_id = d.tenant_id
     JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
     JOIN config_version v ON v.tenant_id = d.tenant_id AND v.version_id = (
         SELECT MAX(w.version_id) FROM config_version w
         WHERE w.tenant_id = d.tenant_id AND w.device_id = d.device_id)
     JOIN config_text x ON x.tenant_id = v.tenant_id AND x.hash = v.hash
     WHERE (d.tenant_id, d.device_id) > ($2, $3) AND d.tenant_id IN ", tenant_set!(),
    " ORDER BY d.tenant_id, d.device_id LIMIT $4"
}

/// The latest text of a device.
struct Latest {
    found: Found,
    text: Packed,
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
    Ok(Latest { found, text: Packed::stored(row.get(7)?, row.get(8)?, row.get(9)?)? })
}

/// The next page: at most `limit` devices, in the order of their tenants and ids.
pub async fn search(
    db: &Database,
    context: &TenantContext,
    wanted: &Wanted,
    (after, limit): (Option<Place>, usize),
    clock: &Clock,
) -> Result<FoundPage, InventoryError> {
    let began = clock.monotonic();
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
            let Latest { mut found, text } = latest;
            page.next = Some((found.tenant.id.0, found.device.id.0));
            page.scanned += 1;
            bytes += text.bytes;
            let wanted = wanted.clone();
            let looked = move || text.open().map(|text| wanted.find(&text));
            match tokio::task::spawn_blocking(looked).await {
                Ok(Ok(looked)) => (found.matches, found.more) = looked,
                // The others can be looked at all the same.
                _ => tracing::warn!(stage = "history", version = %found.version, "is damaged"),
            }
            page.found.extend(Some(found).filter(|found| !found.matches.is_empty()));
            let late = clock.monotonic().saturating_duration_since(began) >= SCAN_WITHIN;
            if page.found.len() >= limit || bytes >= SCAN_BYTES_MAX || late {
                return Ok(page);
            }
        }
        if is_last {
            page.next = None;
            return Ok(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(wanted: &Wanted, text: &str) -> Vec<usize> {
        wanted.find(text).0.iter().map(|found| found.line).collect()
    }

    #[test]
    fn a_word_is_a_word_and_an_expression_is_one() {
        let text = "hostname r1\nip address 10.0.0.1\nip address 10.0.0.2\n! 10x0y0z1\nend\n";
        let word = |text| Wanted::new(text, false, false).unwrap();
        assert_eq!(lines(&word("10.0.0.1"), text), [2]);
        assert_eq!(lines(&word("HOSTNAME"), text), [1]);
        assert!(lines(&Wanted::new("HOSTNAME", false, true).unwrap(), text).is_empty());
        let expression = Wanted::new(r"^ip .*\d$", true, true).unwrap();
        let (found, more) = expression.find(text);
        assert_eq!((found.len(), more), (2, 0));
        assert_eq!(found[0].before, ["hostname r1"]);
        assert_eq!(found[0].after, ["ip address 10.0.0.2", "! 10x0y0z1"]);
    }

    #[test]
    fn many_lines_are_counted_and_long_ones_cut() {
        let text = format!("{}\n", "é".repeat(600)).repeat(9);
        let (found, more) = Wanted::new("é", false, false).unwrap().find(&text);
        assert_eq!((found.len(), more), (5, 4));
        assert_eq!(found[0].text.chars().count(), 501);
    }

    #[test]
    fn an_expression_that_takes_too_much_is_refused() {
        for wrong in ["(", r"\w{500}{500}", &"(".repeat(60)] {
            assert!(Wanted::new(wrong, true, true).is_err(), "{wrong}");
        }
    }
}
