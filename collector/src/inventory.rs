//! Tenants, sites, agents, devices, their credentials, and what each agent is to poll.
//!
//! Every function takes a [`TenantContext`] and holds the caller to it: what lies outside does not
//! exist (`NotFound`, the same as for an id that nobody has), what the caller's role forbids is
//! `Denied`. SQL stands beside the function that runs it.

pub mod agent;
pub mod assignment;
pub mod credential;
pub mod device;
pub mod profile;
pub mod push;
pub mod quota;
mod sealed;
pub mod site;
pub mod slug;
pub mod snmp;
pub mod ssh;
pub mod tenant;
pub mod vault;

use farwatch_common::id::TenantId;
use serde_json::{Map, Value};

use crate::identity::{Access, TenantContext};
use crate::store::sql::{Query, Row, Sql};
use crate::store::{AccessError, Database, Engine, StoreError, Txn};
pub use assignment::AssignmentChanges;
pub use vault::{Vault, VaultError};

/// The tenants of the caller as a set in SQL; `$1` is bound to `TenantContext::tenants_json`.
/// PostgreSQL has a function of this name from our migrations.
macro_rules! tenant_set {
    () => {
        "(SELECT value FROM json_each($1))"
    };
}
pub(crate) use tenant_set;

/// One tenant as such a set, for what is read under its lock.
pub(crate) fn set_of(tenant: TenantId) -> String {
    format!("[{}]", tenant.0)
}

/// Takes rows that `ingest` writes too by the order of their ids, as it does, before a statement
/// takes them as its plan finds them: the two would wait in a circle, and PostgreSQL would end one.
/// SQLite has one writer, and no such statement.
async fn in_order(txn: &mut Txn, lock: Query) -> Result<(), StoreError> {
    if txn.engine() == Engine::Postgres {
        lock.all(txn).await?;
    }
    Ok(())
}

/// Longest name of a tenant, site, agent, device or key, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Why the inventory refuses.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("there is no such thing in the tenants of the caller")]
    NotFound,
    #[error("the caller's role does not allow this")]
    Denied,
    /// `there` is the name of the `what` that is in the way.
    #[error("there is a {what} already: `{there}`")]
    Exists { what: &'static str, there: String },
    #[error("the agent is revoked")]
    Revoked,
    /// `what` names the things and says how there come to be fewer.
    #[error("the tenant has {max} {what}")]
    Full { what: &'static str, max: u32 },
    /// `there` says what it is that still needs the thing.
    #[error("it is in use by {there}")]
    InUse { there: String },
    /// Of a tenant; an administrator of the installation sets it.
    #[error("the tenant's quota is {max} {what}")]
    Quota { what: &'static str, max: u32 },
    /// A profile stays of its kind.
    #[error("the profile is of the kind {}, not {}", .is.name(), .given.name())]
    OtherKind { is: credential::Kind, given: credential::Kind },
    #[error("what is sealed was changed or moved, and does not open")]
    Damaged,
    #[error("credentials cannot be sealed or opened")]
    Vault(#[from] VaultError),
    #[error("the inventory cannot be read or written")]
    Store(#[from] StoreError),
}

impl From<AccessError> for InventoryError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied => Self::Denied,
            AccessError::Store(error) => Self::Store(error),
        }
    }
}

/// A thing and the name it has on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<Id> {
    pub id: Id,
    pub name: String,
}

/// Which part of a list is wanted: what comes after a name and an id, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub after: Option<(String, i64)>,
    pub limit: u32,
}

impl Page {
    /// For the three binds `is there a cursor`, name, id.
    pub(crate) fn binds(&self) -> (i64, &str, i64) {
        self.after.as_ref().map_or((0, "", 0), |(name, id)| (1, name, *id))
    }

    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit)
    }
}

/// A page of a list and how long the whole list is.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

impl<T> Listed<T> {
    pub(crate) fn read(rows: &[Row], total: i64, read: Read<T>) -> Result<Self, StoreError> {
        let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { rows, total: u64::try_from(total).unwrap_or(0) })
    }
}

/// Holds the caller to their tenants and role.
pub fn require(
    context: &TenantContext,
    tenant: TenantId,
    access: Access,
) -> Result<(), InventoryError> {
    if !context.may(tenant, Access::Read) {
        return Err(InventoryError::NotFound);
    }
    if context.may(tenant, access) { Ok(()) } else { Err(InventoryError::Denied) }
}

/// Whether `name` can be shown: not empty, not too long, no control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.trim() == name
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control)
}

/// A pattern that finds `text` anywhere, for a column in small letters; empty for an empty text.
pub(crate) fn like(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return text;
    }
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

/// What differs between two descriptions of a thing: the fields of the first, and of the second.
pub(crate) fn differences(before: &Value, after: &Value) -> Option<(Value, Value)> {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return None };
    let changed: Vec<_> =
        after.iter().filter(|(key, value)| before.get(*key) != Some(value)).collect();
    let old = |key: &String| before.get(key).cloned().unwrap_or_default();
    let was: Map<_, _> = changed.iter().map(|(key, _)| ((*key).clone(), old(key))).collect();
    let is: Map<_, _> =
        changed.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    (!is.is_empty()).then_some((Value::Object(was), Value::Object(is)))
}

/// How a row becomes a thing.
pub(crate) type Read<T> = fn(&Row) -> Result<T, StoreError>;

/// A page of what the caller's tenants have. Both statements take the tenants as `$1`; `rows` also
/// takes the binds of the page, `$2` to `$4`, and its limit, `$5`.
pub(crate) async fn list<T>(
    db: &Database,
    context: &TenantContext,
    page: &Page,
    (total, rows): (&'static Sql, &'static Sql),
    read: Read<T>,
) -> Result<Listed<T>, InventoryError> {
    let set = context.tenants_json();
    let mut txn = db.read(context).await?;
    let total: i64 = total.bind(&set).scalar(&mut txn).await?;
    let (after, name, id) = page.binds();
    let query = rows.bind(set).bind(after).bind(name).bind(id).bind(page.limit());
    let rows = query.all(&mut txn).await?;
    listed(&rows, total, read)
}

fn listed<T>(rows: &[Row], total: i64, read: Read<T>) -> Result<Listed<T>, InventoryError> {
    Ok(Listed::read(rows, total, read)?)
}

/// The one thing of this id, which the statement takes as `$2`, in the caller's tenants, `$1`.
pub(crate) async fn get<T>(
    db: &Database,
    context: &TenantContext,
    statement: &'static Sql,
    id: i64,
    read: Read<T>,
) -> Result<T, InventoryError> {
    let mut txn = db.read(context).await?;
    let row = statement.bind(context.tenants_json()).bind(id).optional(&mut txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

#[cfg(test)]
mod tests;
