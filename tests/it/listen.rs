//! The collector's doors under bad input: each ends one connection, the next one is served.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, only_agent};

const LIMIT: Duration = Duration::from_secs(30);

/// Bytes without a pattern, the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let step = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| step(&mut state)).collect()
}

#[tokio::test]
async fn garbage_on_every_port_disturbs_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for seed in 0..500 {
        let mut datagram = noise(seed + 1, 1200);
        // Long header, version 1: gets past the first look.
        if seed % 2 == 0 {
            datagram[..5].copy_from_slice(&[0xc3, 0, 0, 0, 1]);
        }
        socket.send_to(&datagram, collector.listen).unwrap();
    }
    for (port, seed) in [(collector.listen, 7), (collector.http, 8)] {
        for length in [1, 100, 5_000] {
            let mut stream = TcpStream::connect(port).unwrap();
            // The other end may hang up first: that is the point.
            let _ = stream.write_all(&noise(seed, length));
        }
    }
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let path = format!("/api/v1/agents/{}", only_agent(&client).await);
    eventually(LIMIT, "an agent connects after the garbage", async || {
        client.get(&path).await.data()["state"] == "up"
    })
    .await;
    assert!(!collector.log().contains("panicked"));
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let dir = tempfile::tempdir().unwrap();
    let output = farwatch_support::process::run(
        &farwatch_support::process::binary("farwatch-collector"),
        &[
            "serve",
            "--data-dir",
            dir.path().to_str().unwrap(),
            "--http",
            "0.0.0.0:0",
            "--listen",
            "127.0.0.1:0",
        ],
        "",
    );
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("loopback"), "{text}");
}
