//! People and what they may do where.

pub mod change;
pub mod delete;
pub mod list;

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId, UserId};

use serde_json::json;

use super::IdentityKey;
use super::member::room;
use super::tenancy::{Access, Actor, TenantContext, all_tenants};
use crate::audit::Change;
use crate::inventory::VaultError;
use crate::store::sql::sql;
use crate::store::{AccessError, Database, StoreError, Txn};

/// What a person is. All but `SuperAdmin` hold in the tenants of their memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    TenantAdmin,
    SuperAdmin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::TenantAdmin, Self::SuperAdmin];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::TenantAdmin => "tenant_admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role of somebody who may do so much in a tenant.
    #[must_use]
    pub fn of(access: Access) -> Self {
        match access {
            Access::Read => Self::Viewer,
            Access::Write => Self::Operator,
            Access::Admin => Self::TenantAdmin,
        }
    }

    #[must_use]
    pub fn access(self) -> Access {
        match self {
            Self::Viewer => Access::Read,
            Self::Operator => Access::Write,
            Self::TenantAdmin | Self::SuperAdmin => Access::Admin,
        }
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: String,
    /// The highest role they have anywhere.
    pub role: Role,
    /// Of the provider: may be granted into tenants.
    pub staff: bool,
    /// Has a password that was made for them, and is to choose their own.
    pub one_time: bool,
    /// Needs a second factor to sign in.
    pub totp: bool,
}

/// What a login compares with.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: UserId,
    pub password_hash: String,
}

#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("`{0}` is not an e-mail address")]
    Email(String),
    #[error("there is a user with this e-mail address already")]
    Exists,
    #[error("a role other than super_admin needs a tenant, and super_admin has none")]
    Tenant,
    #[error("there is no such person or thing in the tenants of the caller")]
    NotFound,
    #[error("the caller may not do this")]
    Denied,
    #[error("this is the last super_admin who may sign in; make another one first")]
    LastSuperAdmin,
    #[error("this is the tenant's last administrator who may sign in; make another one first")]
    LastTenantAdmin,
    #[error("this person has to sign in once before other tenants can add them")]
    Elsewhere,
    #[error("this person is of the provider or of other tenants; its administrators can do this")]
    Provider,
    #[error("this is the caller's own account")]
    Own,
    #[error("this person was changed at the same time; try again")]
    Changed,
    #[error("nobody of the provider's staff has this e-mail address")]
    NotStaff,
    /// `what` names the things and says how there come to be fewer.
    #[error("there are {max} {what}")]
    Full { what: &'static str, max: u32 },
    #[error("secrets of people cannot be sealed or opened")]
    Vault(#[from] VaultError),
    #[error("people cannot be read or written")]
    Store(#[from] StoreError),
}

impl From<AccessError> for UserError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound => Self::NotFound,
            AccessError::Denied => Self::Denied,
            AccessError::Store(error) => Self::Store(error),
        }
    }
}

/// The form in which addresses are stored and compared; `None` if it is none.
#[must_use]
pub fn email_normalised(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, domain) = email.split_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
    let sound = !name.is_empty()
        && !domain.is_empty()
        && email.len() <= 254
        && name.chars().all(plain)
        && domain.chars().all(plain);
    sound.then_some(email)
}

/// Whether a role holds where it is given.
pub fn role_check(role: Role, in_tenant: bool) -> Result<(), UserError> {
    if (role == Role::SuperAdmin) == in_tenant { Err(UserError::Tenant) } else { Ok(()) }
}

sql! { pub(crate) INSERT =
    "INSERT INTO user_account (user_id, email, password_hash, super_admin, staff,
                               password_changed_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING"
}
sql! { pub(crate) INSERT_MEMBERSHIP =
    "INSERT INTO membership (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)"
}

/// The value of `password_changed_at` while somebody has a password that was made for them; NULL is
/// one that came with the account.
pub(super) const ONE_TIME: i64 = 0;

/// Somebody to be made.
#[derive(Debug)]
pub struct NewPerson<'a> {
    pub email: &'a str,
    pub password_hash: &'a str,
    /// They have to choose another password when they first sign in.
    pub one_time: bool,
    pub super_admin: bool,
    pub staff: bool,
    pub member: Option<(TenantId, Role)>,
}

/// Makes a person with a role: in one tenant, or everywhere.
pub async fn user_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    email: &str,
    password_hash: &str,
    (role, tenant): (Role, Option<TenantId>),
    now: Micros,
) -> Result<UserId, UserError> {
    role_check(role, tenant.is_some())?;
    let (super_admin, member) = (role == Role::SuperAdmin, tenant.map(|tenant| (tenant, role)));
    let (one_time, staff) = (false, false);
    let new = NewPerson { email, password_hash, one_time, super_admin, staff, member };
    person_create(db, context, ids, &new, now).await
}

/// Makes a person. Who belongs to the provider, or to no tenant, is made by a super_admin.
pub async fn person_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    new: &NewPerson<'_>,
    now: Micros,
) -> Result<UserId, UserError> {
    let email =
        email_normalised(new.email).ok_or_else(|| UserError::Email(new.email.to_owned()))?;
    if (new.super_admin || new.staff) && !context.is_super_admin() {
        return Err(UserError::Denied);
    }
    let key = IdentityKey::new();
    let mut txn = match new.member {
        Some((tenant, _)) => db.identity_change(key, context, tenant, Access::Admin).await?,
        None => db.installation_change(key, context).await?,
    };
    if let Some((tenant, _)) = new.member {
        room(&mut txn, tenant).await?;
    }
    let id = UserId(ids.next(now));
    let change = insert(&mut txn, id, &email, new, now).await?.ok_or(UserError::Exists)?;
    if let Some((tenant, role)) = new.member {
        let insert = INSERT_MEMBERSHIP.bind(tenant).bind(id).bind(role.name()).bind(now);
        insert.execute(&mut txn).await?;
    }
    txn.commit([change], now).await?;
    Ok(id)
}

/// Adds the account; `None` if the address is taken.
pub(super) async fn insert(
    txn: &mut Txn,
    id: UserId,
    email: &str,
    new: &NewPerson<'_>,
    now: Micros,
) -> Result<Option<Change>, StoreError> {
    let insert = INSERT.bind(id).bind(email).bind(new.password_hash).bind(new.super_admin);
    let insert = insert.bind(new.staff).bind(new.one_time.then_some(ONE_TIME)).bind(now);
    let made = insert.execute(txn).await? > 0;
    let role =
        if new.super_admin { Some(Role::SuperAdmin) } else { new.member.map(|(_, role)| role) };
    let after = json!({ "role": role.map(Role::name), "staff": new.staff });
    Ok(made.then(|| Change::new("user", "create", id.0, email).after(after)))
}

sql! { pub(crate) ANY = "SELECT user_id FROM user_account LIMIT 1" }

/// Whether there is anybody.
pub async fn user_any(db: &Database) -> Result<bool, StoreError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    Ok(ANY.query().optional(&mut txn).await?.is_some())
}

sql! { pub(crate) ACCOUNT =
    "SELECT user_id, password_hash FROM user_account WHERE email = $1 AND disabled_at IS NULL"
}

/// The account of an address, if it may sign in.
pub async fn account_by_email(db: &Database, email: &str) -> Result<Option<Account>, UserError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let Some(row) = ACCOUNT.bind(email).optional(&mut txn).await? else { return Ok(None) };
    Ok(Some(Account { id: UserId(row.get(0)?), password_hash: row.get(1)? }))
}

sql! { pub(crate) GET =
    "SELECT u.email, u.super_admin, u.staff, u.password_changed_at,
            EXISTS (SELECT 1 FROM user_totp t
                    WHERE t.user_id = u.user_id AND t.confirmed_at IS NOT NULL)
     FROM user_account u WHERE u.user_id = $1 AND u.disabled_at IS NULL"
}
sql! { pub(crate) MEMBERSHIPS = "SELECT tenant_id, role FROM membership WHERE user_id = $1" }
sql! { pub(crate) GRANTS =
    "SELECT tenant_id, role, expires_at FROM staff_grant
     WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2"
}

/// Who a user is and which tenants they see, as the database says now.
pub async fn user_context(
    db: &Database,
    id: UserId,
    now: Micros,
) -> Result<Option<(User, TenantContext)>, UserError> {
    user_context_in(&mut db.identity_read(IdentityKey::new()).await?, id, now).await
}

/// As `user_context`, in a transaction of `identity`. A role this version does not know gives
/// nothing.
pub(super) async fn user_context_in(
    txn: &mut Txn,
    id: UserId,
    now: Micros,
) -> Result<Option<(User, TenantContext)>, UserError> {
    let Some(row) = GET.bind(id).optional(txn).await? else { return Ok(None) };
    let (email, super_admin, staff): (String, bool, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let one_time = row.get::<Option<i64>>(3)? == Some(ONE_TIME);
    let totp = row.get(4)?;
    let mut role = if super_admin { Role::SuperAdmin } else { Role::Viewer };
    let (mut tenants, mut grants) = (Vec::new(), Vec::new());
    if super_admin {
        tenants.extend(all_tenants(txn).await?);
    } else {
        for row in &MEMBERSHIPS.bind(id).all(txn).await? {
            let Some(held) = Role::from_name(&row.get::<String>(1)?) else { continue };
            role = role.max(held);
            tenants.push((TenantId(row.get(0)?), held.access()));
        }
        let rows = if staff { GRANTS.bind(id).bind(now).all(txn).await? } else { Vec::new() };
        for row in &rows {
            let Some(held) = Role::from_name(&row.get::<String>(1)?) else { continue };
            role = role.max(held);
            grants.push((TenantId(row.get(0)?), held.access(), Micros(row.get(2)?)));
        }
    }
    let context = TenantContext::new((Actor::User(id), &email), super_admin, tenants);
    let user = User { id, email, role, staff, one_time, totp };
    Ok(Some((user, context.with_grants(grants))))
}

#[cfg(test)]
mod tests {
    use farwatch_common::clock::Clock;

    use super::*;

    #[tokio::test]
    async fn there_is_nobody_until_somebody_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(dir.path()).await.unwrap();
        assert!(!user_any(&db).await.unwrap());
        let (ids, now) = (IdGenerator::new(0), Clock::system().now());
        let place = (Role::SuperAdmin, None);
        let context = TenantContext::local(&db).await.unwrap();
        user_create(&db, &context, &ids, "noc@example.net", "hash", place, now).await.unwrap();
        assert!(user_any(&db).await.unwrap());
    }

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(email_normalised(" Noc@Example.NET ").as_deref(), Some("noc@example.net"));
        for bad in ["", "noc", "@x", "noc@", "a b@c", "a@b@c"] {
            assert_eq!(email_normalised(bad), None, "{bad}");
        }
    }

    #[test]
    fn roles_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }
}
