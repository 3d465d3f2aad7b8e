//! Signing in and out, and who one is.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::secret::Secret;
use http::header::SET_COOKIE;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::{Caller, Client, origin, same_origin, session_of};
use super::reply::{Data, Ref};
use super::request::Json;
use crate::identity::limits::address_key;
use crate::identity::session::{
    self, LIFE_MAX, session_create, session_delete, session_get, sign_in_failed,
};
use crate::identity::user::{account_by_email, email_normalised, user_context};
use crate::identity::{TenantContext, digest, user};
use crate::inventory::Page;
use crate::inventory::tenant::tenant_list;

/// Most tenants that `Me` names; the rest is in the list of tenants.
const ME_TENANTS_MAX: u32 = 1000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    email: String,
    #[schema(format = Password)]
    password: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    user: User,
    tenants: Vec<Ref>,
    version: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    id: String,
    email: String,
    role: String,
}

/// Sign in
#[utoipa::path(post, path = "/api/v1/login", tag = "session", security(()),
    request_body = Login, responses((status = 200, body = Data<Me>)))]
pub(super) async fn login(
    State(state): State<AppState>,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Login>,
) -> Result<Response, Error> {
    same_origin(&headers, &uri)?;
    let client = Client::of(&extensions);
    let email = email_normalised(&body.email).unwrap_or_default();
    state.limits.login_address.check(&address_key(client.address.ip()))?;
    state.limits.login_account.check(&digest(email.as_bytes()))?;
    let account = account_by_email(&state.db, &email).await?;
    let (id, stored) = account.map(|account| (account.id, account.password_hash)).unzip();
    let right = state.passwords.verify(Secret::from(body.password), stored).await?;
    let known = match id.filter(|_| right) {
        Some(id) => user_context(&state.db, id).await?,
        None => None,
    };
    let Some((user, context)) = known else {
        state.own.logins_failed.add(1);
        let origin = origin(&extensions);
        sign_in_failed(&state.db, (&email, origin), state.clock.now()).await?;
        let detail = "The e-mail address or the password is wrong.";
        return Err(Error::new(StatusCode::UNAUTHORIZED, "bad_credentials", detail));
    };
    let before = session_of(&headers);
    let context = context.from(origin(&extensions));
    let token = session_create(&state.db, (&user, &context), before, state.clock.now()).await?;
    tracing::info!(stage = "api", user_id = %user.id, "signed in");
    let me = me_of(&state, user, &context).await?;
    with_cookie(me.into_response(), token.expose(), LIFE_MAX.as_secs())
}

/// Sign out
#[utoipa::path(post, path = "/api/v1/logout", tag = "session", responses((status = 204)))]
pub(super) async fn logout(
    State(state): State<AppState>,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    same_origin(&headers, &uri)?;
    let now = state.clock.now();
    // Without a session there is nothing to end; the cookie goes in any case.
    if let Some(key) = session_of(&headers)
        && let Some(session) = session_get(&state.db, key, now).await?
    {
        session_delete(&state.db, &session, origin(&extensions), now).await?;
    }
    with_cookie(StatusCode::NO_CONTENT.into_response(), b"", 0)
}

/// Who I am
#[utoipa::path(get, path = "/api/v1/me", tag = "session",
    responses((status = 200, body = Data<Me>)))]
pub(super) async fn me(State(state): State<AppState>, caller: Caller) -> Result<Data<Me>, Error> {
    let user = caller.user.ok_or_else(Error::unauthenticated)?;
    me_of(&state, user, &caller.context).await
}

async fn me_of(
    state: &AppState,
    user: user::User,
    context: &TenantContext,
) -> Result<Data<Me>, Error> {
    let page = Page { after: None, limit: ME_TENANTS_MAX };
    let tenants = tenant_list(&state.db, context, &page).await?;
    let named = |tenant: crate::inventory::tenant::Tenant| {
        Ref::from(crate::inventory::Named { id: tenant.id, name: tenant.name })
    };
    Ok(Data {
        data: Me {
            user: User {
                id: user.id.to_string(),
                email: user.email,
                role: user.role.name().to_owned(),
            },
            tenants: tenants.rows.into_iter().map(named).collect(),
            version: state.version.to_owned(),
        },
    })
}

/// `Secure` holds on the plain listener too: browsers take loopback for a secure place.
fn with_cookie(mut response: Response, token: &[u8], life_s: u64) -> Result<Response, Error> {
    let mut cookie = format!("{}=", session::COOKIE);
    cookie.push_str(str::from_utf8(token).unwrap_or_default());
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";
    let _ = write!(cookie, "{attributes}{life_s}");
    let mut value = HeaderValue::try_from(cookie).map_err(Error::internal)?;
    value.set_sensitive(true);
    response.headers_mut().insert(SET_COOKIE, value);
    Ok(response)
}
