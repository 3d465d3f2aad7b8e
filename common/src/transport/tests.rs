mod tcp;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use futures_util::FutureExt as _;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::quic::{EndpointSecrets, Listener, dial};
use super::*;
use crate::clock::{Clock, Micros};
use crate::task::spawn_child;
use crate::tls::{self, COLLECTOR_NAME, CertificateTime, Identity};

struct Ca {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn now() -> CertificateTime {
    CertificateTime::new(Clock::system(), Micros(0))
}

fn ca() -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().der().clone();
    Ca { root, issuer: Issuer::new(params, key) }
}

impl Ca {
    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        (params.not_before, params.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Identity { chain: vec![leaf, self.root.clone()], key }
    }

    fn agent(&self) -> Identity {
        self.issue("agent", ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn listener(&self) -> Listener {
        let collector = self.issue(COLLECTOR_NAME, ExtendedKeyUsagePurpose::ServerAuth);
        let tls = tls::agent_listener_config(served(collector), self.root.clone()).unwrap();
        let secrets =
            EndpointSecrets { reset_key: [1; 32], token_key: [2; 32], connection_id_key: 3 };
        Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), tls, &secrets).unwrap()
    }
}

fn served(identity: Identity) -> Arc<tls::ServedIdentity> {
    tls::ServedIdentity::new(identity).unwrap()
}

async fn pair(ca: &Ca) -> (Arc<dyn Session>, Arc<dyn Session>, Listener) {
    let listener = ca.listener();
    let address = listener.local_address().unwrap();
    let tls = tls::agent_config(ca.agent(), ca.root.clone(), now()).unwrap();
    let (agent, collector) =
        tokio::join!(dial(address, tls), async { listener.accept().await.unwrap().finish().await });
    (Arc::new(agent.unwrap()), Arc::new(collector.unwrap()), listener)
}

#[tokio::test]
async fn both_sides_open_pipes_and_the_peer_is_known() {
    let ca = ca();
    let (agent, collector, _listener) = pair(&ca).await;
    let hash = tls::key_hash(&collector.certificates()[0]).unwrap();
    assert_ne!(hash, tls::key_hash(&ca.root).unwrap());

    both_ways(&agent, &collector, PipeKind::Telemetry).await;
    both_ways(&collector, &agent, PipeKind::Reverse).await;
}

/// A pipe that one opens, the other accepts.
async fn both_ways(opener: &Arc<dyn Session>, accepter: &Arc<dyn Session>, kind: PipeKind) {
    let (mut near, (accepted, mut far)) = tokio::join!(
        async {
            let mut pipe = opener.open(kind).await.unwrap();
            pipe.write_all(b"ping").await.unwrap();
            pipe.flush().await.unwrap();
            pipe
        },
        async { accepter.accept().await.unwrap() }
    );
    assert_eq!(accepted, kind);
    let mut bytes = [0; 4];
    far.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    far.write_all(b"pong").await.unwrap();
    far.flush().await.unwrap();
    near.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"pong");
}

#[tokio::test]
async fn large_packets_are_probed() {
    let ca = ca();
    let (agent, collector, _listener) = pair(&ca).await;
    let answered = async {
        let (kind, pipe) = collector.accept().await.unwrap();
        assert_eq!(kind, PipeKind::Link);
        link::answer(pipe, Duration::from_secs(20)).await;
    };
    tokio::select! {
        took = link::probe(&*agent) => assert!(took.unwrap() > Duration::ZERO),
        () = answered => panic!("the answers end"),
    }
}

#[tokio::test]
async fn there_are_so_many_pipes_as_there_are_places() {
    let (agent, collector, _listener) = pair(&ca()).await;
    // It takes pipes and says nothing on them.
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    spawn_child(&stop, async move {
        let mut pipes = Vec::new();
        while let Ok(pipe) = agent.accept().await {
            pipes.push(pipe);
        }
    });
    let places = Arc::new(Semaphore::new(2));
    let open = || channel_in_place(Arc::clone(&collector), PipeKind::Reverse, Arc::clone(&places));
    let (first, second) = (open().await.unwrap(), open().await.unwrap());
    let mut third = Box::pin(open());
    assert!(third.as_mut().now_or_never().is_none(), "both places are taken");
    drop(third);
    let third = Box::pin(open());
    drop(first);
    let third = third.await.unwrap();
    assert_eq!(places.available_permits(), 0);
    drop((third, second));
    drop(places.acquire_many(2).await.unwrap());
}

#[tokio::test]
async fn a_closed_session_says_why() {
    let ca = ca();
    let (agent, collector, _listener) = pair(&ca).await;
    collector.close("revoked");
    assert!(agent.closed().await.contains("revoked"));
}

#[tokio::test]
async fn a_foreign_agent_is_refused() {
    let (ours, foreign) = (ca(), ca());
    let listener = ours.listener();
    let address = listener.local_address().unwrap();
    let tls = tls::agent_config(foreign.agent(), ours.root.clone(), now()).unwrap();
    let (agent, collector) = tokio::join!(
        async {
            // TLS 1.3: the client may think it is in until the refusal arrives.
            match dial(address, tls).await {
                Ok(session) => session.closed().await,
                Err(error) => error.to_string(),
            }
        },
        async { listener.accept().await.unwrap().finish().await }
    );
    assert!(collector.is_err());
    assert!(agent.to_lowercase().contains("certificate"), "{agent}");
}

#[tokio::test]
async fn a_foreign_collector_is_refused() {
    let (ours, foreign) = (ca(), ca());
    let listener = foreign.listener();
    let address = listener.local_address().unwrap();
    let tls = tls::agent_config(ours.agent(), ours.root.clone(), now()).unwrap();
    let (agent, _) =
        tokio::join!(dial(address, tls), async { listener.accept().await.unwrap().finish().await });
    assert!(agent.is_err());
}

#[tokio::test]
async fn a_pipe_with_a_bad_hello_is_dropped_and_the_session_goes_on() {
    let ca = ca();
    let listener = ca.listener();
    let address = listener.local_address().unwrap();
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(
        tls::agent_config(ca.agent(), ca.root.clone(), now()).unwrap(),
    )
    .unwrap();
    let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let connecting = endpoint.connect_with(config, address, COLLECTOR_NAME).unwrap();
    let (raw, collector) = tokio::join!(connecting, async {
        listener.accept().await.unwrap().finish().await.unwrap()
    });
    let raw = raw.unwrap();
    for bad in [&[9u8, 0, 0][..], &[1, 0xff, 0xff], &[1, 0, 2, 0xff, 0xff], &[1]] {
        let (mut send, _receive) = raw.open_bi().await.unwrap();
        send.write_all(bad).await.unwrap();
        send.finish().unwrap();
    }
    let (mut send, _receive) = raw.open_bi().await.unwrap();
    send.write_all(&[PipeKind::Control as u8, 0, 0]).await.unwrap();
    let (kind, _pipe) = collector.accept().await.unwrap();
    assert_eq!(kind, PipeKind::Control);
}

#[tokio::test]
async fn garbage_datagrams_do_not_disturb_a_handshake() {
    let ca = ca();
    let listener = ca.listener();
    let address = listener.local_address().unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for seed in 0u8..=255 {
        let garbage: Vec<u8> = (0..u8::MAX).map(|at| at.wrapping_mul(seed) ^ seed).collect();
        socket.send_to(&garbage, address).unwrap();
    }
    let tls = tls::agent_config(ca.agent(), ca.root.clone(), now()).unwrap();
    let (agent, collector) =
        tokio::join!(dial(address, tls), async { listener.accept().await.unwrap().finish().await });
    assert!(agent.is_ok() && collector.is_ok());
}

#[tokio::test]
async fn the_enrolment_pin_is_checked_in_the_handshake() {
    let (ours, foreign) = (ca(), ca());
    let collector = ours.issue(COLLECTOR_NAME, ExtendedKeyUsagePurpose::ServerAuth);
    let server = tls::open_listener_config(served(collector), &[ALPN_ENROLL]).unwrap();
    for (pinned, fits) in [(&ours, true), (&foreign, false)] {
        let pin = tls::key_hash(&pinned.root).unwrap();
        let client = tls::enroll_config(pin, now());
        assert_eq!(is_taken(client, Arc::clone(&server)).await, fits);
    }
}

/// Whether a client of this configuration takes the collector for what it is.
async fn is_taken(client: Arc<rustls::ClientConfig>, server: Arc<rustls::ServerConfig>) -> bool {
    let (client_io, server_io) = tokio::io::duplex(16 * 1024);
    let client = tokio_rustls::TlsConnector::from(client);
    let accepter = tokio_rustls::TlsAcceptor::from(server);
    let name = COLLECTOR_NAME.try_into().unwrap();
    let (connected, _) = tokio::join!(client.connect(name, client_io), accepter.accept(server_io));
    connected.is_ok()
}

#[tokio::test]
async fn a_clock_that_is_behind_keeps_nobody_out_and_what_has_ended_stays_refused() {
    const YEAR_US: i64 = 31_557_600 * Micros::SECOND;
    let year = |year: i64| Micros((year - 1970) * YEAR_US);
    let ca = ca();
    let collector = || served(ca.issue(COLLECTOR_NAME, ExtendedKeyUsagePurpose::ServerAuth));
    let agents = tls::agent_listener_config(collector(), ca.root.clone()).unwrap();
    let enrolment = tls::open_listener_config(collector(), &[ALPN_ENROLL]).unwrap();
    let pin = tls::key_hash(&ca.root).unwrap();
    // The certificates are good from 2020 to 2090.
    let cases = [
        (1970, 1970, true),
        (1970, 2026, true),
        (2015, 2015, true),
        (2026, 1970, true),
        (2091, 2026, false),
        (1970, 2091, false),
    ];
    for (system, passed, taken) in cases {
        let clock = Clock::system();
        clock.shift(year(system).0 - clock.now().0);
        let time = || CertificateTime::new(clock.clone(), year(passed));
        let agent = tls::agent_config(ca.agent(), ca.root.clone(), time()).unwrap();
        assert_eq!(is_taken(agent, Arc::clone(&agents)).await, taken, "{system} {passed}");
        let newcomer = tls::enroll_config(pin, time());
        assert_eq!(is_taken(newcomer, Arc::clone(&enrolment)).await, taken, "{system} {passed}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let ca = ca();
    let collector = ca.issue(COLLECTOR_NAME, ExtendedKeyUsagePurpose::ServerAuth);
    let tls = tls::agent_listener_config(served(collector), ca.root.clone()).unwrap();
    let secrets = EndpointSecrets { reset_key: [1; 32], token_key: [2; 32], connection_id_key: 3 };
    let error = Listener::bind(address, tls, &secrets).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()), "{error}");
}

/// Handshakes under way that were never finished here: the next agent has to prove its address,
/// and does.
#[tokio::test]
async fn an_agent_gets_in_beside_many_unfinished_handshakes() {
    let ca = ca();
    let listener = ca.listener();
    let address = listener.local_address().unwrap();
    let tls = tls::agent_config(ca.agent(), ca.root.clone(), now()).unwrap();
    let mut unfinished = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..33 {
        let (session, handshake) = tokio::join!(dial(address, Arc::clone(&tls)), async {
            listener.accept().await.unwrap()
        });
        sessions.push(session.unwrap());
        unfinished.push(handshake);
    }
    assert!(unfinished.iter().take(32).all(|handshake| !handshake.proved()));
    assert!(unfinished.last().unwrap().proved());
    // Sessions do not count, only handshakes.
    for handshake in unfinished {
        handshake.finish().await.unwrap();
    }
    let (session, handshake) =
        tokio::join!(dial(address, tls), async { listener.accept().await.unwrap() });
    session.unwrap();
    assert!(!handshake.proved());
}
