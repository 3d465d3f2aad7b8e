//! What clients hear, and what agents tell of themselves.

use super::*;
use crate::identity::Remote;

fn filter(device: Option<DeviceId>) -> EventFilter {
    EventFilter { tenants: BTreeSet::from([TENANT]), devices: device.into_iter().collect() }
}

fn live() -> Live {
    let live = Live::new(Clock::system());
    live.agent_added(TENANT, AGENT);
    live.device_added(TENANT, AGENT, DEVICE, 60);
    live.agent_connected(&peer(AGENT, 1), ("1".into(), "linux".into()), None);
    live.publish();
    live
}

/// A poll `back_s` seconds ago.
fn commit(live: &Live, back_s: i64, octets: i64) {
    let mut row = counters(DEVICE, 0, octets);
    row.at = Micros(live.shared.clock.now().0 - back_s * Micros::SECOND);
    let mut up = alive(DEVICE, -back_s);
    up.at = row.at;
    let rows = vec![(up, layout(&system())), (row, layout(&interfaces()))];
    live.apply([Committed { tenant: TENANT, agent: AGENT, rows, facts: Vec::new() }]);
}

#[tokio::test]
async fn a_client_sees_hello_and_then_changes_of_its_tenants() {
    let live = live();
    let mut events = live.subscribe(filter(Some(DEVICE)), None);
    let elsewhere =
        EventFilter { tenants: BTreeSet::from([OTHER_TENANT]), devices: BTreeSet::from([DEVICE]) };
    let mut elsewhere = live.subscribe(elsewhere, None);
    assert_eq!(events.next().await.unwrap().kind, "hello");
    assert_eq!(elsewhere.next().await.unwrap().kind, "hello");
    commit(&live, 60, 0);
    assert!(live.publish());
    let kinds = [events.next().await.unwrap(), events.next().await.unwrap()];
    assert_eq!(kinds.each_ref().map(|event| event.kind), ["devices", "agents"]);
    assert!(kinds[0].data["committed_at"].is_string());
    assert_eq!(kinds[0].data["patches"][0]["state"], "up");
    let ports = events.next().await.unwrap();
    assert_eq!(ports.kind, "interfaces");
    assert_eq!(ports.data["device"], DEVICE.to_string());
    assert_eq!(ports.data["patches"][0]["oper"], "up");
    // Nothing for the other tenant, not even of a device it names.
    live.device_added(OTHER_TENANT, NEIGHBOUR, DeviceId(200), 60);
    live.publish();
    let other = elsewhere.next().await.unwrap();
    assert_eq!(other.data["patches"][0]["id"], DeviceId(200).to_string());
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_where_it_was() {
    let live = live();
    let mut events = live.subscribe(filter(None), None);
    let hello = events.next().await.unwrap();
    commit(&live, 120, 0);
    live.publish();
    let seen = events.next().await.unwrap();
    let behind = events.next().await.unwrap();
    drop(events);
    let mut again = live.subscribe(filter(None), Some(seen.sequence));
    assert_eq!(again.next().await.unwrap().kind, "hello");
    assert_eq!(again.next().await.unwrap(), behind);
    // Of another process, or too old.
    for unknown in [hello.sequence + 1_000_000_000, 0] {
        let mut lost = live.subscribe(filter(None), Some(unknown));
        assert_eq!(lost.next().await.unwrap().kind, "hello");
        assert_eq!(lost.next().await.unwrap().kind, "resync");
    }
    // Nobody looked at the interfaces so far: the client loads them, and nothing else again.
    let mut device = live.subscribe(filter(Some(DEVICE)), Some(seen.sequence));
    assert_eq!(device.next().await.unwrap().kind, "hello");
    assert_eq!(device.next().await.unwrap(), behind);
}

#[tokio::test]
async fn a_slow_client_is_told_to_load_again() {
    let live = live();
    let mut events = live.subscribe(filter(None), None);
    let hello = events.next().await.unwrap();
    for poll in 0..RING_OVERFLOW {
        beat(&live, poll);
        live.publish();
    }
    assert_eq!(events.next().await.unwrap().kind, "resync");
    // What comes next is heard again, and many records are one event.
    commit(&live, 0, 0);
    live.publish();
    assert_eq!(events.next().await.unwrap().kind, "devices");
    // The ring has forgotten what the client saw last.
    let mut again = live.subscribe(filter(None), Some(hello.sequence));
    again.next().await.unwrap();
    assert_eq!(again.next().await.unwrap().kind, "resync");
}

/// A heartbeat that tells how many batches wait.
fn beat(live: &Live, batches: u64) {
    let buffer = Some(BufferStatus { batches, ..BufferStatus::default() });
    live.agent_beat(&peer(AGENT, 1), &Heartbeat { buffer, ..Heartbeat::default() });
}

#[tokio::test]
async fn the_link_and_the_gateway_of_an_agent_are_shown() {
    let live = live();
    let link = |sent, lost| LinkStatus {
        reason: CarrierReason::UdpBlocked.into(),
        rtt_us: 12_500,
        packets_sent: sent,
        packets_lost: lost,
        proxied: true,
    };
    let names = || ("1".to_owned(), "linux".to_owned());
    live.agent_connected(&peer(AGENT, 1), names(), Some(&link(10, 5)));
    let agent = live.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.transport_reason, agent.proxied), (Some("udp_blocked"), true));
    // Ten packets tell nothing of loss.
    assert_eq!((agent.rtt_ms, agent.loss_percent, agent.gateway), (Some(12.5), None, None));
    let gateway = GatewayStatus {
        address: "192.0.2.1".into(),
        at_us: i64::MAX,
        sent: 4,
        received: 3,
        rtt_us: 900,
        jitter_us: 50,
    };
    let beat = |link, gateway| Heartbeat {
        link: Some(link),
        gateway: Some(gateway),
        ..Heartbeat::default()
    };
    live.agent_beat(&peer(AGENT, 1), &beat(link(210, 15), gateway.clone()));
    let agent = live.agent(TENANT, AGENT).unwrap();
    assert_eq!(agent.loss_percent, Some(100.0 * 15.0 / 210.0));
    let seen = agent.gateway.clone().unwrap();
    assert_eq!((seen.loss_percent, seen.rtt_ms), (25.0, Some(0.9)));
    assert!(seen.at.unwrap().0 < i64::MAX, "not in the future");
    // A NAT gives it another address.
    assert_eq!(agent.remote_addr.unwrap(), peer(AGENT, 1).remote.now().to_string());
    let remote = Remote::At(([192, 0, 2, 77], 7).into());
    live.agent_beat(&PeerInfo { remote, ..peer(AGENT, 1) }, &beat(link(210, 15), gateway.clone()));
    let agent = live.agent(TENANT, AGENT).unwrap();
    assert_eq!(agent.remote_addr.unwrap(), "192.0.2.77:7");
    // A word of an older session, and an address that is none.
    let nonsense = GatewayStatus { address: "<b>".into(), ..gateway };
    live.agent_connected(&peer(AGENT, 2), names(), None);
    live.agent_beat(&peer(AGENT, 1), &beat(link(900, 900), nonsense.clone()));
    let agent = live.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.transport_reason, agent.loss_percent), (None, None));
    assert!(agent.gateway.is_some());
    live.agent_beat(&peer(AGENT, 2), &beat(link(900, 900), nonsense));
    assert_eq!(live.agent(TENANT, AGENT).unwrap().gateway, None);
}

const RING_OVERFLOW: u64 = events::RING as u64 + 2;

#[tokio::test]
async fn records_of_one_kind_are_melted() {
    let live = live();
    let mut events = live.subscribe(filter(None), None);
    events.next().await.unwrap();
    for batches in 0..5 {
        beat(&live, batches);
        live.publish();
    }
    let event = events.next().await.unwrap();
    assert_eq!(event.kind, "agents");
    assert_eq!(event.data["patches"].as_array().unwrap().len(), 5);
    // What is removed comes first in an event, so it is not melted with patches before it.
    beat(&live, 9);
    commit(&live, 0, 0);
    live.publish();
    live.device_removed(TENANT, DEVICE);
    live.publish();
    let mut devices = Vec::new();
    while devices.len() < 2 {
        let event = events.next().await.unwrap();
        devices.extend((event.kind == "devices").then_some(event));
    }
    assert_eq!(devices[0].data["removed"], json!([]));
    assert_eq!(devices[1].data["removed"], json!([DEVICE.to_string()]));
}

#[tokio::test]
async fn the_publisher_runs_until_it_is_cancelled() {
    let live = live();
    let mut events = live.subscribe(filter(None), None);
    events.next().await.unwrap();
    let cancel = CancellationToken::new();
    let run = live.clone().run(cancel.clone());
    let watch = async {
        commit(&live, 0, 0);
        let event = events.next().await.unwrap();
        cancel.cancel();
        event
    };
    let (ended, event) = tokio::join!(run, watch);
    assert!(ended.is_ok());
    assert_eq!(event.kind, "devices");
}
