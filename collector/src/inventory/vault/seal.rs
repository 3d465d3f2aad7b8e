//! Core: what is sealed, by which key, and for which place.
//!
//! ChaCha20-Poly1305 throughout. The associated data names the place of a blob, so that a blob that
//! is moved to another device, site or tenant does not open.

use farwatch_common::id::{ChannelId, ConfigVersionId, CredentialId, DeviceId, SiteId, TenantId};
use farwatch_common::secret::Secret;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::VaultError;
use super::keyring::MasterKey;

const KEY_LEN: usize = 32;
/// First byte of a sealed blob.
const BLOB_VERSION: u8 = 1;
/// Version byte and number of the tenant's key.
const HEADER_LEN: usize = 1 + 4;

/// Stands in the place of a configuration where others have their site: no id is negative.
const CONFIGS: SiteId = SiteId(-1);

/// Where a credential belongs; bound into its sealed form. A profile has no device, and no site if
/// it is for all: 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub tenant: TenantId,
    pub site: SiteId,
    pub device: DeviceId,
    pub credential: CredentialId,
}

impl Place {
    /// Of a profile; site 0 is every site.
    #[must_use]
    pub fn of_profile(tenant: TenantId, site: SiteId, profile: CredentialId) -> Self {
        Self { tenant, site, device: DeviceId(0), credential: profile }
    }

    /// Of a channel's secrets in this version of it, so that an older one does not open in its place.
    /// The version stands where a device does: a profile has 0 there, and a device a larger number.
    #[must_use]
    pub fn of_channel(tenant: TenantId, channel: ChannelId, version: i64) -> Self {
        let (device, credential) = (DeviceId(version), CredentialId(channel.0));
        Self { tenant, site: SiteId(0), device, credential }
    }

    /// Of the key of a configuration's raw. What stands where a site does is no site.
    #[must_use]
    pub fn of_config(tenant: TenantId, device: DeviceId, version: ConfigVersionId) -> Self {
        Self { tenant, site: CONFIGS, device, credential: CredentialId(version.0) }
    }

    fn aad(self) -> Aad<Vec<u8>> {
        let mut bytes = vec![BLOB_VERSION];
        for id in [self.tenant.0, self.site.0, self.device.0, self.credential.0] {
            bytes.extend(id.to_be_bytes());
        }
        Aad::from(bytes)
    }
}

/// The key of one tenant, open.
pub struct TenantKey {
    pub(super) version: u32,
    key: LessSafeKey,
}

impl TenantKey {
    /// The key of this version that `master` wrapped.
    pub(crate) fn unwrap(
        master: &MasterKey,
        (tenant, version): (TenantId, u32),
        wrapped: &[u8],
    ) -> Result<Self, VaultError> {
        let missing = || VaultError::TenantKey { tenant };
        let opened = unwrap(master, (tenant, version), wrapped).map_err(|_| missing())?;
        Ok(Self { version, key: key(opened.expose()).ok_or_else(missing)? })
    }

    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Version byte, key version, nonce, ciphertext and tag.
    pub fn seal(&self, place: Place, plain: &Secret) -> Result<Vec<u8>, VaultError> {
        let mut blob = vec![BLOB_VERSION];
        blob.extend(self.version.to_be_bytes());
        blob.extend(encrypt(&self.key, place.aad(), plain.expose())?);
        Ok(blob)
    }

    pub fn open(&self, place: Place, blob: &[u8]) -> Result<Secret, VaultError> {
        let (header, sealed) = blob.split_at_checked(HEADER_LEN).ok_or(VaultError::Sealed)?;
        if header[0] != BLOB_VERSION || header[1..] != self.version.to_be_bytes() {
            return Err(VaultError::Sealed);
        }
        decrypt(&self.key, place.aad(), sealed)
    }
}

/// A new key of a tenant, wrapped by `master`. The installation's own keys are those of tenant 0.
pub(crate) fn wrapped_key(
    master: &MasterKey,
    whose: (TenantId, u32),
) -> Result<Vec<u8>, VaultError> {
    wrap(master, whose, &random::<KEY_LEN>()?)
}

/// Wraps a key by `master`.
pub(crate) fn wrap(
    master: &MasterKey,
    (tenant, version): (TenantId, u32),
    key: &Secret,
) -> Result<Vec<u8>, VaultError> {
    encrypt(master.key(), wrap_aad(tenant, version), key.expose())
}

/// Opens what [`wrap`] made.
pub(crate) fn unwrap(
    master: &MasterKey,
    (tenant, version): (TenantId, u32),
    wrapped: &[u8],
) -> Result<Secret, VaultError> {
    decrypt(master.key(), wrap_aad(tenant, version), wrapped)
}

fn wrap_aad(tenant: TenantId, version: u32) -> Aad<Vec<u8>> {
    let mut bytes = b"farwatch tenant key".to_vec();
    bytes.extend(tenant.0.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    Aad::from(bytes)
}

fn key(bytes: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, bytes).ok().map(LessSafeKey::new)
}

fn random<const N: usize>() -> Result<Secret, VaultError> {
    use ring::rand::SecureRandom as _;
    let mut bytes = vec![0; N];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| VaultError::Random)?;
    Ok(Secret::new(bytes))
}

/// Nonce, ciphertext and tag. Nonces are random: a key seals thousands of blobs, not billions.
fn encrypt(key: &LessSafeKey, aad: Aad<Vec<u8>>, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE_LEN>()?;
    let mut blob = nonce.expose().to_vec();
    let mut text = plain.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce.expose()).map_err(|_| VaultError::Random)?;
    key.seal_in_place_append_tag(nonce, aad, &mut text).map_err(|_| VaultError::Sealed)?;
    blob.append(&mut text);
    Ok(blob)
}

fn decrypt(key: &LessSafeKey, aad: Aad<Vec<u8>>, blob: &[u8]) -> Result<Secret, VaultError> {
    let (nonce, sealed) = blob.split_at_checked(NONCE_LEN).ok_or(VaultError::Sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Sealed)?;
    let mut text = sealed.to_vec();
    let length = key.open_in_place(nonce, aad, &mut text).map_err(|_| VaultError::Sealed)?.len();
    text.truncate(length);
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        tenant: TenantId(1),
        site: SiteId(2),
        device: DeviceId(3),
        credential: CredentialId(4),
    };

    fn tenant_key(version: u32) -> TenantKey {
        TenantKey { version, key: key(&[5; KEY_LEN]).unwrap() }
    }

    #[test]
    fn opens_only_in_its_place_and_unchanged() {
        let key = tenant_key(1);
        let blob = key.seal(PLACE, &Secret::from("public")).unwrap();
        assert_eq!(key.open(PLACE, &blob).unwrap(), Secret::from("public"));
        assert!(!blob.windows(6).any(|window| window == b"public"));
        for moved in [
            Place { tenant: TenantId(9), ..PLACE },
            Place { site: SiteId(9), ..PLACE },
            Place { device: DeviceId(9), ..PLACE },
            Place { credential: CredentialId(9), ..PLACE },
        ] {
            assert!(key.open(moved, &blob).is_err(), "{moved:?}");
        }
        for at in 0..blob.len() {
            let mut bad = blob.clone();
            bad[at] ^= 1;
            assert!(key.open(PLACE, &bad).is_err(), "byte {at}");
            assert!(key.open(PLACE, &blob[..at]).is_err(), "cut at {at}");
        }
        assert!(tenant_key(2).open(PLACE, &blob).is_err());
    }

    #[test]
    fn no_kind_of_secret_opens_in_the_place_of_another() {
        let (tenant, key) = (TenantId(1), tenant_key(1));
        let places = [
            PLACE,
            Place::of_profile(tenant, SiteId(2), CredentialId(4)),
            Place::of_channel(tenant, ChannelId(4), 3),
            Place::of_config(tenant, DeviceId(3), ConfigVersionId(4)),
        ];
        for place in places {
            let blob = key.seal(place, &Secret::from("public")).unwrap();
            for other in places.into_iter().filter(|other| *other != place) {
                assert!(key.open(other, &blob).is_err(), "{place:?} in {other:?}");
            }
        }
    }
}
