//! What comes of a job, as it goes to the collector: a `ConfigOutcome`, compressed; in it the
//! configuration with its secrets sealed under a key of its own, which goes beside it.

use std::io;

use farwatch_common::clock::Micros;
use farwatch_common::id::ConfigJobId;
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{ConfigFailure, ConfigOutcome, ConfigSnapshot, config_outcome};
use prost::Message as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{FetchError, Snapshot};

/// Of an outcome as it is sent (proto, `SnapshotPart`).
pub(super) const OUTCOME_BYTES_MAX: usize = 24 * 1024 * 1024;
/// A configuration is small and travels far.
const ZSTD_LEVEL: i32 = 6;
const KEY_BYTES: usize = 32;

/// An outcome that is ready to be sent.
#[derive(Debug)]
pub(super) struct Outcome {
    pub job: ConfigJobId,
    /// A `ConfigOutcome`, zstd.
    pub whole: Vec<u8>,
    /// Opens `ConfigSnapshot.raw`; none where there is none.
    pub key: Option<Secret>,
}

/// When a job was carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub began: Micros,
    pub ended: Micros,
}

/// Of a configuration that was fetched; an error if it is too large to be sent.
pub(super) fn done(
    job: ConfigJobId,
    times: Times,
    snapshot: Snapshot,
) -> Result<Outcome, FetchError> {
    let (raw, key) = seal(job, &snapshot.raw).ok_or(FetchError::Agent)?;
    let told = ConfigSnapshot {
        platform: snapshot.platform,
        significant: blake3::hash(snapshot.significant.as_bytes()).as_bytes().to_vec(),
        normalised: snapshot.normalised,
        facts: snapshot.facts,
        host_key: snapshot.fingerprint,
        raw,
        raw_bytes: snapshot.raw.expose().len() as u64,
    };
    let kind = config_outcome::Kind::Snapshot(told);
    let whole = compressed(times, kind).map_err(|_| FetchError::Agent)?;
    if whole.len() > OUTCOME_BYTES_MAX {
        return Err(FetchError::TooMuch);
    }
    Ok(Outcome { job, whole, key: Some(key) })
}

/// Of a failure.
pub(super) fn failed(job: ConfigJobId, times: Times, failure: &FetchError) -> io::Result<Outcome> {
    let host_key = match failure {
        FetchError::HostKey { shown } => shown.clone(),
        _ => String::new(),
    };
    let told =
        ConfigFailure { cause: failure.name().into(), advice: failure.to_string(), host_key };
    let whole = compressed(times, config_outcome::Kind::Failure(told))?;
    Ok(Outcome { job, whole, key: None })
}

fn compressed(times: Times, kind: config_outcome::Kind) -> io::Result<Vec<u8>> {
    let (began_us, ended_us) = (times.began.0, times.ended.0);
    let outcome = ConfigOutcome { began_us, ended_us, kind: Some(kind) };
    zstd::bulk::compress(&outcome.encode_to_vec(), ZSTD_LEVEL)
}

/// Compresses and seals; the key seals nothing else, so its nonce may be zeros.
fn seal(job: ConfigJobId, raw: &Secret) -> Option<(Vec<u8>, Secret)> {
    let mut sealed = zstd::bulk::compress(raw.expose(), ZSTD_LEVEL).ok()?;
    let key = Secret::new(rand::random::<[u8; KEY_BYTES]>().to_vec());
    let sealer = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.expose()).ok()?);
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    let bound_to = Aad::from(job.0.to_be_bytes());
    sealer.seal_in_place_append_tag(nonce, bound_to, &mut sealed).ok()?;
    Some((sealed, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: ConfigJobId = ConfigJobId(77);
    const TIMES: Times = Times { began: Micros(1), ended: Micros(2) };

    fn snapshot(raw: &str) -> Snapshot {
        Snapshot {
            platform: "ios".to_owned(),
            raw: Secret::from(raw),
            normalised: "hostname sw1\n".to_owned(),
            significant: "hostname sw1\n".to_owned(),
            facts: vec!["Version 15".to_owned()],
            fingerprint: "SHA256:x".to_owned(),
        }
    }

    fn read(outcome: &Outcome) -> ConfigOutcome {
        let plain = zstd::bulk::decompress(&outcome.whole, 1 << 20).unwrap();
        ConfigOutcome::decode(plain.as_slice()).unwrap()
    }

    #[test]
    fn what_is_raw_opens_with_its_key_and_job_only() {
        let outcome = done(JOB, TIMES, snapshot("enable secret canary\n")).unwrap();
        let told = read(&outcome);
        assert_eq!((told.began_us, told.ended_us), (1, 2));
        let Some(config_outcome::Kind::Snapshot(told)) = told.kind else { panic!() };
        assert_eq!((told.normalised.as_str(), told.raw_bytes), ("hostname sw1\n", 21));
        assert_eq!(told.significant, blake3::hash(b"hostname sw1\n").as_bytes());
        let key = outcome.key.unwrap();
        let opened = |job: i64| {
            let key = UnboundKey::new(&CHACHA20_POLY1305, key.expose()).unwrap();
            let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
            let mut sealed = told.raw.clone();
            let opener = LessSafeKey::new(key);
            let plain = opener.open_in_place(nonce, Aad::from(job.to_be_bytes()), &mut sealed);
            plain.ok().map(|plain| zstd::bulk::decompress(plain, 1 << 20).unwrap())
        };
        assert_eq!(opened(JOB.0).unwrap(), b"enable secret canary\n");
        assert_eq!(opened(JOB.0 + 1), None);
        let again = done(JOB, TIMES, snapshot("enable secret canary\n")).unwrap();
        assert_ne!(again.key.unwrap(), key, "a key seals once");
    }

    #[test]
    fn a_failure_says_what_to_do_and_which_key_was_shown() {
        let shown = "SHA256:other".to_owned();
        let outcome = failed(JOB, TIMES, &FetchError::HostKey { shown }).unwrap();
        assert_eq!(outcome.key, None);
        let Some(config_outcome::Kind::Failure(told)) = read(&outcome).kind else { panic!() };
        assert_eq!((told.cause.as_str(), told.host_key.as_str()), ("host_key", "SHA256:other"));
        assert!(told.advice.contains("pin the new key"), "{}", told.advice);
    }

    #[test]
    fn what_cannot_be_sent_is_too_much() {
        let noise: Vec<u8> = (0..OUTCOME_BYTES_MAX / 32)
            .flat_map(|at| *blake3::hash(&at.to_be_bytes()).as_bytes())
            .collect();
        let large = Snapshot { raw: Secret::new(noise), ..snapshot("") };
        let error = done(JOB, TIMES, large).unwrap_err();
        assert!(matches!(error, FetchError::TooMuch), "{error}");
    }
}
