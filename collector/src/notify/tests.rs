//! Deliveries over real sockets: an HTTP server that answers as it is told to.

mod mail;
mod queue;
mod sink;
mod smtp;
mod trouble;
mod world;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use farwatch_common::id::AlertId;

use super::connect::{Connector, Resolver, tls_config};
use super::core::Outcome;
use super::guard::{Allowed, Guard, Network, Service};
use super::message::tests::transition;
use super::outbox::{Became, Transition, enqueue};
use super::target::Target;
use super::*;
use sink::{Answer, Sink};
use world::{Told, World};

#[tokio::test]
async fn a_transition_is_told_once_signed_and_at_once() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(204)).await;
        let channel = world.webhook(&sink).await;
        world.route(channel, "warning", &[]).await;
        let run = world.run();
        assert_eq!(world.transition(7).await, 1);
        let request = sink.next().await;
        let key = format!("{}-1-{channel}", AlertId(7));
        assert_eq!(request.header("webhook-id"), key);
        let signed = signature::signature(
            &[world::KEY.into()],
            &key,
            request.header("webhook-timestamp").parse().unwrap(),
            request.body.as_bytes(),
        );
        assert_eq!(Some(request.header("webhook-signature")), signed.as_deref());
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["device"]["name"]),
            (&"alert.firing".into(), &"r1".into())
        );
        let told = world.told(channel, "delivered").await;
        assert_eq!(told, [Told::new("delivered", Some(204), "")]);
        // The same transition again, as after a crash of who found it.
        assert_eq!(world.transition(7).await, 0);
        run.end().await;
        assert_eq!(sink.count(), 1);
        world.remove().await;
    }
}

#[tokio::test]
async fn routes_choose_by_severity_site_tag_and_end() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let [all, critical, core] =
            [world.webhook(&sink).await, world.webhook(&sink).await, world.webhook(&sink).await];
        world.route(all, "info", &[]).await;
        // Twice to the same channel is once.
        world.route(all, "critical", &[]).await;
        world.route(critical, "critical", &[]).await;
        world.route(core, "info", &["core"]).await;
        world.quiet(core).await;
        let (none, tags) = (BTreeSet::new(), BTreeSet::from(["core".to_owned()]));
        let warning = crate::evaluate::severity::Severity::Warning;
        let resolved = Became::Resolved;
        for (of, expected) in [
            (transition(1, &none), 2),
            (transition(2, &tags), 3),
            (Transition { severity: warning, ..transition(3, &none) }, 1),
            (Transition { became: resolved, number: 2, ..transition(2, &tags) }, 2),
        ] {
            assert_eq!(world.enqueue(&of).await, expected, "{of:?}");
        }
        world.disable(all).await;
        assert_eq!(world.transition(4).await, 1);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_is_refused_is_tried_again_with_the_same_key() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Status(503)).await;
    let channel = world.webhook(&sink).await;
    world.route(channel, "info", &[]).await;
    let run = world.run();
    world.transition(7).await;
    let first = sink.next().await;
    world.until(channel, 1).await;
    assert!(world.failing(channel).await);
    sink.answer(Answer::Status(200));
    world.pass(Duration::from_secs(6));
    world.courier.nudge().now();
    let second = sink.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    let told = world.told(channel, "delivered").await;
    let refused = Told::new("refused", Some(503), "answered 503");
    assert_eq!(told, [refused, Told::new("delivered", Some(200), "")]);
    assert!(!world.failing(channel).await);
    run.end().await;
}

#[tokio::test]
async fn a_busy_receiver_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Busy(120)).await;
    let channel = world.webhook(&sink).await;
    world.route(channel, "info", &[]).await;
    let run = world.run();
    world.transition(7).await;
    sink.next().await;
    world.until(channel, 1).await;
    let wait = world.next_at(channel).await - world.clock.now().0;
    assert!((100_000_000..=121_000_000).contains(&wait), "{wait} µs");
    run.end().await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new().await;
    let (inner, sink) =
        (Sink::start(Answer::Status(200)).await, Sink::start(Answer::Status(200)).await);
    sink.answer(Answer::Redirect(format!("http://{}/", inner.address)));
    let channel = world.webhook(&sink).await;
    let attempt = world.test(channel).await;
    assert_eq!((attempt.outcome, attempt.status), (Outcome::Refused, Some(302)));
    assert!(attempt.detail.contains("redirect"), "{}", attempt.detail);
    assert_eq!(inner.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_receiver_costs_ten_seconds() {
    let sink = Sink::start(Answer::Never).await;
    let sender = world::sender(world::open_guard());
    let began = tokio::time::Instant::now();
    let attempt = sender.send(&world::parcel(&sink.url()), farwatch_common::clock::Micros(0)).await;
    assert_eq!(attempt.outcome, Outcome::Timeout);
    assert_eq!(began.elapsed(), send::DEADLINE);
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_a_bound() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Endless).await;
    let attempt = world.test(world.webhook(&sink).await).await;
    assert_eq!((attempt.outcome, attempt.status), (Outcome::Delivered, Some(200)));
}

#[tokio::test]
async fn nobody_there_no_http_and_no_name_are_told_apart() {
    let world = World::new().await;
    let closed = sink::closed().await;
    let attempt = world.test(world.webhook_at(&format!("http://{closed}/")).await).await;
    assert_eq!(attempt.outcome, Outcome::Unreachable);
    assert_eq!(attempt.detail, "nothing takes the connection");
    let sink = Sink::start(Answer::Garbage).await;
    let attempt = world.test(world.webhook(&sink).await).await;
    assert_eq!(attempt.detail, "the connection ended without an answer of HTTP");
}

/// Sent, and nobody lived to write it: it is sent again with the same key.
#[tokio::test]
async fn a_crash_between_sending_and_writing_sends_again() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Never).await;
        let channel = world.webhook(&sink).await;
        world.route(channel, "info", &[]).await;
        let run = world.run();
        world.transition(7).await;
        let first = sink.next().await;
        run.kill().await;
        sink.answer(Answer::Status(200));
        let run = world.run();
        let second = sink.next().await;
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
        assert_eq!(world.told(channel, "delivered").await, [Told::new("delivered", Some(200), "")]);
        run.end().await;
        world.remove().await;
    }
}

#[tokio::test]
async fn a_silent_channel_delays_no_other() {
    let world = World::new().await;
    let (dead, well) = (Sink::start(Answer::Never).await, Sink::start(Answer::Status(200)).await);
    for sink in [&dead, &well] {
        let channel = world.webhook(sink).await;
        world.route(channel, "info", &[]).await;
    }
    let run = world.run();
    for alert in 1..=5 {
        world.transition(alert).await;
        // Its predecessor still waits for the dead one.
        well.next().await;
    }
    assert_eq!(dead.count(), 1);
    run.kill().await;
}

#[tokio::test]
async fn a_channel_that_is_deleted_while_it_is_told_leaves_nothing() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Held).await;
        let channel = world.webhook(&sink).await;
        world.route(channel, "info", &[]).await;
        let run = world.run();
        world.transition(7).await;
        sink.next().await;
        world.delete(channel).await;
        sink.release();
        run.end().await;
        assert_eq!(world.count("SELECT COUNT(*) FROM notification").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM delivery").await, 0);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_waited_too_long_is_given_up_unsent() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Status(200)).await;
    let channel = world.webhook(&sink).await;
    world.route(channel, "info", &[]).await;
    world.transition(7).await;
    world.pass(core::AGE_MAX + Duration::from_secs(1));
    let run = world.run();
    assert!(world.told(channel, "failed").await.is_empty());
    run.end().await;
    assert_eq!(sink.count(), 0);
}

/// The process died before it was sent: an hour later nobody waits for it.
#[tokio::test]
async fn a_test_that_nobody_sent_is_given_up_unsent() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Status(200)).await;
    let channel = world.webhook(&sink).await;
    world.orphan(channel).await;
    world.pass(Duration::from_secs(2 * 3600));
    let run = world.run();
    assert!(world.told(channel, "failed").await.is_empty());
    run.end().await;
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn a_full_queue_keeps_what_is_more_as_failed() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let channel = world.webhook(&sink).await;
        world.route(channel, "info", &[]).await;
        world.fill(channel).await;
        assert_eq!(world.transition(7).await, 0);
        let failed = "SELECT COUNT(*) FROM notification WHERE state = 'failed' AND attempts = 0";
        assert_eq!(world.count(failed).await, 1);
        world.remove().await;
    }
}

/// Says one address, and another the next time it is asked.
struct Rebinding(std::sync::Mutex<Vec<Vec<IpAddr>>>);

impl Resolver for Rebinding {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
    ) -> futures_util::future::BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        let answer = self.0.lock().unwrap().remove(0);
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_forbidden_whatever_it_said_before() {
    let inside: IpAddr = "127.0.0.1".parse().unwrap();
    let outside: IpAddr = "9.9.9.9".parse().unwrap();
    let answers =
        vec![vec![inside], vec![outside, inside], vec!["::ffff:127.0.0.1".parse().unwrap()]];
    let asked = answers.len();
    let connector = Connector {
        guard: Guard::default().into(),
        resolver: std::sync::Arc::new(Rebinding(std::sync::Mutex::new(answers))),
        tls: tls_config(Vec::new()),
    };
    let target = Target::url("https://rebind.example/hook").unwrap();
    for _ in 0..asked {
        let refused = connector.open(&target, Service::Http).await.err().unwrap();
        assert!(matches!(refused, connect::ConnectError::Forbidden(_)), "{refused}");
    }
}

/// What is connected to is what was checked: the resolver is asked once, and has a second answer
/// that nobody hears.
#[tokio::test]
async fn a_name_is_resolved_once() {
    let sink = Sink::start(Answer::Status(200)).await;
    let here = sink.address.ip();
    let answers = vec![vec![here], vec!["127.0.0.2".parse().unwrap()]];
    let resolver = std::sync::Arc::new(Rebinding(std::sync::Mutex::new(answers)));
    let network = Network::read("127.0.0.1").unwrap();
    let allow = vec![Allowed { network, ports: vec![sink.address.port()], plain: true }];
    let connector = Connector {
        guard: Guard { allow, own: vec![] }.into(),
        resolver: resolver.clone(),
        tls: tls_config(Vec::new()),
    };
    let url = format!("http://rebind.example:{}/hook", sink.address.port());
    let mut parcel = world::parcel(&url);
    parcel.key = "once".to_owned();
    let sender = send::Sender { connector, mailer: None };
    let attempt = sender.send(&parcel, farwatch_common::clock::Micros(0)).await;
    assert_eq!(attempt.outcome, Outcome::Delivered, "{attempt:?}");
    assert_eq!(resolver.0.lock().unwrap().len(), 1);
}

/// A guard without rules, though the socket is there.
#[tokio::test]
async fn loopback_is_forbidden_unless_the_administrator_says_so() {
    let sink = Sink::start(Answer::Status(200)).await;
    let sender = world::sender(Guard::default());
    let attempt = sender.send(&world::parcel(&sink.url()), farwatch_common::clock::Micros(0)).await;
    assert_eq!(attempt.outcome, Outcome::Forbidden);
    assert_eq!(sink.count(), 0);
    assert!(!attempt.detail.contains("127"), "{}", attempt.detail);
}

#[tokio::test]
async fn a_rotation_of_the_tenants_key_keeps_channels_working() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let channel = world.webhook(&sink).await;
        let rotated = world.rotate().await;
        assert_eq!((rotated.resealed, rotated.damaged.len()), (1, 0));
        assert_eq!(world.test(channel).await.outcome, Outcome::Delivered);
        assert_eq!(world.count("SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1").await, 1);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_blob_of_another_channel_does_not_open() {
    for world in World::each().await {
        let sink = Sink::start(Answer::Status(200)).await;
        let (one, other) = (world.webhook(&sink).await, world.webhook(&sink).await);
        world.move_blob().await;
        assert_eq!(world.test(one).await.outcome, Outcome::Broken);
        assert_eq!(sink.count(), 0);
        assert_eq!(world.test(other).await.outcome, Outcome::Delivered);
        world.remove().await;
    }
}

#[tokio::test]
async fn slack_is_told_in_blocks() {
    let world = World::new().await;
    let sink = Sink::start(Answer::Status(200)).await;
    let channel = world.slack(&sink).await;
    assert_eq!(world.test(channel).await.outcome, Outcome::Delivered);
    let request = sink.next().await;
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["blocks"][0]["type"], "section");
}
