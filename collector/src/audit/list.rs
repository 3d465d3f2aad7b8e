//! Reads chains: newest first, filtered, a page at a time.

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;

use super::chain::{Entry, Head, Row};
use super::write::hash;
use crate::identity::TenantContext;
use crate::inventory::{Named, like, tenant_set};
use crate::store::sql::{Row as SqlRow, sql};
use crate::store::{Database, StoreError, Txn};

/// Which rows are wanted; what is empty asks for nothing.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// `device.create`, or `device` for all that happens to devices.
    pub action: String,
    /// Anywhere in the names of actor and object, the address, or as the request's id.
    pub search: String,
    pub from: Micros,
    /// Not included.
    pub to: Micros,
}

/// The place of a row in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    pub at: Micros,
    pub tenant: TenantId,
    pub seq: i64,
}

impl AuditCursor {
    /// Before the first row.
    pub const NEWEST: Self =
        Self { at: Micros(i64::MAX), tenant: TenantId(i64::MAX), seq: i64::MAX };
}

/// A row as it is shown. The chain of the installation has no tenant.
#[derive(Clone, Debug)]
pub struct Listed {
    pub entry: Entry,
    pub tenant: Option<Named<TenantId>>,
}

impl Listed {
    #[must_use]
    pub fn cursor(&self) -> AuditCursor {
        AuditCursor { at: self.entry.at, tenant: self.entry.tenant, seq: self.entry.seq }
    }
}

/// The columns of an [`Entry`], in the order in which `entry` reads them.
macro_rules! columns {
    () => {
        "SELECT a.tenant_id, a.seq, a.at, a.actor_kind, a.actor_id, a.actor_name, a.address,
                a.action, a.object_kind, a.object_id, a.object_name, a.before, a.after,
                a.request_id"
    };
}

sql! { pub(crate) LIST =
    columns!(),
    ", t.name FROM audit a LEFT JOIN tenant t ON t.tenant_id = a.tenant_id
     WHERE a.tenant_id IN ",
    tenant_set!(),
    " AND a.at >= $2 AND a.at < $3
      AND ($4 = '' OR a.action = $4 OR a.object_kind = $4)
      AND ($5 = '' OR a.request_id = $6 OR lower(a.actor_name) LIKE $5 ESCAPE '\\'
           OR lower(a.object_name) LIKE $5 ESCAPE '\\' OR a.address LIKE $5 ESCAPE '\\')
      AND (a.at, a.tenant_id, a.seq) < ($7, $8, $9)
     ORDER BY a.at DESC, a.tenant_id DESC, a.seq DESC LIMIT $10"
}

sql! { pub(crate) MAKER =
    "SELECT actor_name FROM audit
     WHERE tenant_id = $1 AND at = $2 AND action = 'token.create' AND object_name = $3"
}

/// Who made an enrolment token at that time, if the tenant's chain tells it.
pub async fn token_maker(
    txn: &mut Txn,
    tenant: TenantId,
    token: &str,
    made_at: Micros,
) -> Result<Option<String>, StoreError> {
    let row = MAKER.bind(tenant).bind(made_at).bind(token).optional(txn).await?;
    row.map(|row| row.get(0)).transpose()
}

/// At most `limit` rows after `after` of the chains that `context` names: see
/// [`TenantContext::for_audit`].
pub async fn audit_list(
    db: &Database,
    context: &TenantContext,
    filter: &AuditFilter,
    after: AuditCursor,
    limit: u32,
) -> Result<Vec<Listed>, StoreError> {
    let mut txn = db.read(context).await?;
    let search = filter.search.trim();
    let query = LIST.bind(context.tenants_json()).bind(filter.from).bind(filter.to);
    let query = query.bind(&filter.action).bind(like(search)).bind(search);
    let query = query.bind(after.at).bind(after.tenant).bind(after.seq);
    let rows = query.bind(limit).all(&mut txn).await?;
    rows.iter().map(listed).collect()
}

fn listed(row: &SqlRow) -> Result<Listed, StoreError> {
    let entry = entry(row)?;
    let name: Option<String> = row.get(14)?;
    let tenant = name.map(|name| Named { id: entry.tenant, name });
    Ok(Listed { entry, tenant })
}

sql! { pub(crate) CHAIN =
    columns!(), ", a.hash FROM audit a WHERE a.tenant_id = $1 AND a.seq > $2 ORDER BY a.seq LIMIT $3"
}
sql! { pub(crate) HEAD = "SELECT seq, hash FROM audit_head WHERE tenant_id = $1" }

/// Rows of one chain in its order, from the one after `after`.
pub(super) async fn chain_rows(
    txn: &mut Txn,
    tenant: TenantId,
    after: i64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    let rows = CHAIN.bind(tenant).bind(after).bind(limit).all(txn).await?;
    rows.iter().map(chain_row).collect()
}

/// A row that [`CHAIN`] gave.
pub(crate) fn chain_row(row: &SqlRow) -> Result<Row, StoreError> {
    Ok(Row { entry: entry(row)?, hash: hash(&row.get::<Vec<u8>>(14)?)? })
}

/// Where a chain says that it ends; `None` if there is no chain.
pub(super) async fn head(txn: &mut Txn, tenant: TenantId) -> Result<Option<Head>, StoreError> {
    let Some(row) = HEAD.bind(tenant).optional(txn).await? else { return Ok(None) };
    chain_head(&row).map(Some)
}

/// A head that [`HEAD`] gave.
pub(crate) fn chain_head(row: &SqlRow) -> Result<Head, StoreError> {
    Ok(Head { seq: row.get(0)?, hash: hash(&row.get::<Vec<u8>>(1)?)? })
}

fn entry(row: &SqlRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        tenant: TenantId(row.get(0)?),
        seq: row.get(1)?,
        at: Micros(row.get(2)?),
        actor_kind: row.get(3)?,
        actor_id: row.get(4)?,
        actor_name: row.get(5)?,
        address: row.get(6)?,
        action: row.get(7)?,
        object_kind: row.get(8)?,
        object_id: row.get(9)?,
        object_name: row.get(10)?,
        before: row.get(11)?,
        after: row.get(12)?,
        request_id: row.get(13)?,
    })
}
