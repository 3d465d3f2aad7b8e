use std::time::Duration;

use futures_util::StreamExt as _;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

async fn read_until(stream: &mut axum::body::BodyDataStream, mark: &str) -> String {
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
