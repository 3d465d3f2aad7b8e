//! The link of a site that is a network namespace of its own: two ends, joined by Unix sockets in a
//! folder, which namespaces do not part.
//!
//! The inner end listens where the collector does, outside: so an agent inside needs no other address
//! than any other agent. What it takes there, datagrams and connections, the outer end brings to the
//! collector. The outer end can also be cut, by a schedule.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_common::task::spawn_child;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The sockets in the folder. Their names are short, and meant to be used from within it: a path to
/// a Unix socket has 108 bytes at most.
const STREAMS: &str = "streams";
const INNER: &str = "inner";
const OUTER: &str = "outer";

/// A datagram of Ethernet, and what loopback lets pass.
const DATAGRAM_MAX: usize = 65_536;
/// Before each datagram: the port of the agent that it is from or for.
const PORT_BYTES: usize = 2;
/// Sockets towards the collector, one for each port of an agent; beyond it all are made anew.
const PORTS_MAX: usize = 64;

/// When a link is cut, counted from its start: first after a while, then once in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cuts {
    pub every: Duration,
    pub lasting: Duration,
    pub first: Duration,
}

impl FromStr for Cuts {
    type Err = anyhow::Error;

    /// `EVERY_S/FOR_S[@FIRST_S]`; the first is at the end of its period by default.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (turns, first) = match text.split_once('@') {
            Some((turns, first)) => (turns, Some(first)),
            None => (text, None),
        };
        let (every, lasting) = turns.split_once('/').context("EVERY_S/FOR_S is wanted")?;
        let seconds = |text: &str| text.parse().map(Duration::from_secs).context("seconds");
        let (every, lasting) = (seconds(every)?, seconds(lasting)?);
        ensure!(lasting < every, "a link that is always cut is none");
        let first = first.map_or(Ok(every - lasting), seconds)?;
        Ok(Self { every, lasting, first })
    }
}

impl Cuts {
    /// Whether it is cut, so long after its start, and for how much longer that stays so.
    #[must_use]
    pub fn at(self, age: Duration) -> (bool, Duration) {
        let Some(since) = age.checked_sub(self.first) else { return (false, self.first - age) };
        let into = Duration::from_nanos((since.as_nanos() % self.every.as_nanos()) as u64);
        match self.lasting.checked_sub(into) {
            Some(left) if !left.is_zero() => (true, left),
            _ => (false, self.every - into),
        }
    }
}

/// The end inside of the namespace; listens at `listen` until it is cancelled.
pub async fn inner(folder: &Path, listen: SocketAddr) -> anyhow::Result<()> {
    let udp = UdpSocket::bind(listen).await.context("UDP")?;
    let tcp = TcpListener::bind(listen).await.context("TCP")?;
    carry(folder, tcp, udp).await
}

async fn carry(folder: &Path, tcp: TcpListener, udp: UdpSocket) -> anyhow::Result<()> {
    let unix = bound(&folder.join(INNER))?;
    unix.connect(folder.join(OUTER)).context("the outer end is not there")?;
    let streams = folder.join(STREAMS);
    tokio::select! {
        ended = inner_up(&udp, &unix) => ended?,
        ended = inner_down(&udp, &unix) => ended?,
        ended = inner_streams(&tcp, &streams) => ended?,
    }
    Ok(())
}

async fn inner_up(udp: &UdpSocket, unix: &UnixDatagram) -> io::Result<()> {
    let mut buffer = vec![0; PORT_BYTES + DATAGRAM_MAX];
    loop {
        let (length, from) = udp.recv_from(&mut buffer[PORT_BYTES..]).await?;
        buffer[..PORT_BYTES].copy_from_slice(&from.port().to_be_bytes());
        unix.send(&buffer[..PORT_BYTES + length]).await?;
    }
}

async fn inner_down(udp: &UdpSocket, unix: &UnixDatagram) -> io::Result<()> {
    let mut buffer = vec![0; PORT_BYTES + DATAGRAM_MAX];
    loop {
        let length = unix.recv(&mut buffer).await?;
        let Some((port, datagram)) = buffer[..length].split_first_chunk::<PORT_BYTES>() else {
            continue;
        };
        // An agent that has closed the port does not want it any more.
        let _ = udp.send_to(datagram, (Ipv4Addr::LOCALHOST, u16::from_be_bytes(*port))).await;
    }
}

async fn inner_streams(tcp: &TcpListener, streams: &Path) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (mut inside, _) = tcp.accept().await?;
        let mut outside = UnixStream::connect(streams).await?;
        connections.spawn(async move { copy_bidirectional(&mut inside, &mut outside).await });
        while connections.try_join_next().is_some() {}
    }
}

/// The end outside, which brings all to `collector` until it is cancelled, but for when it is cut.
pub async fn outer(
    folder: &Path,
    collector: SocketAddr,
    cuts: Option<Cuts>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let unix = Arc::new(bound(&folder.join(OUTER))?);
    let streams = folder.join(STREAMS);
    free(&streams)?;
    let streams = UnixListener::bind(&streams).context("a Unix socket")?;
    let (cut, is_cut) = watch::channel(false);
    if let Some(cuts) = cuts {
        spawn_child(stop, by_schedule(cuts, cut));
    }
    let inner = folder.join(INNER);
    tokio::select! {
        ended = outer_up(&unix, &inner, collector, &is_cut, stop) => ended?,
        ended = outer_streams(&streams, collector, is_cut.clone()) => ended?,
    }
    Ok(())
}

async fn by_schedule(cuts: Cuts, cut: watch::Sender<bool>) {
    let start = Instant::now();
    loop {
        let (is_cut, left) = cuts.at(start.elapsed());
        cut.send_replace(is_cut);
        tokio::time::sleep(left).await;
    }
}

async fn outer_up(
    unix: &Arc<UnixDatagram>,
    inner: &Path,
    collector: SocketAddr,
    is_cut: &watch::Receiver<bool>,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut ports: HashMap<[u8; PORT_BYTES], (Arc<UdpSocket>, CancellationToken)> = HashMap::new();
    let mut buffer = vec![0; PORT_BYTES + DATAGRAM_MAX];
    loop {
        let length = unix.recv(&mut buffer).await?;
        let Some((port, datagram)) = buffer[..length].split_first_chunk::<PORT_BYTES>() else {
            continue;
        };
        if *is_cut.borrow() {
            continue;
        }
        if ports.len() >= PORTS_MAX && !ports.contains_key(port) {
            ports.drain().for_each(|(_, (_, ended))| ended.cancel());
        }
        if !ports.contains_key(port) {
            let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
            socket.connect(collector).await?;
            let ended = stop.child_token();
            let (unix, is_cut) = (Arc::clone(unix), is_cut.clone());
            let way = outer_down(Arc::clone(&socket), *port, unix, inner.to_owned(), is_cut);
            spawn_child(&ended, way);
            ports.insert(*port, (socket, ended));
        }
        if let Some((socket, _)) = ports.get(port) {
            // Refused while the collector is away.
            let _ = socket.send(datagram).await;
        }
    }
}

async fn outer_down(
    socket: Arc<UdpSocket>,
    port: [u8; PORT_BYTES],
    unix: Arc<UnixDatagram>,
    inner: std::path::PathBuf,
    is_cut: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; PORT_BYTES + DATAGRAM_MAX];
    buffer[..PORT_BYTES].copy_from_slice(&port);
    loop {
        // An error is the one of a datagram that was refused: go on.
        let Ok(length) = socket.recv(&mut buffer[PORT_BYTES..]).await else { continue };
        if !*is_cut.borrow() {
            let _ = unix.send_to(&buffer[..PORT_BYTES + length], &inner).await;
        }
    }
}

async fn outer_streams(
    streams: &UnixListener,
    collector: SocketAddr,
    is_cut: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (mut inside, _) = streams.accept().await?;
        let mut is_cut = is_cut.clone();
        connections.spawn(async move {
            let carry = async {
                let mut outside = TcpStream::connect(collector).await?;
                copy_bidirectional(&mut inside, &mut outside).await
            };
            // While it is cut nothing gets through, and what was open ends.
            tokio::select! {
                _ = is_cut.wait_for(|cut| *cut) => {}
                _ = carry => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

fn bound(path: &Path) -> anyhow::Result<UnixDatagram> {
    free(path)?;
    UnixDatagram::bind(path).context("a Unix socket")
}

/// That of an earlier run is in the way.
fn free(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context(path.display().to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::both;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn a_cut_comes_once_in_each_period() {
        let at = |text: &str, s| {
            let (is_cut, left) = text.parse::<Cuts>().unwrap().at(Duration::from_secs(s));
            (is_cut, left.as_secs())
        };
        for (s, expected) in
            [(0, (false, 360)), (360, (true, 60)), (419, (true, 1)), (420, (false, 360))]
        {
            assert_eq!(at("420/60", s), expected, "{s}");
        }
        for (s, expected) in
            [(0, (false, 100)), (100, (true, 60)), (160, (false, 360)), (520, (true, 60))]
        {
            assert_eq!(at("420/60@100", s), expected, "{s}");
        }
        for bad in ["60/60", "x", "420/60@x"] {
            assert!(bad.parse::<Cuts>().is_err(), "{bad}");
        }
    }

    /// The inner end as if it were in another namespace: on a port of its own.
    #[tokio::test]
    async fn datagrams_and_connections_go_through_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_owned();
        let (streams, collector) = both().await;
        let address = collector.local_addr().unwrap();
        let (tcp, udp) = both().await;
        let inside = udp.local_addr().unwrap();
        let stop = CancellationToken::new();
        let talk = async {
            let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            agent.connect(inside).await.unwrap();
            let mut buffer = [0; 100];
            agent.send(b"up").await.unwrap();
            let (length, from) = collector.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], b"up");
            collector.send_to(b"down", from).await.unwrap();
            assert_eq!(agent.recv(&mut buffer).await.unwrap(), 4);
            let _agent = TcpStream::connect(inside).await.unwrap();
            streams.accept().await.unwrap();
        };
        let ends = async {
            let outer = outer(&folder, address, None, &stop);
            // The outer end binds its sockets when it is first polled, which is before.
            let inner = carry(&folder, tcp, udp);
            tokio::select! {
                biased;
                ended = outer => ended,
                ended = inner => ended,
            }
        };
        tokio::select! {
            biased;
            ended = ends => panic!("{ended:?}"),
            done = tokio::time::timeout(LIMIT, talk) => done.unwrap(),
        }
    }
}
