//! Seals secrets for the disk: ChaCha20-Poly1305 under a key of this agent alone, bound to tenant,
//! site, what it is of and kind, so that one cannot be put in another's place.

use std::path::{Path, PathBuf};

use farwatch_common::file::{create_private, read_if_present};
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::secret::Secret;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::identity::Credentials;

const KEY_FILE: &str = "master.key";
const KEY_BYTES: usize = 32;

/// Why nothing can be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a key of 32 bytes; remove it, the collector sends the devices again")]
    Key { path: PathBuf },
    #[error("a secret cannot be sealed")]
    Seal,
}

/// What a secret is. Numbers are part of what is on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Of a device, as the next two.
    Community = 1,
    AuthPassword = 2,
    PrivacyPassword = 3,
    /// Of a job, that opens the configuration in its outcome.
    OutcomeKey = 4,
}

/// Whose credentials they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub tenant: TenantId,
    pub site: SiteId,
    pub agent: AgentId,
}

impl Owner {
    #[must_use]
    pub fn of(credentials: &Credentials) -> Self {
        Self { tenant: credentials.tenant, site: credentials.site, agent: credentials.agent }
    }
}

pub(crate) struct Sealer {
    key: LessSafeKey,
    owner: Owner,
}

impl Sealer {
    /// Reads the key in the state directory, or makes one.
    pub(crate) fn open(state_dir: &Path, owner: Owner) -> Result<Self, SealError> {
        let path = state_dir.join(KEY_FILE);
        let failed = |source| SealError::File { path: path.clone(), source };
        let fresh: [u8; KEY_BYTES] = rand::random();
        create_private(&path, &fresh).map_err(failed)?;
        let kept = Secret::new(read_if_present(&path).map_err(failed)?.unwrap_or_default());
        let key = UnboundKey::new(&CHACHA20_POLY1305, kept.expose())
            .map_err(|_| SealError::Key { path: path.clone() })?;
        Ok(Self { key: LessSafeKey::new(key), owner })
    }

    pub(crate) fn agent_id(&self) -> i64 {
        self.owner.agent.0
    }

    /// `of` is the id of a device or of a job, as the kind says.
    fn bound_to(&self, of: i64, kind: Kind) -> Aad<[u8; 25]> {
        let mut bytes = [kind as u8; 25];
        bytes[1..9].copy_from_slice(&self.owner.tenant.0.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.owner.site.0.to_be_bytes());
        bytes[17..25].copy_from_slice(&of.to_be_bytes());
        Aad::from(bytes)
    }

    /// Nonce, then the sealed bytes.
    pub(crate) fn seal(&self, of: i64, kind: Kind, plain: &Secret) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain.expose().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, self.bound_to(of, kind), &mut sealed)
            .map_err(|_| SealError::Seal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// `None` if it was changed, or sealed for something else or as another kind or by another key.
    pub(crate) fn open_sealed(&self, of: i64, kind: Kind, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, self.bound_to(of, kind), &mut buffer).ok()?;
        Some(Secret::new(plain.to_vec()))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };

    #[test]
    fn a_sealed_secret_fits_its_device_and_kind_only() {
        let dir = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(dir.path(), OWNER).unwrap();
        let sealed = sealer.seal(7, Kind::Community, &Secret::from("public")).unwrap();
        assert_eq!(sealer.open_sealed(7, Kind::Community, &sealed), Some(Secret::from("public")));
        assert_eq!(sealer.open_sealed(8, Kind::Community, &sealed), None);
        assert_eq!(sealer.open_sealed(7, Kind::AuthPassword, &sealed), None);
        assert_eq!(sealer.open_sealed(7, Kind::Community, &sealed[..5]), None);
        let again = Sealer::open(dir.path(), OWNER).unwrap();
        assert_eq!(again.open_sealed(7, Kind::Community, &sealed), Some(Secret::from("public")));
        let foreign = Owner { tenant: TenantId(9), ..OWNER };
        let other = Sealer::open(dir.path(), foreign).unwrap();
        assert_eq!(other.open_sealed(7, Kind::Community, &sealed), None);
    }
}
