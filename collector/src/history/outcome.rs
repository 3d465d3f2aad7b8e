//! Core: what came of a job, from bytes that an agent sent to what may be stored.
//!
//! Nothing is believed: the size of the frame, how much it unpacks to, how many fields it has and
//! what is in each are held to limits before anything of that size is allocated.

use std::io::{self, Read as _};

use farwatch_common::id::ConfigJobId;
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{ConfigFailure, ConfigOutcome, ConfigSnapshot, config_outcome};
use prost::Message as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::text::TEXT_BYTES_MAX;

/// Largest outcome on the wire.
pub const PACKED_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Largest outcome once it is unpacked: a text and a raw of 17 MiB, and room.
const UNPACKED_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Most that a byte may become; no text of a device does so.
const RATIO_MAX: usize = 1_000;
/// Below this nobody asks how it was packed.
const RATIO_FREE_BYTES: usize = 4 * 1024 * 1024;
/// Largest window of a frame, as a power of two: what the decoder allocates.
const WINDOW_LOG_MAX: u32 = 25;
/// Largest configuration as a device sends it.
pub const RAW_BYTES_MAX: usize = 17 * 1024 * 1024;
pub const KEY_LEN: usize = 32;
const FACTS_MAX: usize = 64;
const FACT_CHARS_MAX: usize = 512;
const PLATFORM_BYTES_MAX: usize = 64;
const CAUSE_BYTES_MAX: usize = 32;
const ADVICE_CHARS_MAX: usize = 500;
/// `SHA256:` and 43 letters of base64.
const HOST_KEY_BYTES: usize = 50;

/// Why an outcome cannot be taken. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("it is not what its hash says")]
    Hash,
    #[error("it does not unpack within {UNPACKED_BYTES_MAX} bytes")]
    Compression,
    #[error("it cannot be read")]
    Malformed,
    #[error("{what} breaks a limit")]
    Limit { what: &'static str },
    #[error("its raw does not open")]
    Raw,
}

/// What came of a job.
#[derive(Debug)]
pub enum Outcome {
    Snapshot(Snapshot),
    Failure(Failure),
}

/// A configuration, checked.
#[derive(Debug)]
pub struct Snapshot {
    pub platform: String,
    pub text: String,
    pub significant: [u8; 32],
    pub facts: Vec<String>,
    pub host_key: String,
    /// Sealed by the agent under `key`.
    pub raw: Vec<u8>,
    pub raw_bytes: u64,
    pub key: Secret,
}

/// Why there is none, checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub cause: String,
    pub advice: String,
    /// Another host key than the pinned one.
    pub host_key: Option<String>,
}

/// Reads an outcome that is whole. CPU-bound: up to a second for the largest.
pub fn read(
    packed: &[u8],
    hash: &[u8; 32],
    job: ConfigJobId,
    key: Secret,
) -> Result<Outcome, Broken> {
    if blake3::hash(packed) != *hash {
        return Err(Broken::Hash);
    }
    let most = UNPACKED_BYTES_MAX.min(RATIO_FREE_BYTES.max(packed.len().saturating_mul(RATIO_MAX)));
    let plain = unpack(packed, most)?;
    count_facts(&plain)?;
    let outcome = ConfigOutcome::decode(plain.as_slice()).map_err(|_| Broken::Malformed)?;
    drop(plain);
    match outcome.kind.ok_or(Broken::Malformed)? {
        config_outcome::Kind::Snapshot(snapshot) => {
            Ok(Outcome::Snapshot(checked(snapshot, job, key)?))
        }
        config_outcome::Kind::Failure(failure) => Ok(Outcome::Failure(failed(failure)?)),
    }
}

/// Opens a raw: what the device sent, secrets and all.
pub fn open_raw(sealed: &[u8], job: ConfigJobId, key: &Secret) -> Result<Secret, Broken> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.expose()).map_err(|_| Broken::Raw)?;
    let aad = Aad::from(job.0.to_be_bytes());
    let mut packed = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    let opened = LessSafeKey::new(key).open_in_place(nonce, aad, &mut packed);
    let plain = unpack(opened.map_err(|_| Broken::Raw)?, RAW_BYTES_MAX).map_err(|_| Broken::Raw)?;
    Ok(Secret::new(plain))
}

/// Unpacks as a stream, so that what a frame says of its size decides nothing.
fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, Broken> {
    let read = || -> io::Result<Vec<u8>> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        let mut plain = Vec::new();
        decoder.take(most as u64 + 1).read_to_end(&mut plain)?;
        Ok(plain)
    };
    let plain = read().map_err(|_| Broken::Compression)?;
    if plain.len() > most { Err(Broken::Compression) } else { Ok(plain) }
}

/// Counts the facts before they are allocated: an empty one is two bytes here and a string there.
fn count_facts(plain: &[u8]) -> Result<(), Broken> {
    const SNAPSHOT: u32 = 3;
    const FACTS: u32 = 5;
    let mut facts = 0;
    fields(plain, &mut |field, content| {
        if field != SNAPSHOT {
            return Ok(());
        }
        fields(content, &mut |field, _| {
            facts += usize::from(field == FACTS);
            if facts > FACTS_MAX { Err(Broken::Limit { what: "facts" }) } else { Ok(()) }
        })
    })
}

/// Hands the content of each field that has a length to `each`.
fn fields(
    mut message: &[u8],
    each: &mut dyn FnMut(u32, &[u8]) -> Result<(), Broken>,
) -> Result<(), Broken> {
    use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
    let bad = |_| Broken::Malformed;
    while !message.is_empty() {
        let (field, wire) = decode_key(&mut message).map_err(bad)?;
        if wire == WireType::LengthDelimited {
            let size = decode_varint(&mut message).map_err(bad)?;
            let size = usize::try_from(size).map_err(|_| Broken::Malformed)?;
            let (content, rest) = message.split_at_checked(size).ok_or(Broken::Malformed)?;
            each(field, content)?;
            message = rest;
        } else {
            skip_field(wire, field, &mut message, DecodeContext::default()).map_err(bad)?;
        }
    }
    Ok(())
}

fn checked(snapshot: ConfigSnapshot, job: ConfigJobId, key: Secret) -> Result<Snapshot, Broken> {
    let ConfigSnapshot { platform, normalised, significant, facts, host_key, raw, raw_bytes } =
        snapshot;
    let hold = |is_sound: bool, what: &'static str| {
        if is_sound { Ok(()) } else { Err(Broken::Limit { what }) }
    };
    hold(platform.len() <= PLATFORM_BYTES_MAX && is_word(&platform), "platform")?;
    hold(normalised.len() <= TEXT_BYTES_MAX && is_text(&normalised), "text")?;
    let significant = significant.try_into().map_err(|_| Broken::Limit { what: "significant" })?;
    let is_fact = |fact: &String| fact.chars().count() <= FACT_CHARS_MAX && is_line(fact);
    hold(facts.len() <= FACTS_MAX && facts.iter().all(is_fact), "facts")?;
    hold(is_host_key(&host_key), "host_key")?;
    hold(key.expose().len() == KEY_LEN, "key")?;
    // What does not open now opens never; the agent still has it.
    let opened = open_raw(&raw, job, &key)?;
    hold(opened.expose().len() as u64 == raw_bytes, "raw_bytes")?;
    Ok(Snapshot { platform, text: normalised, significant, facts, host_key, raw, raw_bytes, key })
}

fn failed(failure: ConfigFailure) -> Result<Failure, Broken> {
    let ConfigFailure { cause, advice, host_key } = failure;
    if cause.is_empty() || cause.len() > CAUSE_BYTES_MAX || !is_word(&cause) {
        return Err(Broken::Limit { what: "cause" });
    }
    if advice.chars().count() > ADVICE_CHARS_MAX || !is_line(&advice) {
        return Err(Broken::Limit { what: "advice" });
    }
    let host_key = Some(host_key).filter(|key| !key.is_empty());
    if !host_key.as_deref().is_none_or(is_host_key) {
        return Err(Broken::Limit { what: "host_key" });
    }
    Ok(Failure { cause, advice, host_key })
}

fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t')
}

/// As `ssh-keygen -l` prints it.
#[must_use]
pub fn is_host_key(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len() == HOST_KEY_BYTES
        && text.strip_prefix("SHA256:").is_some_and(|hash| hash.bytes().all(is_base64))
}

#[cfg(test)]
mod tests;
