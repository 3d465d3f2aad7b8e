//! Core: keys, digests and ciphers of SNMPv3: the only file that knows the library they come from.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Weak};

pub(super) use async_snmp::v3::MasterKeys;
use async_snmp::v3::auth::{authenticate_message, verify_message};
use async_snmp::v3::{
    AuthProtocol, DesSaltState, LocalizedKey, PersistedDesSaltState, PrivKey, PrivProtocol,
    SaltCounter,
};
use bytes::Bytes;
use farwatch_common::clock::Micros;
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};

use crate::poll::SnmpUser;

/// Longest digest in a message (HMAC-384-SHA-512, RFC 7860).
pub(super) const MAC_BYTES_MAX: usize = 48;
/// Largest number of boots (RFC 3414 §2.2.2).
const BOOTS_MAX: u64 = i32::MAX.unsigned_abs() as u64;

/// Why a message could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("the user's protocols or passwords cannot be used")]
    User,
    #[error("there is no salt left")]
    Salt,
    #[error("the bytes are not what the key has sealed")]
    Cipher,
}

fn auth_protocol(auth: SnmpAuth) -> Option<AuthProtocol> {
    Some(match auth {
        SnmpAuth::None => return None,
        SnmpAuth::Md5 => AuthProtocol::Md5,
        SnmpAuth::Sha1 => AuthProtocol::Sha1,
        SnmpAuth::Sha224 => AuthProtocol::Sha224,
        SnmpAuth::Sha256 => AuthProtocol::Sha256,
        SnmpAuth::Sha384 => AuthProtocol::Sha384,
        SnmpAuth::Sha512 => AuthProtocol::Sha512,
    })
}

fn priv_protocol(privacy: SnmpPrivacy) -> Option<PrivProtocol> {
    Some(match privacy {
        SnmpPrivacy::None => return None,
        SnmpPrivacy::Des => PrivProtocol::Des,
        SnmpPrivacy::Aes128 => PrivProtocol::Aes128,
        SnmpPrivacy::Aes192 => PrivProtocol::Aes192Blumenthal,
        SnmpPrivacy::Aes256 => PrivProtocol::Aes256Blumenthal,
        SnmpPrivacy::Aes192Cisco => PrivProtocol::Aes192Reeder,
        SnmpPrivacy::Aes256Cisco => PrivProtocol::Aes256Reeder,
    })
}

/// Master keys, made once per credential and shared by all devices that have it: a password is
/// hashed a megabyte long, which is a thousand times the work of one message.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    /// By the digest of protocols and passwords.
    known: HashMap<[u8; 32], Weak<MasterKeys>>,
}

impl Keyring {
    /// `None` for a user without authentication.
    pub(super) fn get(&mut self, user: &SnmpUser) -> Result<Option<Arc<MasterKeys>>, KeyError> {
        let Some((auth, password)) = &user.auth else {
            return Ok(None);
        };
        let name = fingerprint(user);
        if let Some(keys) = self.known.get(&name).and_then(Weak::upgrade) {
            return Ok(Some(keys));
        }
        let auth = auth_protocol(*auth).ok_or(KeyError::User)?;
        let keys = MasterKeys::new(auth, password.expose()).map_err(|_| KeyError::User)?;
        let keys = match &user.privacy {
            None => keys,
            Some((privacy, secret)) => {
                let privacy = priv_protocol(*privacy).ok_or(KeyError::User)?;
                if secret == password {
                    keys.with_privacy_same_password(privacy)
                } else {
                    keys.with_privacy(privacy, secret.expose())
                }
                .map_err(|_| KeyError::User)?
            }
        };
        let keys = Arc::new(keys);
        // Far cheaper than the derivation above, so there is no need to count.
        self.known.retain(|_, keys| keys.strong_count() > 0);
        self.known.insert(name, Arc::downgrade(&keys));
        Ok(Some(keys))
    }

    /// Credentials of which a device is left.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.values().filter(|keys| keys.strong_count() > 0).count()
    }
}

fn fingerprint(user: &SnmpUser) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let auth = user.auth.as_ref().map(|(auth, secret)| (*auth as i32, secret));
    let privacy = user.privacy.as_ref().map(|(privacy, secret)| (*privacy as i32, secret));
    for (protocol, secret) in [auth, privacy].into_iter().flatten() {
        hasher.update(&protocol.to_le_bytes());
        hasher.update(&(secret.expose().len() as u64).to_le_bytes());
        hasher.update(secret.expose());
    }
    *hasher.finalize().as_bytes()
}

/// Where salts come from: one for all devices, as none may be used twice with one key.
pub(super) struct Salts {
    aes: SaltCounter,
    des: DesSaltState,
}

impl Salts {
    /// DES wants a boot count of this side that never repeats (RFC 3414 §8.1.1.1): the second of
    /// the start serves, as nothing else of SNMP is kept over a restart.
    pub(super) fn new(started: Micros) -> Result<Self, KeyError> {
        let seconds = u64::try_from(started.0).unwrap_or(0) / 1_000_000 % BOOTS_MAX;
        let epoch = u32::try_from(seconds.max(1)).map_err(|_| KeyError::Salt)?;
        let epoch = PersistedDesSaltState::new(epoch).map_err(|_| KeyError::Salt)?;
        let des = DesSaltState::restart(epoch, |_| Ok::<_, Infallible>(()));
        Ok(Self {
            aes: SaltCounter::new().map_err(|_| KeyError::Salt)?,
            des: des.map_err(|_| KeyError::Salt)?,
        })
    }
}

impl std::fmt::Debug for Salts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salts")
    }
}

/// The keys of one user at one agent (RFC 3414 §2.6). Neither shows in `Debug`.
#[derive(Debug)]
pub(super) struct Keys {
    auth: LocalizedKey,
    privacy: Option<PrivKey>,
}

impl Keys {
    pub(super) fn new(master: &MasterKeys, engine_id: &[u8]) -> Result<Self, KeyError> {
        let (auth, privacy) = master.localize(engine_id).map_err(|_| KeyError::User)?;
        Ok(Self { auth, privacy })
    }

    /// Octets of a digest in a message.
    pub(super) fn mac_bytes(&self) -> usize {
        self.auth.mac_len()
    }

    /// Puts the digest into a message that has zeros in its place.
    pub(super) fn sign(&self, message: &mut [u8], at: usize) -> Result<(), KeyError> {
        authenticate_message(&self.auth, message, at, self.mac_bytes()).map_err(|_| KeyError::User)
    }

    /// Whether `length` octets at `at` are the message's digest.
    pub(super) fn verify(&self, message: &[u8], at: usize, length: usize) -> bool {
        length == self.mac_bytes()
            && verify_message(&self.auth, message, at, length).unwrap_or(false)
    }

    /// The sealed bytes and their salt; `clock` is what the message says of boots and time.
    pub(super) fn seal(
        &self,
        plain: &[u8],
        clock: (u32, u32),
        salts: &Salts,
    ) -> Result<(Bytes, Bytes), KeyError> {
        let key = self.privacy.as_ref().ok_or(KeyError::User)?;
        let sealed = if key.protocol().is_des_family() {
            key.encrypt_des_family(plain, &salts.des)
        } else {
            key.encrypt_aes(plain, clock.0, clock.1, &salts.aes)
        };
        sealed.map_err(|_| KeyError::Salt)
    }

    /// The plain bytes, maybe with padding behind them.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        clock: (u32, u32),
        salt: &[u8],
    ) -> Result<Bytes, KeyError> {
        let key = self.privacy.as_ref().ok_or(KeyError::Cipher)?;
        key.decrypt(sealed, clock.0, clock.1, salt).map_err(|_| KeyError::Cipher)
    }
}
