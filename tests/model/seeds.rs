//! Seeds that failed once.

pub(crate) const FAILED: &[u64] = &[
    // What was refused for its schemas was no longer asked for before a fork, though it was stored.
    1_707,
];
