//! SSH to a device: the connection, its host key and the login. The key is compared before any
//! secret is sent; algorithms that are broken are offered only where a device is known to need them.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwatch_common::secret::Secret;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, Preferred, cipher, kex, mac};

use super::{FetchError, Login, Target};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES_MAX: usize = 3;
/// Rounds of questions in keyboard-interactive (RFC 4256); one is usual.
const ROUNDS_MAX: usize = 5;

/// Kept for devices that know nothing better. SHA-1 and small groups: whoever is on the way may
/// read along with enough money.
const LEGACY_KEX: [kex::Name; 6] = [
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA1,
    kex::DH_G14_SHA1,
    kex::DH_G1_SHA1,
];
const LEGACY_CIPHERS: [cipher::Name; 4] =
    [cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC, cipher::TRIPLE_DES_CBC];
const LEGACY_MACS: [mac::Name; 2] = [mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

/// A connection whose user is known to the device.
pub(super) struct Connection {
    pub(super) handle: Handle<HostKey>,
    /// `SHA256:…` of the host key, as ssh-keygen prints it.
    pub(super) fingerprint: String,
}

/// Keeps the host key that was shown, and refuses one that is not the pinned one.
pub(super) struct HostKey {
    pinned: Option<String>,
    shown: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostKey {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let shown = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256),
            // None is offered, so none may come.
            PublicKeyOrCertificate::Certificate(_) => return Ok(false),
        };
        let shown = shown.to_string();
        let same = self.pinned.as_ref().is_none_or(|pinned| *pinned == shown);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(same)
    }
}

/// Connects and logs in as `user`.
pub(super) async fn connect(target: &Target, user: &str) -> Result<Connection, FetchError> {
    let shown = Arc::new(Mutex::new(None));
    let host_key = HostKey { pinned: target.known_host.clone(), shown: Arc::clone(&shown) };
    let address = (target.host.as_str(), target.port);
    let connecting = client::connect(Arc::new(config(target.legacy)), address, host_key);
    let Ok(connected) = tokio::time::timeout(CONNECT_TIME_MAX, connecting).await else {
        return Err(FetchError::NoConnection { source: None });
    };
    let fingerprint = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut handle = match (connected, &fingerprint) {
        (Ok(handle), _) => handle,
        (Err(russh::Error::UnknownKey), Some(shown)) => {
            return Err(FetchError::HostKey { shown: shown.clone() });
        }
        (Err(russh::Error::NoCommonAlgo { .. }), _) => return Err(FetchError::Algorithms),
        (Err(russh::Error::IO(source)), _) => {
            return Err(FetchError::NoConnection { source: Some(source) });
        }
        (Err(source), _) => return Err(FetchError::Protocol(source)),
    };
    login(&mut handle, user, &target.login, target.legacy).await?;
    Ok(Connection { handle, fingerprint: fingerprint.unwrap_or_default() })
}

fn config(legacy: bool) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    if legacy {
        let with = |modern: &[kex::Name]| [modern, &LEGACY_KEX].concat();
        preferred.kex = Cow::Owned(with(&preferred.kex));
        preferred.cipher = Cow::Owned([&preferred.cipher[..], &LEGACY_CIPHERS].concat());
        preferred.mac = Cow::Owned([&preferred.mac[..], &LEGACY_MACS].concat());
    } else {
        // Signed with SHA-1, which is forged for money today.
        let modern = |algorithm: &&Algorithm| **algorithm != Algorithm::Rsa { hash: None };
        preferred.key = preferred.key.iter().filter(modern).cloned().collect();
        // Strong, and the only ones of many switches.
        let curves = [kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521];
        preferred.kex = Cow::Owned([&preferred.kex[..], &curves].concat());
    }
    client::Config {
        preferred,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES_MAX,
        nodelay: true,
        ..client::Config::default()
    }
}

async fn login(
    handle: &mut Handle<HostKey>,
    user: &str,
    login: &Login,
    legacy: bool,
) -> Result<(), FetchError> {
    let mut tried = false;
    if let Some(key) = &login.key {
        tried = true;
        if by_key(handle, user, key, legacy).await? {
            return Ok(());
        }
    }
    if let Some(password) = &login.password {
        tried = true;
        let text = || text(password);
        match handle.authenticate_password(user, text()?).await? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => {
                // Some end the connection when asked for what they do not offer.
                let offered = remaining_methods.contains(&MethodKind::KeyboardInteractive);
                if offered && interactive(handle, user, &text()?).await? {
                    return Ok(());
                }
            }
        }
    }
    // Some devices let everyone in, and ask at their prompt.
    if !tried && handle.authenticate_none(user).await?.success() {
        return Ok(());
    }
    Err(FetchError::Login)
}

async fn by_key(
    handle: &mut Handle<HostKey>,
    user: &str,
    key: &Secret,
    legacy: bool,
) -> Result<bool, FetchError> {
    let key = private_key(key)?;
    let hash = match key.algorithm() {
        Algorithm::Rsa { .. } => match handle.best_supported_rsa_hash().await? {
            Some(hash) => hash,
            // The server does not say; SHA-1 is what the oldest ones know.
            None => (!legacy).then_some(HashAlg::Sha256),
        },
        _ => None,
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    Ok(handle.authenticate_publickey(user, key).await?.success())
}

/// Reads a private key; its text is in no error.
fn private_key(key: &Secret) -> Result<PrivateKey, FetchError> {
    let text = text(key)?;
    russh::keys::decode_secret_key(&text, None).map_err(|_| FetchError::PrivateKey)
}

async fn interactive(
    handle: &mut Handle<HostKey>,
    user: &str,
    password: &str,
) -> Result<bool, FetchError> {
    let mut said = handle.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..ROUNDS_MAX {
        let questions = match said {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        // What is shown while it is typed is no password.
        let answer = |echo: bool| if echo { user.to_owned() } else { password.to_owned() };
        let answers = questions.iter().map(|question| answer(question.echo)).collect();
        said = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Ok(false)
}

fn text(secret: &Secret) -> Result<String, FetchError> {
    str::from_utf8(secret.expose()).map(str::to_owned).map_err(|_| FetchError::NotText)
}

#[cfg(test)]
mod tests {
    use russh::keys::EcdsaCurve;

    use super::*;

    #[test]
    fn broken_algorithms_are_offered_on_demand_only() {
        let (modern, legacy) = (config(false).preferred, config(true).preferred);
        for broken in [kex::DH_G1_SHA1, kex::DH_G14_SHA1, kex::DH_GEX_SHA1] {
            assert!(!modern.kex.contains(&broken));
            assert!(legacy.kex.contains(&broken));
        }
        for broken in LEGACY_CIPHERS {
            assert!(!modern.cipher.contains(&broken));
            assert!(legacy.cipher.contains(&broken));
        }
        assert!(!modern.mac.contains(&mac::HMAC_SHA1));
        assert!(!modern.key.contains(&Algorithm::Rsa { hash: None }));
        assert!(legacy.key.contains(&Algorithm::Rsa { hash: None }));
        // What is better is asked for first.
        assert_eq!(modern.kex.first(), legacy.kex.first());
        assert!(modern.key.contains(&Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }));
    }

    #[test]
    fn a_bad_key_is_refused_without_a_word_of_it() {
        let error = private_key(&Secret::from("canary")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}
