//! The road of a batch as a model: the uplink's core of the agent, the session's core and the judge of the
//! collector, as they are, over a disk, a link and a clock that are made up. Thousands of worlds, each made
//! by its seed, in which everything breaks that can.
//!
//! `FARWATCH_SEEDS=N` tries so many. A seed that failed once is kept in `seeds.rs`.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without, it fails on")]

mod agent;
mod collector;
mod random;
mod seeds;
mod world;

use world::World;

const SEEDS: u64 = 5_000;

#[test]
fn every_batch_is_stored_once_whatever_breaks() {
    let seeds = std::env::var("FARWATCH_SEEDS").ok();
    let seeds = seeds.map_or(SEEDS, |text| text.parse().expect("FARWATCH_SEEDS is a number"));
    for seed in seeds::FAILED.iter().copied().chain(0..seeds) {
        World::new(seed).run();
    }
}
