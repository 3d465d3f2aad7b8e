//! People and what they may do where.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId, UserId};

use serde_json::json;

use super::IdentityKey;
use super::tenancy::{Access, Actor, TenantContext, all_tenants};
use crate::audit::Change;
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
    #[error("the caller may not do this")]
    Denied,
    #[error("people cannot be read or written")]
    Store(#[from] StoreError),
}

impl From<AccessError> for UserError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotFound | AccessError::Denied => Self::Denied,
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
    "INSERT INTO user_account (user_id, email, password_hash, super_admin, created_at)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (email) DO NOTHING"
}
sql! { pub(crate) INSERT_MEMBERSHIP =
    "INSERT INTO membership (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)"
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
    let email = email_normalised(email).ok_or_else(|| UserError::Email(email.to_owned()))?;
    role_check(role, tenant.is_some())?;
    let id = UserId(ids.next(now));
    let key = IdentityKey::new();
    let mut txn = match tenant {
        Some(tenant) => db.identity_change(key, context, tenant, Access::Admin).await?,
        None => db.installation_change(key, context).await?,
    };
    let insert = INSERT.bind(id).bind(&email).bind(password_hash);
    let made = insert.bind(role == Role::SuperAdmin).bind(now).execute(&mut txn).await?;
    if made == 0 {
        return Err(UserError::Exists);
    }
    if let Some(tenant) = tenant {
        let insert = INSERT_MEMBERSHIP.bind(tenant).bind(id).bind(role.name()).bind(now);
        insert.execute(&mut txn).await?;
    }
    let change = Change::new("user", "create", id.0, &email);
    txn.commit([change.after(json!({ "role": role.name() }))], now).await?;
    Ok(id)
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
    "SELECT email, super_admin FROM user_account WHERE user_id = $1 AND disabled_at IS NULL"
}
sql! { pub(crate) MEMBERSHIPS = "SELECT tenant_id, role FROM membership WHERE user_id = $1" }

/// Who a user is and which tenants they see, as the database says now.
pub async fn user_context(
    db: &Database,
    id: UserId,
) -> Result<Option<(User, TenantContext)>, UserError> {
    user_context_in(&mut db.identity_read(IdentityKey::new()).await?, id).await
}

/// As `user_context`, in a transaction of `identity`.
pub(super) async fn user_context_in(
    txn: &mut Txn,
    id: UserId,
) -> Result<Option<(User, TenantContext)>, UserError> {
    let Some(row) = GET.bind(id).optional(txn).await? else { return Ok(None) };
    let (email, super_admin): (String, bool) = (row.get(0)?, row.get(1)?);
    let mut role = if super_admin { Role::SuperAdmin } else { Role::Viewer };
    let mut tenants = Vec::new();
    if super_admin {
        tenants.extend(all_tenants(txn).await?);
    } else {
        for row in &MEMBERSHIPS.bind(id).all(txn).await? {
            // A role this version does not know gives nothing.
            let Some(held) = Role::from_name(&row.get::<String>(1)?) else { continue };
            role = role.max(held);
            tenants.push((TenantId(row.get(0)?), held.access()));
        }
    }
    let context = TenantContext::new((Actor::User(id), &email), super_admin, tenants);
    Ok(Some((User { id, email, role }, context)))
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
