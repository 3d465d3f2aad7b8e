//! The shell of one session: moves messages between the core, the buffer and the link.

mod ask;
mod beat;
mod begin;
mod measure;
mod renewal;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::Look;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::task::chain;
use farwatch_common::transport::{Carrier, Session};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{Goodbye, TelemetryDown, TelemetryUp, telemetry_down, telemetry_up};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Streaming;
use tonic::transport::Channel;

use self::ask::Asking;
use self::begin::Call;
use super::control::SentAway;
use super::core::{Core, Due, Effect, WINDOW_MAX};
use super::handover::Handover;
use super::{DRAIN_MAX, Uplink, UplinkError};
use crate::buffer::{BufferState, Measured, Wanted};

/// A collector that has not ended the stream so long after the goodbye is not waited for.
const FAREWELL: Duration = Duration::from_secs(1);
/// Messages that wait for the link: a full window and some heartbeats.
const UP_MAX: usize = WINDOW_MAX + 16;

/// Why a session ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Asked to stop: the buffer is empty, or time was up.
    Drained,
    /// There is a new certificate, which the next session shows.
    Renewed,
    /// Another carrier takes over.
    HandedOver,
    /// The collector is about to stop.
    SentAway(SentAway),
}

/// A session that is up.
pub(super) struct Live {
    session: Arc<dyn Session>,
    client: UplinkClient<Channel>,
    up: mpsc::Sender<TelemetryUp>,
    down: Streaming<TelemetryDown>,
    state: watch::Receiver<BufferState>,
    /// Start of the core's time.
    started: Instant,
    /// How far the collector's clock is ahead of ours, as last measured.
    clock: Measured,
    /// When heartbeats left that are not answered yet, the latest first.
    asked: VecDeque<Look>,
    /// Of the buffer: another one when our clock was set.
    clock_epoch: u64,
    /// What the transport had acknowledged when last looked at.
    progress: u64,
    /// What it is to be asked again, and the call that does.
    asking: Asking,
    call: Option<Call>,
    /// Told when the collector sends this agent away.
    drain: watch::Receiver<Option<SentAway>>,
    /// Outcomes of jobs are sent until it is cancelled.
    sending: CancellationToken,
    /// Ends the server of the collector's calls with the session.
    _served: DropGuard,
}

impl Live {
    fn now(&self, uplink: &Uplink) -> Duration {
        uplink.clock.monotonic().saturating_duration_since(self.started)
    }

    /// Runs the session to its end.
    pub(super) async fn drive(
        mut self,
        uplink: &mut Uplink,
        collector: &str,
        core: &mut Core,
        cancel: &CancellationToken,
    ) -> Result<End, UplinkError> {
        let ended = self.turns(uplink, collector, core, cancel).await;
        let session = Arc::clone(&self.session);
        if matches!(ended, Ok(End::Drained)) && uplink.stop.is_cancelled() {
            self.say_goodbye().await;
        }
        session.close(match &ended {
            Ok(End::Drained) => "the agent stops",
            Ok(End::Renewed) => "the agent comes again with a new certificate",
            Ok(End::HandedOver) => "the agent goes on over another transport",
            Ok(End::SentAway(_)) => "the agent was sent away",
            Err(_) => "the agent gave the session up",
        });
        ended
    }

    async fn turns(
        &mut self,
        uplink: &mut Uplink,
        collector: &str,
        core: &mut Core,
        cancel: &CancellationToken,
    ) -> Result<End, UplinkError> {
        let session = Arc::clone(&self.session);
        let closed = session.closed();
        tokio::pin!(closed);
        let mut drain_until: Option<tokio::time::Instant> = None;
        let mut handover = Handover::default();
        let mut last = End::HandedOver;
        loop {
            if !handover.has_begun() {
                self.fill(uplink, core).await?;
            } else if core.in_flight() == 0 {
                return Ok(last);
            }
            let flushed = self.state.borrow().flushed;
            if drain_until.is_some() && flushed && core.is_idle() {
                return Ok(End::Drained);
            }
            let probe_at =
                uplink.networks.carriers.probe_at().map(|at| (uplink.started + at).into());
            let (is_steady, hand_over_at) = (handover.is_idle(), handover.until());
            let due = tokio::time::Instant::from_std(self.started + core.deadline());
            let renewal = self.renewal(uplink);
            let ask_at = self.asking.due().map(|due| (self.started + due).into());
            tokio::select! {
                changed = self.state.changed() => {
                    changed.map_err(|_| crate::buffer::BufferError::Gone)?;
                    core.refilled();
                    if self.clock_was_set() {
                        self.beat(uplink, core)?;
                    }
                }
                message = self.down.message() => {
                    let message = message
                        .map_err(|status| UplinkError::Refused(Box::new(status)))?
                        .ok_or(UplinkError::StreamEnded)?;
                    self.take(uplink, core, message).await?;
                }
                () = tokio::time::sleep_until(due) => {
                    self.note_progress(uplink, core);
                    let lost = handover.loss(&*self.session).filter(|_| is_steady);
                    let now = uplink.time();
                    if lost.is_some_and(|share| uplink.networks.carriers.lost(share, now))
                        && let Ok(way) = uplink.way(collector)
                    {
                        handover.attempt(Carrier::Tcp, way);
                    }
                    match core.due(self.now(uplink)) {
                        Due::Nothing => {}
                        Due::Heartbeat => {
                            uplink.look_around().await;
                            self.beat(uplink, core)?;
                        }
                        Due::Redial => return Err(UplinkError::Silent),
                    }
                }
                reason = &mut closed => return Err(UplinkError::Closed { reason }),
                () = tokio::time::sleep(renewal) => {
                    if self.renew(uplink).await {
                        return Ok(End::Renewed);
                    }
                }
                () = until(ask_at) => self.ask_again(uplink),
                welcome = begin::answer(&mut self.call) => self.told(uplink, welcome).await?,
                () = until(uplink.save_at) => uplink.save_credentials(),
                () = until(probe_at), if is_steady => match uplink.way(collector) {
                    Ok(way) => handover.attempt(Carrier::Quic, way),
                    Err(_) => uplink.does_not_get_through(Carrier::Quic),
                },
                (carrier, tried) = handover.tried() => match tried {
                    Ok(session) => {
                        uplink.gets_through(carrier);
                        uplink.ready = Some((collector.to_owned(), session));
                        handover.begin();
                        self.sending.cancel();
                    }
                    Err(error) => {
                        let error = chain(&error);
                        match carrier {
                            Carrier::Quic => tracing::debug!(error, "QUIC does not get through"),
                            Carrier::Tcp => tracing::debug!(error, "TCP does not get through"),
                        }
                        uplink.does_not_get_through(carrier);
                    }
                },
                () = until(hand_over_at) => return Ok(last),
                Ok(()) = self.drain.changed(), if drain_until.is_none() => {
                    let Some(sent_away) = *self.drain.borrow_and_update() else { continue };
                    last = End::SentAway(sent_away);
                    // What was about to take over leads to the same collector.
                    uplink.ready = None;
                    handover = Handover::default();
                    handover.begin();
                    self.sending.cancel();
                }
                () = cancel.cancelled(), if drain_until.is_none() => {
                    // The time that is left belongs to what is buffered.
                    uplink.ready = None;
                    handover.stop();
                    self.sending.cancel();
                    drain_until = Some(tokio::time::Instant::now() + DRAIN_MAX);
                }
                () = until(drain_until) => return Ok(End::Drained),
            }
        }
    }

    /// Tells the collector that the silence to come is meant. A close of the session may overtake what
    /// was written before it, so this waits until the collector has read it and ends the stream.
    async fn say_goodbye(self) {
        let Self { up, mut down, .. } = self;
        let goodbye = TelemetryUp { kind: Some(telemetry_up::Kind::Goodbye(Goodbye {})) };
        if up.try_send(goodbye).is_err() {
            return;
        }
        drop(up);
        let read = async { while let Ok(Some(_)) = down.message().await {} };
        let _ = tokio::time::timeout(FAREWELL, read).await;
    }

    /// Sends what there is room for.
    async fn fill(&mut self, uplink: &Uplink, core: &mut Core) -> Result<(), UplinkError> {
        while let Some(room) = core.room() {
            let wanted = Wanted {
                now: uplink.clock.now(),
                live: room.live,
                backlog: room.backlog,
                bytes: room.bytes,
                backlog_bytes: room.backlog_bytes,
                in_flight: room.in_flight.clone(),
                only: room.only.clone(),
            };
            let mut found = uplink.buffer.next(wanted).await?;
            // The buffer publishes before it answers, so this is the stream of what was found.
            let stream_id = self.state.borrow().stream_id;
            if stream_id != core.stream_id() {
                tracing::warn!(stream_id, "the buffer has a new file: starting its stream");
                core.forked(stream_id);
                continue;
            }
            // Both lanes may be full of batches; the window holds for both together.
            found.truncate(room.live);
            let count = found.len();
            for outgoing in found {
                let (seq, bytes) = (outgoing.batch.seq, outgoing.batch.data.len());
                self.send(telemetry_up::Kind::Batch(outgoing.batch))?;
                core.sent(seq, outgoing.lane, bytes, self.now(uplink));
            }
            if let Some(effect) = core.filled(count) {
                apply(uplink, core, effect).await?;
            }
        }
        Ok(())
    }

    fn send(&self, kind: telemetry_up::Kind) -> Result<(), UplinkError> {
        self.up.try_send(TelemetryUp { kind: Some(kind) }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => UplinkError::Stuck,
            mpsc::error::TrySendError::Closed(_) => UplinkError::StreamEnded,
        })
    }

    fn note_progress(&mut self, uplink: &Uplink, core: &mut Core) {
        let progress = self.session.progress();
        if progress != self.progress {
            self.progress = progress;
            core.progressed(self.now(uplink));
        }
    }

    async fn take(
        &mut self,
        uplink: &Uplink,
        core: &mut Core,
        message: TelemetryDown,
    ) -> Result<(), UplinkError> {
        core.heard();
        let effects = match message.kind {
            Some(telemetry_down::Kind::Ack(ack)) => {
                uplink.note_ack(uplink.clock.now());
                let durable =
                    SeqRanges::from_proto(&ack.durable).map_err(|_| UplinkError::BadRanges)?;
                self.asking.acked(ack.stream_id, &durable);
                core.acked(ack.stream_id, &durable, self.now(uplink))
            }
            Some(telemetry_down::Kind::Reject(reject)) => {
                let code = reject.code();
                let (batch_seq, name) = (reject.seq, code.name());
                tracing::warn!(batch_seq, code = name, "the collector refused a batch");
                let now = self.now(uplink);
                core.rejected(reject.stream_id, reject.seq, code, reject.detail, now)
            }
            Some(telemetry_down::Kind::Heartbeat(reply)) => {
                self.note_reply(uplink, &reply).await?;
                Vec::new()
            }
            Some(telemetry_down::Kind::Credit(credit)) => {
                let (window, backlog_window) = (credit.window, credit.backlog_window);
                tracing::debug!(window, backlog_window, "the collector grants another window");
                core.credit(&credit, self.now(uplink));
                Vec::new()
            }
            None => Vec::new(),
        };
        for effect in effects {
            apply(uplink, core, effect).await?;
        }
        Ok(())
    }
}

async fn apply(uplink: &Uplink, core: &mut Core, effect: Effect) -> Result<(), UplinkError> {
    let stream_id = core.stream_id();
    match effect {
        Effect::Acked(seqs) => uplink.buffer.acked(stream_id, seqs).await?,
        Effect::Refused(refusal) => uplink.buffer.refused(stream_id, refusal).await?,
        Effect::SchemasUnknown(seq) => uplink.buffer.schemas_unknown(stream_id, seq).await?,
        Effect::Fork => core.forked(uplink.buffer.fork().await?),
    }
    Ok(())
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
