//! The shell of one session: moves messages between the core, the buffer and the link.

use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::task::{chain, spawn_child};
use farwatch_common::transport::{Carrier, PipeKind, Session, channel, channel_when_used};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{
    BufferStatus, CarrierReason, Goodbye, Heartbeat, HeartbeatReply, LinkStatus, SessionHello,
    TelemetryDown, TelemetryUp, telemetry_down, telemetry_up,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::carrier::Reason;
use super::control::Serving;
use super::core::{Core, Due, Effect, WINDOW_MAX};
use super::handover::Handover;
use super::{DRAIN_MAX, Uplink, UplinkError, control};
use crate::buffer::{BufferState, Wanted};
use crate::history::send::Line;
use crate::identity::{renew, renew_at};

/// A call that takes longer has failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A timer is set for no longer; it is then looked at again.
const RENEWAL_WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A renewal that failed is tried again after up to this long.
const RENEW_AGAIN: Duration = Duration::from_secs(3600);
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
    SentAway,
}

/// A session that is up.
pub(super) struct Live {
    session: Arc<dyn Session>,
    client: UplinkClient<Channel>,
    up: mpsc::Sender<TelemetryUp>,
    down: Streaming<TelemetryDown>,
    state: watch::Receiver<BufferState>,
    /// Start of the core's time.
    epoch: Instant,
    /// How far the collector's clock is ahead of ours, in microseconds.
    clock_offset_us: i64,
    /// What the transport had acknowledged when last looked at.
    progress: u64,
    /// Told when the collector sends this agent away.
    drain: Arc<Notify>,
    /// Outcomes of jobs are sent until it is cancelled.
    sending: CancellationToken,
    /// Ends the server of the collector's calls with the session.
    _served: DropGuard,
}

async fn call<T>(
    what: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, UplinkError> {
    match tokio::time::timeout(CALL_TIMEOUT, what).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(UplinkError::Refused(Box::new(status))),
        Err(_) => Err(UplinkError::Silent),
    }
}

impl Live {
    /// Opens the pipes of `session` and says hello.
    pub(super) async fn begin(
        uplink: &Uplink,
        session: Arc<dyn Session>,
        core: &mut Core,
    ) -> Result<Self, UplinkError> {
        let pipe = channel(Arc::clone(&session), PipeKind::Telemetry);
        let mut client = UplinkClient::new(pipe.await.map_err(UplinkError::Pipe)?);
        let hello = SessionHello {
            agent_version: env!("CARGO_PKG_VERSION").into(),
            platform: crate::platform::name(),
            link: Some(link_status(uplink, &*session)),
            ..SessionHello::default()
        };
        // Before the hello: the collector may push an assignment as soon as it knows us.
        let serving = CancellationToken::new();
        let drain = Arc::new(Notify::new());
        let calls = Serving {
            inventory: Arc::clone(&uplink.inventory),
            commander: Arc::clone(&uplink.commander),
            clock: uplink.clock.clone(),
            drain: Arc::clone(&drain),
        };
        spawn_child(&serving, control::serve(Arc::clone(&session), calls));
        let sending = serving.child_token();
        let served = serving.drop_guard();
        let welcome = call(client.open_session(hello)).await?;
        // Late by up to a round trip, which is enough for certificates; heartbeats tell better.
        let clock_offset_us = welcome.server_time_us.saturating_sub(uplink.clock.now().0);
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let down = call(client.telemetry(ReceiverStream::new(outgoing))).await?;
        let epoch = uplink.clock.monotonic();
        core.connected(welcome.window, Duration::ZERO);
        spawn_child(&sending, send_outcomes(uplink, Arc::clone(&session)));
        let state = uplink.buffer.state();
        Ok(Self {
            session,
            client,
            up,
            down,
            state,
            epoch,
            clock_offset_us,
            progress: 0,
            drain,
            sending,
            _served: served,
        })
    }

    /// The time by the collector's clock.
    fn collector_time(&self, uplink: &Uplink) -> Micros {
        Micros(uplink.clock.now().0.saturating_add(self.clock_offset_us))
    }

    /// When to renew, and how long until then.
    fn renewal(&self, uplink: &mut Uplink) -> Duration {
        let now = self.collector_time(uplink);
        let credentials = &uplink.credentials;
        let first = || renew_at(credentials, now, rand::random());
        uplink.renew_at.get_or_insert_with(first).since(now).min(RENEWAL_WAIT_MAX)
    }

    fn now(&self, uplink: &Uplink) -> Duration {
        uplink.clock.monotonic().saturating_duration_since(self.epoch)
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
            Ok(End::SentAway) => "the agent was sent away",
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
            let due = tokio::time::Instant::from_std(self.epoch + core.deadline());
            let renewal = self.renewal(uplink);
            tokio::select! {
                changed = self.state.changed() => {
                    changed.map_err(|_| crate::buffer::BufferError::Gone)?;
                    core.refilled();
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
                () = self.drain.notified(), if drain_until.is_none() => {
                    last = End::SentAway;
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

    fn beat(&mut self, uplink: &Uplink, core: &mut Core) -> Result<(), UplinkError> {
        // The places of the window's batches stay free. Where heartbeats have piled up, one more
        // would tell nothing.
        if self.up.capacity() <= WINDOW_MAX.saturating_sub(core.in_flight()) {
            core.beat(self.now(uplink), self.session.rtt());
            return Ok(());
        }
        let buffer = {
            let state = self.state.borrow();
            let oldest_us = state.oldest.map_or(0, |at| at.0);
            BufferStatus { batches: state.batches, bytes: state.bytes, oldest_us }
        };
        self.send(telemetry_up::Kind::Heartbeat(Heartbeat {
            agent_time_us: uplink.clock.now().0,
            buffer: Some(buffer),
            link: Some(link_status(uplink, &*self.session)),
            gateway: uplink.gateway.borrow().clone(),
            ..Heartbeat::default()
        }))?;
        core.beat(self.now(uplink), self.session.rtt());
        Ok(())
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
                core.acked(ack.stream_id, &durable)
            }
            Some(telemetry_down::Kind::Reject(reject)) => {
                let code = reject.code();
                let (batch_seq, name) = (reject.seq, code.name());
                tracing::warn!(batch_seq, code = name, "the collector refused a batch");
                let now = self.now(uplink);
                core.rejected(reject.stream_id, reject.seq, code, reject.detail, now)
            }
            Some(telemetry_down::Kind::Heartbeat(reply)) => {
                self.note_reply(uplink, &reply);
                Vec::new()
            }
            Some(telemetry_down::Kind::Credit(_)) | None => Vec::new(),
        };
        for effect in effects {
            apply(uplink, core, effect).await?;
        }
        Ok(())
    }

    fn note_reply(&mut self, uplink: &Uplink, reply: &HeartbeatReply) {
        let now = uplink.clock.now();
        let there = reply.received_us.saturating_sub(reply.agent_time_us);
        let back = reply.sent_us.saturating_sub(now.0);
        let offset = there.saturating_add(back) / 2;
        self.clock_offset_us = offset;
        let round_trip_ms = u64::try_from(self.session.rtt().as_millis()).ok();
        let packets = self.session.packets().filter(|(sent, _)| *sent > 0);
        // Counts of one session, far below 2^52.
        let lost_percent = packets.map(|(sent, lost)| 100.0 * lost as f64 / sent as f64);
        uplink.state.send_modify(|state| {
            state.clock_offset_us = Some(offset);
            state.round_trip_ms = round_trip_ms;
            state.lost_percent = lost_percent;
        });
    }

    /// Fetches the next certificate; says whether there is one. The old one is good for a while, so
    /// a failure only postpones.
    async fn renew(&mut self, uplink: &mut Uplink) -> bool {
        let now = self.collector_time(uplink);
        if uplink.renew_at.is_none_or(|at| now < at) {
            return false;
        }
        match renew(&uplink.credentials, &mut self.client).await {
            Ok(credentials) => {
                uplink.renew_at = None;
                uplink.credentials = credentials;
                uplink.save_credentials();
                tracing::info!("the certificate is renewed");
                true
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(error, "the certificate could not be renewed yet");
                let wait = RENEW_AGAIN.mul_f64(0.5 + rand::random::<f64>() / 2.0);
                uplink.renew_at = Some(now.after(wait));
                false
            }
        }
    }
}

/// Sends outcomes of jobs on a pipe of their own.
fn send_outcomes(
    uplink: &Uplink,
    session: Arc<dyn Session>,
) -> impl Future<Output = ()> + Send + 'static {
    let (outbox, clock) = (Arc::clone(&uplink.outbox), uplink.clock.clone());
    let carrier = Arc::clone(&session);
    let open = move || channel_when_used(Arc::clone(&carrier), PipeKind::Snapshot);
    let line = Line { open, rtt: move || session.rtt(), clock };
    async move { line.send(&outbox).await }
}

/// What the collector is told of what carries the session.
fn link_status(uplink: &Uplink, session: &dyn Session) -> LinkStatus {
    let reason =
        uplink.reason(session.carrier()).map_or(CarrierReason::Unspecified, Reason::on_wire);
    let (packets_sent, packets_lost) = session.packets().unwrap_or_default();
    LinkStatus {
        reason: reason.into(),
        rtt_us: u32::try_from(session.rtt().as_micros()).unwrap_or(u32::MAX),
        packets_sent,
        packets_lost,
        proxied: uplink.state.borrow().proxied,
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
