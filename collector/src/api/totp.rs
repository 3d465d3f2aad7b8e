//! The second factor of who asks.

use std::sync::PoisonError;

use axum::extract::State;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, shown_once};
use super::request::Json;
use super::sessions::password_hold;
use crate::identity::TenantContext;
use crate::identity::limits::Limited;
use crate::identity::second_factor::{
    FactorError, factor_begin, factor_confirm, factor_remove, factor_use,
};
use crate::identity::user::User;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpBegin {
    #[schema(format = Password)]
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpCode {
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpEnd {
    #[schema(format = Password)]
    password: String,
    /// Of the authenticator, or a recovery code.
    code: String,
}

/// For the authenticator. Shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpSeed {
    /// `otpauth://…`, for a QR code.
    uri: String,
    /// The same seed, to be typed.
    base32: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each counts once, instead of a code. Shown this once.
    recovery_codes: Vec<String>,
}

/// Why a code is not taken.
pub(super) enum CodeError {
    Limited(Limited),
    Factor(FactorError),
}

impl From<CodeError> for Error {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Limited(limited) => limited.into(),
            CodeError::Factor(error) => error.into(),
        }
    }
}

/// Takes a code, if not too many were wrong before it.
pub(super) async fn code_use(
    state: &AppState,
    who: (&User, &TenantContext),
    code: &str,
) -> Result<(), CodeError> {
    let now = state.clock.now();
    let attempt = factor_use(&state.db, &state.installation, who, code, now);
    tried(state, who.0.id, attempt).await
}

/// Lets somebody try a code: the try is counted before its answer is known, and a right one forgets
/// those before it.
async fn tried<T>(
    state: &AppState,
    user: UserId,
    attempt: impl Future<Output = Result<T, FactorError>>,
) -> Result<T, CodeError> {
    let tries = || state.own.codes.lock().unwrap_or_else(PoisonError::into_inner);
    tries().take(user, state.clock.now()).map_err(CodeError::Limited)?;
    let answer = attempt.await.map_err(CodeError::Factor)?;
    tries().right(user);
    Ok(answer)
}

/// Begin a second factor
#[utoipa::path(post, path = "/api/v1/me/totp", tag = "session", request_body = TotpBegin,
    responses((status = 201, body = Data<TotpSeed>)))]
pub(super) async fn totp_begin(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<TotpBegin>,
) -> Result<(StatusCode, Data<TotpSeed>), Error> {
    let (user, _) = caller.person()?;
    password_hold(&state, user, Secret::from(body.password), "password").await?;
    let (who, now) = ((user, &caller.context), state.clock.now());
    let seed = factor_begin(&state.db, &state.installation, who, now).await?;
    let data =
        TotpSeed { uri: shown_once(&seed.uri(&user.email)), base32: shown_once(&seed.base32()) };
    Ok((StatusCode::CREATED, Data { data }))
}

/// Turn the second factor on, with a code of the authenticator; all my other sessions end
#[utoipa::path(post, path = "/api/v1/me/totp/confirm", tag = "session", request_body = TotpCode,
    responses((status = 200, body = Data<RecoveryCodes>)))]
pub(super) async fn totp_confirm(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<TotpCode>,
) -> Result<Data<RecoveryCodes>, Error> {
    to_the_end(async move {
        let (user, key) = caller.person()?;
        let (who, now) = ((user, &caller.context), state.clock.now());
        if user.totp {
            return Err(FactorError::On.into());
        }
        let code = (body.code.as_str(), key);
        let attempt = factor_confirm(&state.db, &state.installation, who, code, now);
        let codes = tried(&state, user.id, attempt).await?;
        state.own.streams.changed(user.id);
        let recovery_codes = codes.iter().map(shown_once).collect();
        Ok(Data { data: RecoveryCodes { recovery_codes } })
    })
    .await
}

/// Turn the second factor off
#[utoipa::path(delete, path = "/api/v1/me/totp", tag = "session", request_body = TotpEnd,
    responses((status = 204)))]
pub(super) async fn totp_delete(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<TotpEnd>,
) -> Result<StatusCode, Error> {
    let (user, _) = caller.person()?;
    if !user.totp {
        return Err(FactorError::Off.into());
    }
    password_hold(&state, user, Secret::from(body.password), "password").await?;
    let who = (user, &caller.context);
    code_use(&state, who, &body.code).await?;
    factor_remove(&state.db, who, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
