//! Core: a timer wheel. One timer per slot; setting and cancelling cost the same whether ten or a
//! hundred thousand are running, and nothing is allocated for a timer.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

/// 8 ms: coarse enough that many due devices share one wake-up, fine enough for time-outs of 1 s.
const TICK_BITS: u32 = 13;
const BUCKETS: usize = 4096;
const WORDS: usize = BUCKETS / 64;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    next: u32,
    previous: u32,
    /// Tick at which it fires; meaningless while `armed` is false.
    tick: u64,
    armed: bool,
}

const IDLE: Node = Node { next: NONE, previous: NONE, tick: 0, armed: false };

/// Timers by slot. Times are microseconds on the caller's scale.
#[derive(Debug)]
pub(super) struct Wheel {
    nodes: Vec<Node>,
    heads: Box<[u32]>,
    /// Bit set: the bucket has timers.
    occupied: [u64; WORDS],
    /// All ticks before this one have fired.
    tick: u64,
}

impl Wheel {
    #[must_use]
    pub(super) fn new(now_us: u64) -> Self {
        Self {
            nodes: Vec::new(),
            heads: vec![NONE; BUCKETS].into_boxed_slice(),
            occupied: [0; WORDS],
            tick: now_us >> TICK_BITS,
        }
    }

    /// Sets the timer of `slot` to fire at `at_us` or up to a tick later.
    pub(super) fn set(&mut self, slot: u32, at_us: u64) {
        self.cancel(slot);
        let place = slot as usize;
        if place >= self.nodes.len() {
            self.nodes.resize(place + 1, IDLE);
        }
        // Rounded up, so that nothing fires early; never into a tick that has fired.
        let tick = at_us.div_ceil(1 << TICK_BITS).max(self.tick);
        let bucket = bucket(tick);
        let head = self.heads.get(bucket).copied().unwrap_or(NONE);
        self.link(slot, Node { next: head, previous: NONE, tick, armed: true }, bucket);
    }

    fn link(&mut self, slot: u32, node: Node, bucket: usize) {
        if let Some(next) = self.nodes.get_mut(node.next as usize) {
            next.previous = slot;
        }
        if let Some(place) = self.nodes.get_mut(slot as usize) {
            *place = node;
        }
        if let Some(head) = self.heads.get_mut(bucket) {
            *head = slot;
        }
        if let Some(word) = self.occupied.get_mut(bucket / 64) {
            *word |= 1 << (bucket % 64);
        }
    }

    pub(super) fn cancel(&mut self, slot: u32) {
        let Some(node) = self.nodes.get(slot as usize).copied().filter(|node| node.armed) else {
            return;
        };
        if let Some(place) = self.nodes.get_mut(slot as usize) {
            *place = IDLE;
        }
        if let Some(next) = self.nodes.get_mut(node.next as usize) {
            next.previous = node.previous;
        }
        if let Some(previous) = self.nodes.get_mut(node.previous as usize) {
            previous.next = node.next;
            return;
        }
        let bucket = bucket(node.tick);
        if let Some(head) = self.heads.get_mut(bucket) {
            *head = node.next;
        }
        if node.next == NONE
            && let Some(word) = self.occupied.get_mut(bucket / 64)
        {
            *word &= !(1 << (bucket % 64));
        }
    }

    /// When to call [`Self::expire`] next. May be early by whole turns of the wheel, never late.
    #[must_use]
    pub(super) fn next_us(&self) -> Option<u64> {
        let start = bucket(self.tick);
        let (word, bit) = (start / 64, start % 64);
        // The first word twice: from the current bucket on, and at the end what lies before it.
        (0..=WORDS)
            .filter_map(|step| {
                let at = (word + step) % WORDS;
                let mut bits = self.occupied.get(at).copied()?;
                if step == 0 {
                    bits &= u64::MAX << bit;
                } else if step == WORDS {
                    bits &= !(u64::MAX << bit);
                }
                (bits != 0).then(|| at * 64 + bits.trailing_zeros() as usize)
            })
            .next()
            .map(|found| {
                let ahead = (found + BUCKETS - start) % BUCKETS;
                (self.tick + ahead as u64) << TICK_BITS
            })
    }

    /// Moves all timers that are due into `fired`.
    pub(super) fn expire(&mut self, now_us: u64, fired: &mut Vec<u32>) {
        let last = now_us >> TICK_BITS;
        if last < self.tick {
            return;
        }
        // After a long sleep one turn visits every bucket.
        let first = self.tick.max((last + 1).saturating_sub(BUCKETS as u64));
        for tick in first..=last {
            let bucket = bucket(tick);
            let word = self.occupied.get(bucket / 64).copied().unwrap_or(0);
            if word >> (bucket % 64) & 1 == 0 {
                continue;
            }
            let mut slot = self.heads.get(bucket).copied().unwrap_or(NONE);
            while let Some(node) = self.nodes.get(slot as usize).copied() {
                if node.tick <= last {
                    self.cancel(slot);
                    fired.push(slot);
                }
                slot = node.next;
            }
        }
        self.tick = last + 1;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
fn bucket(tick: u64) -> usize {
    (tick % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const TICK_US: u64 = 1 << TICK_BITS;

    #[derive(Clone, Debug)]
    enum Act {
        Set(u32, u64),
        Cancel(u32),
        Pass(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0u32..20, 0u64..90_000_000).prop_map(|(slot, ahead)| Act::Set(slot, ahead)),
            (0u32..20).prop_map(Act::Cancel),
            (0u64..40_000_000).prop_map(Act::Pass),
        ]
    }

    proptest! {
        /// Against a plain map: nothing early, nothing late by more than a tick, nothing twice.
        #[test]
        fn it_fires_what_a_map_would(acts in proptest::collection::vec(act(), 1..80)) {
            let mut now = 1_700_000_000_000_000u64;
            let mut wheel = Wheel::new(now);
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            for act in acts {
                match act {
                    Act::Set(slot, ahead) => {
                        wheel.set(slot, now + ahead);
                        model.insert(slot, now + ahead);
                    }
                    Act::Cancel(slot) => {
                        wheel.cancel(slot);
                        model.remove(&slot);
                    }
                    Act::Pass(time) => {
                        now += time;
                        let mut fired = Vec::new();
                        wheel.expire(now, &mut fired);
                        for slot in fired {
                            let due = model.remove(&slot);
                            prop_assert!(due.is_some_and(|due| due <= now), "{slot} {due:?}");
                        }
                        prop_assert!(model.values().all(|due| due + TICK_US > now));
                    }
                }
                let soonest = model.values().min().copied();
                prop_assert_eq!(wheel.next_us().is_some(), soonest.is_some());
                if let (Some(wake), Some(soonest)) = (wheel.next_us(), soonest) {
                    prop_assert!(wake <= soonest.max(now) + 2 * TICK_US);
                }
            }
        }
    }
}
