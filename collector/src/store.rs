//! Stage **store**: everything that is kept.
//!
//! - in: checked batches from `ingest`, nouns from `identity` and `inventory`
//! - out: committed rows; an ack is allowed only after the commit
//! - bound: one writer connection; the queue in front of it is `ingest`'s
//! - when full: the writer's queue pushes back to `ingest`, which shrinks the agents' windows
//! - on crash: no ack was sent, the agents send again, the key of `ts_batch` drops the repeats

pub mod database;

pub use database::{Database, StoreError, Transaction};
