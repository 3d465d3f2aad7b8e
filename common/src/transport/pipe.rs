//! A pipe: bytes both ways, and the hello that says what for.
//!
//! On the wire: kind `u8`, length `u16` big endian, then that many bytes of protobuf `StreamHello`.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use farwatch_proto::v1::StreamHello;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use super::TransportError;

/// Largest hello; ours have some 20 bytes.
const HELLO_BYTES_MAX: u16 = 1024;
/// A peer that opens a pipe and says nothing costs a slot for this long.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// Traffic class of a pipe. Numbers are wire values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PipeKind {
    /// gRPC of the agent: sessions, batches, acks.
    Telemetry = 1,
    /// gRPC of the agent: small and urgent.
    Control = 2,
    /// gRPC of the agent: config snapshots.
    Snapshot = 3,
    /// gRPC of the collector to the agent.
    Reverse = 4,
    /// Raw bytes to a device.
    Tunnel = 5,
    /// Answers what it is sent: [`super::link`].
    Link = 6,
}

impl PipeKind {
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        const ALL: [PipeKind; 6] = [
            PipeKind::Telemetry,
            PipeKind::Control,
            PipeKind::Snapshot,
            PipeKind::Reverse,
            PipeKind::Tunnel,
            PipeKind::Link,
        ];
        ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Send priority among the pipes of a session; higher goes first.
    #[must_use]
    pub fn priority(self) -> i32 {
        match self {
            Self::Control | Self::Reverse | Self::Link => 20,
            Self::Telemetry => 10,
            Self::Tunnel => 5,
            Self::Snapshot => 0,
        }
    }
}

trait Bytes: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Bytes for T {}

/// Bytes both ways.
pub struct Pipe {
    io: Pin<Box<dyn Bytes>>,
    /// Given back with the pipe.
    _place: Option<OwnedSemaphorePermit>,
}

impl Pipe {
    pub(super) fn new(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self { io: Box::pin(io), _place: None }
    }

    /// Takes the place of one of so many pipes for as long as it lives.
    pub(super) fn in_place(self, place: OwnedSemaphorePermit) -> Self {
        Self { _place: Some(place), ..self }
    }

    /// Writes the hello. QUIC tells the peer of a stream only with its first bytes.
    pub(super) async fn greet(
        &mut self,
        kind: PipeKind,
        session: &[u8],
    ) -> Result<(), TransportError> {
        let hello = StreamHello { session: session.to_vec() }.encode_to_vec();
        let length = u16::try_from(hello.len()).unwrap_or(HELLO_BYTES_MAX);
        let mut frame = vec![kind as u8];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&hello);
        let sent = async {
            self.write_all(&frame).await?;
            self.flush().await
        };
        sent.await.map_err(|error| TransportError::Closed { reason: error.to_string() })
    }
}

/// Reads the hello of a pipe the peer opened: its kind, and the session that it joins.
pub(super) async fn read_hello(
    from: &mut (impl AsyncRead + Unpin + Send),
) -> Result<(PipeKind, Vec<u8>), TransportError> {
    let late = |_| TransportError::Hello { reason: "nothing came in time".into() };
    tokio::time::timeout(HELLO_TIMEOUT, await_hello(from)).await.map_err(late)?
}

/// As [`read_hello`], of a pipe whose peer may take its time.
pub async fn await_hello(
    from: &mut (impl AsyncRead + Unpin + Send),
) -> Result<(PipeKind, Vec<u8>), TransportError> {
    let bad = |reason: &str| TransportError::Hello { reason: reason.into() };
    let read = async {
        let kind = from.read_u8().await?;
        let length = from.read_u16().await?;
        let mut body = vec![0; usize::from(length.min(HELLO_BYTES_MAX))];
        from.read_exact(&mut body).await?;
        Ok::<_, io::Error>((kind, length, body))
    };
    let (kind, length, body) = read.await.map_err(|error| bad(&error.to_string()))?;
    if length > HELLO_BYTES_MAX {
        return Err(bad("it is too long"));
    }
    let hello = StreamHello::decode(body.as_slice()).map_err(|_| bad("it cannot be read"))?;
    let kind = PipeKind::from_wire(kind).ok_or_else(|| bad("its kind is unknown"))?;
    Ok((kind, hello.session))
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }
}
