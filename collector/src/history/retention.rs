//! Old versions go, and what nothing names any more with them.
//!
//! - in: the policies of the tenants, the clock
//! - out: rows that are gone
//! - bound: [`GROUP`] rows in a transaction; who makes versions waits for one of them at most
//! - when full: of a device with too much the oldest versions go whatever their age, counted
//! - on crash: what is left goes the next time

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::TenantId;
use farwatch_common::task::chain;
use tokio_util::sync::CancellationToken;

use super::policy::{self, Policy, policy_columns};
use super::version::Writers;
use super::{HistoryKey, tenants};
use crate::metrics::{Counter, Metrics};
use crate::store::sql::{Query, sql};
use crate::store::{Database, StoreError};

/// After a start: one that is restarted often sweeps all the same.
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(300);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// Versions, texts or jobs that go in one transaction.
const GROUP: u32 = 100;
const DAY: Duration = Duration::from_secs(86_400);
/// How long a job that ended is kept; one that found a version, as long as that.
const JOBS_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Versions of a device beyond which the oldest go whatever their age: a change every day for five
/// years. More than any policy keeps.
const VERSIONS_MAX: u32 = 2_000;
/// The same for the bytes of what a device sent, as they are stored.
const RAW_BYTES_MAX: i64 = 256 * 1024 * 1024;

sql! { pub(crate) POLICY =
    "SELECT ", policy_columns!(), " FROM backup_policy y WHERE y.tenant_id = $1"
}
// The first of a device is its latest, and stays.
sql! { pub(crate) OLD =
    "SELECT version_id, CASE WHEN place > $2 AND last_at < $3 THEN 0 ELSE 1 END FROM (
         SELECT version_id, last_at,
                row_number() OVER (PARTITION BY device_id ORDER BY version_id DESC) AS place,
                SUM(length(raw)) OVER (PARTITION BY device_id ORDER BY version_id DESC) AS bytes
         FROM config_version WHERE tenant_id = $1) v
     WHERE place > 1 AND ((place > $2 AND last_at < $3) OR place > $4 OR bytes > $5)
     ORDER BY version_id LIMIT $6"
}
sql! { pub(crate) FORGET =
    "DELETE FROM config_version
     WHERE tenant_id = $1 AND version_id IN (SELECT value FROM json_each($2))"
}
sql! { pub(crate) UNNAMED =
    "DELETE FROM config_text WHERE tenant_id = $1 AND hash IN (
         SELECT t.hash FROM config_text t WHERE t.tenant_id = $1 AND NOT EXISTS (
             SELECT 1 FROM config_version v
             WHERE v.tenant_id = t.tenant_id AND v.hash = t.hash)
         LIMIT $2)"
}
sql! { pub(crate) JOBS =
    "DELETE FROM config_job WHERE tenant_id = $1 AND job_id IN (
         SELECT j.job_id FROM config_job j
         WHERE j.tenant_id = $1 AND j.created_at < $2 AND j.ended_at < $2
           AND j.state IN ('done', 'failed') AND NOT EXISTS (
             SELECT 1 FROM config_version v
             WHERE v.tenant_id = j.tenant_id AND v.version_id = j.version_id
               AND v.job_id = j.job_id)
         ORDER BY j.job_id LIMIT $3)"
}
// Of jobs that were given up while their outcome came.
sql! { pub(crate) PARTS =
    "DELETE FROM config_part WHERE tenant_id = $1 AND job_id IN (
         SELECT p.job_id FROM config_part p
         JOIN config_job j ON j.tenant_id = p.tenant_id AND j.job_id = p.job_id
         WHERE p.tenant_id = $1 AND j.state IN ('done', 'failed')
         ORDER BY p.job_id LIMIT $2)"
}

/// Sweeps now and then. Cheap to clone.
#[derive(Clone)]
pub struct Sweeper {
    database: Database,
    writers: Writers,
    clock: Clock,
    raw_bytes_max: i64,
    crowded: Counter,
    failed: Counter,
}

impl Sweeper {
    #[must_use]
    pub fn new(database: Database, writers: Writers, clock: Clock, metrics: &Metrics) -> Self {
        let crowded = "Versions removed before their time: their device has too many, or too large";
        let failed = "Tenants whose old versions could not be removed";
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            database,
            writers,
            clock,
            raw_bytes_max: RAW_BYTES_MAX,
            crowded: counter("history_versions_crowded_total", crowded),
            failed: counter("history_sweeps_failed_total", failed),
        }
    }

    /// Sweeps until `cancel`.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        let mut pause = FIRST_SWEEP_AFTER;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => pause = SWEEP_EVERY,
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                swept = self.sweep() => if let Err(error) = swept {
                    let error = chain(&error);
                    tracing::warn!(stage = "history", error, "old versions stay for now");
                },
            }
        }
    }

    /// Removes all that is old now, of each tenant by itself.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        for (tenant, _) in tenants(&self.database).await? {
            if let Err(error) = self.tenant(tenant).await {
                self.failed.add(1);
                let error = chain(&error);
                tracing::warn!(stage = "history", %tenant, error, "old versions stay for now");
            }
        }
        Ok(())
    }

    async fn tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        let keep = self.policy(tenant).await?;
        let now = self.clock.now();
        while self.versions(tenant, &keep, now).await? {}
        while self.group(tenant, || UNNAMED.bind(tenant).bind(GROUP)).await? {}
        while self.group(tenant, || PARTS.bind(tenant).bind(GROUP)).await? {}
        let jobs = || JOBS.bind(tenant).bind(now.before(JOBS_KEPT)).bind(GROUP);
        while self.group(tenant, jobs).await? {}
        Ok(())
    }

    async fn policy(&self, tenant: TenantId) -> Result<Policy, StoreError> {
        let only = BTreeSet::from([tenant]);
        let mut txn = self.database.history_read(HistoryKey::new(), &only).await?;
        let row = POLICY.bind(tenant).optional(&mut txn).await?;
        let policy = row.map(|row| policy::read(&row, 0)).transpose()?;
        Ok(policy.flatten().unwrap_or_default())
    }

    /// Removes a group of versions; false: there was none.
    async fn versions(
        &self,
        tenant: TenantId,
        keep: &Policy,
        now: Micros,
    ) -> Result<bool, StoreError> {
        let _writer = self.writers.turn().await;
        let only = BTreeSet::from([tenant]);
        let mut txn = self.database.history(HistoryKey::new(), &only).await?;
        let old = OLD.bind(tenant).bind(keep.keep_versions.max(1));
        let old = old.bind(now.before(DAY * keep.keep_days)).bind(VERSIONS_MAX);
        let old = old.bind(self.raw_bytes_max).bind(GROUP).all(&mut txn).await?;
        let (mut ids, mut crowded) = (Vec::new(), 0);
        for row in &old {
            ids.push(row.get::<i64>(0)?.to_string());
            crowded += u64::from(row.get::<bool>(1)?);
        }
        if ids.is_empty() {
            return Ok(false);
        }
        let list = format!("[{}]", ids.join(","));
        FORGET.bind(tenant).bind(list).execute(&mut txn).await?;
        txn.commit().await?;
        if crowded > 0 {
            self.crowded.add(crowded);
            tracing::warn!(stage = "history", %tenant, versions = crowded,
                "devices have too many versions or too large ones: the oldest are removed");
        }
        Ok(true)
    }

    /// Runs a statement that removes a group; false: there was none.
    async fn group(
        &self,
        tenant: TenantId,
        statement: impl Fn() -> Query,
    ) -> Result<bool, StoreError> {
        let _writer = self.writers.turn().await;
        let only = BTreeSet::from([tenant]);
        let mut txn = self.database.history(HistoryKey::new(), &only).await?;
        let gone = statement().execute(&mut txn).await?;
        txn.commit().await?;
        Ok(gone > 0)
    }
}
