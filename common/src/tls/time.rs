//! What time it is for certificates, on a host whose clock may be wrong.
//!
//! Without a battery a host begins in 1970, where no certificate is valid yet, and sets its clock over
//! the network that it does not reach without one. So certificates are judged at the latest time that
//! is known to have passed, and one that begins even later is not refused for that: its issuer, who is
//! trusted, has seen that time. One that has ended by then is refused. What ends between that time and now
//! is taken, as a host that does not know what time it is cannot tell.

use std::time::Duration;

use rustls::CertificateError;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::clock::{Clock, Micros};

/// The system's time, or a time that has passed for certain where that is later.
#[derive(Clone, Debug)]
pub struct CertificateTime {
    clock: Clock,
    passed: Micros,
}

impl CertificateTime {
    /// The time by `clock`, which cannot be before `passed`.
    #[must_use]
    pub fn new(clock: Clock, passed: Micros) -> Self {
        Self { clock, passed }
    }
}

impl TimeProvider for CertificateTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = self.clock.now().max(self.passed);
        Some(UnixTime::since_unix_epoch(now.since(Micros(0))))
    }
}

/// When a certificate begins, as UTC time; `None` of what is none.
#[must_use]
pub fn not_before(certificate: &CertificateDer<'_>) -> Option<Micros> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(Micros(parsed.validity().not_before.timestamp().saturating_mul(Micros::SECOND)))
}

/// What a peer shows.
pub(super) struct Shown<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
    pub(super) name: &'a ServerName<'a>,
    pub(super) ocsp: &'a [u8],
}

/// Verifies at `now`, or where not all has begun by then when all has.
pub(super) fn verify(
    verifier: &dyn ServerCertVerifier,
    shown: &Shown<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let at =
        |time| verifier.verify_server_cert(shown.leaf, shown.others, shown.name, shown.ocsp, time);
    match at(now) {
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => {
            let all = std::iter::once(shown.leaf).chain(shown.others);
            let begun = all.filter_map(not_before).max().unwrap_or_default();
            let begun = UnixTime::since_unix_epoch(
                begun.since(Micros(0)).max(Duration::from_secs(now.as_secs())),
            );
            at(begun)
        }
        judged => judged,
    }
}
