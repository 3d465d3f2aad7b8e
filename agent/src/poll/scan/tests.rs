use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::UdpSocket;

use super::*;
use crate::poll::ping;

fn community(id: i64) -> proto::ScanCandidate {
    let community = format!("community-{id}").into_bytes();
    let community = Some(proto::SnmpCommunity { version: 2, community });
    let credential = Some(proto::CredentialCandidate { id, community, user: None });
    proto::ScanCandidate { credential, refused: 0 }
}

fn wish(hosts: &[&str], port: u16) -> proto::ScanHosts {
    proto::ScanHosts {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        port: port.into(),
        candidates: vec![community(1)],
        packets_per_second: PACKETS_PER_SECOND_MAX,
    }
}

#[test]
fn a_wish_keeps_to_its_limits() {
    let refused = |wish: proto::ScanHosts| Wanted::of(wish).unwrap_err();
    let good = || wish(&["192.0.2.1", "192.0.2.1", "127.0.0.1"], 161);
    assert_eq!(Wanted::of(good()).unwrap().hosts.len(), 2, "each once");
    for host in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "core", ""] {
        assert!(refused(wish(&[host], 161)).contains("address"), "{host}");
    }
    assert!(refused(wish(&["192.0.2.1"], 0)).contains("port"));
    let hosts = vec!["192.0.2.1".to_owned(); HOSTS_MAX + 1];
    assert!(refused(proto::ScanHosts { hosts, ..good() }).contains("addresses"));
    let candidates = (0..).map(community).take(CANDIDATES_MAX + 1).collect();
    assert!(refused(proto::ScanHosts { candidates, ..good() }).contains("credentials"));
    for packets_per_second in [0, PACKETS_PER_SECOND_MAX + 1] {
        assert!(refused(proto::ScanHosts { packets_per_second, ..good() }).contains("rate"));
    }
}

#[test]
fn a_user_that_is_refused_again_and_again_is_given_up() {
    let after = |causes: &[u32]| causes.iter().fold(0, |refused, one| refused_now(refused, *one));
    let (wrong, silent) = (Cause::WrongAuth as u32, Cause::Timeout as u32);
    assert_eq!(after(&[wrong, wrong, wrong]), REFUSED_MAX);
    assert_eq!(after(&[wrong, Cause::UnknownUser as u32, silent]), 2, "a silence says nothing");
    assert_eq!(after(&[wrong, wrong, 0, wrong]), 1, "in a row");
    assert_eq!(after(&[Cause::NoCredential as u32]), 0, "nothing was sent");
}

#[test]
fn the_edges_of_a_network_are_no_hosts() {
    let is_edge = |text: &str, prefix, host: &str| {
        let network = Network { interface: String::new(), address: text.parse().unwrap(), prefix };
        network.is_edge(host.parse().unwrap())
    };
    for (host, edge) in [("10.0.0.0", true), ("10.0.3.255", true), ("10.0.0.255", false)] {
        assert_eq!(is_edge("10.0.0.0", 22, host), edge, "{host}");
    }
    assert!(!is_edge("10.0.0.0", 31, "10.0.0.0") && !is_edge("10.0.0.0", 31, "10.0.0.1"));
    assert!(!is_edge("10.0.0.7", 32, "10.0.0.7"));
    assert!(is_edge("0.0.0.0", 0, "255.255.255.255"));
}

/// Nobody sends echo requests here: an outcome is that there is no room for them.
async fn scanned(wish: proto::ScanHosts) -> proto::ScanHostsResult {
    let (ping, _) = ping::channel();
    let time = Duration::from_secs(30);
    let limits = Limits { begun_within: time, ended_within: time };
    scan(Wanted::of(wish).unwrap(), &ping, limits, &Clock::system()).await
}

#[tokio::test]
async fn who_listens_in_silence_is_no_host_and_a_closed_port_is_one() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let result = scanned(wish(&["127.0.0.1", "127.0.0.2"], port)).await;
    assert_eq!((result.not_asked, result.echo_cause), (0, 0));
    let [host] = &result.hosts[..] else { panic!("{result:?}") };
    assert_eq!((host.host.as_str(), host.cause), ("127.0.0.2", Cause::Timeout as u32));
    assert!(host.advice.starts_with("nothing listens on UDP"), "{host:?}");
    assert!(host.works.is_none());
}

/// Answers every discovery of an engine (RFC 3414 §4) and refuses every user.
async fn refuses_users(socket: UdpSocket, users: Arc<AtomicU32>) {
    let mut buffer = [0; 1500];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let Some((report, is_of_user)) = report(&buffer[..length]) else { continue };
        users.fetch_add(u32::from(is_of_user), Ordering::Relaxed);
        socket.send_to(&report, from).await.unwrap();
    }
}

/// A report of usmStatsUnknownEngineIDs to who does not know the engine, and of
/// usmStatsUnknownUserNames to who does; whether it was the latter.
fn report(question: &[u8]) -> Option<(Vec<u8>, bool)> {
    let message = crate::poll::usm::Message::read(question).ok()?;
    let is_of_user = !message.engine_id.is_empty();
    let counter = if is_of_user { 3 } else { 4 };
    let mut id = u32::try_from(message.id).ok()?.to_be_bytes().to_vec();
    id.insert(0, 0);
    let number = |bytes: &[u8]| tlv(0x02, bytes);
    let engine = [0x80, 0, 0x1f, 0x88, 0x80, 1, 2, 3, 4];
    let usm = [
        tlv(0x04, &engine),
        number(&[1]),
        number(&[9]),
        tlv(0x04, message.user),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
    ];
    let name = [0x2b, 6, 1, 6, 3, 15, 1, 1, counter, 0];
    let varbind = tlv(0x30, &[tlv(0x06, &name), tlv(0x41, &[1])].concat());
    let pdu = [number(&[0]), number(&[0]), number(&[0]), tlv(0x30, &varbind)].concat();
    let scoped = [tlv(0x04, &engine), tlv(0x04, &[]), tlv(0xa8, &pdu)].concat();
    let header = [number(&id), number(&[5, 220]), tlv(0x04, &[0]), number(&[3])].concat();
    let whole = [
        number(&[3]),
        tlv(0x30, &header),
        tlv(0x04, &tlv(0x30, &usm.concat())),
        tlv(0x30, &scoped),
    ];
    Some((tlv(0x30, &whole.concat()), is_of_user))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let length = if length < 0x80 { vec![length] } else { vec![0x81, length] };
    [&[tag][..], &length, content].concat()
}

#[tokio::test]
async fn a_user_is_tried_once_at_each_host_and_at_three_that_refuse_it() {
    let users = Arc::new(AtomicU32::new(0));
    let hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
    let first = UdpSocket::bind((hosts[0], 0)).await.unwrap();
    let port = first.local_addr().unwrap().port();
    let mut sockets = vec![first];
    for host in &hosts[1..] {
        let Ok(socket) = UdpSocket::bind((*host, port)).await else {
            return println!("skipped: this system has one loopback address, or the port is taken");
        };
        sockets.push(socket);
    }
    let devices = sockets.into_iter().map(|socket| refuses_users(socket, Arc::clone(&users)));
    let user = |id| {
        let user = proto::SnmpUser { name: b"ops".to_vec(), ..proto::SnmpUser::default() };
        let credential = proto::CredentialCandidate { id, community: None, user: Some(user) };
        proto::ScanCandidate { credential: Some(credential), refused: 0 }
    };
    // Of two candidates with one name the second has its turn when the first is given up.
    let given_up = proto::ScanCandidate { refused: 2, ..user(7) };
    let wish = proto::ScanHosts { candidates: vec![given_up, user(8)], ..wish(&hosts, port) };
    let scanned = tokio::select! {
        _ = futures_util::future::join_all(devices) => unreachable!("they answer for ever"),
        result = scanned(wish) => result,
    };
    assert_eq!(users.load(Ordering::Relaxed), 4, "one by the first, three by the second");
    let refused: Vec<_> = scanned.refused.iter().map(|one| (one.id, one.refused)).collect();
    assert_eq!(refused, [(7, 3), (8, 3)]);
    assert_eq!((scanned.hosts.len(), scanned.not_asked), (5, 0));
    let causes: Vec<_> = scanned.hosts.iter().map(|host| host.cause).collect();
    let known = causes.iter().filter(|cause| **cause == Cause::UnknownUser as u32).count();
    assert_eq!(known, 4, "{causes:?}");
}
