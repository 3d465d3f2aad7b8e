//! Enrolment: a one-time token becomes an identity.
//!
//! The key is made here and never leaves. The collector's chain is checked against the token's pin
//! inside the TLS handshake, so the secret goes only to the collector that made the token.

use std::path::Path;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::task::chain;
use farwatch_common::tls::{self, COLLECTOR_NAME, Identity, key_hash};
use farwatch_common::token::EnrollToken;
use farwatch_common::transport::tcp;
use farwatch_proto::v1::enrollment_client::EnrollmentClient;
use farwatch_proto::v1::{EnrollReply, EnrollRequest};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::{Credentials, IdentityError, certificate_time, load, not_after};
use crate::platform;
use crate::uplink::Proxies;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);
/// Most collectors a reply may name.
const COLLECTORS_MAX: usize = 8;

/// Why this agent was not enrolled; each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    #[error(
        "this agent is enrolled already as {name} ({agent}); \
         --force gives it a new identity and needs a new token"
    )]
    Already { agent: AgentId, name: String },
    #[error("the token names no collector: add --collector HOST[:PORT]")]
    NoCollector,
    #[error(
        "cannot reach {endpoint}: {reason}. Check the name, that TCP to this port is open from \
         here, and that the collector runs"
    )]
    Unreachable { endpoint: String, reason: String },
    #[error(
        "{endpoint} is not the collector that made this token (its certificate has another root); \
         the token was not sent. Check the address, or ask for a token of that collector"
    )]
    OtherCollector { endpoint: String },
    #[error("{endpoint} does not speak TLS as a Farwatch collector does: {reason}")]
    Tls { endpoint: String, reason: String },
    #[error(
        "the collector refused the token: it is unknown, used or expired. A token counts once and \
         for 24 hours; ask for a new one (Agents, New agent)"
    )]
    Token,
    #[error("too many enrolments from this address; try again in {seconds} s")]
    TooMany { seconds: u64 },
    #[error("the collector could not enrol this agent: {reason}")]
    Refused { reason: String },
    #[error("the collector's answer does not fit the token or the key; nothing was kept")]
    BadReply,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Enrols with `token` at `collector`, or at the endpoints the token names, and keeps the result.
pub async fn enroll(
    state_dir: &Path,
    token: &EnrollToken,
    collector: Option<&str>,
    proxies: &Proxies,
    force: bool,
) -> Result<Credentials, EnrollError> {
    if !force && let Some(known) = load(state_dir)? {
        return Err(EnrollError::Already { agent: known.agent, name: known.name });
    }
    let endpoints = match collector {
        Some(endpoint) => vec![with_port(endpoint)],
        None => token.endpoints.clone(),
    };
    let mut stream = Err(EnrollError::NoCollector);
    for endpoint in &endpoints {
        stream = connect(endpoint, token, proxies).await;
        if stream.is_ok() {
            break;
        }
    }
    let mut client = EnrollmentClient::new(channel(stream?).await?);
    let key = KeyPair::generate().map_err(IdentityError::from)?;
    let mut request = tonic::Request::new(EnrollRequest {
        token_id: token.id.to_vec(),
        token_secret: token.secret.expose().to_vec(),
        csr: certificate_request(&key)?,
        agent_version: env!("CARGO_PKG_VERSION").into(),
        platform: platform::name(),
        host_name: platform::host_name(),
    });
    request.set_timeout(REPLY_TIMEOUT);
    let reply = client.enroll(request).await.map_err(|status| refused(&status))?.into_inner();
    let mut credentials = accept(reply, token, &key).ok_or(EnrollError::BadReply)?;
    if let Some(chosen) = collector {
        // What the installer typed is reachable from here; it stays the first choice.
        let chosen = with_port(chosen);
        credentials.collectors.retain(|endpoint| *endpoint != chosen);
        credentials.collectors.insert(0, chosen);
    }
    credentials.save(state_dir)?;
    Ok(credentials)
}

/// A certificate request for `key`; the collector ignores every name in it.
pub(super) fn certificate_request(key: &KeyPair) -> Result<Vec<u8>, IdentityError> {
    Ok(CertificateParams::default().serialize_request(key)?.der().to_vec())
}

/// Adds the default port where there is none: `host`, `1.2.3.4`, `[::1]`.
fn with_port(endpoint: &str) -> String {
    const DEFAULT_PORT: u16 = 443;
    let has_port = match endpoint.rsplit_once(':') {
        Some((host, port)) => {
            port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
        }
        None => false,
    };
    if has_port {
        endpoint.to_owned()
    } else if endpoint.contains(':') && !endpoint.starts_with('[') {
        format!("[{endpoint}]:{DEFAULT_PORT}")
    } else {
        format!("{endpoint}:{DEFAULT_PORT}")
    }
}

async fn connect(
    endpoint: &str,
    token: &EnrollToken,
    proxies: &Proxies,
) -> Result<TlsStream<TcpStream>, EnrollError> {
    let unreachable =
        |reason: String| EnrollError::Unreachable { endpoint: endpoint.to_owned(), reason };
    let late = || unreachable("no answer in time".into());
    let proxy = proxies.towards(endpoint);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, tcp::connect(endpoint, proxy.as_ref()))
        .await
        .map_err(|_| late())?
        .map_err(|error| unreachable(chain(&error)))?;
    let tls = tls::enroll_config(token.root_pin, certificate_time(Micros(0)));
    let connector = tokio_rustls::TlsConnector::from(tls);
    let name =
        ServerName::try_from(COLLECTOR_NAME).map_err(|error| unreachable(error.to_string()))?;
    tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(name, stream))
        .await
        .map_err(|_| late())?
        .map_err(|error| {
            let endpoint = endpoint.to_owned();
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(
                    rustls::CertificateError::UnknownIssuer,
                )) => EnrollError::OtherCollector { endpoint },
                _ => EnrollError::Tls { endpoint, reason: error.to_string() },
            }
        })
}

/// gRPC on the one connection that passed the pin: never on another.
pub(crate) async fn channel(stream: TlsStream<TcpStream>) -> Result<Channel, EnrollError> {
    let mut stream = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| std::io::Error::other("the connection is used up")) }
    });
    Endpoint::from_static("http://farwatch")
        .connect_with_connector(connector)
        .await
        .map_err(|error| EnrollError::Refused { reason: error.to_string() })
}

fn refused(status: &Status) -> EnrollError {
    match status.code() {
        Code::Unauthenticated => EnrollError::Token,
        Code::ResourceExhausted => {
            let wait = status.metadata().get("retry-after");
            let seconds = wait.and_then(|text| text.to_str().ok()?.parse().ok());
            EnrollError::TooMany { seconds: seconds.unwrap_or(60) }
        }
        _ => EnrollError::Refused { reason: status.message().to_owned() },
    }
}

/// The reply as an identity, if it is for our key and from the pinned root.
fn accept(reply: EnrollReply, token: &EnrollToken, key: &KeyPair) -> Option<Credentials> {
    let chain: Vec<CertificateDer<'static>> =
        reply.certificate_chain.into_iter().map(Into::into).collect();
    let leaf = chain.first()?;
    let ours = tls::spki_hash(&rcgen::PublicKeyData::subject_public_key_info(key));
    let root = CertificateDer::from(reply.root);
    if key_hash(leaf).ok()? != ours || key_hash(&root).ok()? != token.root_pin {
        return None;
    }
    let mut collectors = reply.collectors;
    collectors.truncate(COLLECTORS_MAX);
    Some(Credentials {
        tenant: TenantId(reply.tenant_id),
        site: SiteId(reply.site_id),
        agent: AgentId(reply.agent_id),
        name: reply.agent_name,
        not_after: not_after(leaf)?,
        identity: Identity { chain, key: PrivateKeyDer::try_from(key.serialize_der()).ok()? },
        root,
        collectors,
        renew_after: Micros(reply.renew_after_us),
        passed: Micros(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_added_where_there_is_none() {
        for (given, full) in [
            ("noc.example", "noc.example:443"),
            ("noc.example:8443", "noc.example:8443"),
            ("192.0.2.1", "192.0.2.1:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("2001:db8::1", "[2001:db8::1]:443"),
        ] {
            assert_eq!(with_port(given), full);
        }
    }
}
