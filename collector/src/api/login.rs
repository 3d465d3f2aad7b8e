//! Signing in and out, and who one is.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use http::header::USER_AGENT;
use http::{Extensions, HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::{Caller, Client, origin, same_origin, session_of};
use super::reply::{Data, Role, Time, with_cookie};
use super::request::Json;
use super::totp::{CodeError, code_use};
use crate::identity::failures::Failures;
use crate::identity::limits::address_key;
use crate::identity::second_factor::FactorError;
use crate::identity::session::{
    self, Browser, LIFE_MAX, Refused, SessionKey, session_create, session_delete, session_get,
    sign_in_refused,
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
    /// The code of the authenticator, or a recovery code, if the answer was `totp_required`.
    totp: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    user: User,
    tenants: Vec<MyTenant>,
    version: String,
}

/// A tenant and what I am in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MyTenant {
    id: String,
    name: String,
    role: Role,
    /// Its devices are simulated.
    demo: bool,
    /// When the staff grant ends by which I am in it.
    granted_until: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    id: String,
    email: String,
    /// The highest anywhere.
    role: Role,
    /// Of the provider.
    staff: bool,
    /// Signs in with a second factor.
    totp: bool,
    /// Nothing else is allowed before.
    must_change_password: bool,
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
    let tried = (email.as_str(), &extensions);
    let account = account_by_email(&state.db, &email).await?;
    let (id, stored) = account.map(|account| (account.id, account.password_hash)).unzip();
    let right = state.passwords.verify(Secret::from(body.password), stored.clone()).await?;
    let known = match id.filter(|_| right) {
        Some(id) => user_context(&state.db, id, state.clock.now()).await?,
        None => None,
    };
    let wrong = || {
        let detail = "The e-mail address or the password is wrong.";
        Error::new(StatusCode::UNAUTHORIZED, "bad_credentials", detail)
    };
    let Some((user, context)) = known else {
        note(&state, tried, Refused::Password).await?;
        return Err(wrong());
    };
    let context = context.from(origin(&extensions));
    let signing_in = (&user, &context);
    if user.totp
        && let Err((refused, error)) = code_take(&state, signing_in, body.totp.as_deref()).await?
    {
        note(&state, tried, refused).await?;
        return Err(error.unwrap_or_else(wrong));
    }
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let browser = Browser { before: session_of(&headers), agent: agent.to_owned() };
    let now = state.clock.now();
    if let Some(before) = browser.before {
        end_foreign(&state, before, &extensions, user.id).await?;
    }
    let checked = stored.unwrap_or_default();
    let token = session_create(&state.db, &state.ids, signing_in, &checked, &browser, now).await?;
    let Some(token) = token else {
        note(&state, tried, Refused::Password).await?;
        return Err(wrong());
    };
    tracing::info!(stage = "api", user_id = %user.id, "signed in");
    let me = me_of(&state, user, &context).await?;
    with_cookie(me.into_response(), (session::COOKIE, token.expose()), LIFE_MAX.as_secs())
}

/// Counts a sign-in that was refused, and writes it down: of wrong passwords not too many.
async fn note(
    state: &AppState,
    (email, extensions): (&str, &Extensions),
    refused: Refused,
) -> Result<(), Error> {
    if refused != Refused::Asked {
        state.own.logins_failed.add(1);
    }
    let (origin, now) = (origin(extensions), state.clock.now());
    let failures = &state.own.failures;
    let told = match refused {
        Refused::Password => Told::take(failures, origin.address.map(address_key), now),
        Refused::Asked | Refused::Code => Some(Told::take_always(failures)),
    };
    let Some(mut told) = told else {
        state.own.logins_unwritten.add(1);
        return Ok(());
    };
    sign_in_refused(&state.db, (email, refused), (origin, told.untold), now).await?;
    told.written = true;
    Ok(())
}

/// A row that is to be written, and to tell of those that were not. Put back unless it is: whoever
/// hangs up in between hides nothing.
struct Told<'a> {
    failures: &'a Mutex<Failures>,
    untold: u64,
    written: bool,
}

impl<'a> Told<'a> {
    fn take(failures: &'a Mutex<Failures>, from: Option<IpAddr>, now: Micros) -> Option<Self> {
        let untold = failures.lock().unwrap_or_else(PoisonError::into_inner).take(from, now)?;
        Some(Self { failures, untold, written: false })
    }

    fn take_always(failures: &'a Mutex<Failures>) -> Self {
        let untold = failures.lock().unwrap_or_else(PoisonError::into_inner).take_always();
        Self { failures, untold, written: false }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if !self.written {
            let failures = self.failures.lock();
            failures.unwrap_or_else(PoisonError::into_inner).put_back(self.untold);
        }
    }
}

/// Takes the code of who knows the password. Without one they are asked for it, which is no failure
/// yet; a wrong one is. Where the factor is gone since the account was read, there is no error of
/// its own: it is as if the password were wrong.
async fn code_take(
    state: &AppState,
    who: (&user::User, &TenantContext),
    code: Option<&str>,
) -> Result<Result<(), (Refused, Option<Error>)>, Error> {
    let unauthorized = |code, detail| Some(Error::new(StatusCode::UNAUTHORIZED, code, detail));
    let Some(code) = code else {
        let detail = "Send the code of your authenticator, or a recovery code, as `totp`.";
        return Ok(Err((Refused::Asked, unauthorized("totp_required", detail))));
    };
    match code_use(state, who, code).await {
        Err(CodeError::Factor(FactorError::Wrong)) => {
            let detail = "The code is wrong, or was used before; wait for the next one.";
            Ok(Err((Refused::Code, unauthorized("bad_totp", detail))))
        }
        Err(CodeError::Factor(FactorError::Off)) => Ok(Err((Refused::Code, None))),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Ok(())),
    }
}

/// Signs somebody else out whose session this browser had: theirs is the row in the audit.
async fn end_foreign(
    state: &AppState,
    before: SessionKey,
    extensions: &Extensions,
    user: UserId,
) -> Result<(), Error> {
    let now = state.clock.now();
    if let Some(session) = session_get(&state.db, before, now).await?
        && session.user.id != user
    {
        session_delete(&state.db, &session, origin(extensions), now).await?;
        state.own.streams.changed(session.user.id);
    }
    Ok(())
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
    // Without a session there is nothing to end; the cookie goes in any case.
    let answer = match sign_out(&state, &headers, &extensions).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        // This browser cannot use the session any more; whoever has a copy of the cookie can.
        Err(error) => error
            .and(
                "This browser is signed out; the session itself still stands at the collector until \
                 it is ended there (the list of your sessions) or is over by its age.",
            )
            .into_response(),
    };
    with_cookie(answer, (session::COOKIE, b""), 0)
}

async fn sign_out(
    state: &AppState,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(), Error> {
    let now = state.clock.now();
    if let Some(key) = session_of(headers)
        && let Some(session) = session_get(&state.db, key, now).await?
    {
        session_delete(&state.db, &session, origin(extensions), now).await?;
    }
    Ok(())
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
    let mine = |tenant: crate::inventory::tenant::Tenant| MyTenant {
        role: match context.access(tenant.id) {
            _ if context.is_super_admin() => Role::SuperAdmin,
            Some(access) => user::Role::of(access).into(),
            None => Role::Viewer,
        },
        granted_until: context.granted_until(tenant.id).map(Time),
        demo: tenant.demo,
        id: tenant.id.to_string(),
        name: tenant.name,
    };
    Ok(Data {
        data: Me {
            user: User {
                id: user.id.to_string(),
                email: user.email,
                role: user.role.into(),
                staff: user.staff,
                totp: user.totp,
                must_change_password: user.one_time,
            },
            tenants: tenants.rows.into_iter().map(mine).collect(),
            version: state.version.to_owned(),
        },
    })
}
