//! Seals communities and passwords for the disk: ChaCha20-Poly1305 under a key of this agent
//! alone, bound to tenant, site, device and kind, so that one cannot be put in another's place.

use std::path::Path;

use farwatch_common::file::{create_private, read_if_present};
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::secret::Secret;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::InventoryError;
use crate::identity::Credentials;

const KEY_BYTES: usize = 32;

/// What a secret is. Numbers are part of what is on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Community = 1,
    AuthPassword = 2,
    PrivacyPassword = 3,
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

pub(super) struct Sealer {
    key: LessSafeKey,
    owner: Owner,
}

impl Sealer {
    /// Reads the key at `path`, or makes one.
    pub(super) fn open(path: &Path, owner: Owner) -> Result<Self, InventoryError> {
        let failed = |source| InventoryError::File { path: path.to_owned(), source };
        let fresh: [u8; KEY_BYTES] = rand::random();
        create_private(path, &fresh).map_err(failed)?;
        let kept = Secret::new(read_if_present(path).map_err(failed)?.unwrap_or_default());
        let key = UnboundKey::new(&CHACHA20_POLY1305, kept.expose())
            .map_err(|_| InventoryError::Key { path: path.to_owned() })?;
        Ok(Self { key: LessSafeKey::new(key), owner })
    }

    pub(super) fn agent_id(&self) -> i64 {
        self.owner.agent.0
    }

    fn bound_to(&self, device: i64, kind: Kind) -> Aad<[u8; 25]> {
        let mut bytes = [kind as u8; 25];
        bytes[1..9].copy_from_slice(&self.owner.tenant.0.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.owner.site.0.to_be_bytes());
        bytes[17..25].copy_from_slice(&device.to_be_bytes());
        Aad::from(bytes)
    }

    /// Nonce, then the sealed bytes.
    pub(super) fn seal(
        &self,
        device: i64,
        kind: Kind,
        plain: &Secret,
    ) -> Result<Vec<u8>, InventoryError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain.expose().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, self.bound_to(device, kind), &mut sealed)
            .map_err(|_| InventoryError::Seal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// `None` if it was changed, or sealed for another device or kind or by another key.
    pub(super) fn open_sealed(&self, device: i64, kind: Kind, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, self.bound_to(device, kind), &mut buffer).ok()?;
        Some(Secret::new(plain.to_vec()))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}
