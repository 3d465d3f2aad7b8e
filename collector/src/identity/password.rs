//! Passwords: argon2id, off the async threads, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;
use tokio::sync::Semaphore;

/// Each computation takes 64 MiB: four bound the memory to 256 MiB.
const COMPUTATIONS_MAX: usize = 4;
/// How long a login waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// NIST 800-63B for a password that stands alone.
pub const PASSWORD_CHARS_MIN: usize = 15;
pub const PASSWORD_BYTES_MAX: usize = 1024;
const SALT_LEN: usize = 16;

/// Why a password cannot be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a password needs at least {PASSWORD_CHARS_MIN} characters; this one has {found}")]
    Short { found: usize },
    #[error("this password is not UTF-8: browsers send no other, so nobody could sign in with it")]
    NotText,
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    #[error("too many logins at once, try again in a few seconds")]
    Busy,
    #[error("the stored password hash cannot be read")]
    Corrupt,
    #[error("the password computation failed")]
    Failed,
}

/// Whether a password may be a new one.
pub fn password_check(password: &Secret) -> Result<(), PasswordError> {
    let text = str::from_utf8(password.expose()).map_err(|_| PasswordError::NotText)?;
    let found = text.chars().count();
    if found < PASSWORD_CHARS_MIN {
        return Err(PasswordError::Short { found });
    }
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    Ok(())
}

/// A password for somebody who is to choose another one: 100 random bits, in groups to be read out.
pub fn one_time() -> Result<Secret, PasswordError> {
    const GROUP: usize = 5;
    let mut bytes = [0; 15];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| PasswordError::Failed)?;
    let letters = data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
    let mut text = String::with_capacity(letters.len() + letters.len() / GROUP);
    for (index, letter) in letters.chars().enumerate().take(4 * GROUP) {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    Ok(Secret::from(text))
}

/// What one computation costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    pub const STANDARD: Self = Self { memory_kib: 64 * 1024, passes: 3 };
}

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    cost: Cost,
}

impl Passwords {
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        Self { turns: Arc::new(Semaphore::new(COMPUTATIONS_MAX)), cost }
    }

    /// Checks the password and makes the PHC string to store.
    pub async fn hash(&self, password: Secret) -> Result<String, PasswordError> {
        password_check(&password)?;
        let mut salt = [0; SALT_LEN];
        ring::rand::SystemRandom::new().fill(&mut salt).map_err(|_| PasswordError::Failed)?;
        self.compute(move |argon2| {
            let hash = argon2.hash_password_with_salt(password.expose(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Failed)
        })
        .await
    }

    /// Whether `password` belongs to `stored`. Without a stored hash it does the same work and says
    /// no, so that the time tells nothing about which accounts exist.
    pub async fn verify(
        &self,
        password: Secret,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        // Too long to be anybody's, and still the same work: the turns bound what failing costs.
        let is_too_long = password.expose().len() > PASSWORD_BYTES_MAX;
        let (password, stored) =
            if is_too_long { (Secret::from(""), None) } else { (password, stored) };
        self.compute(move |argon2| {
            let Some(stored) = stored else {
                let mut ignored = [0; 32];
                return argon2
                    .hash_password_into(password.expose(), &[0; SALT_LEN], &mut ignored)
                    .map(|()| false)
                    .map_err(|_| PasswordError::Failed);
            };
            let stored = PasswordHash::new(&stored).map_err(|_| PasswordError::Corrupt)?;
            Ok(argon2.verify_password(password.expose(), &stored).is_ok())
        })
        .await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Busy)?;
        let params = Params::new(self.cost.memory_kib, self.cost.passes, 1, None)
            .map_err(|_| PasswordError::Failed)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: a client that goes away does not free its turn early.
            let _turn = turn;
            work(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        })
        .await
        .map_err(|_| PasswordError::Failed)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new(CHEAP);
        let stored = passwords.hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        for (password, right) in [("correct horse battery", true), ("correct horse", false)] {
            let answer = passwords.verify(password.into(), Some(stored.clone())).await.unwrap();
            assert_eq!(answer, right, "{password}");
        }
        assert!(!passwords.verify("correct horse battery".into(), None).await.unwrap());
    }

    #[test]
    fn one_time_passwords_may_be_passwords_and_differ() {
        let (one, other) = (one_time().unwrap(), one_time().unwrap());
        password_check(&one).unwrap();
        assert_ne!(one, other);
        let text = str::from_utf8(one.expose()).unwrap();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [5; 4], "{text}");
    }

    #[tokio::test]
    async fn short_and_long_ones_are_told() {
        let passwords = Passwords::new(CHEAP);
        let short = passwords.hash("fourteen chars".into()).await.unwrap_err();
        assert!(short.to_string().contains("at least 15 characters; this one has 14"), "{short}");
        let long = passwords.hash("x".repeat(PASSWORD_BYTES_MAX + 1).into()).await.unwrap_err();
        assert!(matches!(long, PasswordError::Long));
        let latin1 = Secret::new(b"correct h\xf6rse battery".to_vec());
        assert!(matches!(passwords.hash(latin1).await, Err(PasswordError::NotText)));
        // Letters count, not bytes.
        assert!(passwords.hash("ü".repeat(14).into()).await.is_err());
        assert!(passwords.hash("ü".repeat(15).into()).await.is_ok());
    }
}
