//! Views of the web UI that a person gave names: paths of its pages with what they filter by.

use farwatch_common::id::UserId;

use super::IdentityKey;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Of one person.
pub const VIEWS_MAX: usize = 50;
pub const NAME_CHARS_MAX: usize = 60;
pub const PATH_CHARS_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: String,
    /// Begins with `/`, and with no second one: it leads nowhere else.
    pub path: String,
}

sql! { pub(crate) OF_USER =
    "SELECT name, path FROM user_view WHERE user_id = $1 ORDER BY place"
}

/// The views of a person, in their order.
pub async fn view_list(db: &Database, user: UserId) -> Result<Vec<View>, StoreError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let rows = OF_USER.bind(user).all(&mut txn).await?;
    let read = |row: &Row| Ok(View { name: row.get(0)?, path: row.get(1)? });
    rows.iter().map(read).collect()
}

// Whoever comes second waits, and clears what the first has written. An UPDATE locks on both engines.
sql! { pub(crate) LOCK = "UPDATE user_account SET user_id = user_id WHERE user_id = $1" }
sql! { pub(crate) CLEAR = "DELETE FROM user_view WHERE user_id = $1" }
sql! { pub(crate) INSERT =
    "INSERT INTO user_view (user_id, place, name, path) VALUES ($1, $2, $3, $4)"
}

/// Puts these in the place of those that the person had. No change of what anybody may or sees, so
/// the audit does not tell it.
pub async fn views_put(db: &Database, user: UserId, views: &[View]) -> Result<(), StoreError> {
    let mut txn = db.identity(IdentityKey::new()).await?;
    LOCK.bind(user).execute(&mut txn).await?;
    CLEAR.bind(user).execute(&mut txn).await?;
    for (place, view) in (0_i64..).zip(views) {
        let insert = INSERT.bind(user).bind(place).bind(&view.name).bind(&view.path);
        insert.execute(&mut txn).await?;
    }
    txn.commit().await
}
