//! Staff of the provider in a tenant: for a reason, for hours, in the open.
//!
//! A grant is given by who administers the tenant, to a person with `staff`. It ends by itself, by
//! either side, or with the person's `staff`; it shows in the tenant's list and in its audit. With it
//! end the enrolment tokens that were made under it; other keys to a tenant nobody makes under one.

use std::collections::BTreeSet;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{GrantId, IdGenerator, TenantId, UserId};
use serde_json::json;

use super::IdentityKey;
use super::tenancy::{Access, TenantContext};
use super::token::tokens_of_grant_end;
use super::user::{Role, UserError, email_normalised, role_check};
use crate::audit::Change;
use crate::inventory::{Listed, Named, tenant_set};
use crate::live::view::rfc3339;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// The longest; the database holds it too.
pub const LIFE_MAX: Duration = Duration::from_secs(8 * 3600);
pub const REASON_CHARS_MIN: usize = 3;
pub const REASON_CHARS_MAX: usize = 500;
/// Of one tenant, at once.
const LIVE_MAX: u32 = 100;

/// A grant, live or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub tenant: Named<TenantId>,
    pub user: Named<UserId>,
    pub role: Role,
    pub reason: String,
    /// `None`: by the command line, or by somebody who is gone.
    pub granted_by: Option<Named<UserId>>,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub ended_at: Option<Micros>,
    pub ended_by: Option<Named<UserId>>,
}

impl Grant {
    #[must_use]
    pub fn is_live(&self, now: Micros) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// A grant to be given.
#[derive(Clone, Copy, Debug)]
pub struct NewGrant<'a> {
    pub tenant: TenantId,
    /// Of the person.
    pub email: &'a str,
    pub role: Role,
    pub reason: &'a str,
    pub life: Duration,
}

/// What `read` reads.
macro_rules! grant {
    () => {
        "SELECT g.grant_id, t.tenant_id, t.name, u.user_id, u.email, g.role, g.reason,
                b.user_id, b.email, g.created_at, g.expires_at, g.ended_at, e.user_id, e.email
         FROM staff_grant g
         JOIN tenant t ON t.tenant_id = g.tenant_id
         JOIN user_account u ON u.user_id = g.user_id
         LEFT JOIN user_account b ON b.user_id = g.granted_by
         LEFT JOIN user_account e ON e.user_id = g.ended_by "
    };
}

/// Of the tenants of the caller's set, `$1`, or their own, `$2`; of one tenant, `$3`, unless that is
/// 0; only what is live at `$4`, unless that is 0.
macro_rules! shown {
    () => {
        " AND ($3 = 0 OR g.tenant_id = $3)
          AND ($4 = 0 OR (g.ended_at IS NULL AND g.expires_at > $4)) "
    };
}

sql! { pub(crate) STAFF =
    "SELECT user_id FROM user_account WHERE email = $1 AND staff = 1 AND disabled_at IS NULL"
}
sql! { pub(crate) COUNT_LIVE =
    "SELECT COUNT(*) FROM staff_grant
     WHERE tenant_id = $1 AND ended_at IS NULL AND expires_at > $2"
}
sql! { pub(crate) INSERT =
    "INSERT INTO staff_grant (tenant_id, grant_id, user_id, role, reason, granted_by, created_at,
                              expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
}
sql! { pub(crate) ONE = grant!(), "WHERE g.grant_id = $1" }

/// Lets a person of the staff into a tenant.
pub async fn grant_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    new: NewGrant<'_>,
    now: Micros,
) -> Result<Grant, UserError> {
    role_check(new.role, true)?;
    let (id, tenant) = (GrantId(ids.next(now)), new.tenant);
    let mut txn = db.identity_change(IdentityKey::new(), context, tenant, Access::Admin).await?;
    let email = email_normalised(new.email).ok_or(UserError::NotStaff)?;
    let user = STAFF.bind(&email).optional(&mut txn).await?.ok_or(UserError::NotStaff)?;
    let user = UserId(user.get(0)?);
    let live: i64 = COUNT_LIVE.bind(tenant).bind(now).scalar(&mut txn).await?;
    if live >= LIVE_MAX.into() {
        return Err(UserError::Full { what: "grants in this tenant; end some", max: LIVE_MAX });
    }
    let expires_at = now.after(new.life.min(LIFE_MAX));
    let insert = INSERT.bind(tenant).bind(id).bind(user).bind(new.role.name()).bind(new.reason);
    let insert = insert.bind(context.who().id).bind(now).bind(expires_at);
    insert.execute(&mut txn).await?;
    let grant = read(&ONE.bind(id).one(&mut txn).await?)?;
    let change = Change::new("grant", "create", id.0, &email).after(json!({
        "role": new.role.name(),
        "reason": new.reason,
        "expires_at": rfc3339(expires_at),
    }));
    txn.commit([change], now).await?;
    Ok(grant)
}

sql! { pub(crate) TOTAL =
    "SELECT COUNT(*) FROM staff_grant g WHERE (g.user_id = $2 OR g.tenant_id IN ", tenant_set!(),
    ")", shown!()
}
sql! { pub(crate) LIST = grant!(), "WHERE (g.user_id = $2 OR g.tenant_id IN ", tenant_set!(),
    ")", shown!(), "AND ($5 = 0 OR g.grant_id < $5) ORDER BY g.grant_id DESC LIMIT $6"
}

/// Which grants are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrantFilter {
    pub tenant: Option<TenantId>,
    pub live: bool,
    /// After this one, in the order of the list: the latest first.
    pub after: Option<GrantId>,
    pub limit: u32,
}

/// The grants of the tenants that the caller administers, and the caller's own.
pub async fn grant_list(
    db: &Database,
    context: &TenantContext,
    filter: GrantFilter,
    now: Micros,
) -> Result<Listed<Grant>, UserError> {
    let set = context.with_access(Access::Admin).tenants_json();
    let tenant = filter.tenant.map_or(0, |tenant| tenant.0);
    let live = if filter.live { now.0 } else { 0 };
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let bind = |statement: &'static crate::store::sql::Sql| {
        statement.bind(&set).bind(context.who().id).bind(tenant).bind(live)
    };
    let total: i64 = bind(&TOTAL).scalar(&mut txn).await?;
    let query = bind(&LIST).bind(filter.after.map_or(0, |after| after.0)).bind(filter.limit);
    Ok(Listed::read(&query.all(&mut txn).await?, total, read)?)
}

sql! { pub(crate) END =
    "UPDATE staff_grant SET ended_at = $3, ended_by = $4
     WHERE tenant_id = $1 AND grant_id = $2 AND ended_at IS NULL AND expires_at > $3"
}

/// Ends a grant, by who administers its tenant or by who has it. One that is over stays so.
pub async fn grant_end(
    db: &Database,
    context: &TenantContext,
    id: GrantId,
    now: Micros,
) -> Result<Grant, UserError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let row = ONE.bind(id).optional(&mut txn).await?.ok_or(UserError::NotFound)?;
    drop(txn);
    let grant = read(&row)?;
    let tenant = grant.tenant.id;
    let who = context.who();
    let is_theirs = who.kind == "user" && who.id == grant.user.id.0;
    if !is_theirs && !context.may(tenant, Access::Admin) {
        return Err(UserError::NotFound);
    }
    let by = who.id;
    let mut txn = db.own_change(IdentityKey::new(), who, [tenant].into()).await?;
    let changes = end(&mut txn, &grant, by, now).await?;
    txn.commit(changes, now).await?;
    Ok(grant)
}

/// Ends a grant and what was made under it, under the lock of its tenant; what that tenant is told.
async fn end(
    txn: &mut Txn,
    grant: &Grant,
    by: i64,
    now: Micros,
) -> Result<Vec<Change>, StoreError> {
    let tenant = grant.tenant.id;
    if END.bind(tenant).bind(grant.id).bind(now).bind(by).execute(txn).await? == 0 {
        return Ok(Vec::new());
    }
    let mut changes = vec![Change::new("grant", "end", grant.id.0, &grant.user.name)];
    changes.extend(tokens_of_grant_end(txn, tenant, (grant.created_at, grant.expires_at)).await?);
    Ok(changes.into_iter().map(|change| change.only_in([tenant])).collect())
}

sql! { pub(crate) LIVE_OF_USER =
    grant!(), "WHERE g.user_id = $1 AND g.ended_at IS NULL AND g.expires_at > $2"
}

/// Where somebody is by a grant.
pub(super) async fn granted_tenants(
    txn: &mut Txn,
    user: UserId,
    now: Micros,
) -> Result<BTreeSet<TenantId>, StoreError> {
    let rows = LIVE_OF_USER.bind(user).bind(now).all(txn).await?;
    rows.iter().map(|row| Ok(read(row)?.tenant.id)).collect()
}

/// Ends all grants that somebody has, under the locks of their tenants.
pub(super) async fn grants_of_user_end(
    txn: &mut Txn,
    user: UserId,
    by: i64,
    now: Micros,
) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::new();
    for row in &LIVE_OF_USER.bind(user).bind(now).all(txn).await? {
        changes.extend(end(txn, &read(row)?, by, now).await?);
    }
    Ok(changes)
}

fn read(row: &Row) -> Result<Grant, StoreError> {
    let user = |id: usize| -> Result<Option<Named<UserId>>, StoreError> {
        let (id, name) = (row.get::<Option<i64>>(id)?, row.get::<Option<String>>(id + 1)?);
        Ok(id.zip(name).map(|(id, name)| Named { id: UserId(id), name }))
    };
    Ok(Grant {
        id: GrantId(row.get(0)?),
        tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
        user: Named { id: UserId(row.get(3)?), name: row.get(4)? },
        // A role this version does not know gives nothing; the least is shown.
        role: Role::from_name(&row.get::<String>(5)?).unwrap_or(Role::Viewer),
        reason: row.get(6)?,
        granted_by: user(7)?,
        created_at: Micros(row.get(9)?),
        expires_at: Micros(row.get(10)?),
        ended_at: row.get::<Option<i64>>(11)?.map(Micros),
        ended_by: user(12)?,
    })
}
