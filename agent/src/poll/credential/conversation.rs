//! The shell of one dialog: its socket and its time-outs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::Missed;
use super::dialog::{Dialog, Identity, Told};
use crate::poll::Access;
use crate::poll::engine::Moment;
use crate::poll::names::is_silence;
use crate::poll::throttle::Throttle;

/// Time-outs of a question and its one repetition.
const TIMEOUTS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(850)];
/// For all questions.
const PATIENCE: Duration = Duration::from_millis(2800);
/// Four objects, of which two are texts of 255 bytes, and the envelope of SNMPv3. What is longer is cut,
/// and so is no answer: many dialogs go on at the same time.
const ANSWER_BYTES_MAX: usize = 2_048;

/// Asks a device who it is; tells the round-trip time of the answer, or what is wrong and where an
/// answer came from that was refused for its source.
pub(super) async fn identify(
    (address, strict_source): (SocketAddr, bool),
    access: &Access,
    (throttle, clock): (&Throttle, &Clock),
) -> Result<(Identity, Duration), Missed> {
    let conversation = Conversation::open(address, access, (throttle, clock)).await;
    let mut conversation = conversation.map_err(|_| (Cause::Unreachable, None))?;
    conversation.strict_source = strict_source;
    let identity = conversation.run().await;
    identity.map_err(|cause| match conversation.refused_from {
        Some(from) if is_silence(cause) => (Cause::OtherSource, Some(from)),
        _ => (cause, None),
    })
}

/// One dialog over its own socket. It is not connected: gear with several addresses may answer from
/// another one than was asked.
struct Conversation<'a> {
    socket: UdpSocket,
    address: SocketAddr,
    /// What comes from elsewhere is no answer.
    strict_source: bool,
    /// But one has come from here.
    refused_from: Option<SocketAddr>,
    dialog: Dialog,
    throttle: &'a Throttle,
    clock: &'a Clock,
    started: std::time::Instant,
    buffer: Vec<u8>,
}

impl<'a> Conversation<'a> {
    async fn open(
        address: SocketAddr,
        access: &Access,
        (throttle, clock): (&'a Throttle, &'a Clock),
    ) -> io::Result<Self> {
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(Self {
            socket: UdpSocket::bind((any, 0)).await?,
            address,
            strict_source: false,
            refused_from: None,
            dialog: Dialog::new(access, clock.now(), rand::random()),
            throttle,
            clock,
            started: clock.monotonic(),
            buffer: vec![0; ANSWER_BYTES_MAX],
        })
    }

    fn passed(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.started)
    }

    fn now(&self) -> Moment {
        let mono_us = u64::try_from(self.passed().as_micros()).unwrap_or(u64::MAX);
        Moment { mono_us, wall: self.clock.now() }
    }

    async fn run(&mut self) -> Result<(Identity, Duration), Cause> {
        let mut attempt = 0;
        while let Some(limit) = TIMEOUTS.get(attempt) {
            // The wait for a place is not the device's.
            self.started += self.throttle.take(1, self.clock).await;
            let until = (self.passed() + *limit).min(PATIENCE);
            let now = self.now();
            let question = self.dialog.question(now)?;
            let sent = self.socket.send_to(question, self.address).await;
            sent.map_err(|_| Cause::Unreachable)?;
            match self.hear(until).await {
                Some(Told::Identity(identity, asked_us)) => {
                    let rtt_us = self.now().mono_us.saturating_sub(asked_us);
                    return Ok((identity, Duration::from_micros(rtt_us)));
                }
                Some(Told::Failed(cause)) => return Err(cause),
                Some(Told::AskAgain) => attempt = 0,
                None => attempt += 1,
            }
        }
        Err(self.dialog.silent())
    }

    /// Waits for something that counts, until that much time has passed since the start.
    async fn hear(&mut self, until: Duration) -> Option<Told> {
        loop {
            let left = until.checked_sub(self.passed())?;
            let received = timeout(left, self.socket.recv_from(&mut self.buffer)).await.ok()?;
            // An ICMP error of an earlier datagram; the time-out tells of it.
            let Ok((length, from)) = received else { continue };
            let now = self.now();
            let datagram = self.buffer.get(..length).unwrap_or_default();
            if self.strict_source && from.ip() != self.address.ip() {
                if self.dialog.fits(datagram) {
                    self.refused_from = Some(from);
                }
                continue;
            }
            if let Some(told) = self.dialog.hear(datagram, now) {
                return Some(told);
            }
        }
    }
}
