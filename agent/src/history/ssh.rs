//! SSH to a device: the connection, its host key and the login. The key is compared before any
//! secret is sent; algorithms that are broken are offered only where a device is known to need them.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwatch_common::secret::Secret;
use farwatch_common::transport::eyeballs;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet, Preferred, cipher, kex, mac};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::{FetchError, Login, Target};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
/// Old processors compute for long.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(60);
/// A device asks its servers first, one after the other.
const LOGIN_TIME_MAX: Duration = Duration::from_secs(90);
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
    let stream = dial(&target.host, target.port).await?;
    let shown = Arc::new(Mutex::new(None));
    let host_key = HostKey { pinned: target.known_host.clone(), shown: Arc::clone(&shown) };
    let greeting = client::connect_stream(Arc::new(config(target.legacy)), stream, host_key);
    let Ok(greeted) = tokio::time::timeout(HANDSHAKE_TIME_MAX, greeting).await else {
        return Err(FetchError::NoSsh);
    };
    let fingerprint = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut handle = greeted.map_err(|error| not_greeted(error, fingerprint.as_deref()))?;
    let logging_in = login(&mut handle, user, &target.login, target.legacy);
    let logged_in = tokio::time::timeout(LOGIN_TIME_MAX, logging_in).await;
    logged_in.unwrap_or(Err(FetchError::LoginSilent))?;
    Ok(Connection { handle, fingerprint: fingerprint.unwrap_or_default() })
}

/// A connection to one of the host's addresses.
async fn dial(host: &str, port: u16) -> Result<TcpStream, FetchError> {
    let looking_up = tokio::net::lookup_host((host, port));
    let found = tokio::time::timeout(CONNECT_TIME_MAX, looking_up).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let addresses: Vec<SocketAddr> =
        found.map_err(|source| FetchError::NoName { source })?.collect();
    let connect = |address| async move {
        match tokio::time::timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(source)) => Err(not_connected(source)),
            Err(_) => Err(FetchError::NoAnswer),
        }
    };
    let stream = match eyeballs::first(addresses, connect, |_| false).await {
        Some(stream) => stream?,
        None => return Err(FetchError::NoName { source: io::ErrorKind::NotFound.into() }),
    };
    // Small packets wait for nothing; where the system does not do that, it is only slower.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn not_connected(source: io::Error) -> FetchError {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => FetchError::PortClosed,
        io::ErrorKind::TimedOut => FetchError::NoAnswer,
        _ => FetchError::Unreachable { source },
    }
}

fn not_greeted(error: russh::Error, shown: Option<&str>) -> FetchError {
    match (error, shown) {
        (russh::Error::UnknownKey, Some(shown)) => FetchError::HostKey { shown: shown.to_owned() },
        (russh::Error::NoCommonAlgo { .. }, _) => FetchError::Algorithms,
        (russh::Error::Version, _) => FetchError::NoSsh,
        (error, _) if is_hang_up(&error) => FetchError::HangsUp,
        (error, _) => FetchError::Protocol(error),
    }
}

/// The connection has ended, and nobody said why.
pub(super) fn is_hang_up(error: &russh::Error) -> bool {
    use russh::Error as E;
    matches!(error, E::IO(_) | E::Disconnect | E::HUP | E::SendError | E::RecvError)
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
        ..client::Config::default()
    }
}

/// A device that hangs up here does not want the user.
async fn login(
    handle: &mut Handle<HostKey>,
    user: &str,
    login: &Login,
    legacy: bool,
) -> Result<(), FetchError> {
    match offer(handle, user, login, legacy).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(FetchError::Login),
        Err(FetchError::Protocol(error)) if is_hang_up(&error) => Err(FetchError::Login),
        Err(error) => Err(error),
    }
}

/// Offers what there is, of what the device takes: some hang up when they are offered something else.
async fn offer(
    handle: &mut Handle<HostKey>,
    user: &str,
    login: &Login,
    legacy: bool,
) -> Result<bool, FetchError> {
    // Asks which methods there are. Some devices let everyone in, and ask at their prompt.
    let mut methods = match handle.authenticate_none(user).await? {
        AuthResult::Success => return Ok(true),
        AuthResult::Failure { remaining_methods, .. } => remaining_methods,
    };
    let takes = |methods: &MethodSet, method| methods.is_empty() || methods.contains(&method);
    if let Some(key) = login.key.as_ref().filter(|_| takes(&methods, MethodKind::PublicKey)) {
        match by_key(handle, user, key, legacy).await? {
            AuthResult::Success => return Ok(true),
            AuthResult::Failure { remaining_methods, .. } => methods = remaining_methods,
        }
    }
    let Some(password) = &login.password else { return Ok(false) };
    let password = text(password)?;
    if takes(&methods, MethodKind::Password) {
        match handle.authenticate_password(user, password.clone()).await? {
            AuthResult::Success => return Ok(true),
            AuthResult::Failure { remaining_methods, .. } => methods = remaining_methods,
        }
    }
    Ok(methods.contains(&MethodKind::KeyboardInteractive)
        && interactive(handle, user, &password).await?)
}

async fn by_key(
    handle: &mut Handle<HostKey>,
    user: &str,
    key: &Secret,
    legacy: bool,
) -> Result<AuthResult, FetchError> {
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
    Ok(handle.authenticate_publickey(user, key).await?)
}

/// Reads a private key; its text is in no error.
fn private_key(key: &Secret) -> Result<PrivateKey, FetchError> {
    // As files of every system end their lines, and with or without an end of the last one.
    let text = Zeroizing::new(format!("{}\n", text(key)?.replace('\r', "").trim()));
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
        let answers = questions.iter().map(|one| answer(one, user, password)).collect();
        said = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Ok(false)
}

/// What is shown while it is typed is no password, unless it is called so.
fn answer(question: &Prompt, user: &str, password: &str) -> String {
    let is_name = question.echo && !question.prompt.to_lowercase().contains("pass");
    if is_name { user.to_owned() } else { password.to_owned() }
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
