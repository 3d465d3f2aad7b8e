//! Where somebody is signed in, and their own password.

use axum::extract::State;
use farwatch_common::id::{SessionId, UserId};
use farwatch_common::secret::Secret;
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{List, Paging, Time, page_of};
use super::request::{Json, Params, PathId, id};
use crate::identity::digest;
use crate::identity::session::{session_end, session_list};
use crate::identity::user::change::password_change;
use crate::identity::user::{User, account_by_email};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    id: String,
    /// The one that asks.
    current: bool,
    address: Option<String>,
    /// What the browser says it is.
    user_agent: String,
    created_at: Time,
    last_used_at: Time,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfUser {
    /// Somebody else's, for a super_admin.
    user: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Where I am signed in
#[utoipa::path(get, path = "/api/v1/sessions", tag = "session", params(OfUser),
    responses((status = 200, body = List<Session>)))]
pub(super) async fn sessions(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfUser>,
) -> Result<List<Session>, Error> {
    let (user, key) = caller.person()?;
    let of: UserId = query.user.as_deref().map_or(Ok(user.id), id)?;
    let (_, rows) = session_list(&state.db, &caller.context, of, state.clock.now()).await?;
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    page_of(
        rows,
        &paging,
        |row| (-row.last_used_at.0, row.id.0),
        |row| Session {
            id: row.id.to_string(),
            current: row.key == key,
            address: row.address,
            user_agent: row.agent,
            created_at: Time(row.created_at),
            last_used_at: Time(row.last_used_at),
        },
    )
}

/// End a session
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "session",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn session_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        let owner = session_end(&state.db, &caller.context, id, state.clock.now()).await?;
        state.own.streams.changed(owner);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[schema(format = Password)]
    current: String,
    /// At least 15 characters.
    #[schema(format = Password)]
    new: String,
}

/// Change my password; all my other sessions end
#[utoipa::path(post, path = "/api/v1/me/password", tag = "session", request_body = NewPassword,
    responses((status = 204)))]
pub(super) async fn password_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, Error> {
    let (user, _) = caller.person()?;
    let same = body.current == body.new;
    let old = password_hold(&state, user, Secret::from(body.current), "current").await?;
    if same {
        return Err(Error::field("new", "must differ from the current password"));
    }
    let new = state.passwords.hash(Secret::from(body.new)).await;
    let new = new.map_err(|error| Error::password("new", error))?;
    to_the_end(async move {
        let (user, key) = caller.person()?;
        let (who, now) = ((user, &caller.context), state.clock.now());
        if !password_change(&state.db, who, (&old, &new), key, now).await? {
            return Err(Error::field("current", NOT_YOURS));
        }
        state.own.streams.changed(user.id);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

const NOT_YOURS: &str = "is not your password";

/// Holds who is signed in to their password: whoever found an open browser does not know it. Counts
/// with the sign-ins of the account. Returns the stored hash.
pub(super) async fn password_hold(
    state: &AppState,
    user: &User,
    password: Secret,
    field: &str,
) -> Result<String, Error> {
    state.limits.login_account.check(&digest(user.email.as_bytes()))?;
    let account = account_by_email(&state.db, &user.email).await?;
    let stored = account.ok_or_else(Error::unauthenticated)?.password_hash;
    if state.passwords.verify(password, Some(stored.clone())).await? {
        return Ok(stored);
    }
    Err(Error::field(field, NOT_YOURS))
}
