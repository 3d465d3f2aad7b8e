//! The file of an outcome: whose it is, what it hashes to, its key sealed by this agent's own, and the
//! outcome.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use farwatch_common::id::ConfigJobId;
use farwatch_common::secret::Secret;

use crate::history::outcome::Outcome;
use crate::seal::{Kind, SealError, Sealer};

/// First bytes; the last one is the version.
const MAGIC: &[u8] = b"fwconfig\x01";
const ID_BYTES: usize = 8;
const HASH_BYTES: usize = 32;
/// Longest header: magic, agent, job, hash, length of the sealed key, sealed key.
const HEADER_BYTES_MAX: u64 = 9 + 8 + 8 + 32 + 1 + 255;

/// An outcome that is read to be sent.
#[derive(Debug)]
pub(in crate::history) struct Waiting {
    pub whole: Vec<u8>,
    pub hash: [u8; HASH_BYTES],
    pub key: Option<Secret>,
}

pub(super) struct Header {
    pub(super) job: ConfigJobId,
    pub(super) file_bytes: u64,
    hash: [u8; HASH_BYTES],
    key: Option<Secret>,
}

impl Header {
    /// Reads the beginning of a file; `None` if it is not this agent's or is cut off.
    pub(super) fn peek(path: &Path, sealer: &Sealer) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let mut start = Vec::new();
        file.take(HEADER_BYTES_MAX).read_to_end(&mut start)?;
        Ok(parse(sealer, &start).map(|(header, _)| Self { file_bytes, ..header }))
    }
}

/// The header, and what stands behind it.
fn parse<'a>(sealer: &Sealer, bytes: &'a [u8]) -> Option<(Header, &'a [u8])> {
    let (agent, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<ID_BYTES>()?;
    if i64::from_be_bytes(*agent) != sealer.agent_id() {
        return None;
    }
    let (job, rest) = rest.split_first_chunk::<ID_BYTES>()?;
    let job = ConfigJobId(i64::from_be_bytes(*job));
    let (hash, rest) = rest.split_first_chunk::<HASH_BYTES>()?;
    let (length, rest) = rest.split_first()?;
    let (sealed, rest) = rest.split_at_checked(usize::from(*length))?;
    let key = match sealed {
        [] => None,
        sealed => Some(sealer.open_sealed(job.0, Kind::OutcomeKey, sealed)?),
    };
    Some((Header { job, file_bytes: bytes.len() as u64, hash: *hash, key }, rest))
}

pub(super) fn write(sealer: &Sealer, outcome: &Outcome) -> Result<Vec<u8>, SealError> {
    let job = outcome.job.0;
    let sealed = match &outcome.key {
        Some(key) => sealer.seal(job, Kind::OutcomeKey, key)?,
        None => Vec::new(),
    };
    let length = u8::try_from(sealed.len()).map_err(|_| SealError::Seal)?;
    let mut bytes = [MAGIC, &sealer.agent_id().to_be_bytes(), &job.to_be_bytes()].concat();
    bytes.extend_from_slice(blake3::hash(&outcome.whole).as_bytes());
    bytes.push(length);
    bytes.extend_from_slice(&sealed);
    bytes.extend_from_slice(&outcome.whole);
    Ok(bytes)
}

/// `None` if it is not the outcome of `job`, or not what it was.
pub(super) fn read(sealer: &Sealer, job: ConfigJobId, bytes: &[u8]) -> Option<Waiting> {
    let (header, whole) = parse(sealer, bytes)?;
    let is_same = header.job == job && blake3::hash(whole) == header.hash;
    is_same.then(|| Waiting { whole: whole.to_vec(), hash: header.hash, key: header.key })
}
