//! The same contract over TCP, and what is particular to it.

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::task::spawn_child;
use crate::transport::tcp::{AcceptedSession, Joined, Joiner, dial};

const LIMIT: Duration = Duration::from_secs(20);

/// A collector's door: a task that takes connections, and what came in.
struct Door {
    address: SocketAddr,
    sessions: mpsc::Receiver<AcceptedSession>,
    refused: mpsc::Receiver<String>,
    _open: DropGuard,
}

async fn door(ca: &Ca) -> Door {
    let collector = ca.issue(COLLECTOR_NAME, ExtendedKeyUsagePurpose::ServerAuth);
    let tls = tls::agent_listener_config(served(collector), ca.root.clone()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (session, sessions) = mpsc::channel(4);
    let (refusal, refused) = mpsc::channel(16);
    let open = CancellationToken::new();
    let joiner = Joiner::default();
    let child = open.clone();
    spawn_child(&open, async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (tls, joiner) = (TlsAcceptor::from(Arc::clone(&tls)), joiner.clone());
            let (session, refusal) = (session.clone(), refusal.clone());
            spawn_child(&child, async move {
                let joined = match tls.accept(stream).await {
                    Ok(stream) => joiner.join(stream).await.map_err(|e| e.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                match joined {
                    Ok(Joined::Session(joined)) => session.send(joined).await.unwrap(),
                    Ok(Joined::Pipe(_)) => {}
                    Err(reason) => refusal.send(reason).await.unwrap(),
                }
            });
        }
    });
    Door { address, sessions, refused, _open: open.drop_guard() }
}

impl Door {
    async fn pair(&mut self, ca: &Ca) -> (Arc<dyn Session>, Arc<dyn Session>) {
        let tls = tls::agent_config(ca.agent(), ca.root.clone(), now()).unwrap();
        let agent = dial(&self.address.to_string(), None, tls).await.unwrap();
        let collector = self.sessions.recv().await.unwrap();
        (Arc::new(agent), Arc::new(collector))
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("in time")
}

#[tokio::test]
async fn both_sides_open_pipes_and_the_peer_is_known() {
    let ca = ca();
    let mut door = door(&ca).await;
    let (agent, collector) = door.pair(&ca).await;
    assert_eq!(agent.carrier(), Carrier::Tcp);
    assert_ne!(agent.rtt(), Duration::ZERO);
    assert!(!collector.certificates().is_empty() && !agent.certificates().is_empty());
    both_ways(&agent, &collector, PipeKind::Telemetry).await;
    both_ways(&agent, &collector, PipeKind::Snapshot).await;
    // The agent brings a spare one, and after it the next.
    in_time(both_ways(&collector, &agent, PipeKind::Reverse)).await;
    in_time(both_ways(&collector, &agent, PipeKind::Tunnel)).await;
}

#[tokio::test]
async fn a_close_tells_why_and_ends_every_pipe() {
    let ca = ca();
    let mut door = door(&ca).await;
    let (agent, collector) = door.pair(&ca).await;
    let mut pipe = agent.open(PipeKind::Telemetry).await.unwrap();
    let (_, mut accepted) = collector.accept().await.unwrap();
    collector.close("revoked");
    assert_eq!(in_time(agent.closed()).await, "revoked");
    assert_eq!(in_time(collector.closed()).await, "revoked");
    assert!(in_time(pipe.read_u8()).await.is_err());
    assert!(in_time(accepted.read_u8()).await.is_err());
    assert!(agent.open(PipeKind::Telemetry).await.is_err() || collector.accept().await.is_err());
    drop(collector);
    let (agent, collector) = door.pair(&ca).await;
    agent.close("stopping");
    assert_eq!(in_time(collector.closed()).await, "stopping");
}

#[tokio::test]
async fn a_session_ends_with_its_agent() {
    let ca = ca();
    let mut door = door(&ca).await;
    let (agent, collector) = door.pair(&ca).await;
    drop(agent);
    in_time(collector.closed()).await;
    assert!(in_time(collector.accept()).await.is_err());
    assert!(in_time(collector.open(PipeKind::Reverse)).await.is_err());
}

/// Whoever asks keeps the answers coming.
#[tokio::test]
async fn progress_is_made_while_somebody_looks() {
    let ca = ca();
    let mut door = door(&ca).await;
    let (agent, _collector) = door.pair(&ca).await;
    let before = agent.progress();
    in_time(async {
        while agent.progress() == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

type Raw = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// Says hello by hand; the pipe has to be kept.
async fn raw(address: SocketAddr, ca: &Ca, identity: Identity, kind: u8, id: &[u8]) -> Raw {
    let tls = tls::agent_config(identity, ca.root.clone(), now()).unwrap();
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = COLLECTOR_NAME.try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(tls).connect(name, tcp).await.unwrap();
    let mut hello = vec![kind];
    let body = farwatch_proto::v1::StreamHello { session: id.to_vec() };
    let body = prost::Message::encode_to_vec(&body);
    hello.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
    hello.extend_from_slice(&body);
    stream.write_all(&hello).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Whoever asks without end and reads nothing does not keep a session that is closed.
#[tokio::test]
async fn a_peer_that_takes_nothing_is_closed_all_the_same() {
    let ca = ca();
    let mut door = door(&ca).await;
    let agent = ca.agent();
    let mut link = raw(door.address, &ca, agent.clone(), PipeKind::Link as u8, &[7; 16]).await;
    let session = in_time(door.sessions.recv()).await.unwrap();
    let mut pipe = raw(door.address, &ca, agent, PipeKind::Control as u8, &[7; 16]).await;
    let (_, mut accepted) = in_time(session.accept()).await.unwrap();
    let mut ping = vec![0, 1, 0, 1, 1];
    ping.resize(5 + link::PROBE_BYTES, 0);
    // Until neither side's buffers take more.
    while let Ok(sent) = tokio::time::timeout(Duration::from_secs(1), link.write_all(&ping)).await {
        sent.unwrap();
    }
    session.close("revoked");
    assert_eq!(in_time(session.closed()).await, "revoked");
    assert!(in_time(accepted.read_u8()).await.is_err());
    assert!(in_time(accepted.shutdown()).await.is_err());
    drop(accepted);
    // The peer sees the end of the connection.
    in_time(pipe.read(&mut [0; 1])).await.ok();
}

#[tokio::test]
async fn a_pipe_joins_no_session_but_its_own() {
    let (ca, foreign) = (ca(), ca());
    let mut door = door(&ca).await;
    let (agent, id) = (ca.agent(), [7; 16]);
    let _link = raw(door.address, &ca, agent.clone(), PipeKind::Link as u8, &id).await;
    let session = in_time(door.sessions.recv()).await.unwrap();
    for (identity, kind, id, why) in [
        (ca.agent(), PipeKind::Link as u8, &id[..], "somebody else's"),
        (ca.agent(), PipeKind::Telemetry as u8, &id, "somebody else's"),
        (agent.clone(), PipeKind::Telemetry as u8, &[8; 16], "has ended"),
        (agent.clone(), PipeKind::Telemetry as u8, &[7; 15], "names no session"),
        (agent.clone(), 9, &id, "unknown"),
        (foreign.agent(), PipeKind::Link as u8, &[9; 16], "ertificate"),
    ] {
        let _pipe = raw(door.address, &ca, identity, kind, id).await;
        let reason = in_time(door.refused.recv()).await.unwrap();
        assert!(reason.contains(why), "{why}: {reason}");
    }
    let _pipe = raw(door.address, &ca, agent.clone(), PipeKind::Control as u8, &id).await;
    assert_eq!(in_time(session.accept()).await.unwrap().0, PipeKind::Control);
    // Too many that nobody accepts are hung up on.
    let mut kept = Vec::new();
    for _ in 0..9 {
        kept.push(raw(door.address, &ca, agent.clone(), PipeKind::Control as u8, &id).await);
    }
    assert!(in_time(door.refused.recv()).await.unwrap().contains("too many"));
}
