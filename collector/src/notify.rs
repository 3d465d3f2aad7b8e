//! Stage **notify**: tells people of what `evaluate` has found.

pub mod outbox;
