//! The engine's sockets, clock and queues. One socket per address family, opened when first
//! needed, shared by all devices.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Group;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot, watch};

use super::engine::{Engine, Polled, Settings, Transmit};
use super::names::{Names, Resolved, is_silence};
use super::now;
use super::outlet::Outlet;
use super::pace::timeline::{Targets, Timeline};
use super::plan::Compiled;
use super::{Observation, PollConfig, PollCounters, PollError, Target};

/// Asked of the system for answers that arrive while the engine is busy; it may grant less.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;
/// What one answer takes of that buffer, with the kernel's own bookkeeping.
const ANSWER_BYTES: usize = 2560;
/// Even with a small buffer so many polls are in flight.
const WINDOW_MIN: usize = 32;
/// Largest datagram of UDP.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Datagrams read before timers and other inputs are looked at again.
const BATCH: usize = 64;

pub(super) struct Shell {
    engine: Engine,
    settings: Settings,
    time: Timeline,
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    /// [`open`], but in tests.
    open: fn(SocketAddr) -> io::Result<(UdpSocket, usize)>,
    out: Outlet,
    buffer: Vec<u8>,
    now: Option<now::Requests>,
    /// Who waits for the outcome of a poll.
    waiting: HashMap<DeviceId, Vec<oneshot::Sender<Option<Polled>>>>,
    names: Names,
}

/// What the loop woke up for.
enum Wake {
    Time,
    Datagrams(SocketFamily),
    Targets(Arc<Vec<Target>>),
    Resolved(Resolved),
    Now(now::Request),
}

#[derive(Clone, Copy)]
enum SocketFamily {
    V4,
    V6,
}

impl Shell {
    pub(super) fn new(
        config: PollConfig,
        out: Outlet,
        clock: Clock,
        counters: Arc<PollCounters>,
    ) -> Result<Self, PollError> {
        let time = Timeline::new(clock);
        let mut settings = config.settings;
        settings.seed ^= rand::random::<u64>();
        let engine = Engine::new(Compiled::new(config.plan)?, settings, counters, time.now());
        let buffer = vec![0; DATAGRAM_BYTES_MAX];
        Ok(Self {
            engine,
            settings,
            time,
            v4: None,
            v6: None,
            open,
            out,
            buffer,
            now: config.now,
            waiting: HashMap::new(),
            names: Names::default(),
        })
    }

    /// Runs until the next stage is gone.
    pub(super) async fn run(
        mut self,
        targets: watch::Receiver<Arc<Vec<Target>>>,
        mut resolved: mpsc::Receiver<Resolved>,
    ) -> Result<(), PollError> {
        let mut sleep = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut targets = Targets::new(targets);
        loop {
            self.time.arm(self.engine.wake_us(), sleep.as_mut());
            let wake = tokio::select! {
                Ok(()) = readable(self.v4.as_ref()) => Wake::Datagrams(SocketFamily::V4),
                Ok(()) = readable(self.v6.as_ref()) => Wake::Datagrams(SocketFamily::V6),
                () = sleep.as_mut() => Wake::Time,
                list = targets.next() => Wake::Targets(list),
                Some(address) = resolved.recv() => Wake::Resolved(address),
                Some(request) = asked(self.now.as_mut()) => Wake::Now(request),
            };
            match wake {
                Wake::Time => {}
                Wake::Datagrams(family) => self.receive(family)?,
                Wake::Targets(list) => self.assign(&list),
                Wake::Resolved(resolved) => {
                    // It may be of targets that are new here too: they come first.
                    if let Some(list) = targets.changed() {
                        self.assign(&list);
                    }
                    let device = resolved.device;
                    if let Some(address) = self.names.found(resolved) {
                        self.engine.set_address(self.time.now(), device, address);
                    }
                }
                Wake::Now((device, reply)) => {
                    if self.engine.poll_now(device) {
                        self.waiting.entry(device).or_default().push(reply);
                    } else {
                        let _ = reply.send(None);
                    }
                }
            }
            let now = self.time.now();
            self.engine.set_room(self.out.has_room());
            if self.engine.wake_us().is_some_and(|wake| wake <= now.mono_us) {
                self.engine.tick(now);
            }
            self.send().await;
            self.deliver()?;
        }
    }

    fn assign(&mut self, targets: &[Target]) {
        let now = self.time.now();
        self.names.keep(targets);
        let refused = self.engine.set_targets(now, targets);
        if refused > 0 {
            tracing::error!(refused, "too many devices for one agent");
        }
        // What has changed but for its host begins anew where it was.
        for (device, address) in self.names.used() {
            self.engine.set_address(now, device, address);
        }
    }

    /// Takes in a batch of datagrams, each with its consequences.
    fn receive(&mut self, family: SocketFamily) -> Result<(), PollError> {
        let now = self.time.now();
        for _ in 0..BATCH {
            let socket = match family {
                SocketFamily::V4 => self.v4.as_ref(),
                SocketFamily::V6 => self.v6.as_ref(),
            };
            let Some(socket) = socket else {
                break;
            };
            match socket.try_recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    self.engine.receive(datagram, from, now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // ICMP errors of earlier datagrams; the time-out tells of them.
                Err(error) => tracing::debug!(%error, "a socket reports an error"),
            }
            self.deliver()?;
        }
        Ok(())
    }

    async fn send(&mut self) {
        loop {
            let now = self.time.now();
            let mut sent = 0;
            while let Some(Transmit { slot, to }) = self.engine.transmit(now) {
                if let Err(error) = self.send_one(to).await {
                    tracing::debug!(%error, %to, "a question could not be sent");
                    self.engine.unsendable(slot, now);
                }
                sent += 1;
                if sent == BATCH {
                    break;
                }
            }
            if sent < BATCH {
                return;
            }
        }
    }

    /// Sends the engine's datagram. A host without this address family, or out of sockets, keeps
    /// only the devices from being polled that need it.
    async fn send_one(&mut self, to: SocketAddr) -> io::Result<()> {
        let socket = if to.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        let socket = match socket {
            Some(socket) => socket,
            None => {
                let (opened, window) = (self.open)(to)?;
                self.engine.set_window(window.min(self.settings.window));
                socket.insert(opened)
            }
        };
        let mut tried = socket.try_send_to(self.engine.datagram(), to);
        while tried.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            // The line is full with our own datagrams: it drains by itself.
            socket.writable().await?;
            tried = socket.try_send_to(self.engine.datagram(), to);
        }
        tried.map(|_| ())
    }

    /// Hands on what the engine has seen.
    fn deliver(&mut self) -> Result<(), PollError> {
        while let Some(observation) = self.engine.observation() {
            self.follow(&observation);
            if let Some(dropped) = self.out.hand_on(observation)? {
                self.engine.undelivered(&dropped);
            }
        }
        while let Some((device, polled)) = self.engine.polled() {
            for reply in self.waiting.remove(&device).unwrap_or_default() {
                // Who does not wait any more is not told.
                let _ = reply.send(polled);
            }
        }
        Ok(())
    }

    /// A device that is silent at one address of its name is asked at the next.
    fn follow(&mut self, seen: &Observation) {
        let Observation::Row { row, .. } = seen else { return };
        if row.group != Group::System {
            return;
        }
        let answered = !row.cause.is_some_and(is_silence);
        if let Some(address) = self.names.asked(row.device, answered) {
            self.engine.set_address(self.time.now(), row.device, address);
        }
    }
}

/// Resolves when the socket, if it is open, has something to read.
async fn readable(socket: Option<&UdpSocket>) -> io::Result<()> {
    match socket {
        Some(socket) => socket.readable().await,
        None => std::future::pending().await,
    }
}

/// The next request for a poll; never without somebody who may ask.
async fn asked(now: Option<&mut now::Requests>) -> Option<now::Request> {
    match now {
        Some(now) => now.0.recv().await,
        None => std::future::pending().await,
    }
}

/// Opens the socket for the family of `peer`, and tells how many polls its buffer can take.
fn open(peer: SocketAddr) -> io::Result<(UdpSocket, usize)> {
    let (domain, any): (Domain, SocketAddr) = match peer {
        SocketAddr::V4(_) => (Domain::IPV4, (Ipv4Addr::UNSPECIFIED, 0).into()),
        SocketAddr::V6(_) => (Domain::IPV6, (Ipv6Addr::UNSPECIFIED, 0).into()),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    // Refused or cut down by the system: the window follows what is granted.
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES) {
        tracing::debug!(%error, "the receive buffer keeps its size");
    }
    let window = (socket.recv_buffer_size()? / ANSWER_BYTES).max(WINDOW_MIN);
    socket.set_nonblocking(true)?;
    socket.bind(&any.into())?;
    Ok((UdpSocket::from_std(socket.into())?, window))
}

#[cfg(test)]
mod tests {
    use farwatch_common::sample::Cause;
    use farwatch_common::secret::Secret;

    use super::*;
    use crate::poll::names::Name;
    use crate::poll::{Access, Manner, SnmpVersion, outlet};

    /// A device by its name.
    fn target(host: &str) -> Target {
        let community = Secret::new(b"public".to_vec());
        Target {
            device: DeviceId(1),
            host: host.to_owned(),
            port: 161,
            interval: Duration::from_secs(1),
            access: Access::Community { version: SnmpVersion::V2c, community },
            manner: Manner::default(),
        }
    }

    /// Asks at once, and waits for an answer as long as loopback needs.
    fn hasty(out: mpsc::Sender<Observation>) -> Shell {
        let first_poll_within = Duration::ZERO;
        let timeouts = [Duration::from_millis(50); 2];
        let settings = Settings { first_poll_within, timeouts, ..Settings::default() };
        let config = PollConfig { settings, ..PollConfig::default() };
        Shell::new(config, out.into(), Clock::system(), Arc::default()).unwrap()
    }

    #[tokio::test]
    async fn a_device_that_is_silent_at_one_address_of_its_name_is_asked_at_the_next() {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let (first, second) = (bind().await.unwrap(), bind().await.unwrap());
        let (out, _seen) = mpsc::channel(64);
        let shell = hasty(out);
        let (_targets, targets) = watch::channel(Arc::new(vec![target("router.invalid")]));
        let (addresses, resolved) = mpsc::channel(1);
        let both = [&first, &second].map(|socket| socket.local_addr().unwrap()).to_vec();
        let name = Name { host: "router.invalid".to_owned(), port: 161 };
        let both = Resolved { device: DeviceId(1), name, addresses: both };
        addresses.send(both).await.unwrap();
        let asked = async {
            for socket in [&first, &second, &first] {
                socket.recv(&mut [0; 1500]).await.unwrap();
                // The repetition of the question.
                socket.recv(&mut [0; 1500]).await.unwrap();
            }
        };
        tokio::select! {
            ended = shell.run(targets, resolved) => panic!("{ended:?}"),
            () = asked => {}
        }
    }

    #[tokio::test]
    async fn a_device_that_gets_an_address_for_its_name_is_asked_there_alone() {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let (before, there) = (bind().await.unwrap(), bind().await.unwrap());
        let (out, _seen) = mpsc::channel(64);
        let shell = hasty(out);
        let (targets, watch) = watch::channel(Arc::new(vec![target("router.invalid")]));
        let (addresses, resolved) = mpsc::channel(2);
        let name = Name { host: "router.invalid".to_owned(), port: 161 };
        let found = vec![before.local_addr().unwrap(), ([192, 0, 2, 1], 161).into()];
        let found = Resolved { device: DeviceId(1), name, addresses: found };
        let edited = async {
            addresses.send(found.clone()).await.unwrap();
            before.recv(&mut [0; 1500]).await.unwrap();
            let port = there.local_addr().unwrap().port();
            targets.send_replace(Arc::new(vec![Target { port, ..target("127.0.0.1") }]));
            // Its lookup began before.
            addresses.send(found).await.unwrap();
            there.recv(&mut [0; 1500]).await.unwrap();
            while before.try_recv(&mut [0; 1500]).is_ok() {}
            // It is silent more than once.
            for _ in 0..6 {
                there.recv(&mut [0; 1500]).await.unwrap();
            }
            assert!(before.try_recv(&mut [0; 1500]).is_err(), "the old host was asked");
        };
        tokio::select! {
            ended = shell.run(watch, resolved) => panic!("{ended:?}"),
            () = edited => {}
        }
    }

    #[tokio::test]
    async fn what_the_next_stage_has_no_room_for_is_noted_and_counted() {
        let (out, inlet) = outlet::channel(1);
        let (mut seen, unplaced) = inlet.into_parts();
        let counters = Arc::new(PollCounters::default());
        let settings = Settings { first_poll_within: Duration::ZERO, ..Settings::default() };
        let config = PollConfig { settings, ..PollConfig::default() };
        let mut shell = Shell::new(config, out, Clock::system(), Arc::clone(&counters)).unwrap();
        shell.open = |_| Err(io::ErrorKind::AddrNotAvailable.into());
        let of = |device| Target { device: DeviceId(device), ..target("127.0.0.1") };
        // All are due at once, and fail at once, each with two rows.
        let (_targets, targets) = watch::channel(Arc::new((1..=3).map(of).collect()));
        let (_addresses, resolved) = mpsc::channel(1);
        let first = tokio::select! {
            ended = shell.run(targets, resolved) => panic!("{ended:?}"),
            first = seen.recv() => first.unwrap(),
        };
        let Observation::Row { row, .. } = first else { panic!("{first:?}") };
        let mut all = unplaced.take();
        let lost: u64 = all.values().map(|loss| loss.count).sum();
        assert_eq!((all.len(), lost), (2, 5));
        assert_eq!(all.remove(&row.group.class()).map(|loss| loss.count), Some(2));
        assert_eq!(counters.snapshot().dropped_observations, 5);
    }

    #[tokio::test]
    async fn a_device_of_a_family_this_host_lacks_is_unreachable_and_polling_goes_on() {
        let (out, mut seen) = mpsc::channel(16);
        let counters = Arc::new(PollCounters::default());
        let settings = Settings { first_poll_within: Duration::ZERO, ..Settings::default() };
        let config = PollConfig { settings, ..PollConfig::default() };
        let clock = Clock::system();
        let mut shell = Shell::new(config, out.into(), clock, Arc::clone(&counters)).unwrap();
        shell.open = |_| Err(io::ErrorKind::Unsupported.into());
        let target = Target { interval: Duration::from_secs(60), ..target("::1") };
        let (_targets, targets) = watch::channel(Arc::new(vec![target]));
        let (_addresses, resolved) = mpsc::channel(1);
        let observation = tokio::select! {
            ended = shell.run(targets, resolved) => panic!("{ended:?}"),
            observation = seen.recv() => observation.unwrap(),
        };
        let Observation::Row { row, .. } = observation else { panic!("{observation:?}") };
        assert_eq!((row.device, row.cause), (DeviceId(1), Some(Cause::Unreachable)));
        assert_eq!(counters.snapshot().unreachable, 1);
    }
}
