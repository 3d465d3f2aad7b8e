//! Room **history**: the configurations of devices, when they are fetched, and what they were.
//!
//! Plans and sends jobs; agents fetch, and send what came of them in parts, which are kept until they
//! are whole. A version is made where a configuration differs from the one before in what counts.

pub mod backup;
pub mod busy;
pub mod dispatch;
#[cfg(test)]
pub(crate) mod fixture;
pub mod job;
mod key;
pub mod mirror;
pub mod outcome;
pub mod policy;
pub mod receive;
pub mod retention;
pub mod schedule;
pub mod search;
pub mod text;
pub mod timeline;
pub mod version;

use std::sync::Arc;

use farwatch_common::id::TenantId;
use tokio::sync::Notify;

pub use key::HistoryKey;

use crate::store::samples::read_all_stored;
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

sql! { pub(crate) TENANTS = "SELECT tenant_id, name FROM tenant ORDER BY tenant_id" }

/// All tenants, with their names.
async fn tenants(database: &Database) -> Result<Vec<(TenantId, String)>, StoreError> {
    let rows = TENANTS.query().all(&mut read_all_stored(database).await?).await?;
    rows.iter().map(|row| Ok((TenantId(row.get(0)?), row.get(1)?))).collect()
}

/// Wakes who waits for a change. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Changed(Arc<Notify>);

/// Says that jobs were made or have ended: there may be some to send.
pub type JobsChanged = Changed;

/// Says that a version was made.
pub type VersionsChanged = Changed;

impl Changed {
    /// Call after the commit.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    pub async fn wait(&self) {
        self.0.notified().await;
    }
}
