//! Who this agent is: its key, its certificate, and the one root it trusts.
//!
//! All of it stands in one file, so that key and certificate never get out of step: enrolment
//! writes it, every renewal replaces it in one step.

mod enroll;
mod renew;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::tls::{self, CertificateTime, Identity, TlsError};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

pub(crate) use enroll::channel as enroll_channel;
pub use enroll::{EnrollError, enroll};
pub use renew::{RenewError, renew, renew_at};

const FILE_NAME: &str = "identity.json";
const VERSION: u32 = 1;
/// So much later it is written down again that this time has passed.
const PASSED_STEP: Duration = Duration::from_secs(24 * 3600);

/// Why the identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot read or write {path}; check that this user owns it and that the disk has room")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is damaged; enrol again with a new token and --force")]
    Damaged { path: PathBuf },
    #[error("cannot make a key or a certificate request")]
    Make(#[from] rcgen::Error),
}

/// What enrolment gave.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub tenant: TenantId,
    pub site: SiteId,
    pub agent: AgentId,
    /// As the collector calls this agent.
    pub name: String,
    pub identity: Identity,
    pub root: CertificateDer<'static>,
    /// HOST:PORT, best first.
    pub collectors: Vec<String>,
    pub not_after: Micros,
    pub renew_after: Micros,
    /// It is later than this for certain.
    pub passed: Micros,
}

impl Credentials {
    /// For dialling collectors.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, TlsError> {
        // The collector has issued ours, at the last renewal: so late it is.
        let issued = self.identity.chain.first().and_then(tls::not_before);
        let time = certificate_time(issued.unwrap_or_default().max(self.passed));
        tls::agent_config(self.identity.clone(), self.root.clone(), time)
    }

    /// Takes in that it is `at`, by this host's clock and by the `collector`'s: what both say. One of them that
    /// is wrong by years would make every certificate one that has ended. Says whether it is worth keeping.
    pub(crate) fn note_passed(&mut self, at: Micros, collector: Micros) -> bool {
        let passed = at.min(collector);
        let is_news = passed > self.passed.after(PASSED_STEP);
        if is_news {
            self.passed = passed;
        }
        is_news
    }

    /// Replaces what is kept in `state_dir`.
    pub fn save(&self, state_dir: &Path) -> Result<(), IdentityError> {
        let base64 = |der: &[u8]| BASE64.encode(der);
        let stored = Stored {
            version: VERSION,
            tenant: self.tenant.to_string(),
            site: self.site.to_string(),
            agent: self.agent.to_string(),
            name: self.name.clone(),
            collectors: self.collectors.clone(),
            renew_after_us: self.renew_after.0,
            passed_us: self.passed.0,
            chain: self.identity.chain.iter().map(|der| base64(der)).collect(),
            key: base64(self.identity.key.secret_der()),
            root: base64(&self.root),
        };
        let path = state_dir.join(FILE_NAME);
        let text = serde_json::to_vec_pretty(&stored).map_err(io::Error::other);
        text.and_then(|text| write_private(&path, &text))
            .map_err(|source| IdentityError::File { path, source })
    }
}

/// The identity in `state_dir`; `None` if this agent is not enrolled.
pub fn load(state_dir: &Path) -> Result<Option<Credentials>, IdentityError> {
    let path = state_dir.join(FILE_NAME);
    let read = read_if_present(&path);
    let text = read.map_err(|source| IdentityError::File { path: path.clone(), source })?;
    let Some(text) = text else { return Ok(None) };
    parse(&text).map(Some).ok_or(IdentityError::Damaged { path })
}

/// The time that collectors' certificates are judged at: after this program was made, and after
/// `passed`.
pub(crate) fn certificate_time(passed: Micros) -> CertificateTime {
    CertificateTime::new(Clock::system(), made().max(passed))
}

/// When this program was made, or some time before: `SOURCE_DATE_EPOCH` of the build, in seconds, which
/// a release takes from its commit.
fn made() -> Micros {
    let seconds = option_env!("SOURCE_DATE_EPOCH").and_then(|text| text.parse::<i64>().ok());
    // When this was written: for builds without a date, or with one before any.
    const WRITTEN_S: i64 = 1_795_000_000;
    Micros(seconds.unwrap_or(0).max(WRITTEN_S).saturating_mul(Micros::SECOND))
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    tenant: String,
    site: String,
    agent: String,
    name: String,
    collectors: Vec<String>,
    renew_after_us: i64,
    #[serde(default)]
    passed_us: i64,
    /// Certificates, base64 of DER, leaf first.
    chain: Vec<String>,
    /// PKCS#8, base64 of DER.
    key: String,
    root: String,
}

fn parse(text: &[u8]) -> Option<Credentials> {
    let stored: Stored = serde_json::from_slice(text).ok()?;
    if stored.version != VERSION {
        return None;
    }
    let der = |text: &String| BASE64.decode(text.as_bytes()).ok();
    let chain: Vec<CertificateDer<'static>> =
        stored.chain.iter().map(|text| der(text).map(Into::into)).collect::<Option<_>>()?;
    let not_after = not_after(chain.first()?)?;
    let key = PrivateKeyDer::try_from(der(&stored.key)?).ok()?;
    Some(Credentials {
        tenant: stored.tenant.parse().ok()?,
        site: stored.site.parse().ok()?,
        agent: stored.agent.parse().ok()?,
        name: stored.name,
        identity: Identity { chain, key },
        root: der(&stored.root)?.into(),
        collectors: stored.collectors,
        not_after,
        renew_after: Micros(stored.renew_after_us),
        passed: Micros(stored.passed_us),
    })
}

/// The end of a certificate.
fn not_after(certificate: &CertificateDer<'_>) -> Option<Micros> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Micros(parsed.validity().not_after.timestamp().saturating_mul(Micros::SECOND)))
}
