//! The Farwatch collector. `collector.rs` puts the parts together; the stages are, in the order
//! data flows: `ingest`, `store`, `live`, `evaluate`, `notify`, `api`. Beside them: `identity`, `inventory`, `audit`,
//! `scan`, `listen`, `migrate_to`.

pub mod api;
pub mod args;
pub mod audit;
pub mod collector;
pub mod command;
pub mod config;
pub mod data_dir;
pub mod evaluate;
pub mod history;
pub mod identity;
pub mod ingest;
pub mod inventory;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod migrate_to;
pub mod notify;
pub mod scan;
pub mod store;
