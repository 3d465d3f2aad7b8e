//! Core: checksums of what stands in the file. What a disk or its memory turns over within a page is not
//! seen by SQLite, and would be sent as the truth.
//!
//! That of a batch is two in one: where only the content is wrong, the rest says what is lost.

use farwatch_common::clock::Micros;

/// What a batch says of itself beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) class: u32,
    pub(super) codec: u32,
    pub(super) epoch: u64,
    pub(super) t_min: Micros,
    pub(super) t_max: Micros,
    /// Rows or events.
    pub(super) n: u64,
    /// As in the column.
    pub(super) schemas: Vec<u8>,
}

/// What a checksum says of a batch that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// The head is as it was written.
    BadContent,
    BadHead,
}

fn low32(hasher: &blake3::Hasher) -> u32 {
    let mut low = [0; 4];
    low.copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    u32::from_le_bytes(low)
}

fn of_head(head: &Head) -> u32 {
    let mut hasher = blake3::Hasher::new();
    for number in [head.seq, head.class.into(), head.codec.into(), head.epoch, head.n] {
        hasher.update(&number.to_le_bytes());
    }
    for at in [head.t_min, head.t_max] {
        hasher.update(&at.0.to_le_bytes());
    }
    low32(hasher.update(&head.schemas))
}

fn of_content(data: &[u8]) -> u32 {
    low32(blake3::Hasher::new().update(data))
}

/// Of a whole batch.
#[must_use]
pub(super) fn of_batch(head: &Head, data: &[u8]) -> i64 {
    (u64::from(of_head(head)) << 32 | u64::from(of_content(data))).cast_signed()
}

/// Holds a batch against the checksum that was written with it.
#[must_use]
pub(super) fn verdict(head: &Head, data: &[u8], written: i64) -> Verdict {
    let wrong = of_batch(head, data) ^ written;
    match (wrong >> 32, wrong & i64::from(u32::MAX)) {
        (0, 0) => Verdict::Good,
        (0, _) => Verdict::BadContent,
        _ => Verdict::BadHead,
    }
}

/// Of a row of another table: of its numbers, and of what else it has.
#[must_use]
pub(super) fn of_row(numbers: &[i64], others: &[&[u8]]) -> i64 {
    let mut hasher = blake3::Hasher::new();
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    for other in others {
        hasher.update(&(other.len() as u64).to_le_bytes()).update(other);
    }
    let mut low = [0; 8];
    low.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    i64::from_le_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_turned_over_is_seen() {
        let head = Head {
            seq: 1,
            class: 3,
            codec: 1,
            epoch: 5,
            t_min: Micros(6),
            t_max: Micros(7),
            n: 8,
            schemas: vec![9; 8],
        };
        let data = b"content";
        let written = of_batch(&head, data);
        assert_eq!(verdict(&head, data, written), Verdict::Good);
        assert_eq!(verdict(&head, b"contend", written), Verdict::BadContent);
        let wrong: [fn(&mut Head); 8] = [
            |head| head.seq += 1,
            |head| head.class -= 1,
            |head| head.codec += 1,
            |head| head.epoch -= 1,
            |head| head.t_min.0 -= 1,
            |head| head.t_max.0 += 1,
            |head| head.n += 1,
            |head| head.schemas[3] ^= 1,
        ];
        for wrong in wrong {
            let mut other = head.clone();
            wrong(&mut other);
            assert_eq!(verdict(&other, data, written), Verdict::BadHead, "{other:?}");
        }
        assert_ne!(of_row(&[1, 2], &[b"a", b""]), of_row(&[1, 2], &[b"", b"a"]));
        assert_ne!(of_row(&[1, 2], &[]), of_row(&[1, 3], &[]));
    }
}
