//! TLS 1.3 with ring, our own root, and the enrolment pin.
//!
//! The root's key is the only trust anchor. Names in certificates carry no authority: collectors all
//! answer to [`COLLECTOR_NAME`], agents are known by the hash of their key, looked up on every
//! accepted connection.

mod time;

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use self::time::{CertificateTime, not_before};
use self::time::{Shown, verify};
use crate::transport::{ALPN_AGENT, ALPN_ENROLL};

/// The name every collector's certificate carries, whatever address it is reached by.
pub const COLLECTOR_NAME: &str = "collector.farwatch.internal";
const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// SHA-256 of a SubjectPublicKeyInfo: what pins a root and names an agent's key.
pub type KeyHash = [u8; 32];

/// Why a TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("a certificate cannot be read")]
    Certificate,
    #[error("the certificate and its key do not fit")]
    Rustls(#[from] rustls::Error),
    #[error("the root cannot verify certificates: {reason}")]
    Verifier { reason: String },
}

/// A certificate chain, leaf first, and the leaf's key.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// What a listener shows to whoever connects next; replaced while it serves.
#[derive(Debug)]
pub struct ServedIdentity(RwLock<Arc<CertifiedKey>>);

impl ServedIdentity {
    pub fn new(identity: Identity) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(RwLock::new(certified(identity)?))))
    }

    /// Shows `identity` from the next handshake on; connections there are keep what they saw.
    pub fn replace(&self, identity: Identity) -> Result<(), TlsError> {
        let fresh = certified(identity)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The leaf shown now.
    #[must_use]
    pub fn end_entity(&self) -> Option<CertificateDer<'static>> {
        self.current().cert.first().cloned()
    }

    fn current(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for ServedIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// The chain with its key, if they fit together.
fn certified(identity: Identity) -> Result<Arc<CertifiedKey>, TlsError> {
    Ok(Arc::new(CertifiedKey::from_der(identity.chain, identity.key, &provider())?))
}

/// The one crypto provider.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// SHA-256 of the certificate's SubjectPublicKeyInfo.
pub fn key_hash(certificate: &CertificateDer<'_>) -> Result<KeyHash, TlsError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| TlsError::Certificate)?;
    Ok(spki_hash(parsed.tbs_certificate.subject_pki.raw))
}

/// SHA-256 of a SubjectPublicKeyInfo in DER.
#[must_use]
pub fn spki_hash(spki: &[u8]) -> KeyHash {
    let mut hash = KeyHash::default();
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, spki).as_ref());
    hash
}

fn roots(root: CertificateDer<'static>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    Ok(roots)
}

/// For agents: own certificate, collectors verified up to the pinned root, as of `time`.
pub fn agent_config(
    identity: Identity,
    root: CertificateDer<'static>,
    time: CertificateTime,
) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = KnownRoot(up_to(root)?);
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(time))
        .with_protocol_versions(VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(identity.chain, identity.key)?;
    config.alpn_protocols = vec![ALPN_AGENT.to_vec()];
    // No resumption: a resumed session would skip the look at the certificate.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// For collectors, towards agents: a certificate of our root is required.
pub fn agent_listener_config(
    served: Arc<ServedIdentity>,
    root: CertificateDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(root)?), provider())
        .build()
        .map_err(|error| TlsError::Verifier { reason: error.to_string() })?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(served);
    config.alpn_protocols = vec![ALPN_AGENT.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// For collectors, towards clients without a certificate (enrolment, browsers).
pub fn open_listener_config(
    served: Arc<ServedIdentity>,
    alpn: &[&[u8]],
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(served);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// For enrolment: the collector's chain must hold the root whose key hash is `pin`, and must verify
/// up to it, as of `time`. The handshake fails before any secret is sent.
#[must_use]
pub fn enroll_config(pin: KeyHash, time: CertificateTime) -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = PinnedRoot { pin, algorithms: provider.signature_verification_algorithms };
    let builder = ClientConfig::builder_with_details(provider, Arc::new(time));
    #[expect(clippy::expect_used, reason = "ring has TLS 1.3; checked by every test of enrolment")]
    let mut config = builder
        .with_protocol_versions(VERSIONS)
        .expect("ring supports TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_ENROLL.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// The verifier of chains up to `root`.
fn up_to(root: CertificateDer<'static>) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots(root)?), provider())
        .build()
        .map_err(|error| TlsError::Verifier { reason: error.to_string() })
}

/// Verifies a chain up to a root that is known.
#[derive(Debug)]
struct KnownRoot(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for KnownRoot {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        verify(&*self.0, &Shown { leaf, others, name, ocsp }, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Verifies a chain up to a root that is known by its key hash only.
#[derive(Debug)]
struct PinnedRoot {
    pin: KeyHash,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedRoot {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let root = others
            .iter()
            .find(|candidate| key_hash(candidate).is_ok_and(|hash| hash == self.pin))
            .ok_or(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer))?;
        let verifier = up_to(root.clone().into_owned())
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        verify(&*verifier, &Shown { leaf, others, name, ocsp }, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken here".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}
