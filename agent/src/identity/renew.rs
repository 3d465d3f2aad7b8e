//! Renewal: a new key and certificate at half of the old one's life, over the live session.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::tls::{self, Identity, key_hash};
use farwatch_proto::v1::RenewRequest;
use farwatch_proto::v1::uplink_client::UplinkClient;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::Channel;

use super::enroll::certificate_request;
use super::{Credentials, IdentityError, not_after};

const REPLY_TIMEOUT: Duration = Duration::from_secs(20);
/// Agents enrolled in one go must not all come back in one second.
const JITTER: f64 = 0.1;

/// Why there is no new certificate. The old one stays in use.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    #[error("the collector did not renew: {}", .0.message())]
    // Its own text is for debugging.
    Refused(Box<tonic::Status>),
    #[error("the collector's certificate does not fit the key")]
    BadReply,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl From<tonic::Status> for RenewError {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// When to renew: the collector's time, moved by up to a tenth of what was left at `now`;
/// `random` is an even draw from 0.0 to 1.0.
#[must_use]
pub fn renew_at(credentials: &Credentials, now: Micros, random: f64) -> Micros {
    let left = credentials.renew_after.since(now);
    credentials.renew_after.before(left.mul_f64(JITTER * random.clamp(0.0, 1.0)))
}

/// Asks for a certificate for a new key. New connections use both from then on, also while they
/// cannot be saved ([`Credentials::save`]); the live one may stay until the old certificate ends.
pub async fn renew(
    current: &Credentials,
    client: &mut UplinkClient<Channel>,
) -> Result<Credentials, RenewError> {
    let key = KeyPair::generate().map_err(IdentityError::from)?;
    let mut request = tonic::Request::new(RenewRequest { csr: certificate_request(&key)? });
    request.set_timeout(REPLY_TIMEOUT);
    let reply = client.renew(request).await?.into_inner();
    let chain: Vec<CertificateDer<'static>> =
        reply.certificate_chain.into_iter().map(Into::into).collect();
    let renew_after = Micros(reply.renew_after_us);
    accept(current, chain, renew_after, &key).ok_or(RenewError::BadReply)
}

fn accept(
    current: &Credentials,
    chain: Vec<CertificateDer<'static>>,
    renew_after: Micros,
    key: &KeyPair,
) -> Option<Credentials> {
    let leaf = chain.first()?;
    let ours = tls::spki_hash(&rcgen::PublicKeyData::subject_public_key_info(key));
    if key_hash(leaf).ok()? != ours {
        return None;
    }
    let not_after = not_after(leaf)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).ok()?;
    let identity = Identity { chain, key };
    Some(Credentials { identity, not_after, renew_after, ..current.clone() })
}
