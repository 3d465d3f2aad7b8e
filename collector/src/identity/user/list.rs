//! Who there is: everybody for who sees all tenants, the members of their tenants for others.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::{TenantId, UserId};

use super::{ONE_TIME, Role, UserError};
use crate::identity::{Access, IdentityKey, TenantContext};
use crate::inventory::{Listed, Named, Page, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// A person as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub super_admin: bool,
    pub staff: bool,
    pub one_time: bool,
    pub totp: bool,
    pub created_at: Micros,
    pub disabled_at: Option<Micros>,
    /// `None`: not since this is noted.
    pub last_sign_in_at: Option<Micros>,
    /// Of the tenants that the caller administers.
    pub memberships: Vec<(Named<TenantId>, Role)>,
}

/// What `read` reads.
macro_rules! person {
    () => {
        "SELECT u.user_id, u.email, u.super_admin, u.staff, u.password_changed_at, u.created_at,
                u.disabled_at, EXISTS (SELECT 1 FROM user_totp t
                    WHERE t.user_id = u.user_id AND t.confirmed_at IS NOT NULL),
                u.last_sign_in_at
         FROM user_account u "
    };
}

sql! { pub(crate) TOTAL =
    "SELECT COUNT(*) FROM user_account u WHERE $2 = 1 OR EXISTS (
         SELECT 1 FROM membership m WHERE m.user_id = u.user_id AND m.tenant_id IN ",
    tenant_set!(), ")"
}
sql! { pub(crate) LIST = person!(),
    "WHERE ($6 = 1 OR EXISTS (
         SELECT 1 FROM membership m WHERE m.user_id = u.user_id AND m.tenant_id IN ",
    tenant_set!(),
    ")) AND ($2 = 0 OR (u.email, u.user_id) > ($3, $4)) ORDER BY u.email, u.user_id LIMIT $5"
}
sql! { pub(crate) ONE = person!(), "WHERE u.user_id = $1" }
sql! { pub(crate) MEMBERSHIPS_OF =
    "SELECT m.user_id, t.tenant_id, t.name, m.role
     FROM membership m JOIN tenant t ON t.tenant_id = m.tenant_id
     WHERE m.tenant_id IN ", tenant_set!(),
    " AND m.user_id IN (SELECT value FROM json_each($2)) ORDER BY t.name, t.tenant_id"
}

/// A page of the people: of all, or of the members of the caller's tenants.
pub async fn user_list(
    db: &Database,
    context: &TenantContext,
    everybody: bool,
    page: &Page,
) -> Result<Listed<Person>, UserError> {
    let everybody = everybody && context.is_super_admin();
    let context = context.with_access(Access::Admin);
    let set = context.tenants_json();
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let total: i64 = TOTAL.bind(&set).bind(everybody).scalar(&mut txn).await?;
    let (after, email, id) = page.binds();
    let query = LIST.bind(&set).bind(after).bind(email).bind(id).bind(page.limit());
    let rows = query.bind(everybody).all(&mut txn).await?;
    let mut people = Listed::read(&rows, total, read)?;
    with_memberships(&mut txn, &set, &mut people.rows).await?;
    Ok(people)
}

sql! { pub(crate) BY_EMAIL = "SELECT user_id FROM user_account WHERE email = $1" }

/// Whose address this is, whether they may sign in or not. For who sees everybody.
pub async fn user_by_email(db: &Database, email: &str) -> Result<Option<UserId>, UserError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let row = BY_EMAIL.bind(email).optional(&mut txn).await?;
    Ok(row.map(|row| row.get(0)).transpose()?.map(UserId))
}

/// One person, as the caller sees them: somebody of their tenants, or anybody for a super_admin.
pub async fn user_get(
    db: &Database,
    context: &TenantContext,
    id: UserId,
) -> Result<Person, UserError> {
    let set = context.with_access(Access::Admin).tenants_json();
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let found = person(&mut txn, &set, id).await?.ok_or(UserError::NotFound)?;
    let is_seen = context.is_super_admin() || !found.memberships.is_empty();
    if is_seen { Ok(found) } else { Err(UserError::NotFound) }
}

/// One person, with their memberships in the tenants of the set.
pub(super) async fn person(
    txn: &mut Txn,
    set: &str,
    id: UserId,
) -> Result<Option<Person>, UserError> {
    let Some(row) = ONE.bind(id).optional(txn).await? else { return Ok(None) };
    let mut people = [read(&row)?];
    with_memberships(txn, set, &mut people).await?;
    let [person] = people;
    Ok(Some(person))
}

async fn with_memberships(
    txn: &mut Txn,
    set: &str,
    people: &mut [Person],
) -> Result<(), StoreError> {
    let ids: Vec<i64> = people.iter().map(|person| person.id.0).collect();
    let ids = serde_json::Value::from(ids).to_string();
    let mut of_user: BTreeMap<i64, Vec<(Named<TenantId>, Role)>> = BTreeMap::new();
    for row in &MEMBERSHIPS_OF.bind(set).bind(ids).all(txn).await? {
        let Some(role) = Role::from_name(&row.get::<String>(3)?) else { continue };
        let tenant = Named { id: TenantId(row.get(1)?), name: row.get(2)? };
        of_user.entry(row.get(0)?).or_default().push((tenant, role));
    }
    for person in people {
        person.memberships = of_user.remove(&person.id.0).unwrap_or_default();
    }
    Ok(())
}

fn read(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: UserId(row.get(0)?),
        email: row.get(1)?,
        super_admin: row.get(2)?,
        staff: row.get(3)?,
        one_time: row.get::<Option<i64>>(4)? == Some(ONE_TIME),
        created_at: Micros(row.get(5)?),
        disabled_at: row.get::<Option<i64>>(6)?.map(Micros),
        totp: row.get(7)?,
        last_sign_in_at: row.get::<Option<i64>>(8)?.map(Micros),
        memberships: Vec::new(),
    })
}
