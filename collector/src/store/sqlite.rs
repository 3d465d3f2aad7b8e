//! What SQLite does its own way with samples.
//!
//! A batch is one row with a rowid; `ts_batch_time` holds what a search needs, so that a query of
//! one device touches the rows of that device's batches only.

pub(super) mod append;
pub(super) mod fetch;

pub(super) use append::Appender;
