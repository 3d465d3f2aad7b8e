//! Our own certificate authority: a root, one intermediate for agents and one for collectors.
//!
//! Made on first start under `DATA_DIR/identity/`, keys readable by the owner only. Names carry no
//! authority (see `farwatch_common::tls`): an agent is known by the hash of its key, so a
//! certificate says only that its key was admitted, until when.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::file::{create_private, read_if_present, write_private};
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::platform::create_private_dir;
use farwatch_common::tls::{COLLECTOR_NAME, Identity, KeyHash, TlsError, key_hash};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

const ROOT_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
const INTERMEDIATE_LIFE: Duration = Duration::from_secs(365 * 86_400);
/// Of the certificate agents see. Never longer than what an intermediate has left.
pub const COLLECTOR_LIFE: Duration = Duration::from_secs(30 * 86_400);
const AGENT_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Clocks at sites are wrong; a certificate is valid a little before it was made.
const BACKDATED: Duration = Duration::from_secs(3600);

/// Why the authority cannot be opened or refuses to sign.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is damaged; restore it from a backup, agents trust no other")]
    Damaged { path: PathBuf },
    #[error("{path} is not there; mend tls.cert_file and tls.key_file or put the file back")]
    Missing { path: PathBuf },
    #[error(
        "{path} is no PEM file that holds what it should; write the certificate chain to \
             tls.cert_file and its unencrypted key to tls.key_file"
    )]
    Unreadable { path: PathBuf },
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("the certificate request cannot be read or is not signed by its own key")]
    Request,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A certificate that may sign, and its key.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What the root signs; each signs leaves of one kind.
struct Intermediates {
    agents: Authority,
    collectors: Authority,
}

/// The certificate authority of this installation.
pub struct Pki {
    dir: PathBuf,
    root: Authority,
    root_pin: KeyHash,
    intermediates: RwLock<Arc<Intermediates>>,
}

/// A certificate for an agent.
pub struct IssuedCertificate {
    /// DER, leaf first, without the root.
    pub chain: Vec<CertificateDer<'static>>,
    pub key_hash: KeyHash,
    pub not_after: Micros,
    /// Half of its life: when the agent should come for the next.
    pub renew_after: Micros,
}

impl Pki {
    /// Opens the authority in `data_dir`, making it on first start. Intermediates past half of
    /// their life are replaced.
    pub fn open(data_dir: &Path, now: Micros) -> Result<Self, PkiError> {
        let dir = data_dir.join("identity");
        create_private_dir(&dir).map_err(|source| PkiError::File { path: dir.clone(), source })?;
        let root = match Authority::load(&dir, "root")? {
            Some((root, _)) => root,
            None => Authority::first_root(&dir, now)?,
        };
        let root_pin = key_hash(&root.certificate)?;
        let intermediates = RwLock::new(Arc::new(Intermediates::open(&dir, &root, now)?));
        Ok(Self { dir, root, root_pin, intermediates })
    }

    /// Replaces intermediates past half of their life, as a start would.
    pub fn refresh(&self, now: Micros) -> Result<(), PkiError> {
        let fresh = Arc::new(Intermediates::open(&self.dir, &self.root, now)?);
        *self.intermediates.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn intermediates(&self) -> Arc<Intermediates> {
        self.intermediates.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[must_use]
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root.certificate
    }

    /// What enrolment tokens carry.
    #[must_use]
    pub fn root_pin(&self) -> KeyHash {
        self.root_pin
    }

    /// A fresh certificate for this collector, good for [`COLLECTOR_LIFE`]. The chain ends with the
    /// root, so that an agent that knows only the pin can check it.
    pub fn issue_collector(&self, now: Micros) -> Result<Identity, PkiError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([COLLECTOR_NAME.to_owned()])?;
        lifetime(&mut params, now, COLLECTOR_LIFE);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CommonName, "Farwatch collector");
        let collectors = &self.intermediates().collectors;
        let leaf = params.signed_by(&key, &collectors.issuer)?;
        let root = self.root.certificate.clone();
        let chain = vec![leaf.der().clone(), collectors.certificate.clone(), root];
        Ok(Identity { chain, key: private_key(&key)? })
    }

    /// Signs the key of `csr` for `agent`. Every name in the request is ignored.
    pub fn issue_agent(
        &self,
        csr: &[u8],
        tenant: TenantId,
        agent: AgentId,
        now: Micros,
    ) -> Result<IssuedCertificate, PkiError> {
        let request = CertificateSigningRequestParams::from_der(&csr.into())
            .map_err(|_| PkiError::Request)?;
        let install = data_encoding::HEXLOWER.encode(&self.root_pin[..8]);
        let uri = format!("spiffe://{install}/t/{tenant}/a/{agent}");
        let mut params = CertificateParams::default();
        lifetime(&mut params, now, AGENT_LIFE);
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(uri)?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, agent.to_string());
        let agents = &self.intermediates().agents;
        let leaf = params.signed_by(&request.public_key, &agents.issuer)?.der().clone();
        Ok(IssuedCertificate {
            key_hash: key_hash(&leaf)?,
            chain: vec![leaf, agents.certificate.clone()],
            not_after: now.after(AGENT_LIFE),
            renew_after: now.after(AGENT_LIFE / 2),
        })
    }
}

impl Intermediates {
    fn open(dir: &Path, root: &Authority, now: Micros) -> Result<Self, PkiError> {
        let open = |name| Authority::intermediate(dir, name, root, now);
        Ok(Self { agents: open("agents")?, collectors: open("collectors")? })
    }
}

impl Authority {
    fn load(dir: &Path, name: &str) -> Result<Option<(Self, Micros)>, PkiError> {
        let path = file_of(dir, name);
        let Some((identity, not_after)) = load_identity(&path)? else { return Ok(None) };
        let damaged = || PkiError::Damaged { path: path.clone() };
        let certificate = identity.chain.into_iter().next().ok_or_else(damaged)?;
        let key = KeyPair::try_from(&identity.key).map_err(|_| damaged())?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| damaged())?;
        Ok(Some((Self { certificate, issuer }, not_after)))
    }

    /// Makes the root. Of two processes that start at once, both get the one that came first.
    fn first_root(dir: &Path, now: Micros) -> Result<Self, PkiError> {
        let (made, pem) = Self::make("root", None, now)?;
        let path = file_of(dir, "root");
        let first = create_private(&path, pem.as_bytes())
            .map_err(|source| PkiError::File { path: path.clone(), source })?;
        if first {
            return Ok(made);
        }
        let (theirs, _) = Self::load(dir, "root")?.ok_or(PkiError::Damaged { path })?;
        Ok(theirs)
    }

    /// The one that is kept, if the root signed it and half of its life is left, or a new one.
    fn intermediate(dir: &Path, name: &str, root: &Self, now: Micros) -> Result<Self, PkiError> {
        if let Some((kept, not_after)) = Self::load(dir, name)?
            && now.after(INTERMEDIATE_LIFE / 2) < not_after
            && kept.is_signed_by(root)
        {
            return Ok(kept);
        }
        let (made, pem) = Self::make(name, Some(root), now)?;
        save(&file_of(dir, name), &pem)?;
        Ok(made)
    }

    fn is_signed_by(&self, parent: &Self) -> bool {
        use x509_parser::parse_x509_certificate as parse;
        let parsed = (parse(&self.certificate), parse(&parent.certificate));
        let (Ok((_, own)), Ok((_, parents))) = parsed else { return false };
        own.verify_signature(Some(parents.public_key())).is_ok()
    }

    /// A fresh authority and what to keep of it.
    fn make(name: &str, parent: Option<&Self>, now: Micros) -> Result<(Self, String), PkiError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        lifetime(&mut params, now, if parent.is_some() { INTERMEDIATE_LIFE } else { ROOT_LIFE });
        let depth = u8::from(parent.is_none());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, format!("Farwatch {name}"));
        match name {
            "agents" => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            "collectors" => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
            _ => {}
        }
        let certificate = match parent {
            Some(parent) => params.signed_by(&key, &parent.issuer)?,
            None => params.self_signed(&key)?,
        };
        let pem = pem_of(&certificate, &key);
        let certificate = certificate.der().clone();
        Ok((Self { certificate, issuer: Issuer::new(params, key) }, pem))
    }
}

pub(super) fn lifetime(params: &mut CertificateParams, now: Micros, life: Duration) {
    params.not_before = date(now.before(BACKDATED));
    params.not_after = date(now.after(life));
}

fn date(at: Micros) -> OffsetDateTime {
    let seconds = at.0.div_euclid(Micros::SECOND);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

pub(super) fn private_key(key: &KeyPair) -> Result<PrivateKeyDer<'static>, PkiError> {
    PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| PkiError::Request)
}

fn file_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.pem"))
}

pub(super) fn pem_of(certificate: &rcgen::Certificate, key: &KeyPair) -> String {
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

pub(super) fn save(path: &Path, pem: &str) -> Result<(), PkiError> {
    write_private(path, pem.as_bytes())
        .map_err(|source| PkiError::File { path: path.to_owned(), source })
}

/// Certificate and key of one PEM file, and the certificate's end.
pub(super) fn load_identity(path: &Path) -> Result<Option<(Identity, Micros)>, PkiError> {
    use rustls::pki_types::pem::PemObject as _;
    let damaged = || PkiError::Damaged { path: path.to_owned() };
    let Some(pem) =
        read_if_present(path).map_err(|source| PkiError::File { path: path.to_owned(), source })?
    else {
        return Ok(None);
    };
    let certificate = CertificateDer::from_pem_slice(&pem).map_err(|_| damaged())?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| damaged())?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).map_err(|_| damaged())?;
    let not_after = parsed.validity().not_after.timestamp().saturating_mul(Micros::SECOND);
    Ok(Some((Identity { chain: vec![certificate], key }, Micros(not_after))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farwatch_common::clock::Clock;

    fn csr(key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::new(["victim.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "somebody else");
        params.serialize_request(key).unwrap().der().to_vec()
    }

    #[test]
    fn a_second_start_keeps_the_root_and_its_pin() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let first = Pki::open(dir.path(), now).unwrap();
        let second = Pki::open(dir.path(), now.after(Duration::from_secs(86_400))).unwrap();
        assert_eq!(first.root_pin(), second.root_pin());
        let agents = |pki: &Pki| pki.intermediates().agents.certificate.clone();
        assert_eq!(agents(&first), agents(&second));
        let late = now.after(INTERMEDIATE_LIFE * 2 / 3);
        let later = Pki::open(dir.path(), late).unwrap();
        assert_eq!(first.root_pin(), later.root_pin());
        assert_ne!(agents(&first), agents(&later));
        second.refresh(late).unwrap();
        assert_eq!(agents(&second), agents(&later));
    }

    #[test]
    fn processes_that_start_at_once_share_one_root() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let barrier = std::sync::Barrier::new(4);
        let open = || {
            barrier.wait();
            Pki::open(dir.path(), now).unwrap().root_pin()
        };
        let pins: Vec<KeyHash> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let kept = Pki::open(dir.path(), now).unwrap().root_pin();
        assert!(pins.iter().all(|pin| *pin == kept));
    }

    #[test]
    fn intermediates_of_another_root_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let kept = Pki::open(dir.path(), now).unwrap();
        let foreign = Pki::open(other.path(), now).unwrap();
        let agents = "identity/agents.pem";
        std::fs::copy(other.path().join(agents), dir.path().join(agents)).unwrap();
        let opened = Pki::open(dir.path(), now).unwrap();
        let (opened, kept, foreign) =
            (opened.intermediates(), kept.intermediates(), foreign.intermediates());
        assert_ne!(opened.agents.certificate, foreign.agents.certificate);
        assert_eq!(opened.collectors.certificate, kept.collectors.certificate);
    }

    #[test]
    fn names_of_a_request_are_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let pki = Pki::open(dir.path(), now).unwrap();
        let key = KeyPair::generate().unwrap();
        let issued = pki.issue_agent(&csr(&key), TenantId(1), AgentId(2), now).unwrap();
        let text = String::from_utf8_lossy(&issued.chain[0]).into_owned();
        assert!(!text.contains("victim") && !text.contains("somebody"));
        assert!(text.contains(&AgentId(2).to_string()));
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        assert_eq!(issued.key_hash, farwatch_common::tls::spki_hash(&spki));
    }

    #[test]
    fn a_request_signed_by_another_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let pki = Pki::open(dir.path(), now).unwrap();
        let mut broken = csr(&KeyPair::generate().unwrap());
        *broken.last_mut().unwrap() ^= 1;
        assert!(pki.issue_agent(&broken, TenantId(1), AgentId(2), now).is_err());
        assert!(pki.issue_agent(b"no request", TenantId(1), AgentId(2), now).is_err());
    }

    #[test]
    fn a_damaged_root_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        Pki::open(dir.path(), now).unwrap();
        std::fs::write(dir.path().join("identity/root.pem"), "half").unwrap();
        let error = Pki::open(dir.path(), now).err().unwrap().to_string();
        assert!(error.contains("root.pem"), "{error}");
    }
}
