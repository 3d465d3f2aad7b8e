//! The link pipe: tells whether the peer is there, how far away it is, and why it leaves.
//!
//! Each frame is a length (`u32`, big endian), a kind (`u8`) and bytes: a ping comes back as a pong with
//! the same bytes; a close carries the reason, and nothing follows it. A ping of [`PROBE_BYTES`] finds
//! out whether a network that lets small packets through also carries large ones.
//!
//! A session over TCP begins with a link pipe, which is its life: when it ends, the session has ended.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::{PipeKind, Session, TransportError};

/// What a probe sends there and back.
pub const PROBE_BYTES: usize = 64 * 1024;
/// Largest frame that is read.
const FRAME_BYTES_MAX: usize = PROBE_BYTES + 1;
/// Reasons are cut to this many bytes.
const REASON_BYTES_MAX: usize = 512;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Ping(Bytes),
    Pong(Bytes),
    Close(String),
}

const PING: u8 = 1;
const PONG: u8 = 2;
const CLOSE: u8 = 3;

/// Frames over a pipe. Reading may be cut short and taken up again.
pub(super) struct Frames<T>(Framed<T, LengthDelimitedCodec>);

impl<T: AsyncRead + AsyncWrite + Unpin> Frames<T> {
    pub(super) fn new(pipe: T) -> Self {
        let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_BYTES_MAX).new_codec();
        Self(Framed::new(pipe, codec))
    }

    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), TransportError> {
        let (kind, body) = match frame {
            Frame::Ping(body) => (PING, body),
            Frame::Pong(body) => (PONG, body),
            Frame::Close(reason) => {
                let end = reason.floor_char_boundary(REASON_BYTES_MAX);
                (CLOSE, Bytes::copy_from_slice(&reason.as_bytes()[..end]))
            }
        };
        let mut bytes = BytesMut::with_capacity(1 + body.len());
        bytes.put_u8(kind);
        bytes.put(body);
        self.0.send(bytes.freeze()).await.map_err(|error| TransportError::closed(&error))
    }

    /// The next frame.
    pub(super) async fn next(&mut self) -> Result<Frame, TransportError> {
        let bad = |reason: &str| TransportError::Closed { reason: reason.into() };
        let bytes = match self.0.next().await {
            Some(Ok(bytes)) => bytes.freeze(),
            Some(Err(error)) => return Err(TransportError::closed(&error)),
            None => return Err(bad("the connection was closed")),
        };
        let body = |bytes: &Bytes| bytes.slice(1..);
        match bytes.first() {
            Some(&PING) => Ok(Frame::Ping(body(&bytes))),
            Some(&PONG) => Ok(Frame::Pong(body(&bytes))),
            Some(&CLOSE) => {
                let reason = String::from_utf8_lossy(&body(&bytes)).into_owned();
                Ok(Frame::Close(reason.chars().filter(|char| !char.is_control()).collect()))
            }
            _ => Err(bad("a frame of the link pipe cannot be read")),
        }
    }
}

/// Answers a peer that probes, until it has enough or is silent for `patience`.
pub async fn answer(pipe: impl AsyncRead + AsyncWrite + Unpin, patience: Duration) {
    let mut frames = Frames::new(pipe);
    while let Ok(Ok(Frame::Ping(body))) = tokio::time::timeout(patience, frames.next()).await {
        let answered = tokio::time::timeout(patience, frames.send(Frame::Pong(body))).await;
        if !matches!(answered, Ok(Ok(()))) {
            return;
        }
    }
}

/// Sends [`PROBE_BYTES`] there and back on a new pipe, and tells how long that took. It has no limit
/// of its own.
pub async fn probe(session: &dyn Session) -> Result<Duration, TransportError> {
    let mut frames = Frames::new(session.open(PipeKind::Link).await?);
    let mut bytes = vec![0; PROBE_BYTES];
    // Nothing on the way can make it smaller.
    rand::fill(&mut bytes[..]);
    let body = Bytes::from(bytes);
    let sent = Instant::now();
    frames.send(Frame::Ping(body.clone())).await?;
    match frames.next().await? {
        Frame::Pong(answered) if answered == body => Ok(sent.elapsed()),
        _ => Err(TransportError::Closed { reason: "a probe came back as something else".into() }),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn frames_come_as_they_were_sent() {
        let (near, far) = tokio::io::duplex(1 << 18);
        let (mut near, mut far) = (Frames::new(near), Frames::new(far));
        let ping = || Frame::Ping(Bytes::from(vec![7; PROBE_BYTES]));
        near.send(ping()).await.unwrap();
        assert_eq!(far.next().await.unwrap(), ping());
        far.send(Frame::Pong(Bytes::new())).await.unwrap();
        assert_eq!(near.next().await.unwrap(), Frame::Pong(Bytes::new()));
        far.send(Frame::Close("é".repeat(REASON_BYTES_MAX))).await.unwrap();
        assert_eq!(near.next().await.unwrap(), Frame::Close("é".repeat(REASON_BYTES_MAX / 2)));
        drop(far);
        assert!(near.next().await.is_err());
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_or_of_no_kind_ends_the_pipe() {
        for bytes in [&[0xff; 8][..], &[0, 0, 0, 1, 9], &[0, 0, 0, 0]] {
            let (near, mut far) = tokio::io::duplex(64);
            far.write_all(bytes).await.unwrap();
            assert!(Frames::new(near).next().await.is_err(), "{bytes:?}");
        }
    }
}
