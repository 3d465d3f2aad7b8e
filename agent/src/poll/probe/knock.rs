//! Whether anybody listens at a UDP port.
//!
//! The engine's socket is for all devices, so the system tells it of no ICMP errors; one that is
//! connected is told (udp(7)). What is asked is what every agent of SNMPv3 answers to everybody: who
//! it is (RFC 3414 §4). There is no secret in it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use farwatch_common::clock::Clock;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use crate::poll::SnmpUser;
use crate::poll::ber::Writer;
use crate::poll::throttle::Throttle;
use crate::poll::usm::{self, ENVELOPE_BYTES, Session};

/// Systems limit how often they say that a port is closed.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Beside a poll.
const BESIDE: Knocks = Knocks { after: Duration::from_millis(300), times: 5 };

/// How often it is knocked.
#[derive(Clone, Copy, Debug)]
pub(in crate::poll) struct Knocks {
    /// One that answers the poll by then is not asked twice.
    pub(in crate::poll) after: Duration,
    pub(in crate::poll) times: usize,
}
/// A report has one object. What is longer is cut, and so is none: many ports are knocked at at the same
/// time.
const REPORT_BYTES_MAX: usize = 2_048;

/// RFC 3411 §5.
const ENGINE_BYTES_MAX: usize = 32;

/// What a port has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::poll) enum Told {
    Closed,
    Filtered,
    /// The same for all addresses of a device: its engine and how often that was started, as many devices
    /// of one maker have one engine. The address, where no engine is told.
    SpeaksSnmp {
        device: Vec<u8>,
    },
}

/// Endless where nothing is told.
pub(super) async fn knock(address: SocketAddr, clock: &Clock) -> Told {
    match told(address, BESIDE, &Throttle::unlimited(), clock).await {
        Ok(Some(told)) => told,
        // No socket, or no way: the poll says so itself.
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

/// `None` where nothing is told.
pub(in crate::poll) async fn told(
    address: SocketAddr,
    knocks: Knocks,
    throttle: &Throttle,
    clock: &Clock,
) -> io::Result<Option<Told>> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(address).await?;
    // 31 bits: msgID must not be negative.
    let id = rand::random::<u32>() & i32::MAX.unsigned_abs();
    let question = discovery(id, clock).ok_or(io::ErrorKind::Other)?;
    let mut buffer = vec![0; REPORT_BYTES_MAX];
    sleep(knocks.after).await;
    for _ in 0..knocks.times {
        throttle.take(1, clock).await;
        // An error may be the news of the knock before.
        let heard = match socket.send(&question).await {
            Ok(_) => timeout(AGAIN_AFTER, socket.recv(&mut buffer)).await,
            Err(error) => Ok(Err(error)),
        };
        match heard {
            Ok(Ok(length)) => {
                let datagram = buffer.get(..length).unwrap_or_default();
                if let Ok(message) = usm::Message::read(datagram)
                    && message.id == i64::from(id)
                {
                    let device = device(&message, address);
                    return Ok(Some(Told::SpeaksSnmp { device }));
                }
            }
            Ok(Err(error)) => match error.kind() {
                // The second is what Windows calls it.
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                    return Ok(Some(Told::Closed));
                }
                // "Prohibited" of ICMP and of ICMPv6; without a way the socket had not connected.
                io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::PermissionDenied => return Ok(Some(Told::Filtered)),
                _ => return Err(error),
            },
            Err(_) => {}
        }
    }
    Ok(None)
}

fn device(message: &usm::Message<'_>, address: SocketAddr) -> Vec<u8> {
    match message.engine_id {
        [] => address.ip().to_string().into_bytes(),
        engine => {
            let engine = engine.get(..ENGINE_BYTES_MAX).unwrap_or(engine);
            [engine, &message.boots.to_be_bytes()].concat()
        }
    }
}

/// The first message of a session, of nobody.
fn discovery(id: u32, clock: &Clock) -> Option<Vec<u8>> {
    let nobody = SnmpUser { name: Vec::new(), auth: None, privacy: None, context: Vec::new() };
    let mut writer = Writer::new(2 * ENVELOPE_BYTES);
    let mut shared = usm::Shared::new(clock.now());
    Session::new(nobody).wrap(&mut shared, id, 0, &mut writer).ok()?;
    writer.finish().map(<[u8]>::to_vec)
}
