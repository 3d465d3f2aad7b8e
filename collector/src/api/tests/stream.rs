use std::pin::Pin;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::{Stream, StreamExt as _};

use super::super::events::{UNCHECKED_MAX, watched};
use super::super::guard::{Proof, check};
use super::*;
use crate::identity::session::session_key;
use crate::live::EventFilter;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn read_until(stream: &mut axum::body::BodyDataStream, mark: &str) -> String {
    let mut text = String::new();
    let read = async {
        while !text.contains(mark) {
            match stream.next().await {
                Some(chunk) => text.push_str(str::from_utf8(&chunk.unwrap()).unwrap()),
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, read).await;
    assert!(text.contains(mark), "no {mark} in {text}");
    text
}

#[tokio::test]
async fn a_stream_greets_tells_and_ends_with_the_collector() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let request = world.request(Method::GET, "/api/v1/events", &who).body(Body::empty()).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let publishing = CancellationToken::new();
    let live = world.state.live.clone();
    let cancel = publishing.clone();
    farwatch_common::task::spawn_child(&publishing, async move {
        let _ = live.run(cancel).await;
    });
    let mut stream = response.into_body().into_data_stream();
    let hello = read_until(&mut stream, "\n\n").await;
    assert!(hello.contains("event: hello") && hello.contains("\"sequence\""), "{hello}");
    let device = world.device(&who, agent, "10.0.0.1").await;
    let event = read_until(&mut stream, &device).await;
    assert!(event.contains("event: devices"), "{event}");
    world.state.stopping.cancel();
    let end = tokio::time::timeout(PATIENCE, async { while stream.next().await.is_some() {} });
    end.await.expect("the stream goes on");
    publishing.cancel();
}

#[tokio::test]
async fn a_stream_ends_when_its_rights_change() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let who = world.user("op@example.net", Role::SuperAdmin, None).await;
    let As::Cookie(token) = &who else { panic!("no cookie") };
    let proof = Proof::Session(session_key(token.as_bytes()));
    let open = async || {
        let caller = check(proof.clone(), &world.state).await.unwrap();
        let filter =
            EventFilter { tenants: [tenant].into(), devices: std::collections::BTreeSet::new() };
        let every = Duration::from_millis(1);
        let stream = watched(world.state.clone(), caller, filter, None, every).unwrap();
        let mut stream = Box::pin(stream);
        assert!(stream.next().await.is_some(), "no greeting");
        stream
    };
    let streams = world.state.metrics.gauge("api_event_streams", "Open event streams", &[]);
    let ended = async |mut stream: Pin<Box<dyn Stream<Item = Event>>>| {
        let end = async {
            let mut last = None;
            while let Some(event) = stream.next().await {
                last = Some(format!("{event:?}"));
            }
            last
        };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream goes on")
    };
    let narrowed = open().await;
    assert_eq!(streams.get(), 1);
    world.tenant("South").await;
    let last = ended(narrowed).await;
    assert!(last.as_ref().is_some_and(|event| event.contains("resync")), "{last:?}");
    let signed_out = open().await;
    world.post("/api/v1/logout", &who, json!({})).await;
    ended(signed_out).await;
    assert_eq!(streams.get(), 0);
}

/// Streams of a person look as soon as somebody changes what they may, and when their grant ends.
#[tokio::test]
async fn a_stream_ends_at_once_with_the_person_and_with_the_grant() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    world.user("noc@example.net", Role::SuperAdmin, None).await;
    let staff = world.staff("staff@example.net").await;
    let As::Cookie(token) = &staff else { panic!("no cookie") };
    let proof = Proof::Session(session_key(token.as_bytes()));
    let caller = async || check(proof.clone(), &world.state).await.unwrap();
    let open = async |caller| {
        let devices = std::collections::BTreeSet::new();
        let filter = EventFilter { tenants: [tenant].into(), devices };
        let hours = Duration::from_secs(36_000);
        let stream = watched(world.state.clone(), caller, filter, None, hours).unwrap();
        let mut stream = Box::pin(stream);
        assert!(stream.next().await.is_some(), "no greeting");
        stream
    };
    let end = async |mut stream: Pin<Box<dyn Stream<Item = Event>>>| {
        let end = async { while stream.next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream goes on");
    };
    world.grant(&admin, tenant, "staff@example.net", "viewer").await;
    let granted = caller().await;
    world.state.clock.shift(3_600_000_000);
    end(open(granted).await).await;
    // The session of an administrator does not last that long unused.
    let root = As::Cookie(cookie(&world.login("noc@example.net", PASSWORD).await));
    let stream = open(caller().await).await;
    let people = world.get("/api/v1/users", &root).await.data();
    let id = people.as_array().unwrap().iter().find(|one| one["email"] == "staff@example.net");
    let path = format!("/api/v1/users/{}", id.unwrap()["id"].as_str().unwrap());
    let gone = world.change(Method::PATCH, &path, &root, json!({ "disabled": true })).await;
    assert_eq!(gone.data()["disabled"], true);
    end(stream).await;
    assert_eq!(world.get("/api/v1/me", &staff).await.code(), "unauthenticated");
}

/// A stream outlives a database that is away for a while, but not for long, and not where its caller
/// is known to have changed.
#[tokio::test]
async fn a_stream_goes_on_while_nobody_can_say_whether_it_may() {
    let world = World::new().await;
    let one = world.user("one@example.net", Role::SuperAdmin, None).await;
    let other = world.user("other@example.net", Role::SuperAdmin, None).await;
    let open = async |who: &As| {
        let As::Cookie(token) = who else { panic!("no cookie") };
        let proof = Proof::Session(session_key(token.as_bytes()));
        let caller = check(proof, &world.state).await.unwrap();
        let user = caller.user.clone().unwrap().id;
        let none = std::collections::BTreeSet::new();
        let filter = EventFilter { tenants: none, devices: std::collections::BTreeSet::new() };
        let every = Duration::from_secs(60);
        let stream = watched(world.state.clone(), caller, filter, None, every).unwrap();
        let mut stream = Box::pin(stream);
        assert!(stream.next().await.is_some(), "no greeting");
        (user, stream)
    };
    let ((user, changed), (_, unchanged)) = (open(&one).await, open(&other).await);
    world.state.db.close().await;
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    world.state.own.streams.changed(user);
    assert_eq!(changed.count().await, 0);
    assert!(begun.elapsed() < Duration::from_secs(1), "it was changed and goes on");
    assert_eq!(unchanged.count().await, 0);
    let lasted = begun.elapsed();
    assert!((UNCHECKED_MAX..UNCHECKED_MAX * 2).contains(&lasted), "{lasted:?}");
}

#[tokio::test]
async fn one_session_leaves_streams_for_others() {
    let world = World::new().await;
    let one = world.user("one@example.net", Role::SuperAdmin, None).await;
    let other = world.user("other@example.net", Role::SuperAdmin, None).await;
    let open = async |who: &As| {
        let request = world.request(Method::GET, "/api/v1/events", who).body(Body::empty());
        world.router.clone().oneshot(request.unwrap()).await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(open(&one).await);
    }
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    let refused = world.get("/api/v1/events", &one).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "too_many_streams");
    assert_eq!(open(&other).await.status(), StatusCode::OK);
    streams.pop();
    assert_eq!(open(&one).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_of_another_tenants_device_is_refused() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let (agent, _) = world.agent(north, "a").await;
    let ours = world.user("north@example.net", Role::Operator, Some(north)).await;
    let theirs = world.user("south@example.net", Role::Operator, Some(south)).await;
    let device = world.device(&ours, agent, "10.0.0.1").await;
    let path = format!("/api/v1/events?device={device}");
    assert_eq!(world.get(&path, &theirs).await.code(), "not_found");
    assert_eq!(world.get(&path, &As::Nobody).await.code(), "unauthenticated");
}
