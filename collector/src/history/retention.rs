//! Old versions go, and what nothing names any more with them.
//!
//! - in: the policies of the tenants, the clock
//! - out: rows that are gone
//! - bound: [`GROUP`] rows in a transaction; who makes versions waits for one of them at most
//! - when full: cannot be
//! - on crash: what is left goes the next time

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::TenantId;
use farwatch_common::task::chain;
use tokio_util::sync::CancellationToken;

use super::HistoryKey;
use super::version::Writers;
use crate::store::samples::read_all_stored;
use crate::store::sql::{Query, Row, sql};
use crate::store::{Database, StoreError};

const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// Versions, texts or jobs that go in one transaction.
const GROUP: u32 = 100;
const DAY: Duration = Duration::from_secs(86_400);
/// How long a job that ended is kept; one that found a version, as long as that.
const JOBS_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Of a tenant without a policy.
const KEEP_DAYS: u32 = 365;
const KEEP_VERSIONS: u32 = 20;

sql! { pub(crate) TENANTS = "SELECT tenant_id FROM tenant ORDER BY tenant_id" }
sql! { pub(crate) POLICY =
    "SELECT keep_days, keep_versions FROM backup_policy WHERE tenant_id = $1"
}
// The first of a device is its latest, and stays.
sql! { pub(crate) OLD =
    "SELECT version_id FROM (
         SELECT version_id, last_at,
                row_number() OVER (PARTITION BY device_id ORDER BY version_id DESC) AS place
         FROM config_version WHERE tenant_id = $1) v
     WHERE place > $2 AND last_at < $3 ORDER BY version_id LIMIT $4"
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

/// What a tenant keeps.
#[derive(Clone, Copy, Debug)]
struct Keep {
    days: u32,
    versions: u32,
}

/// Sweeps now and then. Cheap to clone.
#[derive(Clone)]
pub struct Sweeper {
    database: Database,
    writers: Writers,
    clock: Clock,
}

impl Sweeper {
    #[must_use]
    pub fn new(database: Database, writers: Writers, clock: Clock) -> Self {
        Self { database, writers, clock }
    }

    /// Sweeps until `cancel`.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => {}
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

    /// Removes all that is old now.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let rows = TENANTS.query().all(&mut read_all_stored(&self.database).await?).await?;
        for row in rows {
            let tenant = TenantId(row.get(0)?);
            let keep = self.policy(tenant).await?;
            let now = self.clock.now();
            while self.versions(tenant, keep, now).await? {}
            while self.group(tenant, || UNNAMED.bind(tenant).bind(GROUP)).await? {}
            while self.group(tenant, || PARTS.bind(tenant).bind(GROUP)).await? {}
            let jobs = || JOBS.bind(tenant).bind(now.before(JOBS_KEPT)).bind(GROUP);
            while self.group(tenant, jobs).await? {}
        }
        Ok(())
    }

    async fn policy(&self, tenant: TenantId) -> Result<Keep, StoreError> {
        let only = BTreeSet::from([tenant]);
        let mut txn = self.database.history_read(HistoryKey::new(), &only).await?;
        let Some(row) = POLICY.bind(tenant).optional(&mut txn).await? else {
            return Ok(Keep { days: KEEP_DAYS, versions: KEEP_VERSIONS });
        };
        let number = |row: &Row, index| {
            Ok::<_, StoreError>(u32::try_from(row.get::<i64>(index)?).unwrap_or(u32::MAX))
        };
        Ok(Keep { days: number(&row, 0)?, versions: number(&row, 1)? })
    }

    /// Removes a group of versions; false: there was none.
    async fn versions(
        &self,
        tenant: TenantId,
        keep: Keep,
        now: Micros,
    ) -> Result<bool, StoreError> {
        let _writer = self.writers.turn().await;
        let only = BTreeSet::from([tenant]);
        let mut txn = self.database.history(HistoryKey::new(), &only).await?;
        let old = OLD.bind(tenant).bind(keep.versions.max(1));
        let old = old.bind(now.before(DAY * keep.days)).bind(GROUP).all(&mut txn).await?;
        let ids = old.iter().map(|row| Ok(row.get::<i64>(0)?.to_string()));
        let ids = ids.collect::<Result<Vec<_>, StoreError>>()?;
        if ids.is_empty() {
            return Ok(false);
        }
        let list = format!("[{}]", ids.join(","));
        FORGET.bind(tenant).bind(list).execute(&mut txn).await?;
        txn.commit().await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::agent;
    use crate::history::fixture::{
        FIRST_DEVICE, Place, SECOND_DEVICE, days, packed, part, snapshot,
    };

    async fn swept(place: &Place) {
        let sweeper = Sweeper::new(place.db.clone(), place.writers.clone(), place.clock.clone());
        sweeper.sweep().await.unwrap();
    }

    #[tokio::test]
    async fn the_newest_stay_and_the_latest_always() {
        for place in Place::each().await {
            place
                .run(
                    "INSERT INTO backup_policy (tenant_id, enabled, every_s, per_site_max,
                                                keep_days, keep_versions, updated_at)
                     VALUES (1, 1, 86400, 4, 30, 2, 0)",
                )
                .await;
            for number in 1..=4 {
                place.fetch(number, FIRST_DEVICE, &format!("line {number}\n")).await;
            }
            let lone = place.fetch(5, SECOND_DEVICE, "line 1\n").await;
            swept(&place).await;
            assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 5, "none is old");
            place.run("UPDATE config_job SET created_at = ended_at").await;
            place.clock.shift(days(31));
            swept(&place).await;
            assert_eq!(place.count("SELECT COUNT(*) FROM config_version").await, 3);
            // `line 1` is still the text of the other device.
            assert_eq!(place.count("SELECT COUNT(*) FROM config_text").await, 3);
            place.clock.shift(days(10_000));
            swept(&place).await;
            let kept = "SELECT COUNT(*) FROM config_version WHERE device_id = 100";
            assert_eq!(place.count(kept).await, 2);
            let kept = format!("SELECT COUNT(*) FROM config_version WHERE version_id = {}", lone.0);
            assert_eq!(place.count(&kept).await, 1);
            // Jobs stay as long as the version that they found.
            assert_eq!(place.count("SELECT COUNT(*) FROM config_job").await, 3);
            place.remove().await;
        }
    }

    #[tokio::test]
    async fn parts_of_jobs_that_ended_go_and_others_stay() {
        for place in Place::each().await {
            for (number, device) in [(1, FIRST_DEVICE), (2, SECOND_DEVICE)] {
                let job = place.job(number, device).await;
                let whole = packed(snapshot(job, "hostname r1\n"));
                place.receiver.part(&agent(), part(job, &whole, 0, 50)).await.unwrap();
            }
            place
                .run("UPDATE config_job SET state = 'failed', ended_at = 1 WHERE job_id = 1")
                .await;
            swept(&place).await;
            assert_eq!(place.count("SELECT MIN(job_id) FROM config_part").await, 2);
            assert_eq!(place.count("SELECT COUNT(*) FROM config_job").await, 1);
            place.remove().await;
        }
    }
}
