use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use farwatch_common::id::DeviceId;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::poll::names::{Name, Resolved};
use crate::poll::{Access, Manner, Target, ping};

const LONG: Duration = Duration::from_secs(30);

fn community(id: i64) -> proto::ScanCandidate {
    let community = format!("community-{id}").into_bytes();
    let community = Some(proto::SnmpCommunity { version: 2, community });
    let credential = Some(proto::CredentialCandidate { id, community, user: None });
    proto::ScanCandidate { credential, refused: 0, refused_by: Vec::new() }
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
async fn scanned(wish: proto::ScanHosts, begun_within: Duration) -> proto::ScanHostsResult {
    let (ping, _) = ping::channel();
    let limits = Limits { begun_within, ended_within: LONG };
    scan(Wanted::of(wish).unwrap(), &ping, limits, &Clock::system()).await
}

#[tokio::test]
async fn who_listens_in_silence_is_no_host_and_neither_is_a_closed_port_alone() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let result = scanned(wish(&["127.0.0.1", "127.0.0.2"], port), LONG).await;
    assert_eq!((result.not_asked, result.hosts), (0, Vec::new()));
    assert_eq!(result.echo_cause, Cause::Budget as u32, "it is told that nobody was pinged");
    let closed = |received| {
        let ping = proto::PingOutcome { sent: 5, received, ..proto::PingOutcome::default() };
        let told = Spoken {
            host: Ipv4Addr::LOCALHOST,
            port,
            outcomes: Vec::new(),
            told: Some(Told::Closed),
            asked: Asked::Community,
            is_whole: true,
            has_refused: false,
        };
        told.told(ping)
    };
    assert_eq!(closed(0), None, "a firewall may have said so");
    assert!(closed(1).unwrap().advice.starts_with("nothing listens on UDP"));
}

#[test]
fn that_no_echo_may_be_sent_tells_more_than_that_there_were_too_many() {
    let (forbidden, crowded) = (Cause::NotPermitted as u32, Cause::Budget as u32);
    let after = |causes: &[u32]| causes.iter().copied().fold(0, echo_cause);
    assert_eq!(after(&[0, Cause::Timeout as u32]), 0);
    assert_eq!(after(&[crowded, 0]), crowded);
    assert_eq!([after(&[crowded, forbidden]), after(&[forbidden, crowded])], [forbidden; 2]);
}

#[tokio::test]
async fn devices_of_the_agent_are_told_and_not_asked() {
    let hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    let Some((port, sockets)) = bound(&hosts).await else { return };
    let target = |id, host: &str| Target {
        device: DeviceId(id),
        host: host.to_owned(),
        port: 161,
        interval: Duration::from_secs(60),
        access: Access::Nothing,
        manner: Manner::default(),
    };
    let targets = Arc::new(vec![target(1, hosts[0]), target(2, "router.invalid")]);
    let (_targets, targets) = watch::channel(targets);
    let (ping, requests) = ping::channel();
    let (out, _rows) = mpsc::channel(16);
    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let pinging = ping::run(requests, targets, out, clock.clone(), Arc::default(), stop);
    let name = Name { host: "router.invalid".to_owned(), port: 161 };
    let addresses = vec![SocketAddr::new(hosts[1].parse().unwrap(), 161)];
    let scanning = async {
        assert!(ping.is_at(Resolved { device: DeviceId(2), name, addresses }).await);
        let limits = Limits { begun_within: LONG, ended_within: LONG };
        scan(Wanted::of(wish(&hosts, port)).unwrap(), &ping, limits, &clock).await
    };
    let result = tokio::select! {
        ended = pinging => panic!("{ended:?}"),
        result = scanning => result,
    };
    let watched: Vec<_> =
        result.watched.iter().map(|one| (one.host.as_str(), one.device_id)).collect();
    assert_eq!(watched, [(hosts[0], 1), (hosts[1], 2)]);
    let heard = |socket: &UdpSocket| socket.try_recv(&mut [0; 1500]).is_ok();
    let heard: Vec<_> = sockets.iter().map(heard).collect();
    assert_eq!(heard, [false, false, true]);
}

/// What a device of SNMPv3 makes of users.
#[derive(Clone, Copy, PartialEq)]
enum Users {
    Refused,
    Ignored,
    Taken,
}

/// Sockets at these addresses, all at one port.
async fn bound(hosts: &[&str]) -> Option<(u16, Vec<UdpSocket>)> {
    let first = UdpSocket::bind((hosts[0], 0)).await.unwrap();
    let port = first.local_addr().unwrap().port();
    let mut sockets = vec![first];
    for host in &hosts[1..] {
        let Ok(socket) = UdpSocket::bind((*host, port)).await else {
            println!("skipped: this system has one loopback address, or the port is taken");
            return None;
        };
        sockets.push(socket);
    }
    Some((port, sockets))
}

/// Answers every discovery of an engine (RFC 3414 §4), and counts the questions of users.
async fn speaks(socket: UdpSocket, engine: u8, of_users: Users, users: Arc<AtomicU32>) {
    let mut buffer = [0; 1500];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let Some((answer, is_of_user)) = answer(&buffer[..length], engine, of_users) else {
            continue;
        };
        users.fetch_add(u32::from(is_of_user), Ordering::Relaxed);
        if !is_of_user || of_users != Users::Ignored {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}

/// A report of usmStatsUnknownEngineIDs to who does not know the engine, and to who does a report of
/// usmStatsUnknownUserNames or who this is; whether it was the latter.
fn answer(question: &[u8], engine: u8, of_users: Users) -> Option<(Vec<u8>, bool)> {
    let message = crate::poll::usm::Message::read(question).ok()?;
    let is_of_user = !message.engine_id.is_empty();
    let mut id = u32::try_from(message.id).ok()?.to_be_bytes().to_vec();
    id.insert(0, 0);
    let number = |bytes: &[u8]| tlv(0x02, bytes);
    let engine = [0x80, 0, 0x1f, 0x88, 0x80, 1, 2, 3, engine];
    let usm = [
        tlv(0x04, &engine),
        number(&[1]),
        number(&[9]),
        tlv(0x04, message.user),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
    ];
    let (tag, request, varbinds) = if is_of_user && of_users == Users::Taken {
        // sysDescr, sysObjectID, sysUpTime and sysName.
        let one = |object| {
            let name = [0x2b, 6, 1, 2, 1, 1, object, 0];
            tlv(0x30, &[tlv(0x06, &name), tlv(0x04, b"core")].concat())
        };
        (0xa2, &id[..], [1, 2, 3, 5].map(one).concat())
    } else {
        let name = [0x2b, 6, 1, 6, 3, 15, 1, 1, if is_of_user { 3 } else { 4 }, 0];
        (0xa8, &[0][..], tlv(0x30, &[tlv(0x06, &name), tlv(0x41, &[1])].concat()))
    };
    let pdu = [number(request), number(&[0]), number(&[0]), tlv(0x30, &varbinds)].concat();
    let scoped = [tlv(0x04, &engine), tlv(0x04, &[]), tlv(tag, &pdu)].concat();
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

/// A user by this id; `ops` is the name of all.
fn user(id: i64, refused: u32) -> proto::ScanCandidate {
    let user = proto::SnmpUser { name: b"ops".to_vec(), ..proto::SnmpUser::default() };
    let credential = proto::CredentialCandidate { id, community: None, user: Some(user) };
    proto::ScanCandidate { credential: Some(credential), refused, refused_by: Vec::new() }
}

/// Scans devices at addresses from 127.0.0.1, each with its engine; and how many were asked by a user,
/// each at its address.
async fn scan_of(
    devices: &[(u8, Users)],
    candidates: Vec<proto::ScanCandidate>,
    begun_within: Duration,
) -> Option<(proto::ScanHostsResult, Vec<u32>)> {
    let hosts: Vec<_> = (1..=devices.len()).map(|last| format!("127.0.0.{last}")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    let (port, sockets) = bound(&hosts).await?;
    let counts: Vec<_> = devices.iter().map(|_| Arc::new(AtomicU32::new(0))).collect();
    let serve = sockets.into_iter().zip(devices).zip(&counts).map(|((socket, of), count)| {
        let (engine, of_users) = *of;
        speaks(socket, engine, of_users, Arc::clone(count))
    });
    let wish = proto::ScanHosts { candidates, ..wish(&hosts, port) };
    let result = tokio::select! {
        _ = futures_util::future::join_all(serve) => unreachable!("they answer for ever"),
        result = scanned(wish, begun_within) => result,
    };
    Some((result, counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()))
}

#[tokio::test]
async fn a_user_is_tried_once_at_each_host_and_at_three_that_refuse_it() {
    let devices = [1, 2, 3, 4, 5].map(|engine| (engine, Users::Refused));
    // Of two candidates with one name the second has its turn when the first is given up.
    let candidates = vec![user(7, 2), user(8, 0)];
    let Some((result, asked)) = scan_of(&devices, candidates, LONG).await else { return };
    assert_eq!(asked.iter().sum::<u32>(), 4, "one by the first, three by the second");
    assert!(asked.iter().all(|times| *times <= 1), "{asked:?}");
    let refused: Vec<_> =
        result.refused.iter().map(|one| (one.id, one.refused, one.by.len())).collect();
    assert_eq!(refused, [(7, 3, 1), (8, 3, 3)]);
    assert_eq!((result.hosts.len(), result.not_asked), (5, 0));
    let count = |cause| result.hosts.iter().filter(|host| host.cause == cause as u32).count();
    assert_eq!((count(Cause::UnknownUser), count(Cause::NoCredential)), (4, 1), "{result:?}");
}

#[tokio::test]
async fn a_router_refuses_a_user_once_and_not_at_each_of_its_addresses() {
    // One router at the first, third and fifth address, and devices that know the user between them.
    let (router, known) = ((9, Users::Refused), |engine| (engine, Users::Taken));
    let devices = [router, known(1), router, known(2), router];
    let Some((result, asked)) = scan_of(&devices, vec![user(1, 0)], LONG).await else { return };
    assert_eq!((asked[0] + asked[2] + asked[4], asked[1], asked[3]), (1, 1, 1), "{asked:?}");
    let works = result.hosts.iter().filter(|host| host.works.is_some()).count();
    assert_eq!((result.hosts.len(), works, result.refused[0].by.len()), (5, 2, 1));
    let told = |host: &&proto::ScannedHost| host.advice.contains("at another address");
    assert_eq!(result.hosts.iter().filter(told).count(), 2, "{result:?}");
}

#[tokio::test]
async fn hosts_that_have_answered_are_told_also_where_users_come_too_late() {
    let devices = [1, 2, 3, 4, 5, 6, 7, 8].map(|engine| (engine, Users::Ignored));
    // A user who is ignored takes more than a second at each.
    let begun_within = Duration::from_secs(3);
    let scan = scan_of(&devices, vec![user(1, 0)], begun_within).await;
    let Some((result, asked)) = scan else { return };
    assert_eq!((result.hosts.len(), result.not_asked), (8, 0));
    let late: Vec<_> = result.hosts.iter().filter(|host| host.not_all_tried).collect();
    assert_eq!(late.len(), asked.iter().filter(|times| **times == 0).count());
    assert!(late.len() >= 4 && late.iter().all(|host| host.advice.contains("alone")), "{late:?}");
}
