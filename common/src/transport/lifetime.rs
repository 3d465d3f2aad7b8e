//! The life of a session whose pipes are connections of their own: they all end with it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::Pipe;

/// Shared by all parts of a session.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// Why we are closing it.
    closing: Arc<watch::Sender<Option<String>>>,
    /// Why it has ended.
    ended: Arc<watch::Sender<Option<String>>>,
    cut: CancellationToken,
}

impl Default for Lifetime {
    fn default() -> Self {
        let unknown = || Arc::new(watch::Sender::new(None));
        Self { closing: unknown(), ended: unknown(), cut: CancellationToken::new() }
    }
}

impl Lifetime {
    /// Asks the link to tell the peer `reason` and to end.
    pub(super) fn close(&self, reason: &str) {
        say_first(&self.closing, reason);
    }

    /// Nobody holds the session any more. A close that is under way ends by itself, within its time.
    pub(super) fn abandon(&self) {
        if self.closing.borrow().is_none() {
            self.end("the session was dropped");
        }
    }

    pub(super) async fn closing(&self) -> String {
        said(&self.closing).await
    }

    /// Ends the session here. The first reason counts.
    pub(super) fn end(&self, reason: &str) {
        say_first(&self.ended, reason);
        self.cut.cancel();
    }

    pub(super) async fn ended(&self) -> String {
        said(&self.ended).await
    }

    pub(super) fn cut(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// A pipe that fails once the session has ended.
    pub(super) fn tie(&self, pipe: Pipe) -> Pipe {
        self.tie_until_dropped(pipe).0
    }

    /// As [`Self::tie`], with a token that fires when the pipe is dropped.
    pub(super) fn tie_until_dropped(&self, pipe: Pipe) -> (Pipe, CancellationToken) {
        let ended = Box::pin(self.cut.clone().cancelled_owned());
        let dropped = CancellationToken::new();
        let held = dropped.clone().drop_guard();
        (Pipe::new(Tied { pipe, ended, _held: held }), dropped)
    }
}

fn say_first(place: &watch::Sender<Option<String>>, reason: &str) {
    place.send_if_modified(|known| {
        let first = known.is_none();
        if first {
            *known = Some(reason.to_owned());
        }
        first
    });
}

async fn said(place: &watch::Sender<Option<String>>) -> String {
    let mut place = place.subscribe();
    let said = place.wait_for(Option::is_some).await;
    // The sender is behind the caller's reference, so that it cannot be gone.
    said.ok().and_then(|said| said.clone()).unwrap_or_default()
}

/// Read and written from one task, as all pipes are: it remembers one waker.
struct Tied {
    pipe: Pipe,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    _held: DropGuard,
}

impl Tied {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ended.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Tied {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tied {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
