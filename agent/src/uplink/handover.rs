//! Beside a session: tries the other carrier, and lets what is on the way be answered before it takes
//! over.

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::transport::{Carrier, Session};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::UplinkError;
use super::dial::Way;

/// How long answers of the old session are waited for; what has none by then is sent again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Packets that tell something of their loss.
const PACKETS_MIN: u64 = 20;

type Tried = (Carrier, Result<Arc<dyn Session>, UplinkError>);

#[derive(Default)]
pub(super) struct Handover {
    trying: Option<BoxFuture<'static, Tried>>,
    until: Option<Instant>,
    /// Nothing takes over any more.
    is_stopped: bool,
    /// Sent and lost when last counted.
    packets: (u64, u64),
}

impl Handover {
    /// Another carrier may be tried: none is, nor is one about to take over.
    pub(super) fn is_idle(&self) -> bool {
        self.trying.is_none() && self.until.is_none() && !self.is_stopped
    }

    /// This session is the last: what is tried is dropped, and nothing more is.
    pub(super) fn stop(&mut self) {
        *self = Self { is_stopped: true, ..Self::default() };
    }

    /// The other carrier takes over: nothing more is to be sent here.
    pub(super) fn has_begun(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Tries `carrier`; what comes of it is [`Self::tried`].
    pub(super) fn attempt(&mut self, carrier: Carrier, way: Way) {
        self.trying = Some(Box::pin(async move {
            let session = match carrier {
                Carrier::Quic => way.probe_quic().await,
                Carrier::Tcp => way.tcp().await,
            };
            (carrier, session)
        }));
    }

    /// What came of an attempt; never without one.
    pub(super) async fn tried(&mut self) -> Tried {
        let Some(trying) = &mut self.trying else { return std::future::pending().await };
        let tried = trying.await;
        self.trying = None;
        tried
    }

    pub(super) fn begin(&mut self) {
        self.until = Some(Instant::now() + ANSWERS_WITHIN);
    }

    /// The share of packets lost since it was told last, if enough were sent meanwhile.
    pub(super) fn loss(&mut self, session: &dyn Session) -> Option<f64> {
        let (sent, lost) = session.packets()?;
        let new = (sent.saturating_sub(self.packets.0), lost.saturating_sub(self.packets.1));
        if new.0 < PACKETS_MIN {
            return None;
        }
        self.packets = (sent, lost);
        // Both are counts of a session, far below 2^52.
        Some(new.1 as f64 / new.0 as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is tried in the drain would stop it as soon as it got through.
    #[tokio::test]
    async fn nothing_is_tried_nor_takes_over_once_it_is_stopped() {
        let mut handover = Handover::default();
        assert!(handover.is_idle());
        let tried = async { (Carrier::Quic, Err(UplinkError::Silent)) };
        handover.trying = Some(Box::pin(tried));
        assert!(!handover.is_idle());
        handover.stop();
        assert!(!handover.is_idle(), "another carrier would be tried");
        assert!(!handover.has_begun() && handover.until().is_none());
        let dropped = tokio::time::timeout(Duration::ZERO, handover.tried()).await;
        assert!(dropped.is_err(), "what was tried came up");
    }
}
