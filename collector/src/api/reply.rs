//! What goes out: the envelope, pages, times and names.

use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use farwatch_common::clock::Micros;
use farwatch_common::secret::Secret;
use http::HeaderValue;
use http::header::SET_COOKIE;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

use super::error::Error;
use crate::identity::user;
use crate::inventory::{Listed, Named, Page};

pub(super) const LIMIT: u32 = 100;
pub(super) const LIMIT_MAX: u32 = 1000;
pub(super) const LIMIT_RULE: &str = "`limit` must be 1 to 1000.";
const CURSOR_LEN_MAX: usize = 2048;

/// A successful answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) meta: Meta,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Meta {
    /// Give it as `cursor` for the next page; null on the last one.
    pub(super) next_cursor: Option<String>,
    /// Length of the whole list; null where it is not known without reading all of it.
    pub(super) total: Option<u64>,
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// 1 to 1000; 100 if not given.
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

impl Paging {
    pub(super) fn limit(&self) -> Result<u32, Error> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            _ => Err(Error::bad_request("bad_query", LIMIT_RULE)),
        }
    }

    /// The cursor's content; it is opaque for clients and means only a place in one order.
    pub(super) fn after<C: for<'a> Deserialize<'a>>(&self) -> Result<Option<C>, Error> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let bad = || {
            let detail = "`cursor` must be a `next_cursor` of the same list.";
            Error::bad_request("bad_cursor", detail)
        };
        if text.len() > CURSOR_LEN_MAX {
            return Err(bad());
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| bad())?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| bad())
    }

    /// For lists of the inventory; asks for one more row, to know whether there is a next page.
    pub(super) fn page(&self) -> Result<Page, Error> {
        Ok(Page { after: self.after()?, limit: self.limit()? + 1 })
    }
}

pub(super) fn cursor<C: Serialize>(place: &C) -> Result<String, Error> {
    let bytes = serde_json::to_vec(place).map_err(Error::internal)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// A page of the inventory; `place` gives the name and id of a row, `show` its form outside.
pub(super) fn listed<R, T>(
    listed: Listed<R>,
    paging: &Paging,
    place: impl Fn(&R) -> (String, i64),
    show: impl Fn(R) -> T,
) -> Result<List<T>, Error> {
    let limit = paging.limit()? as usize;
    let mut rows = listed.rows;
    let next_cursor = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|row| cursor(&place(row))).transpose()?
    } else {
        None
    };
    let meta = Meta { next_cursor, total: Some(listed.total) };
    Ok(List { data: rows.into_iter().map(show).collect(), meta })
}

/// A page of a list that is in memory and sorted by `place`.
pub(super) fn page_of<R, T, C>(
    rows: Vec<R>,
    paging: &Paging,
    place: impl Fn(&R) -> C,
    show: impl Fn(R) -> T,
) -> Result<List<T>, Error>
where
    C: Ord + Serialize + for<'a> Deserialize<'a>,
{
    let (limit, after) = (paging.limit()? as usize, paging.after::<C>()?);
    let total = Some(rows.len() as u64);
    let mut rows: Vec<R> = rows
        .into_iter()
        .filter(|row| after.as_ref().is_none_or(|after| place(row) > *after))
        .take(limit + 1)
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&place(row))).transpose()?;
    let data = rows.into_iter().map(show).collect();
    Ok(List { data, meta: Meta { next_cursor, total } })
}

/// Gives the browser a cookie for so long; 0 takes it away. `Secure` holds on the plain listener too:
/// browsers take loopback for a secure place.
pub(super) fn with_cookie(
    mut answer: Response,
    (name, token): (&str, &[u8]),
    life_s: u64,
) -> Result<Response, Error> {
    let token = str::from_utf8(token).unwrap_or_default();
    let cookie =
        format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={life_s}");
    let mut value = HeaderValue::try_from(cookie).map_err(Error::internal)?;
    value.set_sensitive(true);
    answer.headers_mut().insert(SET_COOKIE, value);
    Ok(answer)
}

/// A thing of another kind: its id and its name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Ref {
    id: String,
    name: String,
}

impl<Id: std::fmt::Display> From<Named<Id>> for Ref {
    fn from(named: Named<Id>) -> Self {
        Self { id: named.id.to_string(), name: named.name }
    }
}

/// RFC 3339, UTC, microseconds.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(super) struct Time(pub(super) Micros);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = jiff::Timestamp::from_microsecond(self.0.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{at:.6}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CredentialKind {
    SnmpCommunity,
    SnmpUser,
    SshLogin,
}

/// Where the credential comes from that a device is asked with; without one it is pinged and not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CredentialSource {
    Own,
    Profile,
    None,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$of_variant:meta])* $variant:ident),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name { $($(#[$of_variant])* $variant),* }

        impl $name {
            pub(super) fn from_name(name: &str) -> Option<Self> {
                let name = StrDeserializer::<serde::de::value::Error>::new(name);
                Self::deserialize(name).ok()
            }
        }
    )*};
}

names! {
    /// Unknown is never green.
    State { Up, Degraded, Down, Unknown }
    /// Why a device is not up, or why there is no value.
    Cause {
        Timeout, Auth, Unsupported, Unreachable, Budget, Gap, Malformed, NoCredential, NotPermitted,
        UnknownUser, WrongAuth, WrongPrivacy, WrongLevel, LevelTooLow, WrongClock, WrongContext,
        OtherSource, Unresolved, NoInterface, Pending, AgentOffline, Stale, PacketLoss, NoEcho,
    }
    AdminState { Up, Down, Testing }
    LinkState { Up, Down, Testing, Unknown, Dormant, NotPresent, LowerLayerDown }
    SnmpVersion { V1, V2c, V3 }
    /// How SNMPv3 proves who asks: RFC 3414 and RFC 7860.
    SnmpAuth { None, Md5, Sha1, Sha224, Sha256, Sha384, Sha512 }
    /// How SNMPv3 hides what is asked: RFC 3414 and RFC 3826. Keys of 192 and 256 bits are extended as
    /// Blumenthal's draft says, or as Reeder's, which Cisco follows.
    SnmpPrivacy {
        None, Des, Aes128, Aes192, Aes256,
        #[serde(alias = "aes192-cisco")]
        Aes192Cisco,
        #[serde(alias = "aes256-cisco")]
        Aes256Cisco,
    }
}

/// What a person is: `super_admin` everywhere, the others in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Viewer,
    Operator,
    TenantAdmin,
    SuperAdmin,
}

/// What a person is in one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TenantRole {
    Viewer,
    Operator,
    TenantAdmin,
}

impl From<user::Role> for Role {
    fn from(role: user::Role) -> Self {
        match role {
            user::Role::Viewer => Self::Viewer,
            user::Role::Operator => Self::Operator,
            user::Role::TenantAdmin => Self::TenantAdmin,
            user::Role::SuperAdmin => Self::SuperAdmin,
        }
    }
}

impl From<Role> for user::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::TenantAdmin => Self::TenantAdmin,
            Role::SuperAdmin => Self::SuperAdmin,
        }
    }
}

impl From<TenantRole> for user::Role {
    fn from(role: TenantRole) -> Self {
        match role {
            TenantRole::Viewer => Self::Viewer,
            TenantRole::Operator => Self::Operator,
            TenantRole::TenantAdmin => Self::TenantAdmin,
        }
    }
}

impl From<user::Role> for TenantRole {
    fn from(role: user::Role) -> Self {
        match role {
            user::Role::Viewer => Self::Viewer,
            user::Role::Operator => Self::Operator,
            user::Role::TenantAdmin | user::Role::SuperAdmin => Self::TenantAdmin,
        }
    }
}

/// A secret that goes out once. Its answer has no `Debug`.
pub(super) fn shown_once(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        assert_eq!(Cause::from_name("agent_offline"), Some(Cause::AgentOffline));
        assert_eq!(LinkState::from_name("lower_layer_down"), Some(LinkState::LowerLayerDown));
        assert_eq!(SnmpVersion::from_name("v2c"), Some(SnmpVersion::V2c));
        assert_eq!(SnmpPrivacy::from_name("aes192_cisco"), Some(SnmpPrivacy::Aes192Cisco));
        // As others write it; it goes out in one form.
        assert_eq!(SnmpPrivacy::from_name("aes256-cisco"), Some(SnmpPrivacy::Aes256Cisco));
        assert_eq!(serde_json::json!(SnmpPrivacy::Aes192Cisco), "aes192_cisco");
        assert_eq!(State::from_name("green"), None);
    }

    #[test]
    fn times_have_microseconds() {
        assert_eq!(Time(Micros(1_795_232_238_000_000)).to_string(), "2026-11-21T03:37:18.000000Z");
    }

    #[test]
    fn pages_of_a_list_in_memory_meet_without_overlap() {
        let mut paging = Paging { limit: Some(2), cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = page_of(vec![1u32, 2, 3, 4, 5], &paging, |row| *row, |row| row).unwrap();
            assert_eq!(page.meta.total, Some(5));
            seen.extend(page.data);
            paging.cursor = page.meta.next_cursor;
            if paging.cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        let wrong = Paging { limit: None, cursor: Some("%%".into()) };
        assert!(wrong.after::<u32>().is_err());
    }
}
