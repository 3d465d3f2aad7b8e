//! The end of a person's account, and of all that it opened.

use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;

use super::UserError;
use super::change::{Wide, reigns};
use crate::audit::{Change, INSTALLATION};
use crate::identity::api_key::keys_of_maker_end;
use crate::identity::grant::grants_of_user_end;
use crate::identity::screen::screens_of_maker_end;
use crate::identity::session::DELETE_OF_USER;
use crate::identity::{TenantContext, member, second_factor};
use crate::store::sql::sql;
use crate::store::{Database, Txn};

sql! { pub(crate) GRANTS = "DELETE FROM staff_grant WHERE user_id = $1" }
sql! { pub(crate) FACTOR = "DELETE FROM user_totp WHERE user_id = $1" }
sql! { pub(crate) ACCOUNT = "DELETE FROM user_account WHERE user_id = $1" }

/// Deletes a person, by a super_admin. Their sessions, grants and memberships end with them, and the
/// API keys and screens that they made: they know them. What they did stays in the audit, with their name.
pub async fn person_delete(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    now: Micros,
) -> Result<(), UserError> {
    let mut wide = Wide::begin(db, context, id, now).await?;
    if reigns(&wide.person) {
        wide.others_reign().await?;
    }
    let Wide { mut txn, person, homes } = wide;
    let mut changes = grants_of_user_end(&mut txn, id, context.who().id, now).await?;
    changes.extend(keys_of_maker_end(&mut txn, id, |_| true, now).await?);
    changes.extend(screens_of_maker_end(&mut txn, id).await?);
    for tenant in &homes {
        member::DELETE.bind(*tenant).bind(id).execute(&mut txn).await?;
    }
    account_delete(&mut txn, id).await?;
    let chains = homes.into_iter().chain([INSTALLATION]);
    changes.push(Change::new("user", "delete", id.0, &person.email).only_in(chains));
    txn.commit(changes, now).await?;
    Ok(())
}

/// Takes out an account with all that hangs on it but memberships: one that is there belongs in the
/// audit of its tenant, and keeps the account.
pub(in crate::identity) async fn account_delete(
    txn: &mut Txn,
    id: UserId,
) -> Result<(), UserError> {
    DELETE_OF_USER.bind(id).bind(&[][..]).execute(txn).await?;
    for statement in [&second_factor::RECOVERY_DELETE, &FACTOR, &GRANTS] {
        statement.bind(id).execute(txn).await?;
    }
    match ACCOUNT.bind(id).execute(txn).await {
        // They signed in, or were given something, while this ran.
        Err(error) if error.is_of_the_row() => Err(UserError::Changed),
        result => Ok(result.map(|_| ())?),
    }
}
