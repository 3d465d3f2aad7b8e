//! Sets of sequence numbers as sorted ranges: what is durable, what is acked.

use farwatch_proto::v1::SeqRange;
use prost::Message as _;

/// Most ranges a set may have; beyond it something is wrong with the stream.
pub const RANGES_MAX: usize = 10_000;

/// A set of `u64`, kept as sorted, disjoint, non-adjacent ranges (both ends included).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeqRanges(Vec<(u64, u64)>);

/// Encoded ranges that cannot be read, or too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ranges are unordered, overlapping, more than {RANGES_MAX}, or cannot be read")]
pub struct BadRanges;

impl SeqRanges {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges, not how many numbers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= seq);
        after > 0 && self.0.get(after - 1).is_some_and(|(_, last)| *last >= seq)
    }

    /// Adds one number. Logarithmic, but for shifting the ranges behind it.
    pub fn insert(&mut self, seq: u64) {
        self.insert_range(seq, seq);
    }

    /// Adds `first..=last`; nothing if they are swapped.
    pub fn insert_range(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // All ranges that touch or neighbour the new one melt into it.
        let from = self.0.partition_point(|(_, end)| *end < first && first - *end > 1);
        let to = self.0.partition_point(|(start, _)| *start <= last.saturating_add(1));
        let melted = match self.0.get(from..to) {
            Some([one]) => (first.min(one.0), last.max(one.1)),
            Some([head, .., tail]) => (first.min(head.0), last.max(tail.1)),
            _ => (first, last),
        };
        self.0.splice(from..to.max(from), [melted]);
    }

    /// Takes `first..=last` out.
    pub fn remove_range(&mut self, first: u64, last: u64) {
        let from = self.0.partition_point(|(_, end)| *end < first);
        let to = self.0.partition_point(|(start, _)| *start <= last);
        let Some(touched) = self.0.get(from..to) else { return };
        let head = touched.first().filter(|(start, _)| *start < first);
        let tail = touched.last().filter(|(_, end)| *end > last);
        let head = head.map(|(start, _)| (*start, first - 1));
        let tail = tail.map(|(_, end)| (last + 1, *end));
        self.0.splice(from..to, head.into_iter().chain(tail));
    }

    /// Gives up the lowest, so that at most `most` ranges are left.
    pub fn keep_highest(&mut self, most: usize) {
        self.0.drain(..self.0.len().saturating_sub(most));
    }

    /// What of these is not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = other.0.iter().peekable();
        for (mut first, last) in self.iter() {
            while others.next_if(|(_, end)| *end < first).is_some() {}
            let mut rest = true;
            // One that reaches beyond this range may cut the next one too.
            while rest && let Some((start, end)) = others.peek().filter(|(start, _)| *start <= last)
            {
                if *start > first {
                    left.push((first, start - 1));
                }
                rest = *end < last;
                if rest {
                    first = end + 1;
                    others.next();
                }
            }
            if rest {
                left.push((first, last));
            }
        }
        Self(left)
    }

    /// What of these is in `other` too.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// How many numbers, not how many ranges.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter()
            .fold(0u64, |sum, (first, last)| sum.saturating_add(last - first).saturating_add(1))
    }

    /// The ranges in rising order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn to_proto(&self) -> Vec<SeqRange> {
        self.iter().map(|(first, last)| SeqRange { first, last }).collect()
    }

    /// Reads ranges from a peer.
    pub fn from_proto(ranges: &[SeqRange]) -> Result<Self, BadRanges> {
        let ordered = ranges.iter().all(|range| range.first <= range.last)
            && ranges.is_sorted_by(|before, after| before.last < after.first);
        if !ordered || ranges.len() > RANGES_MAX {
            return Err(BadRanges);
        }
        let mut set = Self::new();
        for range in ranges {
            set.insert_range(range.first, range.last);
        }
        Ok(set)
    }

    /// The form kept in databases.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        farwatch_proto::v1::StreamRanges { ranges: self.to_proto() }.encode_to_vec()
    }

    /// Reads the form kept in databases.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadRanges> {
        let stored = farwatch_proto::v1::StreamRanges::decode(bytes).map_err(|_| BadRanges)?;
        Self::from_proto(&stored.ranges)
    }
}

impl FromIterator<u64> for SeqRanges {
    fn from_iter<I: IntoIterator<Item = u64>>(seqs: I) -> Self {
        let mut set = Self::new();
        seqs.into_iter().for_each(|seq| set.insert(seq));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(ops in prop::collection::vec((0u64..60, 0u64..4), 0..60)) {
            let mut ranges = SeqRanges::new();
            let mut model = BTreeSet::new();
            for (first, length) in ops {
                ranges.insert_range(first, first + length);
                model.extend(first..=first + length);
            }
            for seq in 0..70 {
                prop_assert_eq!(ranges.contains(seq), model.contains(&seq), "{}", seq);
            }
            prop_assert_eq!(ranges.count(), model.len() as u64);
            let flat: Vec<u64> = ranges.iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(flat, model.into_iter().collect::<Vec<_>>());
            let gaps = ranges.iter().zip(ranges.iter().skip(1));
            prop_assert!(gaps.into_iter().all(|(before, after)| before.1 + 1 < after.0));
            prop_assert_eq!(SeqRanges::from_bytes(&ranges.to_bytes()), Ok(ranges));
        }
    }

    fn set(ranges: &[(u64, u64)]) -> (SeqRanges, BTreeSet<u64>) {
        let mut set = SeqRanges::new();
        ranges.iter().for_each(|(first, length)| set.insert_range(*first, first + length));
        let flat = set.iter().flat_map(|(first, last)| first..=last).collect();
        (set, flat)
    }

    proptest! {
        #[test]
        fn the_difference_is_that_of_sets(
            one in prop::collection::vec((0u64..60, 0u64..9), 0..20),
            other in prop::collection::vec((0u64..60, 0u64..9), 0..20),
        ) {
            let ((mut one, all), (other, taken)) = (set(&one), set(&other));
            let left = one.without(&other);
            let flat: BTreeSet<u64> = left.iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(flat, all.difference(&taken).copied().collect::<BTreeSet<_>>());
            let both = one.and(&other);
            let flat: BTreeSet<u64> = both.iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(flat, all.intersection(&taken).copied().collect::<BTreeSet<_>>());
            other.iter().for_each(|(first, last)| one.remove_range(first, last));
            prop_assert_eq!(&left, &one);
            prop_assert_eq!(SeqRanges::from_bytes(&left.to_bytes()), Ok(left));
        }
    }

    #[test]
    fn the_ends_of_u64_fit() {
        let mut ranges = SeqRanges::new();
        ranges.insert(u64::MAX);
        ranges.insert(0);
        ranges.insert(u64::MAX - 1);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, 0), (u64::MAX - 1, u64::MAX)]);
        let mut all = SeqRanges::new();
        all.insert_range(0, u64::MAX);
        assert_eq!(all.without(&ranges).iter().collect::<Vec<_>>(), [(1, u64::MAX - 2)]);
        assert_eq!((all.count(), ranges.without(&all).count()), (u64::MAX, 0));
    }

    #[test]
    fn unordered_ranges_of_a_peer_are_refused() {
        let range = |first, last| SeqRange { first, last };
        assert_eq!(SeqRanges::from_proto(&[range(5, 4)]), Err(BadRanges));
        assert_eq!(SeqRanges::from_proto(&[range(5, 9), range(9, 10)]), Err(BadRanges));
        assert_eq!(SeqRanges::from_proto(&[range(7, 9), range(1, 2)]), Err(BadRanges));
    }
}
