//! Room **history**: the configurations of devices, when they are fetched, and what they were.
//!
//! Plans and sends jobs; agents fetch, and send what came of them in parts, which are kept until they
//! are whole. A version is made where a configuration differs from the one before in what counts.

pub mod backup;
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

use tokio::sync::Notify;

pub use key::HistoryKey;

/// Says that jobs were made or have ended: there may be some to send. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct JobsChanged(Arc<Notify>);

impl JobsChanged {
    /// Call after the commit.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    pub async fn wait(&self) {
        self.0.notified().await;
    }
}
