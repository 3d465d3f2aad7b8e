//! Stage **store**: everything that is kept.
//!
//! - in: checked batches from `ingest`, nouns from `identity` and `inventory`
//! - out: committed rows; an ack is allowed only after the commit
//! - bound: one writer connection; the queue in front of it is `ingest`'s. A query reads at most
//!   [`samples::QUERY_BATCHES_MAX`] batches
//! - when full: the writer's queue pushes back to `ingest`, which stops reading from the agents;
//!   a query over the bound fails and says so
//! - on crash: no ack was sent, the agents send again, the key of `ts_batch` drops the repeats

pub mod database;
#[cfg(test)]
pub(crate) mod fixture;
pub mod ids;
pub mod links;
mod postgres;
pub mod rates;
pub mod refused;
pub mod samples;
pub mod series;
pub mod sql;
mod sqlite;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
pub mod txn;

pub use database::{Database, DatabaseUrl, Engine, StoreError};
pub use samples::{SampleStore, Samples};
pub use txn::{AccessError, Txn, Write};
