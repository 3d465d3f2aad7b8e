//! The pinger's sockets, clock and queues. One socket per address family, opened when first needed,
//! shared by all devices.
//!
//! The time of an answer is read right after it was: what the kernel notes at its arrival
//! (SO_TIMESTAMP) comes as control data that the runtime does not show. An agent that is busy adds its
//! own delay.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Row};
use tokio::sync::{mpsc, oneshot, watch};

use super::core::{Core, Ended, Outcome, Transmit};
use super::packet::{self, Echo, Heard};
use super::{Request, Whereabouts};
use crate::platform::icmp::{EchoSocket, Family, Kind};
use crate::poll::names::Names;
use crate::poll::outlet::Outlet;
use crate::poll::pace::timeline::{Targets, Timeline};
use crate::poll::{Observation, PollCounters, PollError, Target};

/// An answer is far smaller; what does not fit is none.
const BUFFER_BYTES: usize = 2048;
/// Messages read before timers and other inputs are looked at again.
const BATCH: usize = 64;

/// Errors of other requests that may come up while one is sent.
const TRIES_MAX: u32 = 4;

type Reply = oneshot::Sender<Outcome>;

pub(super) struct Shell {
    core: Core,
    time: Timeline,
    v4: Option<EchoSocket>,
    v6: Option<EchoSocket>,
    /// Of our requests, where the system does not choose it.
    identifier: u16,
    open: fn(Family) -> io::Result<EchoSocket>,
    out: Outlet,
    /// Who waits for the outcome of a job; as many as the core takes.
    waiting: HashMap<u64, Reply>,
    jobs: u64,
    targets: Arc<Vec<Target>>,
    names: Names,
    buffer: Vec<u8>,
}

/// What the loop woke up for.
enum Wake {
    Time,
    Messages(Family),
    Targets(Arc<Vec<Target>>),
    Request(Request),
}

impl Shell {
    pub(super) fn new(out: Outlet, clock: Clock, counters: Arc<PollCounters>) -> Self {
        let time = Timeline::new(clock);
        Self {
            core: Core::new(rand::random(), counters, time.now()),
            time,
            v4: None,
            v6: None,
            identifier: rand::random(),
            open: EchoSocket::open,
            out,
            waiting: HashMap::new(),
            jobs: 0,
            targets: Arc::default(),
            names: Names::default(),
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    /// Runs until the next stage is gone.
    pub(super) async fn run(
        mut self,
        targets: watch::Receiver<Arc<Vec<Target>>>,
        mut requests: mpsc::Receiver<Request>,
    ) -> Result<(), PollError> {
        let mut sleep = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut targets = Targets::new(targets);
        loop {
            self.time.arm(self.core.wake_us(), sleep.as_mut());
            let wake = tokio::select! {
                Ok(()) = readable(self.v4.as_ref()) => Wake::Messages(Family::V4),
                Ok(()) = readable(self.v6.as_ref()) => Wake::Messages(Family::V6),
                () = sleep.as_mut() => Wake::Time,
                list = targets.next() => Wake::Targets(list),
                Some(request) = requests.recv() => Wake::Request(request),
            };
            match wake {
                Wake::Time => {}
                Wake::Messages(family) => self.receive(family)?,
                Wake::Targets(list) => self.assign(&list),
                Wake::Request(request) => {
                    // It may be of targets that are new here too: they come first.
                    if let Some(list) = targets.changed() {
                        self.assign(&list);
                    }
                    self.take(request);
                }
            }
            self.take_returned(Family::V4);
            self.take_returned(Family::V6);
            let now = self.time.now();
            if self.core.wake_us().is_some_and(|wake| wake <= now.mono_us) {
                self.core.tick(now);
            }
            self.send().await;
            self.deliver()?;
        }
    }

    fn assign(&mut self, targets: &Arc<Vec<Target>>) {
        self.targets = Arc::clone(targets);
        self.names.keep(targets);
        self.core.set_targets(self.time.now(), targets);
        // What has changed but for its host begins anew where it was.
        for (device, address) in self.names.used() {
            self.core.set_address(device, address);
        }
    }

    fn take(&mut self, request: Request) {
        let (to, reply) = match request {
            Request::Resolved(resolved) => {
                let device = resolved.device;
                if let Some(address) = self.names.found(resolved) {
                    self.core.set_address(device, address);
                }
                return;
            }
            Request::Where(device, reply) => {
                let _ = reply.send(self.where_is(device));
                return;
            }
            Request::Devices(reply) => {
                let _ = reply.send(self.devices());
                return;
            }
            Request::Host(to, reply) => (to, reply),
        };
        self.jobs += 1;
        if self.core.ping(self.jobs, to, self.time.now()) {
            self.waiting.insert(self.jobs, reply);
        } else {
            // Whoever asked may be gone.
            let _ = reply.send(Outcome::nothing(Cause::Budget));
        }
    }

    /// Where a device may be, the address in use first; `None` if it is not to be pinged.
    fn where_is(&self, device: DeviceId) -> Option<Whereabouts> {
        let (host, used) = self.core.place_of(device)?;
        let addresses = match self.names.all(device) {
            [] => used.into_iter().collect(),
            all => all.to_vec(),
        };
        Some(Whereabouts { host: host.to_owned(), addresses })
    }

    /// The addresses of all devices, pinged or not.
    fn devices(&self) -> BTreeMap<IpAddr, DeviceId> {
        let of = |target: &Target| match target.literal() {
            Some(address) => vec![(address.ip(), target.device)],
            None => {
                let all = self.names.all(target.device).iter();
                all.map(|address| (address.ip(), target.device)).collect()
            }
        };
        self.targets.iter().flat_map(of).collect()
    }

    /// A device that is silent at one address of its name is pinged at the next.
    fn follow(&mut self, row: &Row) {
        let answered = row.values.first() == Some(&Some(1));
        if let Some(address) = self.names.asked(row.device, answered) {
            self.core.set_address(row.device, address);
        }
    }

    fn socket(&self, family: Family) -> Option<&EchoSocket> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    fn receive(&mut self, family: Family) -> Result<(), PollError> {
        for _ in 0..BATCH {
            let mut buffer = std::mem::take(&mut self.buffer);
            let Some(socket) = self.socket(family) else { break };
            let read = socket.try_recv_from(&mut buffer);
            let (now, kind) = (self.time.now(), socket.kind());
            self.buffer = buffer;
            match read {
                Ok((length, from)) => {
                    let message = self.buffer.get(..length).unwrap_or_default();
                    if let Some(heard) = packet::read(family, message)
                        && self.is_ours(kind, &heard)
                    {
                        self.core.receive(heard, from, now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Of a request that came back; `take_returned` finds out which.
                Err(error) => tracing::debug!(%error, "a socket reports an error"),
            }
            self.deliver()?;
        }
        Ok(())
    }

    /// A raw socket also shows the answers to other programs of this host.
    fn is_ours(&self, kind: Kind, heard: &Heard) -> bool {
        let identifier = match heard {
            Heard::Reply(echo) => echo.identifier,
            Heard::Returned { identifier, .. } => *identifier,
        };
        kind == Kind::Ping || identifier == self.identifier
    }

    /// Takes the requests that the network gave back to a ping socket; says whether there were any.
    fn take_returned(&mut self, family: Family) -> bool {
        let mut any = false;
        for _ in 0..BATCH {
            let mut buffer = std::mem::take(&mut self.buffer);
            let returned = self.socket(family).and_then(|s| s.next_returned(&mut buffer));
            self.buffer = buffer;
            let Some((length, to)) = returned else { break };
            any = true;
            let message = self.buffer.get(..length).unwrap_or_default();
            if let Some(heard) = packet::returned(family, to.ip(), message) {
                let now = self.time.now();
                self.core.receive(heard, to, now);
            }
        }
        any
    }

    async fn send(&mut self) {
        loop {
            let now = self.time.now();
            let Some(out) = self.core.transmit(now) else { return };
            match self.send_one(out).await {
                Ok(()) => self.core.sent(),
                Err(error) => {
                    tracing::debug!(%error, to = %out.to, "an echo request could not be sent");
                    match why(&error) {
                        Cause::Unreachable => self.core.turned_down(out.slot),
                        cause => self.core.unsendable(out.slot, cause),
                    }
                }
            }
        }
    }

    async fn send_one(&mut self, out: Transmit) -> io::Result<()> {
        let family = Family::of(out.to);
        let place = if family == Family::V4 { &mut self.v4 } else { &mut self.v6 };
        if place.is_none() {
            *place = Some((self.open)(family)?);
        }
        let (identifier, sequence, token) = (self.identifier, out.sequence, out.token);
        let message = packet::request(family, Echo { identifier, sequence, token });
        let mut tries = 0;
        loop {
            self.core.departs(out.slot, self.time.now());
            let Some(socket) = self.socket(family) else { return Ok(()) };
            let Err(error) = socket.try_send_to(&message, out.to) else { return Ok(()) };
            if error.kind() == io::ErrorKind::WouldBlock {
                // The line is full with our own requests: it drains by itself.
                socket.writable().await?;
            } else if tries == TRIES_MAX || !self.take_returned(family) {
                return Err(error);
            } else {
                // It may be the error of an earlier request, to another host.
                tries += 1;
            }
        }
    }

    /// Hands on what has ended.
    fn deliver(&mut self) -> Result<(), PollError> {
        while let Some(ended) = self.core.ended() {
            match ended {
                Ended::Job(job, outcome) => {
                    if let Some(reply) = self.waiting.remove(&job) {
                        let _ = reply.send(outcome);
                    }
                }
                Ended::Row(row) => {
                    self.follow(&row);
                    let schema = self.core.schema();
                    if self.out.hand_on(Observation::Row { row, schema })?.is_some() {
                        self.core.undelivered();
                    }
                }
            }
        }
        Ok(())
    }
}

/// Why a request was not sent: this host does not let us, there is no way, or this host has no more
/// to give (sockets, memory).
fn why(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => Cause::NotPermitted,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::AddrNotAvailable => Cause::Unreachable,
        _ => Cause::Budget,
    }
}

/// Resolves when the socket, if it is open, has something to read.
async fn readable(socket: Option<&EchoSocket>) -> io::Result<()> {
    match socket {
        Some(socket) => socket.readable().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use farwatch_common::sample::Group;

    use super::*;
    use crate::poll::names::{Name, Resolved};
    use crate::poll::{Access, Manner};

    fn target() -> Target {
        Target {
            device: DeviceId(1),
            host: "127.0.0.1".to_owned(),
            port: 161,
            interval: Duration::from_secs(1),
            access: Access::Nothing,
            manner: Manner::default(),
        }
    }

    /// Of a device that is called `router.invalid`.
    fn resolved(addresses: Vec<SocketAddr>) -> Resolved {
        let name = Name { host: "router.invalid".to_owned(), port: 161 };
        Resolved { device: DeviceId(1), name, addresses }
    }

    /// Where the pinger thinks the device is.
    async fn place(requests: &mpsc::Sender<Request>) -> Option<Vec<SocketAddr>> {
        let (reply, answer) = oneshot::channel();
        requests.send(Request::Where(DeviceId(1), reply)).await.unwrap();
        answer.await.unwrap().map(|place| place.addresses)
    }

    /// The row of a device where no socket can be opened.
    async fn row_without(open: fn(Family) -> io::Result<EchoSocket>) -> (Option<Cause>, Vec<i64>) {
        let (out, mut seen) = mpsc::channel(16);
        let mut shell = Shell::new(out.into(), Clock::system(), Arc::default());
        shell.open = open;
        let (_targets, targets) = watch::channel(Arc::new(vec![target()]));
        let (_requests, requested) = mpsc::channel(1);
        let observation = tokio::select! {
            ended = shell.run(targets, requested) => panic!("{ended:?}"),
            observation = seen.recv() => observation.unwrap(),
        };
        let Observation::Row { row, .. } = observation else { panic!("{observation:?}") };
        assert_eq!(row.group, Group::Ping);
        (row.cause, row.values.into_iter().flatten().collect())
    }

    #[tokio::test]
    async fn a_device_that_is_silent_at_one_address_of_its_name_is_pinged_at_the_next() {
        let (out, mut seen) = mpsc::channel(16);
        let mut shell = Shell::new(out.into(), Clock::system(), Arc::default());
        shell.open = |_| Err(io::ErrorKind::NetworkUnreachable.into());
        let both: Vec<SocketAddr> = vec![([192, 0, 2, 1], 0).into(), ([192, 0, 2, 2], 0).into()];
        let other_way_round = both.iter().rev().copied().collect();
        let named = Target { host: "router.invalid".to_owned(), ..target() };
        let (_targets, targets) = watch::channel(Arc::new(vec![named]));
        let (requests, requested) = mpsc::channel(2);
        let asked = async {
            requests.send(Request::Resolved(resolved(both))).await.unwrap();
            seen.recv().await.unwrap();
            place(&requests).await
        };
        tokio::select! {
            ended = shell.run(targets, requested) => panic!("{ended:?}"),
            known = asked => assert_eq!(known, Some(other_way_round)),
        }
    }

    #[tokio::test]
    async fn a_device_that_gets_another_host_is_pinged_there() {
        let (out, mut seen) = mpsc::channel(16);
        let mut shell = Shell::new(out.into(), Clock::system(), Arc::default());
        shell.open = |_| Err(io::ErrorKind::NetworkUnreachable.into());
        let before: Vec<SocketAddr> = vec![([192, 0, 2, 1], 0).into(), ([192, 0, 2, 2], 0).into()];
        let named = Target { host: "router.invalid".to_owned(), ..target() };
        let (targets, watch) = watch::channel(Arc::new(vec![named.clone()]));
        let (requests, requested) = mpsc::channel(2);
        let edited = async {
            requests.send(Request::Resolved(resolved(before.clone()))).await.unwrap();
            assert_eq!(place(&requests).await, Some(before.clone()));
            // The host stays.
            let often = Target { interval: Duration::from_secs(2), ..named };
            targets.send_replace(Arc::new(vec![often]));
            assert_eq!(place(&requests).await, Some(before.clone()));
            // A lookup that began before comes after it.
            let literal = Target { host: "192.0.2.9".to_owned(), ..target() };
            targets.send_replace(Arc::new(vec![literal]));
            requests.send(Request::Resolved(resolved(before.clone()))).await.unwrap();
            let there = Some(vec![([192, 0, 2, 9], 0).into()]);
            assert_eq!(place(&requests).await, there);
            for _ in 0..2 {
                seen.recv().await.unwrap();
            }
            assert_eq!(place(&requests).await, there, "silence does not bring the name back");
            let renamed = Target { host: "other.invalid".to_owned(), ..target() };
            targets.send_replace(Arc::new(vec![renamed]));
            requests.send(Request::Resolved(resolved(before))).await.unwrap();
            assert_eq!(place(&requests).await, Some(vec![]));
        };
        tokio::select! {
            ended = shell.run(watch, requested) => panic!("{ended:?}"),
            () = edited => {}
        }
    }

    #[tokio::test]
    async fn a_host_that_lets_nobody_ping_says_so_and_one_without_a_way_counts_a_loss() {
        let refused = row_without(|_| Err(io::ErrorKind::PermissionDenied.into())).await;
        assert_eq!(refused, (Some(Cause::NotPermitted), vec![]));
        let unknown = row_without(|_| Err(io::ErrorKind::Unsupported.into())).await;
        assert_eq!(unknown, (Some(Cause::NotPermitted), vec![]));
        let exhausted = row_without(|_| Err(io::ErrorKind::OutOfMemory.into())).await;
        assert_eq!(exhausted, (Some(Cause::Budget), vec![]));
        // Down, all lost, no way.
        let no_way = (None, vec![0, 10_000, 1]);
        let dead = row_without(|_| Err(io::ErrorKind::HostUnreachable.into())).await;
        assert_eq!(dead, no_way);
        let offline = row_without(|_| Err(io::ErrorKind::NetworkUnreachable.into())).await;
        assert_eq!(offline, no_way);
    }
}
