//! Changes of a person's account, by a super_admin or by themselves. They show in the chain of the
//! installation and in those of the tenants that the person is a member of.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{TenantId, UserId};
use serde_json::{Map, Value, json};

use super::list::{Person, person};
use super::{MEMBERSHIPS, ONE_TIME, User, UserError, email_normalised};
use crate::audit::{Change, INSTALLATION};
use crate::identity::api_key::tenants_of_maker;
use crate::identity::grant::{granted_tenants, grants_of_user_end};
use crate::identity::screen::tenants_of_screens;
use crate::identity::session::{DELETE_OF_USER, SessionKey};
use crate::identity::{Access, Actor, IdentityKey, TenantContext};
use crate::store::sql::sql;
use crate::store::txn::Write;
use crate::store::{Database, StoreError, Txn};

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PersonPatch {
    pub email: Option<String>,
    pub disabled: Option<bool>,
    pub staff: Option<bool>,
    pub super_admin: Option<bool>,
}

/// Begins a change of somebody's account by a super_admin. The installation's chain is locked: who
/// counts the super_admins in it counts right.
pub(in crate::identity) async fn change_of(
    db: &Database,
    context: &TenantContext,
    id: UserId,
) -> Result<(Write, Person), UserError> {
    if !context.is_super_admin() {
        return Err(UserError::Denied);
    }
    let (mut txn, _) = with_homes(db, context, id).await?;
    let found = person(&mut txn, &context.tenants_json(), id).await?;
    Ok((txn, found.ok_or(UserError::NotFound)?))
}

/// The same by who administers all tenants of a person, and not by a grant. Nobody else's account,
/// and none of the provider's: whoever changes it could sign in with it.
async fn change_of_own(
    db: &Database,
    context: &TenantContext,
    id: UserId,
) -> Result<(Write, Person), UserError> {
    let is_own = |tenant: &TenantId| {
        context.may(*tenant, Access::Admin) && context.granted_until(*tenant).is_none()
    };
    // Before anything is locked.
    let mut read = db.identity_read(IdentityKey::new()).await?;
    if !homes(&mut read, id).await?.iter().any(is_own) {
        return Err(UserError::NotFound);
    }
    drop(read);
    let (mut txn, homes) = with_homes(db, context, id).await?;
    let found = person(&mut txn, &context.tenants_json(), id).await?.ok_or(UserError::NotFound)?;
    if found.super_admin || found.staff || !homes.iter().all(is_own) {
        return Err(UserError::Provider);
    }
    Ok((txn, found))
}

/// Locks the installation's chain, and those of the tenants that somebody is a member of: these too
/// are returned.
async fn with_homes(
    db: &Database,
    context: &TenantContext,
    id: UserId,
) -> Result<(Write, BTreeSet<TenantId>), StoreError> {
    loop {
        let mut read = db.identity_read(IdentityKey::new()).await?;
        let mut locked = homes(&mut read, id).await?;
        drop(read);
        locked.insert(INSTALLATION);
        let mut txn = db.own_change(IdentityKey::new(), context.who(), locked.clone()).await?;
        let now_in = homes(&mut txn, id).await?;
        // Meanwhile somebody may have brought them into a tenant that is not locked.
        if now_in.is_subset(&locked) {
            return Ok((txn, now_in));
        }
    }
}

/// The tenants that somebody is a member of.
async fn homes(txn: &mut Txn, id: UserId) -> Result<BTreeSet<TenantId>, StoreError> {
    let rows = MEMBERSHIPS.bind(id).all(txn).await?;
    rows.iter().map(|row| Ok(TenantId(row.get(0)?))).collect()
}

/// A change that may take from somebody what they have in tenants, with all their chains locked.
pub(super) struct Wide {
    pub(super) txn: Write,
    pub(super) person: Person,
    /// The tenants that they are a member of: what is changed of the account shows there.
    pub(super) homes: BTreeSet<TenantId>,
}

impl Wide {
    pub(super) async fn begin(
        db: &Database,
        context: &TenantContext,
        id: UserId,
        now: Micros,
    ) -> Result<Self, UserError> {
        if !context.is_super_admin() {
            return Err(UserError::Denied);
        }
        loop {
            let mut read = db.identity_read(IdentityKey::new()).await?;
            let locked = Self::chains(&mut read, id, now).await?;
            drop(read);
            let who = context.who();
            let mut txn = db.own_change(IdentityKey::new(), who, locked.clone()).await?;
            // Meanwhile somebody may have given them more, in a tenant that is not locked.
            if !Self::chains(&mut txn, id, now).await?.is_subset(&locked) {
                continue;
            }
            let found = person(&mut txn, &context.tenants_json(), id).await?;
            let person = found.ok_or(UserError::NotFound)?;
            let homes = homes(&mut txn, id).await?;
            return Ok(Self { txn, person, homes });
        }
    }

    async fn chains(
        txn: &mut Txn,
        id: UserId,
        now: Micros,
    ) -> Result<BTreeSet<TenantId>, StoreError> {
        let mut chains = homes(txn, id).await?;
        chains.extend(granted_tenants(txn, id, now).await?);
        chains.extend(tenants_of_maker(txn, id, now).await?);
        chains.extend(tenants_of_screens(txn, id).await?);
        chains.insert(INSTALLATION);
        Ok(chains)
    }

    /// Whether there is a super_admin besides who may sign in.
    pub(super) async fn others_reign(&mut self) -> Result<(), UserError> {
        let others: i64 = OTHER_SUPER_ADMINS.bind(self.person.id).scalar(&mut self.txn).await?;
        if others == 0 { Err(UserError::LastSuperAdmin) } else { Ok(()) }
    }
}

/// Has all rights, and may sign in.
pub(super) fn reigns(person: &Person) -> bool {
    person.super_admin && person.disabled_at.is_none()
}

sql! { pub(crate) OTHER_SUPER_ADMINS =
    "SELECT COUNT(*) FROM user_account
     WHERE super_admin = 1 AND disabled_at IS NULL AND user_id <> $1"
}
sql! { pub(crate) UPDATE =
    "UPDATE user_account SET email = $2, staff = $3, super_admin = $4, disabled_at = $5
     WHERE user_id = $1
       AND NOT EXISTS (SELECT 1 FROM user_account WHERE email = $2 AND user_id <> $1)"
}

/// Changes an account; who is disabled is signed out. With a person's work for the provider end their
/// grants; what is left of one when they come back ends then.
pub async fn person_change(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    patch: &PersonPatch,
    now: Micros,
) -> Result<Person, UserError> {
    let mut wide = Wide::begin(db, context, id, now).await?;
    let before = wide.person.clone();
    let mut after = before.clone();
    if let Some(email) = &patch.email {
        after.email = email_normalised(email).ok_or_else(|| UserError::Email(email.clone()))?;
    }
    after.staff = patch.staff.unwrap_or(before.staff);
    after.super_admin = patch.super_admin.unwrap_or(before.super_admin);
    if let Some(disabled) = patch.disabled {
        after.disabled_at = disabled.then(|| before.disabled_at.unwrap_or(now));
    }
    if reigns(&before) && !reigns(&after) {
        wide.others_reign().await?;
    }
    let Wide { mut txn, homes, .. } = wide;
    let update = UPDATE.bind(id).bind(&after.email).bind(after.staff).bind(after.super_admin);
    match update.bind(after.disabled_at).execute(&mut txn).await {
        Ok(0) => return Err(UserError::Exists),
        // Somebody with this address was made meanwhile.
        Err(error) if error.is_unique_violation() => return Err(UserError::Exists),
        result => result?,
    };
    if after.disabled_at.is_some() {
        DELETE_OF_USER.bind(id).bind(&[][..]).execute(&mut txn).await?;
    }
    let works = |person: &Person| person.staff && person.disabled_at.is_none();
    let mut changes = difference(&before, &after, &homes);
    if !works(&before) || !works(&after) {
        changes.extend(grants_of_user_end(&mut txn, id, context.who().id, now).await?);
    }
    txn.commit(changes, now).await?;
    Ok(after)
}

/// The fields that differ, as they were and as they are. What somebody is at the provider is not for
/// the tenants.
fn difference(before: &Person, after: &Person, homes: &BTreeSet<TenantId>) -> Vec<Change> {
    let shown = |person: &Person| {
        [
            ("email", json!(person.email)),
            ("disabled", json!(person.disabled_at.is_some())),
            ("staff", json!(person.staff)),
            ("super_admin", json!(person.super_admin)),
        ]
    };
    let change = |fields: usize, chains: &BTreeSet<TenantId>| {
        let (mut was, mut is) = (Map::new(), Map::new());
        let pairs = shown(before).into_iter().zip(shown(after)).take(fields);
        for ((name, old), (_, new)) in pairs.filter(|((_, old), (_, new))| old != new) {
            was.insert(name.to_owned(), old);
            is.insert(name.to_owned(), new);
        }
        let changed = !is.is_empty() && !chains.is_empty();
        let change = Change::new("user", "update", before.id.0, &before.email);
        let change = change.before(Value::from(was)).after(Value::from(is));
        changed.then(|| change.only_in(chains.iter().copied()))
    };
    let all = change(usize::MAX, &BTreeSet::from([INSTALLATION]));
    all.into_iter().chain(change(2, homes)).collect()
}

sql! { pub(crate) SET_PASSWORD =
    "UPDATE user_account SET password_hash = $2, password_changed_at = $3 WHERE user_id = $1"
}

/// Gives somebody a password that they have to change when they sign in, and signs them out: by a
/// super_admin, or by who administers all their tenants. One's own is changed with the password one
/// has: whoever found an open browser does not know it.
pub async fn password_reset(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    password_hash: &str,
    now: Micros,
) -> Result<Person, UserError> {
    if *context.actor() == Actor::User(id) {
        return Err(UserError::Own);
    }
    let (mut txn, person) = if context.is_super_admin() {
        change_of(db, context, id).await?
    } else {
        change_of_own(db, context, id).await?
    };
    SET_PASSWORD.bind(id).bind(password_hash).bind(ONE_TIME).execute(&mut txn).await?;
    DELETE_OF_USER.bind(id).bind(&[][..]).execute(&mut txn).await?;
    let change = Change::new("user", "reset_password", id.0, &person.email);
    txn.commit([change], now).await?;
    Ok(person)
}

sql! { pub(crate) CHANGE_PASSWORD =
    "UPDATE user_account SET password_hash = $3, password_changed_at = $4
     WHERE user_id = $1 AND password_hash = $2 AND disabled_at IS NULL"
}

/// Changes a person's own password from what it was when it was checked; all their sessions end
/// but the one that asks. Says whether it was still the same.
pub async fn password_change(
    db: &Database,
    (user, context): (&User, &TenantContext),
    (old_hash, new_hash): (&str, &str),
    keep: SessionKey,
    now: Micros,
) -> Result<bool, StoreError> {
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    let update = CHANGE_PASSWORD.bind(user.id).bind(old_hash).bind(new_hash).bind(now);
    let changed = update.execute(&mut txn).await? > 0;
    if changed {
        DELETE_OF_USER.bind(user.id).bind(keep).execute(&mut txn).await?;
    }
    let change = || Change::new("user", "change_password", user.id.0, &user.email);
    txn.commit(changed.then(change), now).await?;
    Ok(changed)
}
