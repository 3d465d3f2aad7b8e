//! Stores that do not write, and channels that do not take.

use super::*;
use crate::store::fixture::scratch::composed;

/// It reads, and what it reads is due: nothing may go out that cannot be kept.
#[tokio::test]
async fn a_store_that_does_not_write_sends_nothing() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Status(200)).await;
    let channel = world.webhook(&sink).await;
    world.route(channel, "info", &[]).await;
    world.transition(7).await;
    let full = "CREATE TRIGGER full BEFORE UPDATE ON notification
                BEGIN SELECT RAISE(ABORT, 'full'); END";
    world.run_sql(full).await;
    let mut ended = world.courier.watch();
    let run = world.run();
    for _ in 0..5 {
        ended.changed().await.unwrap();
        world.pass(Duration::from_secs(600));
        world.courier.nudge().now();
    }
    assert_eq!(sink.count(), 0);
    world.run_sql("DROP TRIGGER full").await;
    world.pass(Duration::from_secs(600));
    world.courier.nudge().now();
    assert_eq!(world.told(channel, "delivered").await, [Told::new("delivered", Some(200), "")]);
    assert_eq!(sink.count(), 1);
    run.end().await;
}

/// What became of it cannot be kept: it is not sent again before its claim is over.
#[tokio::test]
async fn what_could_not_be_written_is_sent_again_when_its_claim_is_over() {
    let world = World::new().await;
    let (sink, other) =
        (Sink::start(Answer::Status(200)).await, Sink::start(Answer::Status(200)).await);
    let channel = world.webhook(&sink).await;
    world.route(channel, "info", &["edge"]).await;
    let of_channel = format!(
        "CREATE TRIGGER full BEFORE INSERT ON delivery
         WHEN (SELECT channel_id FROM notification n
               WHERE n.notification_id = NEW.notification_id) = {}
         BEGIN SELECT RAISE(ABORT, 'full'); END",
        channel.0
    );
    world.run_sql(composed(of_channel)).await;
    let mut ended = world.courier.watch();
    let run = world.run();
    let tags = |tag: &str| BTreeSet::from([tag.to_owned()]);
    world.enqueue(&transition(7, &tags("edge"))).await;
    let first = sink.next().await;
    ended.changed().await.unwrap();
    world.pass(Duration::from_secs(30));
    // Another is told meanwhile: there are rounds, and in none of them it goes out again.
    let well = world.webhook(&other).await;
    world.route(well, "info", &["core"]).await;
    for alert in 20..23 {
        world.enqueue(&transition(alert, &tags("core"))).await;
        other.next().await;
    }
    assert_eq!(sink.count(), 1);
    world.run_sql("DROP TRIGGER full").await;
    world.pass(core::CLAIM);
    world.courier.nudge().now();
    let second = sink.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    run.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_end_is_an_answer() {
    let sink = Sink::start(Answer::Open).await;
    let sender = world::sender(world::open_guard());
    let began = tokio::time::Instant::now();
    let attempt = sender.send(&world::parcel(&sink.url()), farwatch_common::clock::Micros(0)).await;
    assert_eq!((attempt.outcome, attempt.status), (Outcome::Delivered, Some(200)));
    assert!(began.elapsed() < send::DEADLINE, "{:?}", began.elapsed());
}

/// Those that wait behind a busy one wait as long, and come in their order.
#[tokio::test]
async fn a_busy_receiver_is_left_alone_by_all_that_waits_for_it() {
    for world in World::each().await {
        let (busy, well) =
            (Sink::start(Answer::Busy(120)).await, Sink::start(Answer::Status(200)).await);
        let channel = world.webhook(&busy).await;
        world.route(channel, "info", &[]).await;
        let run = world.run();
        world.transition(7).await;
        busy.next().await;
        world.until(channel, 1).await;
        let other = world.webhook(&well).await;
        world.route(other, "info", &[]).await;
        for alert in 8..11 {
            world.transition(alert).await;
            well.next().await;
        }
        assert_eq!(busy.count(), 1);
        busy.answer(Answer::Status(200));
        world.pass(Duration::from_secs(121));
        world.courier.nudge().now();
        for alert in 7..11 {
            let request = busy.next().await;
            let key = format!("{}-1-{channel}", AlertId(alert));
            assert_eq!(request.header("webhook-id"), key);
        }
        run.end().await;
        world.remove().await;
    }
}

#[tokio::test]
async fn a_channel_that_fails_for_long_is_told_by_another_and_once() {
    for world in World::each().await {
        let (bad, good) =
            (Sink::start(Answer::Status(503)).await, Sink::start(Answer::Status(200)).await);
        let channel = world.webhook(&bad).await;
        world.route(channel, "info", &[]).await;
        let other = world.webhook(&good).await;
        let run = world.run();
        world.transition(7).await;
        bad.next().await;
        world.until(channel, 1).await;
        world.pass(core::FAILING_AFTER);
        world.courier.nudge().now();
        let told = good.next().await;
        let body: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(body["type"], "channel.failing");
        assert_eq!(body["data"]["channel"]["id"], channel.to_string());
        world.told(other, "delivered").await;
        assert!(world.get(channel).await.failing_told);
        // It still fails, and that is no news.
        world.pass(Duration::from_secs(120));
        world.route(other, "info", &["core"]).await;
        let tags = BTreeSet::from(["core".to_owned()]);
        world.enqueue(&transition(8, &tags)).await;
        let next = good.next().await;
        assert!(next.body.contains("alert.firing"), "{}", next.body);
        run.end().await;
        world.remove().await;
    }
}

#[tokio::test]
async fn a_critical_one_that_is_given_up_is_told_by_another() {
    for world in World::each().await {
        let (bad, good) =
            (Sink::start(Answer::Status(410)).await, Sink::start(Answer::Status(200)).await);
        let channel = world.webhook(&bad).await;
        world.route(channel, "info", &[]).await;
        world.webhook(&good).await;
        let run = world.run();
        world.transition(7).await;
        let told = good.next().await;
        let body: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["severity"]),
            (&"channel.failing".into(), &"critical".into())
        );
        let summary = body["data"]["summary"].as_str().unwrap();
        assert!(summary.contains("[critical firing] r1: Device down"), "{summary}");
        assert!(world.get(channel).await.gave_up_at.is_some());
        run.end().await;
        world.remove().await;
    }
}
