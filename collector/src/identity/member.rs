//! Who belongs to a tenant, and with which role.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId, UserId};
use serde_json::json;

use super::IdentityKey;
use super::api_key::keys_of_maker_end;
use super::screen::{screens_of_maker_end, tenants_of_screens};
use super::tenancy::{Access, TenantContext};
use super::user::delete::account_delete;
use super::user::{
    self, INSERT_MEMBERSHIP, NewPerson, Role, UserError, email_normalised, role_check,
};
use crate::audit::Change;
use crate::inventory::{Listed, Page};
use crate::store::sql::{Row, sql};
use crate::store::txn::Write;
use crate::store::{Database, StoreError, Txn};

/// People of one tenant.
pub const MEMBERS_MAX: u32 = 10_000;

/// Somebody in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub totp: bool,
    pub disabled: bool,
    pub since: Micros,
}

/// What `read` reads.
macro_rules! member {
    () => {
        "SELECT u.user_id, u.email, m.role, u.disabled_at, m.created_at,
                EXISTS (SELECT 1 FROM user_totp t
                        WHERE t.user_id = u.user_id AND t.confirmed_at IS NOT NULL)
         FROM membership m JOIN user_account u ON u.user_id = m.user_id WHERE m.tenant_id = $1 "
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM membership WHERE tenant_id = $1" }
sql! { pub(crate) LIST = member!(),
    "AND ($2 = 0 OR (u.email, u.user_id) > ($3, $4)) ORDER BY u.email, u.user_id LIMIT $5"
}
sql! { pub(crate) ONE = member!(), "AND m.user_id = $2" }

/// A page of a tenant's people, for its administrators.
pub async fn member_list(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
    page: &Page,
) -> Result<Listed<Member>, UserError> {
    if !context.may(tenant, Access::Read) {
        return Err(UserError::NotFound);
    }
    if !context.may(tenant, Access::Admin) {
        return Err(UserError::Denied);
    }
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let total: i64 = TOTAL.bind(tenant).scalar(&mut txn).await?;
    let (after, email, id) = page.binds();
    let query = LIST.bind(tenant).bind(after).bind(email).bind(id).bind(page.limit());
    Ok(Listed::read(&query.all(&mut txn).await?, total, read)?)
}

sql! { pub(crate) BY_EMAIL =
    "SELECT user_id FROM user_account WHERE email = $1"
}
sql! { pub(crate) OF_USER = "SELECT tenant_id FROM membership WHERE user_id = $1" }

/// Whether somebody is a member where the caller administers.
async fn is_known(txn: &mut Txn, context: &TenantContext, user: UserId) -> Result<bool, UserError> {
    for row in OF_USER.bind(user).all(txn).await? {
        if context.may(TenantId(row.get(0)?), Access::Admin) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds a person by their address: who has an account comes into the tenant with it, for others one
/// is made with a one-time password. Says whether it was made.
///
/// Nobody has shown whose an address is: whoever made the account may know its password, and who
/// adds it sees its sign-ins. So an account of other tenants comes in through a super_admin alone,
/// unless the caller administers one of those too.
pub async fn member_add(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, email, role): (TenantId, &str, Role),
    password_hash: &str,
    now: Micros,
) -> Result<(Member, bool), UserError> {
    let email = email_normalised(email).ok_or_else(|| UserError::Email(email.to_owned()))?;
    role_check(role, true)?;
    let mut txn = begin(db, context, tenant).await?;
    room(&mut txn, tenant).await?;
    let member = Some((tenant, role));
    let (one_time, super_admin, staff) = (true, false, false);
    let new = NewPerson { email: &email, password_hash, one_time, super_admin, staff, member };
    let fresh = UserId(ids.next(now));
    let made = user::insert(&mut txn, fresh, &email, &new, now).await?;
    let (id, is_made) = match &made {
        Some(_) => (fresh, true),
        None => {
            let row = BY_EMAIL.bind(&email).optional(&mut txn).await?.ok_or(UserError::NotFound)?;
            let id = UserId(row.get(0)?);
            let here = one(&mut txn, tenant, id).await?.is_some();
            if !context.is_super_admin() && !here && !is_known(&mut txn, context, id).await? {
                return Err(UserError::Elsewhere);
            }
            (id, false)
        }
    };
    if one(&mut txn, tenant, id).await?.is_some() {
        return Err(UserError::Exists);
    }
    INSERT_MEMBERSHIP.bind(tenant).bind(id).bind(role.name()).bind(now).execute(&mut txn).await?;
    let member = one(&mut txn, tenant, id).await?.ok_or(UserError::NotFound)?;
    let change = Change::new("member", "create", id.0, &email);
    let change = change.after(json!({ "role": role.name() }));
    txn.commit(made.into_iter().chain([change]), now).await?;
    Ok((member, is_made))
}

sql! { pub(crate) SET_ROLE =
    "UPDATE membership SET role = $3 WHERE tenant_id = $1 AND user_id = $2"
}
sql! { pub(crate) EMAIL = "SELECT email FROM user_account WHERE user_id = $1" }

sql! { pub(crate) OTHER_ADMINS =
    "SELECT COUNT(*) FROM membership m JOIN user_account u ON u.user_id = m.user_id
     WHERE m.tenant_id = $1 AND m.user_id <> $2 AND m.role = $3 AND u.disabled_at IS NULL"
}

/// Refuses to leave the tenant without an administrator who may sign in, under its lock. A
/// super_admin may: they can make another.
async fn others_administer(
    txn: &mut Txn,
    context: &TenantContext,
    tenant: TenantId,
    before: &Member,
) -> Result<(), UserError> {
    if context.is_super_admin() || before.role != Role::TenantAdmin {
        return Ok(());
    }
    let others = OTHER_ADMINS.bind(tenant).bind(before.id).bind(Role::TenantAdmin.name());
    let others: i64 = others.scalar(txn).await?;
    if others == 0 { Err(UserError::LastTenantAdmin) } else { Ok(()) }
}

/// Gives a member another role. A super_admin brings people in by their id, too.
pub async fn member_set(
    db: &Database,
    context: &TenantContext,
    (tenant, id, role): (TenantId, UserId, Role),
    now: Micros,
) -> Result<Member, UserError> {
    role_check(role, true)?;
    let mut txn = begin(db, context, tenant).await?;
    let before = one(&mut txn, tenant, id).await?;
    let change = match &before {
        Some(before) => {
            if role != Role::TenantAdmin {
                others_administer(&mut txn, context, tenant, before).await?;
            }
            SET_ROLE.bind(tenant).bind(id).bind(role.name()).execute(&mut txn).await?;
            let change = Change::new("member", "update", id.0, &before.email);
            let change = change.before(json!({ "role": before.role.name() }));
            (before.role != role).then_some(change)
        }
        None => {
            let email = EMAIL.bind(id).optional(&mut txn).await?;
            let email = email.filter(|_| context.is_super_admin()).ok_or(UserError::NotFound)?;
            room(&mut txn, tenant).await?;
            let insert = INSERT_MEMBERSHIP.bind(tenant).bind(id).bind(role.name()).bind(now);
            insert.execute(&mut txn).await?;
            Some(Change::new("member", "create", id.0, &email.get::<String>(0)?))
        }
    };
    let member = one(&mut txn, tenant, id).await?.ok_or(UserError::NotFound)?;
    let after = json!({ "role": role.name() });
    txn.commit(change.map(|change| change.after(after)), now).await?;
    Ok(member)
}

sql! { pub(crate) LEFT =
    "SELECT u.user_id FROM user_account u
     WHERE u.user_id = $1 AND u.super_admin = 0 AND u.staff = 0
       AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.user_id = u.user_id)"
}
sql! { pub(crate) DELETE = "DELETE FROM membership WHERE tenant_id = $1 AND user_id = $2" }

/// Takes a person out of the tenant. An account that is left with nothing, and is not of the provider,
/// goes with its last membership, and so do the API keys they made in the tenant: nobody would see
/// it any more, and they know the keys.
pub async fn member_remove(
    db: &Database,
    context: &TenantContext,
    (tenant, id): (TenantId, UserId),
    now: Micros,
) -> Result<(), UserError> {
    let mut txn = loop {
        let mut read = db.identity_read(IdentityKey::new()).await?;
        let shown = tenants_of_screens(&mut read, id).await?;
        drop(read);
        let key = IdentityKey::new();
        let others = shown.iter().copied();
        let mut txn = db.identity_change_beyond(key, context, tenant, others).await?;
        // Meanwhile they may have made a screen of a tenant that is not locked.
        if tenants_of_screens(&mut txn, id).await?.is_subset(&shown) {
            break txn;
        }
    };
    let before = one(&mut txn, tenant, id).await?.ok_or(UserError::NotFound)?;
    others_administer(&mut txn, context, tenant, &before).await?;
    DELETE.bind(tenant).bind(id).execute(&mut txn).await?;
    let change = Change::new("member", "delete", id.0, &before.email).only_in([tenant]);
    let mut changes = vec![change.before(json!({ "role": before.role.name() }))];
    if LEFT.bind(id).optional(&mut txn).await?.is_some() {
        changes.extend(keys_of_maker_end(&mut txn, id, |of| of == tenant, now).await?);
        changes.extend(screens_of_maker_end(&mut txn, id).await?);
        account_delete(&mut txn, id).await?;
        changes.push(Change::new("user", "delete", id.0, &before.email));
    }
    txn.commit(changes, now).await?;
    Ok(())
}

/// Whether the tenant takes another member, under its lock.
pub(super) async fn room(txn: &mut Txn, tenant: TenantId) -> Result<(), UserError> {
    let members: i64 = TOTAL.bind(tenant).scalar(txn).await?;
    if members >= MEMBERS_MAX.into() {
        return Err(UserError::Full { what: "members; remove some first", max: MEMBERS_MAX });
    }
    Ok(())
}

async fn begin(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
) -> Result<Write, UserError> {
    Ok(db.identity_change(IdentityKey::new(), context, tenant, Access::Admin).await?)
}

async fn one(txn: &mut Txn, tenant: TenantId, id: UserId) -> Result<Option<Member>, StoreError> {
    let row = ONE.bind(tenant).bind(id).optional(txn).await?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        id: UserId(row.get(0)?),
        email: row.get(1)?,
        // A role this version does not know gives nothing; the least is shown.
        role: Role::from_name(&row.get::<String>(2)?).unwrap_or(Role::Viewer),
        disabled: row.get::<Option<i64>>(3)?.is_some(),
        since: Micros(row.get(4)?),
        totp: row.get(5)?,
    })
}
