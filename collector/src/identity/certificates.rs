//! The certificates the doors show, kept fresh while the collector runs.
//!
//! - in: our authority, certificate files of the configuration, the time
//! - out: what agents, enrolling agents and browsers see from their next handshake on
//! - bound: one look every [`LOOK`]; connections there are keep what they saw
//! - on failure: the certificate shown stays, a warning says what to mend, the next look tries again

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::file::read_if_present;
use farwatch_common::tls::{Identity, ServedIdentity};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::GeneralName;

use super::digest;
use super::pki::{
    COLLECTOR_LIFE, Pki, PkiError, lifetime, load_identity, pem_of, private_key, save,
};
use crate::metrics::{Counter, Metrics};

/// How often certificates are looked at. ACME clients replace files weeks before their end.
const LOOK: Duration = Duration::from_secs(3600);
/// Browsers accept no longer one.
const BROWSER_LIFE: Duration = Duration::from_secs(397 * 86_400);
/// A self-signed certificate this close to its end is replaced.
const BROWSER_RENEWED: Duration = Duration::from_secs(30 * 86_400);

/// A self-signed certificate is always for these.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where browsers' certificate comes from.
pub enum BrowserSource {
    /// PEM files that somebody else renews.
    Files { certificate: PathBuf, key: PathBuf },
    /// Self-signed, kept in the data directory, for this machine and these hosts.
    SelfSigned { data_dir: PathBuf, hosts: Vec<String> },
}

/// What the doors show, and where it comes from.
pub struct Certificates {
    /// To agents and to those that enrol: signed by our own authority.
    pub own: Arc<ServedIdentity>,
    /// To browsers.
    pub browser: Arc<ServedIdentity>,
    pki: Arc<Pki>,
    source: BrowserSource,
    clock: Clock,
    /// When `own` was made.
    own_made: Micros,
    /// Hash of what `browser` was made of.
    browser_shown: [u8; 32],
    failed: Counter,
}

impl Certificates {
    /// Everything as of now; a certificate that cannot be shown at start is an error.
    pub fn open(
        pki: Arc<Pki>,
        source: BrowserSource,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<Self, PkiError> {
        let now = clock.now();
        let browser = source.identity(now)?;
        Ok(Self {
            own: ServedIdentity::new(pki.issue_collector(now)?)?,
            browser_shown: fingerprint(&browser),
            browser: ServedIdentity::new(browser)?,
            pki,
            source,
            clock,
            own_made: now,
            failed: metrics.counter(
                "identity_certificate_refreshes_failed_total",
                "Certificates that could not be renewed or read again.",
                &[],
            ),
        })
    }

    /// SHA-256 of the certificate browsers are shown if nobody but us vouches for it: in the form
    /// in which they show it, to compare before one trusts it.
    #[must_use]
    pub fn self_signed_sha256(&self) -> Option<String> {
        let shown = self.browser.end_entity()?;
        matches!(self.source, BrowserSource::SelfSigned { .. }).then(|| sha256_text(&shown))
    }

    /// Looks every hour until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look(self.clock.now());
        }
    }

    /// Renews what is due; what fails is told and left as it is.
    fn look(&mut self, now: Micros) {
        for refreshed in [self.look_at_own(now), self.look_at_browser(now)] {
            if let Err(error) = refreshed {
                self.failed.add(1);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a certificate cannot be refreshed, the old one stays");
            }
        }
    }

    fn look_at_own(&mut self, now: Micros) -> Result<(), PkiError> {
        // A clock set back must not hide that the certificate shown is not valid yet.
        if now >= self.own_made && now < self.own_made.after(COLLECTOR_LIFE / 2) {
            return Ok(());
        }
        self.pki.refresh(now)?;
        self.own.replace(self.pki.issue_collector(now)?)?;
        self.own_made = now;
        tracing::info!("renewed the certificate agents see");
        Ok(())
    }

    fn look_at_browser(&mut self, now: Micros) -> Result<(), PkiError> {
        let identity = self.source.identity(now)?;
        let fresh = fingerprint(&identity);
        if fresh == self.browser_shown {
            return Ok(());
        }
        let sha256 = identity.chain.first().map(sha256_text).unwrap_or_default();
        self.browser.replace(identity)?;
        self.browser_shown = fresh;
        tracing::info!(sha256, "browsers see a new certificate");
        Ok(())
    }
}

impl BrowserSource {
    fn identity(&self, now: Micros) -> Result<Identity, PkiError> {
        match self {
            Self::Files { certificate, key } => configured(certificate, key),
            Self::SelfSigned { data_dir, hosts } => self_signed(data_dir, hosts, now),
        }
    }
}

fn fingerprint(identity: &Identity) -> [u8; 32] {
    let chain = identity.chain.iter().flat_map(|certificate| certificate.as_ref());
    digest(&chain.chain(identity.key.secret_der()).copied().collect::<Vec<u8>>())
}

/// `AB:CD:…`
fn sha256_text(certificate: &CertificateDer<'_>) -> String {
    let bytes = digest(certificate).map(|byte| format!("{byte:02X}"));
    bytes.join(":")
}

/// Made once, kept until [`BROWSER_RENEWED`] before its end or until it lacks a name. A damaged one
/// is made again: nothing but a click in a browser depends on it.
fn self_signed(data_dir: &Path, hosts: &[String], now: Micros) -> Result<Identity, PkiError> {
    let path = data_dir.join("identity").join("browser.pem");
    let mut names = THIS_MACHINE.map(str::to_owned).to_vec();
    names.extend(hosts.iter().filter(|host| !THIS_MACHINE.contains(&host.as_str())).cloned());
    let kept = match load_identity(&path) {
        Err(PkiError::Damaged { path }) => {
            tracing::warn!(path = %path.display(), "damaged, browsers get a new certificate");
            None
        }
        kept => kept?,
    };
    if let Some((identity, not_after)) = kept
        && now.after(BROWSER_RENEWED) < not_after
        && identity.chain.first().is_some_and(|leaf| is_for(leaf, &names))
    {
        return Ok(identity);
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    lifetime(&mut params, now, BROWSER_LIFE);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.distinguished_name.push(DnType::CommonName, "Farwatch");
    let certificate = params.self_signed(&key)?;
    save(&path, &pem_of(&certificate, &key))?;
    Ok(Identity { chain: vec![certificate.der().clone()], key: private_key(&key)? })
}

/// Whether a certificate names all of these.
fn is_for(certificate: &CertificateDer<'_>, names: &[String]) -> bool {
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else { return false };
    let Ok(Some(alternatives)) = parsed.subject_alternative_name() else { return false };
    let general = &alternatives.value.general_names;
    names.iter().all(|name| match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => general.contains(&GeneralName::IPAddress(&v4.octets())),
        Ok(IpAddr::V6(v6)) => general.contains(&GeneralName::IPAddress(&v6.octets())),
        Err(_) => general.contains(&GeneralName::DNSName(name)),
    })
}

/// `cert_file` and `key_file` of the configuration, both PEM.
fn configured(certificate: &Path, key: &Path) -> Result<Identity, PkiError> {
    let damaged = |path: &Path| PkiError::Unreadable { path: path.to_owned() };
    let pem = read(certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| damaged(certificate))?;
    if chain.is_empty() {
        return Err(damaged(certificate));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| damaged(key))?;
    Ok(Identity { chain, key })
}

fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    read_if_present(path)
        .map_err(|source| PkiError::File { path: path.to_owned(), source })?
        .ok_or_else(|| PkiError::Missing { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(dir: &Path) -> BrowserSource {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["farwatch.example".to_owned()]).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        std::fs::write(dir.join("cert.pem"), pem).unwrap();
        std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
        BrowserSource::Files { certificate: dir.join("cert.pem"), key: dir.join("key.pem") }
    }

    fn open(dir: &Path, source: BrowserSource, now: Micros) -> Certificates {
        let pki = Arc::new(Pki::open(dir, now).unwrap());
        Certificates::open(pki, source, Clock::system(), &Metrics::default()).unwrap()
    }

    #[test]
    fn the_own_certificate_is_renewed_at_half_life() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let source =
            BrowserSource::SelfSigned { data_dir: dir.path().to_owned(), hosts: Vec::new() };
        let mut certificates = open(dir.path(), source, now);
        let shown = |certificates: &Certificates| certificates.own.end_entity();
        let first = shown(&certificates);
        certificates.look(now.after(COLLECTOR_LIFE / 3));
        assert_eq!(shown(&certificates), first);
        certificates.look(now.after(COLLECTOR_LIFE * 2 / 3));
        assert_ne!(shown(&certificates), first);
    }

    #[test]
    fn a_replaced_file_is_shown_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let source = write_pair(dir.path());
        let mut certificates = open(dir.path(), source, now);
        let first = certificates.browser.end_entity();

        std::fs::write(dir.path().join("key.pem"), "half a file").unwrap();
        certificates.look(now);
        assert_eq!(certificates.browser.end_entity(), first);
        assert_eq!(certificates.failed.get(), 1);

        write_pair(dir.path());
        certificates.look(now);
        assert_ne!(certificates.browser.end_entity(), first);
        assert_eq!(certificates.failed.get(), 1);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let mut certificates = open(dir.path(), write_pair(dir.path()), now);
        let first = certificates.browser.end_entity();
        let other = KeyPair::generate().unwrap();
        std::fs::write(dir.path().join("key.pem"), other.serialize_pem()).unwrap();
        certificates.look(now);
        assert_eq!(certificates.browser.end_entity(), first);
        assert_eq!(certificates.failed.get(), 1);
    }

    #[test]
    fn a_self_signed_certificate_is_kept_while_it_is_whole_and_has_the_names() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let shown = |hosts: &[&str]| {
            let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
            let source = BrowserSource::SelfSigned { data_dir: dir.path().to_owned(), hosts };
            let certificates = open(dir.path(), source, now);
            let sha256 = certificates.self_signed_sha256().unwrap();
            assert_eq!(sha256.len(), 32 * 3 - 1, "{sha256}");
            sha256
        };
        let first = shown(&[]);
        assert_eq!(shown(&["localhost"]), first);
        let named = shown(&["noc.example.net", "192.0.2.1", "2001:db8::1"]);
        assert_ne!(named, first);
        assert_eq!(shown(&["192.0.2.1"]), named);
        std::fs::write(dir.path().join("identity/browser.pem"), "half a file").unwrap();
        let made = shown(&["192.0.2.1"]);
        assert_ne!(made, named);
        assert_eq!(shown(&["192.0.2.1"]), made);
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = BrowserSource::Files { certificate: "/none.pem".into(), key: "/k".into() };
        let error = source.identity(Micros(0)).unwrap_err().to_string();
        assert!(error.contains("/none.pem"), "{error}");
    }
}
