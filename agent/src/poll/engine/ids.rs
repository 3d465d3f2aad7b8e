//! Core: request ids. Who shares a device's community must not guess the id of an open question, and
//! an answer that comes late must not be taken for that to a later question.
//!
//! A question is its slot and a generation that counts on, so no two questions of a slot within
//! [`GENERATIONS`] are alike. Its id is a permutation of all 31 bits under a key of this run: a
//! Feistel network of two uneven halves, four rounds of a keyed hash.

use super::{GENERATION_BITS, GENERATIONS};

const LOW_BITS: u32 = 16;
const LOW: u32 = (1 << LOW_BITS) - 1;
const HIGH: u32 = (1 << 15) - 1;
const ROUNDS: u8 = 4;

/// Makes ids of questions, and questions of ids.
pub(super) struct Ids {
    key: [u8; blake3::KEY_LEN],
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self { key: blake3::derive_key("farwatch agent request ids", &seed.to_le_bytes()) }
    }

    /// The id of a slot's question: 31 bits.
    pub(super) fn id(&self, slot: u32, generation: u16) -> u32 {
        let question = slot << GENERATION_BITS | u32::from(generation % GENERATIONS);
        let (mut high, mut low) = (question >> LOW_BITS & HIGH, question & LOW);
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                low ^= self.hash(round, high) & LOW;
            } else {
                high ^= self.hash(round, low) & HIGH;
            }
        }
        high << LOW_BITS | low
    }

    /// The slot and the generation whose question has this id.
    pub(super) fn question(&self, id: u32) -> (u32, u16) {
        let (mut high, mut low) = (id >> LOW_BITS & HIGH, id & LOW);
        for round in (0..ROUNDS).rev() {
            if round % 2 == 0 {
                low ^= self.hash(round, high) & LOW;
            } else {
                high ^= self.hash(round, low) & HIGH;
            }
        }
        let question = high << LOW_BITS | low;
        let generation = u16::try_from(question & u32::from(GENERATIONS - 1)).unwrap_or(0);
        (question >> GENERATION_BITS, generation)
    }

    fn hash(&self, round: u8, half: u32) -> u32 {
        let [a, b, c, d] = half.to_le_bytes();
        let hash = blake3::keyed_hash(&self.key, &[round, a, b, c, d]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::poll::engine::DEVICES_MAX;

    #[test]
    fn every_question_has_an_id_of_its_own() {
        let ids = Ids::new(7);
        let last = u32::try_from(DEVICES_MAX).unwrap() - 1;
        let mut seen = HashSet::new();
        for slot in [0, 1, 77_777, last] {
            for generation in 0..GENERATIONS {
                let id = ids.id(slot, generation);
                assert!(id < 1 << 31 && seen.insert(id));
                assert_eq!(ids.question(id), (slot, generation));
            }
        }
    }

    #[test]
    fn an_id_tells_nothing_of_the_next_one() {
        let (ids, others) = (Ids::new(1), Ids::new(2));
        let steps: HashSet<u32> =
            (1..1_000).map(|at| ids.id(5, at).wrapping_sub(ids.id(5, at - 1))).collect();
        assert!(steps.len() > 990, "{}", steps.len());
        // Not even the slot is seen, and another run has other ids.
        let tops: HashSet<u32> = (0..1_000).map(|at| ids.id(5, at) >> GENERATION_BITS).collect();
        assert!(tops.len() > 990, "{}", tops.len());
        assert!((0..1_000).filter(|at| ids.id(5, *at) == others.id(5, *at)).count() < 3);
    }
}
