use super::*;
use crate::history::fixture::{
    FIRST_DEVICE, Place, SECOND_DEVICE, agent, days, large, packed, part, running, snapshot,
};
use farwatch_common::id::DeviceId;

async fn swept(place: &Place) {
    sweeper(place).sweep().await.unwrap();
}

fn sweeper(place: &Place) -> Sweeper {
    let (db, clock) = (place.db.clone(), place.clock.clone());
    Sweeper::new(db, place.writers.clone(), clock, &Metrics::default())
}

/// Adds `count` versions of a device, seen now, each with a raw of so many bytes.
async fn many(place: &Place, (first, count): (i64, i64), device: i64, raw: &str) {
    let now = place.clock.now().0;
    let sql = format!(
        "WITH RECURSIVE n (v) AS (SELECT {first} UNION ALL SELECT v + 1 FROM n
                                  WHERE v + 1 < {first} + {count})
         INSERT INTO config_version (tenant_id, version_id, device_id, job_id, first_at,
                                     last_at, platform, facts, hash, significant, lines,
                                     added, removed, raw, raw_bytes, raw_key, key_version)
         SELECT 1, v, {device}, 1, {now}, {now}, '', '[]', '', '', 0, 0, 0, {raw}, 0, '', 1
         FROM n"
    );
    place.run(&sql).await;
}

#[tokio::test]
async fn a_device_with_too_much_loses_its_oldest_whatever_their_age() {
    for place in Place::each().await {
        let most = i64::from(VERSIONS_MAX);
        many(&place, (1, most + 150), FIRST_DEVICE.0, "''").await;
        // Five, of which four are as many as may be.
        many(&place, (10_001, 5), SECOND_DEVICE.0, "'0123456789'").await;
        let sweeper = Sweeper { raw_bytes_max: 40, ..sweeper(&place) };
        sweeper.sweep().await.unwrap();
        let of = |device: DeviceId, what: &str| {
            format!("SELECT {what} FROM config_version WHERE device_id = {}", device.0)
        };
        assert_eq!(place.count(&of(FIRST_DEVICE, "COUNT(*)")).await, most);
        assert_eq!(place.count(&of(FIRST_DEVICE, "MIN(version_id)")).await, 151);
        assert_eq!(place.count(&of(SECOND_DEVICE, "COUNT(*)")).await, 4);
        assert_eq!(place.count(&of(SECOND_DEVICE, "MIN(version_id)")).await, 10_002);
        assert_eq!(sweeper.crowded.get(), 151);
        place.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_that_cannot_be_swept_holds_up_no_other() {
    for place in Place::each().await {
        // No policy has a time of day like this one.
        place
            .run(
                "INSERT INTO backup_policy (tenant_id, enabled, every_s, window_from_min,
                                            window_to_min, per_site_max, keep_days,
                                            keep_versions, updated_at)
                 VALUES (1, 1, 86400, 90000, 5, 4, 30, 2, 0)",
            )
            .await;
        many(&place, (1, 3), FIRST_DEVICE.0, "''").await;
        place.run(&running(7, FIRST_DEVICE, 10)).await;
        place
            .run(
                "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id,
                                         reason, state, created_at, ended_at)
                 SELECT tenant_id, 8, device_id, site_id, agent_id, 'manual', 'failed', 0, 1
                 FROM device WHERE tenant_id = 2",
            )
            .await;
        let sweeper = sweeper(&place);
        sweeper.sweep().await.unwrap();
        assert_eq!(sweeper.failed.get(), 1);
        let left = "SELECT COUNT(*) FROM config_job WHERE tenant_id = 2";
        assert_eq!(place.count(left).await, 0);
        place.remove().await;
    }
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
async fn the_first_sweep_is_soon_after_a_start() {
    for place in Place::each().await {
        place.fetch(1, FIRST_DEVICE, "hostname r1\n").await;
        place.run("DELETE FROM config_version").await;
        let cancel = CancellationToken::new();
        tokio::time::pause();
        let mut run = std::pin::pin!(sweeper(&place).run(cancel.clone()));
        assert!(futures_util::future::poll_immediate(&mut run).await.is_none());
        tokio::time::advance(FIRST_SWEEP_AFTER).await;
        tokio::time::resume();
        let swept = async {
            while place.count("SELECT COUNT(*) FROM config_text").await > 0 {}
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(run, swept);
        ended.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn parts_of_jobs_that_ended_go_and_others_stay() {
    for place in Place::each().await {
        for (number, device) in [(1, FIRST_DEVICE), (2, SECOND_DEVICE)] {
            let job = place.job(number, device).await;
            let whole = packed(snapshot(job, &large(100_000)));
            place.receiver.part(&agent(), part(job, &whole, 0, 5000)).await.unwrap();
        }
        place.run("UPDATE config_job SET state = 'failed', ended_at = 1 WHERE job_id = 1").await;
        swept(&place).await;
        assert_eq!(place.count("SELECT MIN(job_id) FROM config_part").await, 2);
        assert_eq!(place.count("SELECT COUNT(*) FROM config_job").await, 1);
        place.remove().await;
    }
}
