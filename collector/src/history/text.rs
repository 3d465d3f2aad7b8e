//! Core: texts of configurations: their name by content, how they are kept, and what differs.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::store::StoreError;

/// Largest text.
pub const TEXT_BYTES_MAX: usize = 17 * 1024 * 1024;
/// Largest difference that is shown as one.
pub const UNIFIED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the smallest difference is looked for; after that a larger one does.
const DIFF_WITHIN: Duration = Duration::from_millis(500);
/// Lines around each change.
const CONTEXT_LINES: usize = 3;
const ZSTD_LEVEL: i32 = 3;

/// A text as it is kept.
#[derive(Clone, Debug)]
pub struct Packed {
    pub hash: [u8; 32],
    pub bytes: usize,
    pub packed: Vec<u8>,
}

impl Packed {
    /// CPU-bound.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let packed = zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL);
        let packed = packed.map_err(|_| TextError::Compression)?;
        Ok(Self { hash: *blake3::hash(text.as_bytes()).as_bytes(), bytes: text.len(), packed })
    }

    /// As a row has it.
    pub fn stored(hash: Vec<u8>, bytes: i64, packed: Vec<u8>) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { what: TextError::Hash.to_string() };
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= TEXT_BYTES_MAX);
        let hash = hash.try_into().map_err(|_| corrupt())?;
        Ok(Self { hash, bytes: bytes.ok_or_else(corrupt)?, packed })
    }

    /// The text. CPU-bound.
    pub fn open(&self) -> Result<String, TextError> {
        let plain = zstd::bulk::decompress(&self.packed, self.bytes);
        let plain = plain.map_err(|_| TextError::Compression)?;
        if *blake3::hash(&plain).as_bytes() != self.hash {
            return Err(TextError::Hash);
        }
        String::from_utf8(plain).map_err(|_| TextError::Hash)
    }
}

/// Why a text that is kept cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("the text does not pack or unpack")]
    Compression,
    #[error("the text is not what its hash says")]
    Hash,
}

#[must_use]
pub fn lines(text: &str) -> usize {
    text.lines().count()
}

/// How many lines came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub added: usize,
    pub removed: usize,
}

fn compare<'a>(old: &'a str, new: &'a str) -> TextDiff<'a, 'a, str> {
    TextDiff::configure().timeout(DIFF_WITHIN).diff_lines(old, new)
}

#[must_use]
pub fn counts(old: &str, new: &str) -> Counts {
    counted(&compare(old, new))
}

fn counted(diff: &TextDiff<'_, '_, str>) -> Counts {
    let mut counts = Counts::default();
    for op in diff.ops() {
        let (tag, old, new) = op.as_tag_tuple();
        if tag != similar::DiffTag::Equal {
            counts.removed += old.len();
            counts.added += new.len();
        }
    }
    counts
}

/// The difference in the unified form, and how large it is; `None`: too large to be shown.
#[must_use]
pub fn unified(old: (&str, &str), new: (&str, &str)) -> (Option<String>, Counts) {
    let diff = compare(old.1, new.1);
    let counts = counted(&diff);
    let changed: usize = diff
        .iter_all_changes()
        .filter(|change| change.tag() != ChangeTag::Equal)
        .map(|change| change.value().len())
        .sum();
    if changed > UNIFIED_BYTES_MAX {
        return (None, counts);
    }
    let text = diff.unified_diff().context_radius(CONTEXT_LINES).header(old.0, new.0).to_string();
    (Some(text).filter(|text| text.len() <= 2 * UNIFIED_BYTES_MAX), counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_was_packed() {
        let text = "hostname r1\n\tinterface ä\n".repeat(500);
        let packed = Packed::new(&text).unwrap();
        assert!(packed.packed.len() < text.len() / 10);
        assert_eq!(packed.open().unwrap(), text);
        let other = Packed { hash: [0; 32], ..packed.clone() };
        assert_eq!(other.open(), Err(TextError::Hash));
        for wrong in [Packed { bytes: 9, ..packed.clone() }, Packed { packed: vec![7], ..packed }] {
            assert_eq!(wrong.open(), Err(TextError::Compression));
        }
        assert_eq!(lines(&text), 1000);
    }

    #[test]
    fn lines_that_came_and_went_are_counted_and_shown() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nD\nE\nf\ng\nh\ni\n";
        let (text, counts) = unified(("r1 before", old), ("r1 after", new));
        assert_eq!(counts, Counts { added: 3, removed: 2 });
        assert_eq!(super::counts(old, new), counts);
        let hunk = [
            "@@ -1,8 +1,9 @@",
            " a",
            " b",
            " c",
            "-d",
            "-e",
            "+D",
            "+E",
            " f",
            " g",
            " h",
            "+i",
            "",
        ];
        let expected = format!("--- r1 before\n+++ r1 after\n{}", hunk.join("\n"));
        assert_eq!(text.unwrap(), expected);
        assert_eq!(super::counts(old, old), Counts::default());
    }

    #[test]
    fn texts_that_share_nothing_end_in_time() {
        let old: String = (0..200_000).map(|line| format!("a {line}\n")).collect();
        let new: String = (0..200_000).map(|line| format!("b {}\n", line * 7)).collect();
        assert_eq!(counts(&old, &new), Counts { added: 200_000, removed: 200_000 });
    }

    #[test]
    fn a_difference_that_nobody_reads_is_not_shown() {
        let new = "x".repeat(UNIFIED_BYTES_MAX + 1);
        let (text, counts) = unified(("a", ""), ("b", &new));
        assert_eq!((text, counts), (None, Counts { added: 1, removed: 0 }));
    }
}
