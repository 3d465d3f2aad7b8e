//! Second factors as they are kept: the seed sealed under the installation's key, the last step
//! that counted, and the hashes of recovery codes. What a code is, `totp` knows.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;

use super::IdentityKey;
use super::installation_key::InstallationKeys;
use super::session::{DELETE_OF_USER, SessionKey};
use super::tenancy::TenantContext;
use super::totp::{RECOVERY_CODES, RECOVERY_LEN, SEED_LEN, Seed, recovery_codes, recovery_hash};
use super::user::change::change_of;
use super::user::{User, UserError};
use crate::audit::Change;
use crate::inventory::VaultError;
use crate::store::sql::sql;
use crate::store::{Database, StoreError, Txn};

/// How long a seed waits for the code that confirms it: it was on a screen.
pub const SEED_LIFE: Duration = Duration::from_secs(10 * 60);

/// Why a second factor is not made, taken or removed.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    #[error("there is a second factor already; remove it first")]
    On,
    #[error("there is no second factor")]
    Off,
    #[error("the seed was not confirmed in time; begin again")]
    Expired,
    #[error("this code is not right, or was used before")]
    Wrong,
    #[error(transparent)]
    User(#[from] UserError),
}

impl From<StoreError> for FactorError {
    fn from(error: StoreError) -> Self {
        Self::User(error.into())
    }
}

impl From<VaultError> for FactorError {
    fn from(error: VaultError) -> Self {
        Self::User(error.into())
    }
}

sql! { pub(crate) BEGIN =
    "INSERT INTO user_totp AS mine (user_id, sealed, key_version, last_step, created_at)
     VALUES ($1, $2, $3, 0, $4)
     ON CONFLICT (user_id) DO UPDATE
     SET sealed = excluded.sealed, key_version = excluded.key_version, last_step = 0,
         created_at = excluded.created_at
     WHERE mine.confirmed_at IS NULL"
}

/// Makes a seed for a person, to be confirmed by a code. One that was not confirmed is forgotten.
pub async fn factor_begin(
    db: &Database,
    keys: &InstallationKeys,
    (user, context): (&User, &TenantContext),
    now: Micros,
) -> Result<Seed, FactorError> {
    let mut random = [0; SEED_LEN];
    ring::rand::SystemRandom::new().fill(&mut random).map_err(|_| VaultError::Random)?;
    let seed = Seed::new(&random);
    let wrapping = keys.wrapping()?;
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    let key = keys.newest(&mut txn, &wrapping, now).await?;
    let sealed = key.seal(user.id, seed.as_secret())?;
    let begin = BEGIN.bind(user.id).bind(sealed).bind(key.version()).bind(now);
    if begin.execute(&mut txn).await? == 0 {
        return Err(FactorError::On);
    }
    txn.commit([Change::new("user", "begin_totp", user.id.0, &user.email)], now).await?;
    Ok(seed)
}

sql! { pub(crate) GET =
    "SELECT sealed, key_version, last_step, confirmed_at, created_at FROM user_totp
     WHERE user_id = $1"
}

/// A seed as it is kept.
struct Kept {
    seed: Seed,
    /// The last that counted.
    last_step: i64,
    confirmed: bool,
    created_at: Micros,
}

async fn kept(txn: &mut Txn, keys: &InstallationKeys, user: UserId) -> Result<Kept, FactorError> {
    let row = GET.bind(user).optional(txn).await?.ok_or(FactorError::Off)?;
    let version = u32::try_from(row.get::<i64>(1)?).map_err(|_| VaultError::Sealed)?;
    let key = keys.of_version(txn, version).await?;
    let seed = key.open(user, &row.get::<Vec<u8>>(0)?)?;
    let seed = Seed::from_secret(seed).ok_or(VaultError::Sealed)?;
    let confirmed = row.get::<Option<i64>>(3)?.is_some();
    Ok(Kept { seed, last_step: row.get(2)?, confirmed, created_at: Micros(row.get(4)?) })
}

sql! { pub(crate) CONFIRM =
    "UPDATE user_totp SET confirmed_at = $2, last_step = $3
     WHERE user_id = $1 AND confirmed_at IS NULL"
}
sql! { pub(crate) RECOVERY_INSERT =
    "INSERT INTO totp_recovery (user_id, code_hash) VALUES ($1, $2)"
}
sql! { pub(crate) RECOVERY_DELETE = "DELETE FROM totp_recovery WHERE user_id = $1" }

/// Turns the second factor on, if the code shows that the authenticator has the seed. Returns the
/// recovery codes. All sessions of the person end but the one that asks: the others began without it.
pub async fn factor_confirm(
    db: &Database,
    keys: &InstallationKeys,
    (user, context): (&User, &TenantContext),
    (code, keep): (&str, SessionKey),
    now: Micros,
) -> Result<Vec<Secret>, FactorError> {
    let mut random = [[0; RECOVERY_LEN]; RECOVERY_CODES];
    let system = ring::rand::SystemRandom::new();
    system.fill(random.as_flattened_mut()).map_err(|_| VaultError::Random)?;
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    let kept = kept(&mut txn, keys, user.id).await?;
    if kept.confirmed {
        return Err(FactorError::On);
    }
    if now.since(kept.created_at) > SEED_LIFE {
        return Err(FactorError::Expired);
    }
    let step = kept.seed.step_of(code, now, kept.last_step).ok_or(FactorError::Wrong)?;
    if CONFIRM.bind(user.id).bind(now).bind(step).execute(&mut txn).await? == 0 {
        return Err(FactorError::On);
    }
    RECOVERY_DELETE.bind(user.id).execute(&mut txn).await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for (code, hash) in recovery_codes(&random) {
        RECOVERY_INSERT.bind(user.id).bind(hash).execute(&mut txn).await?;
        codes.push(code);
    }
    DELETE_OF_USER.bind(user.id).bind(keep).execute(&mut txn).await?;
    txn.commit([Change::new("user", "totp_on", user.id.0, &user.email)], now).await?;
    Ok(codes)
}

sql! { pub(crate) STEP =
    "UPDATE user_totp SET last_step = $2
     WHERE user_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL"
}
sql! { pub(crate) RECOVERY_USE =
    "UPDATE totp_recovery SET used_at = $3
     WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL"
}

/// Takes a code of the authenticator or a recovery code: each counts once, whoever else asks at the
/// same time.
pub async fn factor_use(
    db: &Database,
    keys: &InstallationKeys,
    (user, context): (&User, &TenantContext),
    typed: &str,
    now: Micros,
) -> Result<(), FactorError> {
    if let Some(hash) = recovery_hash(typed) {
        let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
        let used = RECOVERY_USE.bind(user.id).bind(hash).bind(now).execute(&mut txn).await?;
        if used == 0 {
            return Err(FactorError::Wrong);
        }
        let change = Change::new("user", "use_recovery_code", user.id.0, &user.email);
        return Ok(txn.commit([change], now).await?);
    }
    // No change of the account: the sign-in it is for has its own row.
    let mut txn = db.identity(IdentityKey::new()).await?;
    let kept = kept(&mut txn, keys, user.id).await?;
    if !kept.confirmed {
        return Err(FactorError::Off);
    }
    let step = kept.seed.step_of(typed, now, kept.last_step).ok_or(FactorError::Wrong)?;
    if STEP.bind(user.id).bind(step).execute(&mut txn).await? == 0 {
        return Err(FactorError::Wrong);
    }
    Ok(txn.commit().await?)
}

sql! { pub(crate) DELETE = "DELETE FROM user_totp WHERE user_id = $1 AND confirmed_at IS NOT NULL" }

/// Turns a person's own second factor off. Whoever calls has asked for the password and a code.
pub async fn factor_remove(
    db: &Database,
    (user, context): (&User, &TenantContext),
    now: Micros,
) -> Result<(), FactorError> {
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    if !delete(&mut txn, user.id).await? {
        return Err(FactorError::Off);
    }
    Ok(txn.commit([Change::new("user", "totp_off", user.id.0, &user.email)], now).await?)
}

/// Turns somebody's second factor off, by a super_admin: for who lost it and the recovery codes.
pub async fn factor_remove_of(
    db: &Database,
    context: &TenantContext,
    id: UserId,
    now: Micros,
) -> Result<(), FactorError> {
    let (mut txn, person) = change_of(db, context, id).await?;
    if !delete(&mut txn, id).await? {
        return Err(FactorError::Off);
    }
    Ok(txn.commit([Change::new("user", "totp_off", id.0, &person.email)], now).await?)
}

async fn delete(txn: &mut Txn, user: UserId) -> Result<bool, StoreError> {
    let deleted = DELETE.bind(user).execute(txn).await? > 0;
    RECOVERY_DELETE.bind(user).execute(txn).await?;
    Ok(deleted)
}
