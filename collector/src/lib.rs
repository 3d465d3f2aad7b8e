//! The Farwatch collector. `collector.rs` puts the parts together; the stages are, in the order
//! data flows: `ingest`, `store`, `live`, `api`. Beside them: `identity`, `inventory`, `listen`.

pub mod identity;
pub mod ingest;
pub mod live;
pub mod store;
