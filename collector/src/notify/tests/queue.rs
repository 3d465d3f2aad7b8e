//! Who is told what, and what of it is kept.

use super::*;
use crate::store::fixture::scratch::composed;
use farwatch_common::clock::Micros;

/// The device is deleted, a route is made, another is gone: the end goes to who heard the beginning.
#[tokio::test]
async fn who_was_told_that_it_fires_is_told_of_its_end() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let [told, quiet, late] =
            [world.webhook(&sink).await, world.webhook(&sink).await, world.webhook(&sink).await];
        world.route(told, "info", &["core"]).await;
        world.route(quiet, "info", &["core"]).await;
        world.quiet(quiet).await;
        let (none, tags) = (BTreeSet::new(), BTreeSet::from(["core".to_owned()]));
        assert_eq!(world.enqueue(&transition(7, &tags)).await, 2);
        world.route(late, "info", &[]).await;
        world.run_sql("DELETE FROM route").await;
        let resolved = Transition { became: Became::Resolved, number: 2, ..transition(7, &none) };
        assert_eq!(world.enqueue(&resolved).await, 1);
        let of_end = format!(
            "SELECT channel_id FROM notification WHERE idempotency_key LIKE '%-2-{told}' LIMIT 1"
        );
        assert_eq!(world.number(of_end).await, told.0);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_storm_reads_routes_and_queues_once() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let channel = world.webhook(&sink).await;
        world.route(channel, "info", &[]).await;
        world.route(channel, "critical", &[]).await;
        world.fill_but(channel, 5).await;
        assert_eq!(world.storm(50).await, 5);
        let ran = world.ran();
        for statement in [&outbox::ROUTES, &outbox::QUEUED] {
            let times = ran.iter().filter(|name| **name == statement.to_string()).count();
            assert_eq!(times, 1, "{statement}");
        }
        let failed = "SELECT COUNT(*) FROM notification WHERE state = 'failed'";
        assert_eq!(world.count(failed).await, 45);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_is_old_goes_in_groups_and_what_an_open_alert_needs_stays() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let channel = world.webhook(&sink).await;
        world.fill(channel).await;
        let ended = "UPDATE notification SET state = 'delivered', ended_at = 0";
        world.run_sql(ended).await;
        for (id, phase) in [(1, "firing"), (2, "resolved")] {
            let alert = format!(
                "INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id,
                     agent_id, object, phase, began_at, last_at, evidence, created_at, updated_at)
                 VALUES (1, {id}, 1, 'r', 3, 5, 10, '', '{phase}', 0, 0, '', 0, 0)"
            );
            world.run_sql(composed(alert)).await;
            let of = format!(
                "UPDATE notification SET alert_id = {id}, on_resolved = 1
                 WHERE notification_id = {id}"
            );
            world.run_sql(composed(of)).await;
        }
        let swept = world.sweep(Micros(1)).await;
        assert_eq!(swept + 1, u64::try_from(outbox::QUEUED_MAX).unwrap());
        assert_eq!(world.count("SELECT MIN(alert_id) FROM notification").await, 1);
        world.remove().await;
    }
}
