//! Core: walks a chain in the order of its rows and names what does not fit.
//!
//! bound: one row, and [`BROKEN_MAX`] that do not fit; what is beyond is counted

use super::{Finding, Hash, Head, Row, START, link, link_at};

/// Rows that do not fit, and holes, that are kept to find out why; the rest is counted. Each is
/// tried at the places of all others.
pub const BROKEN_MAX: usize = 32;
/// Places that are gone and are tried too.
const GONE_TRIED_MAX: usize = 2 * BROKEN_MAX;

/// A walk under way.
#[derive(Debug)]
pub struct Verifier {
    /// The row before: its place and hash.
    last: Head,
    broken: Vec<Broken>,
    holes: Vec<(i64, i64)>,
    more: u64,
}

/// A row that does not follow the one before it.
#[derive(Debug)]
struct Broken {
    row: Row,
    previous: Hash,
    after_hole: bool,
}

/// The result of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By place; those of the head last.
    pub findings: Vec<Finding>,
    /// How many more do not fit. One break at the front can shift all that follows.
    pub more: u64,
}

impl Report {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.more == 0
    }
}

impl Default for Verifier {
    fn default() -> Self {
        let last = Head { seq: 0, hash: START };
        Self { last, broken: Vec::new(), holes: Vec::new(), more: 0 }
    }
}

impl Verifier {
    /// Takes the next row; they come by rising `seq`.
    pub fn row(&mut self, row: Row) {
        let (seq, hash, previous) = (row.entry.seq, row.hash, self.last.hash);
        let next = self.last.seq.saturating_add(1);
        let after_hole = seq > next;
        if after_hole {
            if self.holes.len() < BROKEN_MAX {
                self.holes.push((next, seq.saturating_sub(1)));
            } else {
                self.more += 1;
            }
        }
        if seq != next || link(&previous, &row.entry) != hash {
            if self.broken.len() < BROKEN_MAX {
                self.broken.push(Broken { row, previous, after_hole });
            } else {
                self.more += 1;
            }
        }
        // What comes next is held to what is stored here, so that one change is one finding.
        self.last = Head { seq: seq.max(self.last.seq), hash };
    }

    /// All rows were taken; `head` is where the chain should end.
    #[must_use]
    pub fn finish(self, head: Head) -> Report {
        let Self { last, broken, holes, more } = self;
        let mut findings: Vec<(i64, Finding)> =
            holes.iter().map(|&(first, last)| (first, Finding::Missing { first, last })).collect();
        let tail = (last.seq.saturating_add(1), head.seq);
        let gone = holes.iter().copied().chain([tail]).flat_map(|(first, last)| first..=last);
        let places = broken.iter().map(|one| one.row.entry.seq).chain(gone.take(GONE_TRIED_MAX));
        let places: Vec<i64> = places.collect();
        findings.extend(broken.iter().filter_map(|one| one.judge(&broken, &places)));
        findings.sort_by_key(|(seq, _)| *seq);
        let named = findings.iter().any(|(seq, _)| *seq == last.seq);
        let mut findings: Vec<_> = findings.into_iter().map(|(_, finding)| finding).collect();
        if head.seq > last.seq {
            findings.push(Finding::HeadAhead { head: head.seq, last: last.seq });
        } else if head.seq < last.seq {
            findings.push(Finding::HeadBehind { head: head.seq, last: last.seq });
        } else if head.hash != last.hash && !named && more == 0 {
            findings.push(Finding::Changed { seq: last.seq });
        }
        Report { findings, more }
    }
}

impl Broken {
    /// Whether it would fit in another place, or after another row; a row that fits at its own
    /// place after one that was moved is sound.
    fn judge(&self, all: &[Self], places: &[i64]) -> Option<(i64, Finding)> {
        let Row { entry, hash } = &self.row;
        let before = || all.iter().flat_map(|one| [&one.previous, &one.row.hash]);
        let fits = |at: i64| before().any(|previous| link_at(at, previous, entry) == *hash);
        let seq = entry.seq;
        if fits(seq) {
            return None;
        }
        let written_as = places.iter().copied().find(|at| *at != seq && fits(*at));
        if let Some(written_as) = written_as {
            return Some((seq, Finding::Reordered { seq, written_as }));
        }
        // After a hole nothing can be said of a row: what it follows is gone, and that is named.
        (!self.after_hole).then_some((seq, Finding::Changed { seq }))
    }
}
