//! The lines to the devices of a site: packets come out of a TUN device and meet delay, jitter and
//! loss before they are answered. A device that is away answers nothing, as over a dead line.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use farwatch_common::clock::Clock;
use tokio::time::Instant;
use tokio_tun::Tun;

use super::{Station, ip};
use crate::sim::fault::Fault;
use crate::sim::respond::Responder;

const MTU: i32 = 1500;
/// Packets on the way back; more are lost.
const WAITING_MAX: usize = 4096;

/// What a packet meets there and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub round_trip: Duration,
    /// Up to so much more.
    pub jitter: Duration,
    /// Share of the questions that are lost.
    pub loss: f64,
}

impl Default for Line {
    /// A wire of the house.
    fn default() -> Self {
        let round_trip = Duration::from_micros(300);
        Self { round_trip, jitter: Duration::from_micros(200), loss: 0.0 }
    }
}

impl FromStr for Line {
    type Err = anyhow::Error;

    /// `RTT_MS/JITTER_MS/LOSS_PERCENT`
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let numbers: Vec<f64> =
            text.split('/').map(str::parse).collect::<Result<_, _>>().context("not numbers")?;
        let [round_trip, jitter, loss] = numbers[..] else {
            anyhow::bail!("three numbers are wanted");
        };
        let time = |ms: f64| Duration::try_from_secs_f64(ms / 1e3);
        Ok(Self { round_trip: time(round_trip)?, jitter: time(jitter)?, loss: loss / 100.0 })
    }
}

/// A device at the far end.
#[derive(Debug)]
pub(super) struct End {
    port: u16,
    line: Line,
    responder: Responder,
}

pub(super) fn ends(stations: &[Station]) -> anyhow::Result<HashMap<Ipv4Addr, End>> {
    let end = |station: &Station| {
        let IpAddr::V4(address) = station.at.ip() else {
            anyhow::bail!("{}: a line leads to an IPv4 address", station.name);
        };
        let (port, line) = (station.at.port(), station.line);
        Ok((address, End { port, line, responder: station.responder()? }))
    };
    stations.iter().map(end).collect()
}

/// Makes the TUN device, without addresses and down.
pub(super) fn open(name: &str) -> anyhow::Result<Tun> {
    let devices = Tun::builder().name(name).mtu(MTU).build().context("a TUN device")?;
    devices.into_iter().next().context("no TUN device was made")
}

/// Carries packets until it is cancelled.
pub(super) async fn run(tun: Tun, mut ends: HashMap<Ipv4Addr, End>) {
    let clock = Clock::system();
    let mut buffer = [0; MTU as usize];
    let mut waiting: BinaryHeap<Reverse<(Instant, Vec<u8>)>> = BinaryHeap::new();
    loop {
        let due = waiting.peek().map(|Reverse((due, _))| *due);
        let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            received = tun.recv(&mut buffer) => {
                let Ok(length) = received else { return };
                let packet = &buffer[..length];
                let end = ip::destination(packet).and_then(|address| ends.get_mut(&address));
                let Some(end) = end else { continue };
                let answer = end.answer(packet, &clock);
                if let Some(answer) = answer.filter(|_| waiting.len() < WAITING_MAX) {
                    let jitter = end.line.jitter.mul_f64(rand::random::<f64>());
                    let due = Instant::now() + end.line.round_trip + jitter;
                    waiting.push(Reverse((due, answer)));
                }
            }
            () = tokio::time::sleep_until(due) => {
                if let Some(Reverse((_, packet))) = waiting.pop() {
                    // A line that is full loses it.
                    drop(tun.send(&packet).await);
                }
            }
        }
    }
}

impl End {
    fn answer(&mut self, packet: &[u8], clock: &Clock) -> Option<Vec<u8>> {
        let now = clock.now();
        let silent = self.responder.fault == Fault::Silent || self.responder.is_away(now);
        if silent || rand::random::<f64>() < self.line.loss {
            return None;
        }
        ip::answer(packet, self.port, |datagram| self.responder.respond(datagram, now))
    }
}
