//! Routers that log what they answer, so that what is stored can be held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use farwatch_common::clock::Micros;

use crate::http::{Client, micros};
use crate::process::eventually;
use crate::sim::mib::Object;
use crate::sim::router::{Kind, Router};
use crate::sim::{self, Served};

const STORED_WITHIN: Duration = Duration::from_secs(60);
const COMMUNITY: &[u8] = b"public";
/// An SNMPv2c GET of sysUpTime.0 by "public": no question that the oracle counts.
const GET_UPTIME: [u8; 40] = *b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00\
    \x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";

/// Routers whose ifHCInOctets.1 is the number of times they answered; each answer is logged.
#[derive(Debug)]
pub struct Oracle {
    addresses: Vec<String>,
    logs: Vec<PathBuf>,
    _served: Vec<Served>,
}

impl Oracle {
    pub async fn start(dir: &Path, count: usize) -> Self {
        Self::start_at(dir, count, "127.0.0.1:0").await
    }

    /// The same, at `ADDRESS:0`.
    pub async fn start_at(dir: &Path, count: usize, host: &str) -> Self {
        Self::start_wide(dir, count, host, 1).await
    }

    /// The same, each with so many interfaces.
    pub async fn start_wide(dir: &Path, count: usize, host: &str, interfaces: u32) -> Self {
        let (mut addresses, mut logs, mut served) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..count {
            let log = dir.join(format!("oracle-{at}.log"));
            let router = Router::new(Kind::ALL[0], interfaces, at as u64);
            let mut responder = router.responder(COMMUNITY);
            responder.mib.put(&[31, 1, 1, 1, 6, 1], Object::Oracle);
            responder.oracle = Some(sim::oracle::Oracle::open(&log).unwrap());
            let socket = tokio::net::UdpSocket::bind(host).await.unwrap();
            let router = sim::serve(socket, responder).unwrap();
            addresses.push(router.address.to_string());
            logs.push(log);
            served.push(router);
        }
        Self { addresses, logs, _served: served }
    }

    /// Waits until all that router `at` has answered so far is stored, and sees that it is stored once.
    pub async fn is_stored_once(&self, at: usize, client: &Client, device: &str) {
        let last = self.answers(at).last().unwrap().1;
        eventually(STORED_WITHIN, "the backlog is stored", async || {
            let stored = values(client, device).await;
            stored.keys().next_back().is_some_and(|value| *value >= last)
        })
        .await;
        let found = values(client, device).await;
        assert!(found.values().all(|times| *times == 1), "stored twice: {found:?}");
        let answered: BTreeSet<u64> =
            self.answers(at).into_iter().map(|(_, value)| value).collect();
        let lost: Vec<&u64> = answered.range(..=last).filter(|v| !found.contains_key(v)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }

    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Waits until every question asked so far is answered and logged: routers answer in order.
    pub async fn drained(&self) {
        for address in &self.addresses {
            let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.send_to(&GET_UPTIME, address).await.unwrap();
            socket.recv(&mut [0; 512]).await.unwrap();
        }
    }

    /// When router `at` answered, and with what.
    pub fn answers(&self, at: usize) -> Vec<(Micros, u64)> {
        let text = std::fs::read_to_string(&self.logs[at]).unwrap();
        let parse = |line: &str| {
            let (time, value) = line.split_once(' ')?;
            Some((Micros(time.parse().ok()?), value.parse().ok()?))
        };
        // A line being written is read next time.
        text.lines().filter_map(parse).collect()
    }
}

/// Every stored value of the oracle's counter, with how often it is stored.
pub async fn values(client: &Client, device: &str) -> BTreeMap<u64, u32> {
    values_since(client, device, Micros(0)).await
}

/// Those of polls since `from`.
pub async fn values_since(client: &Client, device: &str, from: Micros) -> BTreeMap<u64, u32> {
    let mut values = BTreeMap::new();
    for (_, value) in samples(client, device, from).await {
        *values.entry(value).or_default() += 1;
    }
    values
}

/// The oracle's counter as it is stored, with the time of each poll.
pub async fn samples(client: &Client, device: &str, from: Micros) -> Vec<(Micros, u64)> {
    samples_if_told(client, device, from).await.expect("the collector reads its database")
}

/// The same, of a collector that is there and may have lost its database a moment ago.
pub async fn samples_if_told(
    client: &Client,
    device: &str,
    from: Micros,
) -> Option<Vec<(Micros, u64)>> {
    let mut samples = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/api/v1/devices/{device}/samples?metric=if_in_octets_total&object=if:1\
             &limit=1000&from={from}{cursor}",
            from = from.0
        );
        let page = client.get(&path).await;
        if page.status == 503 {
            return None;
        }
        let page = page.json();
        for sample in page["data"].as_array().unwrap() {
            if let Some(value) = sample["value"].as_str() {
                samples.push((micros(sample["at"].as_str().unwrap()), value.parse().unwrap()));
            }
        }
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(samples),
        }
    }
}
