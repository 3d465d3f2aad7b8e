//! Who calls: the session of a cookie or an API key, its rate, and that the request is meant.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use farwatch_common::clock::Micros;
use farwatch_common::secret::Secret;
use farwatch_common::task::chain;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use super::AppState;
use super::error::Error;
use crate::audit::Origin;
use crate::identity::api_key::{api_key_get, api_key_touch};
use crate::identity::screen::{self, KnownScreen, screen_known, screen_touch};
use crate::identity::session::{self, SessionKey, session_get, session_key, session_touch};
use crate::identity::user::User;
use crate::identity::{Actor, NOTE_EVERY, TenantContext, digest};

/// Set by the pages of the wall. Only there a browser is the screen that its cookie says: whoever is signed
/// out elsewhere is told so, and sees nothing on as the screen.
const AS_SCREEN: &str = "farwatch-screen";
/// A request waits this long for its use to be noted, and goes on in any case.
const NOTE_TIMEOUT: Duration = Duration::from_millis(250);

/// Where a request came from; put into its extensions by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub address: SocketAddr,
    /// Came over TLS, not over the plain listener on loopback.
    pub secure: bool,
}

impl Client {
    pub(super) fn of(parts: &http::Extensions) -> Self {
        let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        parts.get().copied().unwrap_or(Self { address: nobody, secure: true })
    }

    /// The address, if the listener said one.
    pub(super) fn known(self) -> Option<IpAddr> {
        Some(self.address.ip()).filter(|address| !address.is_unspecified())
    }
}

/// How the caller proved who they are; enough to ask again later.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    Session(SessionKey),
    ApiKey(Arc<Secret>),
    Screen(Arc<Secret>),
}

/// A caller whose session or key is good, within their rate.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) context: TenantContext,
    pub(super) proof: Proof,
    /// Only people have one.
    pub(super) user: Option<User>,
    /// Only screens have one.
    pub(super) screen: Option<KnownScreen>,
    last_used_at: Micros,
}

impl Caller {
    /// Who sends a request, if they may send it from where they do and this often.
    pub(super) async fn known(parts: &Parts, state: &AppState) -> Result<Self, Error> {
        let mut caller = check_first(proofs(&parts.headers)?, state).await?;
        caller.context = caller.context.from(origin(&parts.extensions));
        state.limits.requests.check(&caller.proof.key())?;
        if let Actor::ApiKey(_) = caller.context.actor() {
            // A key is of one tenant; all keys of a tenant share its rate.
            caller.context.tenants().try_for_each(|tenant| state.quotas.api_check(tenant))?;
        }
        if is_change(&parts.method) && !matches!(caller.proof, Proof::ApiKey(_)) {
            same_origin(&parts.headers, &parts.uri)?;
        }
        Ok(caller)
    }

    /// A read must not fail because nothing can be written: what is not noted now is noted with
    /// the next request.
    pub(super) async fn note_use(&self, state: &AppState) {
        let now = state.clock.now();
        if now.since(self.last_used_at) < NOTE_EVERY {
            return;
        }
        let note = async {
            match (&self.proof, self.context.actor()) {
                (Proof::Session(key), _) => session_touch(&state.db, *key, now).await,
                (_, Actor::ApiKey(id)) => api_key_touch(&state.db, *id, now).await,
                (_, Actor::Screen(id)) => screen_touch(&state.db, *id, now).await,
                _ => Ok(()),
            }
        };
        match tokio::time::timeout(NOTE_TIMEOUT, note).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "cannot note a use"),
            Err(_) => tracing::debug!("no time to note a use"),
        }
    }
}

impl Caller {
    /// The caller and their session: what is about a person is asked by one.
    pub(super) fn person(&self) -> Result<(&User, SessionKey), Error> {
        match (&self.user, &self.proof) {
            (Some(user), Proof::Session(key)) => Ok((user, *key)),
            _ => Err(Error::unauthenticated()),
        }
    }
}

impl Proof {
    /// What limits are counted by.
    pub(super) fn key(&self) -> [u8; 32] {
        match self {
            Self::Session(key) => *key,
            Self::ApiKey(text) | Self::Screen(text) => digest(text.expose()),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    /// Whom the layer of `access` let in; what it does not know nobody may ask for.
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Error> {
        parts.extensions.remove().ok_or_else(Error::unauthenticated)
    }
}

/// Whether a proof is still good, and for what. Asking is no use: an open page that nobody looks
/// at asks too.
pub(super) async fn check(proof: Proof, state: &AppState) -> Result<Caller, Error> {
    let now = state.clock.now();
    match &proof {
        Proof::Session(key) => {
            let session = session_get(&state.db, *key, now).await?;
            let session = session.ok_or_else(Error::unauthenticated)?;
            let (user, last_used_at) = (Some(session.user), session.last_used_at);
            Ok(Caller { context: session.context, proof, user, screen: None, last_used_at })
        }
        Proof::ApiKey(text) => {
            let text = str::from_utf8(text.expose()).map_err(|_| Error::unknown_key())?;
            let known = api_key_get(&state.db, text, now).await?;
            let known = known.ok_or_else(Error::unknown_key)?;
            let last_used_at = known.last_used_at;
            Ok(Caller { context: known.context, proof, user: None, screen: None, last_used_at })
        }
        Proof::Screen(text) => {
            let text = str::from_utf8(text.expose()).map_err(|_| Error::unauthenticated())?;
            let known = screen_known(&state.db, text, now).await?;
            let known = known.ok_or_else(Error::unauthenticated)?;
            let (context, last_used_at) = (known.context.clone(), known.last_used_at);
            Ok(Caller { context, proof, user: None, screen: Some(known), last_used_at })
        }
    }
}

/// The first of them that is good. What is wrong with the last counts.
async fn check_first(proofs: Vec<Proof>, state: &AppState) -> Result<Caller, Error> {
    let mut refused = Error::unauthenticated();
    for proof in proofs {
        match check(proof, state).await {
            Err(error) if error.is_unauthenticated() => refused = error,
            other => return other,
        }
    }
    Err(refused)
}

/// Where the request came from, for the audit.
pub(super) fn origin(extensions: &http::Extensions) -> Origin {
    extensions.get().cloned().unwrap_or_default()
}

/// A bearer key counts before a cookie: a program that sends one means it. On the wall who is signed in
/// counts before the screen that the browser is, and the screen when that session is over.
fn proofs(headers: &HeaderMap) -> Result<Vec<Proof>, Error> {
    if headers.contains_key(AUTHORIZATION) {
        let key = bearer(headers).ok_or_else(Error::unauthenticated)?;
        return Ok(vec![Proof::ApiKey(Arc::new(Secret::from(key)))]);
    }
    let session = session_of(headers).map(Proof::Session);
    let screen = screen_of(headers).filter(|_| headers.contains_key(AS_SCREEN));
    let screen = screen.map(|token| Proof::Screen(Arc::new(token)));
    Ok(session.into_iter().chain(screen).collect())
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session a browser says it has.
pub(super) fn session_of(headers: &HeaderMap) -> Option<SessionKey> {
    cookie(headers, session::COOKIE).map(|token| session_key(token.as_bytes()))
}

/// The token of the screen that a browser says it is.
pub(super) fn screen_of(headers: &HeaderMap) -> Option<Secret> {
    cookie(headers, screen::COOKIE).map(Secret::from)
}

fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim())
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what another site makes a browser send. Every browser says where a state change began,
/// in `Sec-Fetch-Site` or at least in `Origin`; what says neither is a program, whose cookie no
/// page could have made it send.
pub(super) fn same_origin(headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let here = if let Some(site) = text("sec-fetch-site") {
        matches!(site, "same-origin" | "none")
    } else if let Some(origin) = text(ORIGIN.as_str()) {
        let host = text(HOST.as_str()).or_else(|| uri.authority().map(|host| host.as_str()));
        let origin = origin.split_once("://").map(|(_, host)| host);
        origin.is_some() && origin == host
    } else {
        true
    };
    if here {
        return Ok(());
    }
    let detail = "This request does not come from the web UI itself. Programs use API keys.";
    Err(Error::forbidden("cross_site", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_pass() {
        let check = |pairs: &[(&'static str, &str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            same_origin(&headers, &Uri::from_static("/")).is_ok()
        };
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("sec-fetch-site", "none")]));
        assert!(check(&[("origin", "https://fw.example:8443"), ("host", "fw.example:8443")]));
        assert!(check(&[]));
        assert!(!check(&[("sec-fetch-site", "same-site")]));
        assert!(!check(&[("origin", "https://evil.example"), ("host", "fw.example")]));
        assert!(!check(&[("origin", "null"), ("host", "null")]));
        // A page of ours is told by the newer header, whatever the older says.
        let both = [("sec-fetch-site", "cross-site"), ("origin", "https://a"), ("host", "a")];
        assert!(!check(&both));
    }
}
