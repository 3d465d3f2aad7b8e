//! Changes of a person's account, by a super_admin or by themselves. They show in the chain of the
//! installation and in those of the tenants that the person is a member of.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{TenantId, UserId};
use serde_json::{Map, Value, json};

use super::list::{Person, person};
use super::{MEMBERSHIPS, ONE_TIME, User, UserError, email_normalised};
use crate::audit::{Change, INSTALLATION};
use crate::identity::session::{DELETE_OF_USER, SessionKey};
use crate::identity::{IdentityKey, TenantContext};
use crate::store::sql::sql;
use crate::store::txn::Write;
use crate::store::{Database, StoreError};

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PersonPatch {
    pub email: Option<String>,
    pub disabled: Option<bool>,
    pub staff: Option<bool>,
    pub super_admin: Option<bool>,
}

/// Begins a change of somebody's account. The installation's chain is locked: who counts the
/// super_admins in it counts right.
pub(in crate::identity) async fn change_of(
    db: &Database,
    context: &TenantContext,
    id: UserId,
) -> Result<(Write, Person), UserError> {
    if !context.is_super_admin() {
        return Err(UserError::Denied);
    }
    let mut chains = BTreeSet::from([INSTALLATION]);
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    for row in &MEMBERSHIPS.bind(id).all(&mut txn).await? {
        chains.insert(TenantId(row.get(0)?));
    }
    drop(txn);
    let mut txn = db.own_change(IdentityKey::new(), context.who(), chains).await?;
    let found = person(&mut txn, &context.tenants_json(), id).await?;
    Ok((txn, found.ok_or(UserError::NotFound)?))
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

/// Changes an account; who is disabled is signed out.
pub async fn person_change(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    patch: &PersonPatch,
    now: Micros,
) -> Result<Person, UserError> {
    let (mut txn, before) = change_of(db, context, id).await?;
    let mut after = before.clone();
    if let Some(email) = &patch.email {
        after.email = email_normalised(email).ok_or_else(|| UserError::Email(email.clone()))?;
    }
    after.staff = patch.staff.unwrap_or(before.staff);
    after.super_admin = patch.super_admin.unwrap_or(before.super_admin);
    if let Some(disabled) = patch.disabled {
        after.disabled_at = disabled.then(|| before.disabled_at.unwrap_or(now));
    }
    let reigns = |person: &Person| person.super_admin && person.disabled_at.is_none();
    if reigns(&before) && !reigns(&after) {
        let others: i64 = OTHER_SUPER_ADMINS.bind(id).scalar(&mut txn).await?;
        if others == 0 {
            return Err(UserError::LastSuperAdmin);
        }
    }
    let update = UPDATE.bind(id).bind(&after.email).bind(after.staff).bind(after.super_admin);
    if update.bind(after.disabled_at).execute(&mut txn).await? == 0 {
        return Err(UserError::Exists);
    }
    if after.disabled_at.is_some() {
        DELETE_OF_USER.bind(id).bind(&[][..]).execute(&mut txn).await?;
    }
    let (was, is) = difference(&before, &after);
    let changed = !is.is_empty();
    let change = || {
        let change = Change::new("user", "update", id.0, &before.email);
        change.before(Value::from(was)).after(Value::from(is))
    };
    txn.commit(changed.then(change), now).await?;
    Ok(after)
}

/// The fields that differ, as they were and as they are.
fn difference(before: &Person, after: &Person) -> (Map<String, Value>, Map<String, Value>) {
    let shown = |person: &Person| {
        [
            ("email", json!(person.email)),
            ("disabled", json!(person.disabled_at.is_some())),
            ("staff", json!(person.staff)),
            ("super_admin", json!(person.super_admin)),
        ]
    };
    let (mut was, mut is) = (Map::new(), Map::new());
    for ((name, old), (_, new)) in shown(before).into_iter().zip(shown(after)) {
        if old != new {
            was.insert(name.to_owned(), old);
            is.insert(name.to_owned(), new);
        }
    }
    (was, is)
}

sql! { pub(crate) SET_PASSWORD =
    "UPDATE user_account SET password_hash = $2, password_changed_at = $3 WHERE user_id = $1"
}

/// Gives somebody a password that they have to change when they sign in, and signs them out.
pub async fn password_reset(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    password_hash: &str,
    now: Micros,
) -> Result<Person, UserError> {
    let (mut txn, person) = change_of(db, context, id).await?;
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
