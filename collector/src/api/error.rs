//! Errors as RFC 9457 problems. Handlers return [`Error`]; the outermost layer writes the body,
//! because only it knows the request's id. A 5xx hides its cause and logs it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use farwatch_common::task::chain;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::identity::limits::Limited;
use crate::identity::password::PasswordError;
use crate::identity::second_factor::FactorError;
use crate::identity::token::TokenError;
use crate::identity::user::UserError;
use crate::inventory::credential::Kind;
use crate::inventory::snmp;
use crate::inventory::vault::keyring::KeyringError;
use crate::inventory::{InventoryError, VaultError};
use crate::store::StoreError;

pub(super) const PROBLEM_JSON: &str = "application/problem+json";
/// When a busy database should be asked again.
const BUSY_RETRY_S: u64 = 2;
/// A disk that is full stays so until somebody makes room.
const FULL_RETRY_S: u64 = 30;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FieldError {
    pub field: String,
    pub message: String,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// Stable; programs go by it.
    code: &'static str,
    /// For people.
    detail: String,
    request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// Why a request failed.
#[derive(Clone, Debug)]
pub(super) struct Error {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, errors: Vec::new(), retry_after_s: None, cause: None }
    }

    /// Says more.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.detail = format!("{} {more}", self.detail);
        self
    }

    /// The same words for what does not exist and for what is somebody else's.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing here.")
    }

    /// The same of what cannot be the id of anything, in other words.
    pub(super) fn not_found_as(detail: String) -> Self {
        Self { detail, ..Self::not_found() }
    }

    /// The same, of what a field of a body names.
    pub(super) fn in_field(self, field: &str) -> Self {
        if self.status != StatusCode::NOT_FOUND {
            return self;
        }
        let what = field.rsplit('.').next().unwrap_or(field);
        let message = "names nothing that is here".to_owned();
        let detail = format!("There is no such {what} here.");
        Self { detail, errors: vec![FieldError { field: field.to_owned(), message }], ..self }
    }

    pub(super) fn unauthenticated() -> Self {
        let detail = "Sign in, or send an API key as `Authorization: Bearer fwk_…`.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// An API key that is not good. Whether it ever was is nobody's business.
    pub(super) fn unknown_key() -> Self {
        let detail = "This API key is not known here; a tenant's administrator can make another.";
        Self { detail: detail.to_owned(), ..Self::unauthenticated() }
    }

    pub(super) fn is_unauthenticated(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(super) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(super) fn forbidden(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields cannot be accepted; `errors` says which and why.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// A password in this field that cannot be one, or could not be looked at.
    pub(super) fn password(field: &str, error: PasswordError) -> Self {
        match error {
            PasswordError::Short { .. } | PasswordError::NotText | PasswordError::Long => {
                Self::field(field, error.to_string())
            }
            error => error.into(),
        }
    }

    pub(super) fn unavailable(detail: &'static str) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after_s: Some(BUSY_RETRY_S), ..error }
    }

    /// The same may be asked again after so many seconds.
    pub(super) fn busy(code: &'static str, detail: &'static str, retry_after_s: u64) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        Self { retry_after_s: Some(retry_after_s), ..error }
    }

    pub(super) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let detail = "The collector failed; its log says why, under this request's id.";
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        Self { cause: Some(Arc::new(cause)), ..error }
    }

    /// For what routers and layers answer by themselves: 405, 413, …
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "This address does not know this method; see `Allow`.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is larger than 1 MiB."),
            StatusCode::NOT_FOUND => return Self::not_found(),
            _ => ("failed", "The request cannot be served."),
        };
        Self::new(status, code, detail)
    }

    /// For people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with which field.
    pub(super) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Stable; programs go by it.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// The same may be answered soon.
    pub(super) fn is_passing(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Logs what the client is not told.
    pub(super) fn log(&self, request_id: &str) {
        if let Some(cause) = &self.cause {
            let error = chain(cause.as_ref());
            tracing::error!(
                stage = "api",
                request_id,
                status = self.status.as_u16(),
                error,
                "request failed"
            );
        }
    }

    /// The whole response, for the outermost layer.
    pub(super) fn render(self, request_id: &str) -> Response {
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            request_id: request_id.to_owned(),
            errors: self.errors,
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Limited> for Error {
    fn from(limited: Limited) -> Self {
        let detail = format!("Too many requests; try again in {} s.", limited.seconds());
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self { retry_after_s: Some(limited.seconds()), ..error }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if let StoreError::TooMuch { .. } = error {
            let detail = error.to_string();
            return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_much", detail);
        }
        if let StoreError::Full { .. } = error {
            let detail = "The disk of the collector's database is full: nothing can be changed \
                          until its administrator makes room. What agents send they keep.";
            let full = Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk_full", detail);
            return Self {
                retry_after_s: Some(FULL_RETRY_S),
                cause: Some(Arc::new(error)),
                ..full
            };
        }
        if let StoreError::FullAside { .. } = error {
            let detail = "The collector's database has no room for the temporary files of what was \
                          asked: ask for less, or have its administrator make room.";
            let full = Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporary_full", detail);
            return Self {
                retry_after_s: Some(FULL_RETRY_S),
                cause: Some(Arc::new(error)),
                ..full
            };
        }
        if error.is_retryable() {
            let busy = Self::unavailable("The database is busy; try again in a moment.");
            return Self { cause: Some(Arc::new(error)), ..busy };
        }
        Self::internal(error)
    }
}

impl From<InventoryError> for Error {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::NotFound => Self::not_found(),
            InventoryError::Denied => {
                Self::forbidden("forbidden", "Your role does not allow this in this tenant.")
            }
            InventoryError::Exists { what, there } => {
                let detail = format!("There is a {what} already: `{there}`.");
                Self::new(StatusCode::CONFLICT, "exists", detail)
            }
            InventoryError::Revoked => {
                let detail = "This agent is revoked; choose another.";
                Self::new(StatusCode::CONFLICT, "agent_revoked", detail)
            }
            error @ InventoryError::Full { .. } => {
                let detail = format!("There can be no more: {error}.");
                Self::new(StatusCode::CONFLICT, "full", detail)
            }
            InventoryError::InUse { there } => {
                let detail = format!("This is in use by {there}; move them or take them out.");
                Self::new(StatusCode::CONFLICT, "in_use", detail)
            }
            InventoryError::OtherKind { is, given } => {
                let (_, is) = kind_said(is);
                let (field, other) = kind_said(given);
                Self::field(field, format!("this profile is {is}; make another for {other}"))
            }
            InventoryError::Damaged => {
                let detail = "The stored credential is damaged: set it anew with this.";
                Self::new(StatusCode::CONFLICT, "credential_damaged", detail)
            }
            InventoryError::Quota { what, max } => {
                let detail = format!(
                    "The tenant may have {max} {what}, its quota: take out what nobody needs, or \
                     have an administrator of the installation raise the quota."
                );
                Self::new(StatusCode::CONFLICT, "quota", detail)
            }
            InventoryError::Vault(VaultError::Keyring(KeyringError::Rotating)) => {
                Self::unavailable("The master key is being exchanged; try again in a moment.")
            }
            InventoryError::Store(error) | InventoryError::Vault(VaultError::Store(error)) => {
                error.into()
            }
            error @ InventoryError::Vault(_) => Self::internal(error),
        }
    }
}

/// The field of a kind of credential, and how people call it.
fn kind_said(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Snmp(snmp::Kind::Community) => ("community", "a community"),
        Kind::Snmp(snmp::Kind::User) => ("user", "a user"),
        Kind::Login => ("login", "a login"),
    }
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            UserError::NotFound => Self::not_found(),
            UserError::Denied => {
                Self::forbidden("forbidden", "Your role does not allow this in this tenant.")
            }
            UserError::Email(_) => Self::field("email", "must be an e-mail address"),
            UserError::Tenant => Self::field("role", "super_admin has no tenant, others need one"),
            UserError::Exists => conflict("exists", "There is a person of this address already."),
            UserError::LastSuperAdmin => {
                let detail =
                    "This is the last super_admin who may sign in; make another one first.";
                conflict("last_super_admin", detail)
            }
            UserError::LastTenantAdmin => {
                let detail =
                    "This is the last tenant_admin who may sign in; make another one first.";
                conflict("last_tenant_admin", detail)
            }
            UserError::Elsewhere => {
                let detail = "This person has an account in other tenants; ask an administrator of \
                              the installation to add them here.";
                conflict("account_elsewhere", detail)
            }
            UserError::Provider => {
                let detail = "This person is of the provider, or of tenants that you do not \
                              administer; ask an administrator of the installation.";
                Self::forbidden("account_elsewhere", detail)
            }
            UserError::Own => {
                let detail =
                    "This is your own account: change your password with the one you have.";
                conflict("own_account", detail)
            }
            UserError::Changed => {
                let detail = "Somebody changed this person at the same time; try again.";
                conflict("changed", detail)
            }
            UserError::NotStaff => {
                let message = "nobody of the provider's staff has this address";
                Self::field("email", message)
            }
            error @ UserError::Full { .. } => {
                conflict("full", &format!("There can be no more: {error}."))
            }
            UserError::Store(error) => error.into(),
            UserError::Vault(error) => InventoryError::Vault(error).into(),
        }
    }
}

impl From<FactorError> for Error {
    fn from(error: FactorError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            FactorError::User(error) => error.into(),
            FactorError::Wrong => Self::field("code", "is not right, or was used before"),
            FactorError::Expired => {
                conflict("totp_expired", "The seed was not confirmed in time; begin again.")
            }
            FactorError::On => conflict("totp_on", "There is a second factor; remove it first."),
            FactorError::Off => conflict("totp_off", "There is no second factor."),
        }
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Inventory(error) => error.into(),
            TokenError::Store(error) => error.into(),
            error @ TokenError::NoSite => Self::field("site", error.to_string()),
            error => Self::internal(error),
        }
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::unavailable("Too many people sign in at once; try again in a moment.")
            }
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_and_when_to_come_again() {
        let error = Error::from(StoreError::Full { source: None });
        assert_eq!((error.status, error.code), (StatusCode::SERVICE_UNAVAILABLE, "disk_full"));
        assert!(error.is_passing() && error.detail.contains("makes room"), "{error:?}");
        let answer = error.render("req_1");
        assert_eq!(answer.headers()[RETRY_AFTER], FULL_RETRY_S.to_string());
    }
}
