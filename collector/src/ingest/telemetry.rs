//! One telemetry stream: batches in, acks out.
//!
//! - in: messages of the agent, answers of the committer
//! - out: acks (as ranges), rejects, heartbeats, credits
//! - bound: that of [`super::session`], and [`DOWN_MAX`] messages to the agent
//! - when full: the stream is not read; HTTP/2 flow control stops the agent. Before that, heartbeats
//!   are answered however slow a commit is
//! - on crash: what was not acked is sent again by the agent

use std::collections::BTreeMap;
use std::sync::Arc;

use farwatch_common::batch::unpacked_size;
use farwatch_common::id::DeviceId;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::SchemaId;
use farwatch_proto::v1::{
    Ack, Batch, Heartbeat, HeartbeatReply, RejectCode, TelemetryDown, TelemetryUp, telemetry_down,
    telemetry_up,
};
use futures_util::future::{Fuse, FusedFuture as _};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::admission::Admission;
use super::committer::{Answer, Outcome};
use super::session::{Lane, Session, Share, WINDOW};
use super::sessions::StreamPermit;
use super::validate::{self, Checked, Known, Refused, Sender, Whose};
use super::{Fenced, Parts, clones, refused};
use crate::identity::PeerInfo;
use crate::inventory::quota::Quotas;
use crate::live::Live;
use crate::live::layout::Layout;

/// Messages that wait for the agent to read them.
pub const DOWN_MAX: usize = 64;
/// A batch larger than this, packed or unpacked, is decoded off the async threads.
const INLINE_BYTES_MAX: usize = 32 * 1024;
const INLINE_UNPACKED_BYTES_MAX: usize = 256 * 1024;

pub(super) type Down = mpsc::Sender<Result<TelemetryDown, Status>>;

/// Serves one stream to its end.
pub(super) async fn serve(
    parts: Arc<Parts>,
    peer: PeerInfo,
    permit: StreamPermit,
    up: impl Stream<Item = Result<TelemetryUp, Status>> + Send + Unpin,
    down: Down,
) {
    let shell = Shell { parts, peer, down: down.clone() };
    let ended = tokio::select! {
        () = permit.token.cancelled() => Err(Status::aborted(Fenced.to_string())),
        ended = shell.run(up, Session::of_share(permit.told)) => ended,
    };
    shell.parts.live.agent_disconnected(&shell.peer);
    if let Err(status) = ended {
        tracing::debug!(agent = %shell.peer.agent, code = ?status.code(), "telemetry ends");
        // If the agent does not read, it does not want to know.
        let _ = down.try_send(Err(status));
    }
}

struct Shell {
    parts: Arc<Parts>,
    peer: PeerInfo,
    down: Down,
}

impl Shell {
    async fn run(
        &self,
        mut up: impl Stream<Item = Result<TelemetryUp, Status>> + Send + Unpin,
        mut session: Session,
    ) -> Result<(), Status> {
        let (answered, mut answers) = mpsc::channel(WINDOW);
        let mut admission = self.parts.queue.admission();
        // On the heap: an agent that says nothing has none.
        let (live, backlog) = (Fuse::terminated(), Fuse::terminated());
        tokio::pin!(live, backlog);
        self.credit(&mut session, &mut admission).await?;
        while !session.is_done() {
            if let Some(batch) = session.start(Lane::Live) {
                live.set(Box::pin(self.batch(batch, Lane::Live, &answered)).fuse());
            }
            if let Some(batch) = session.start(Lane::Backlog) {
                backlog.set(Box::pin(self.batch(batch, Lane::Backlog, &answered)).fuse());
            }
            tokio::select! {
                Some(first) = answers.recv(), if session.awaits_answers() => {
                    let mut all = vec![first];
                    while let Ok(more) = answers.try_recv() {
                        all.push(more);
                    }
                    session.answered(all.len());
                    self.answer(all).await?;
                }
                began = &mut live, if !live.is_terminated() => match began? {
                    Began::Old(batch) => session.turned_out_old(batch),
                    began => session.started(Lane::Live, began.will_be_answered()),
                },
                began = &mut backlog, if !backlog.is_terminated() => {
                    session.started(Lane::Backlog, began?.will_be_answered());
                }
                // Never fails: the queue of `parts` holds the other end.
                Ok(()) = admission.changed() => {
                    self.credit(&mut session, &mut admission).await?;
                }
                message = up.next(), if session.reads() => match message {
                    Some(Ok(TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) })) => {
                        session.took(batch);
                    }
                    Some(Ok(TelemetryUp { kind: Some(telemetry_up::Kind::Heartbeat(beat)) })) => {
                        self.heartbeat(beat).await?;
                        // Others came or went.
                        self.credit(&mut session, &mut admission).await?;
                    }
                    Some(Ok(TelemetryUp { kind: Some(telemetry_up::Kind::Goodbye(_)) })) => {
                        self.parts.live.agent_stopped(&self.peer);
                        // It waits for the end of the stream, and for no answer any more.
                        return Ok(());
                    }
                    // Of an agent newer than this collector.
                    Some(Ok(TelemetryUp { kind: None })) => {}
                    Some(Err(status)) => return Err(status),
                    None => session.ended(),
                },
            }
        }
        Ok(())
    }

    /// Tells the agent what it may send, if that is not what it knows.
    async fn credit(
        &self,
        session: &mut Session,
        admission: &mut watch::Receiver<Admission>,
    ) -> Result<(), Status> {
        let now = *admission.borrow_and_update();
        let share = Share::among(self.parts.sessions.count());
        let Some(credit) = session.credit(now, share, rand::random()) else { return Ok(()) };
        self.parts.counters.credits_sent.add(1);
        self.send(telemetry_down::Kind::Credit(credit)).await
    }

    async fn batch(
        &self,
        batch: Batch,
        started: Lane,
        answered: &mpsc::Sender<Answer>,
    ) -> Result<Began, Status> {
        let (stream, seq, late) = (batch.stream_id, batch.seq, batch.late);
        // Its content is shared.
        let again = batch.clone();
        match self.check(batch).await {
            Ok(checked) => {
                let lane = Lane::of(late, checked.append.to, checked.append.received);
                if (started, lane) == (Lane::Live, Lane::Backlog) {
                    return Ok(Began::Old(again));
                }
                let submit = self.parts.queue.submit(lane, checked, answered.clone());
                // However long the store is away: heartbeats tell the agent that it is heard.
                submit.await.map_err(|gone| Status::unavailable(gone.to_string()))?;
                Ok(Began::Submitted)
            }
            Err(Refused { code, detail }) => {
                self.parts.counters.rejected(code);
                self.parts.live.agent_heard(self.peer.agent);
                let now = self.parts.clock.now();
                let refused = refused::batch((stream, seq, &again.data), (code, &detail), now);
                self.parts.refusals.note((self.peer.tenant, self.peer.agent), refused);
                tracing::warn!(
                    agent = %self.peer.agent,
                    batch_seq = seq,
                    code = code.name(),
                    detail,
                    "a batch is refused"
                );
                self.send(reject(stream, seq, code, detail)).await?;
                Ok(Began::Refused)
            }
        }
    }

    async fn check(&self, batch: Batch) -> Result<Checked, Refused> {
        let PeerInfo { tenant, agent, .. } = self.peer;
        let sender = Sender { tenant, agent, received: self.parts.clock.now() };
        let (live, quotas) = (self.parts.live.clone(), self.parts.quotas.clone());
        let known = AgentView { live, quotas, sender };
        let unpacked = unpacked_size(&batch.data).unwrap_or(0);
        if batch.data.len() <= INLINE_BYTES_MAX && unpacked <= INLINE_UNPACKED_BYTES_MAX {
            return validate::check(batch, sender, &known);
        }
        // Fails only if it is closed, which nobody does.
        let decoders = &self.parts.decoders;
        let _turn = if batch.late { &decoders.backlog } else { &decoders.live }.acquire().await;
        tokio::task::spawn_blocking(move || validate::check(batch, sender, &known))
            .await
            .unwrap_or_else(|_| Err(Refused::malformed("the batch cannot be decoded")))
    }

    async fn answer(&self, answers: Vec<Answer>) -> Result<(), Status> {
        let mut acks: BTreeMap<i64, SeqRanges> = BTreeMap::new();
        let mut unavailable = false;
        for Answer { stream, seq, outcome } in answers {
            match outcome {
                Outcome::Durable => acks.entry(stream).or_default().insert(seq),
                Outcome::Rejected(code, detail) => {
                    if code == RejectCode::Fork {
                        clones::forked(&self.parts, &self.peer);
                    }
                    self.send(reject(stream, seq, code, detail)).await?;
                }
                Outcome::Unavailable => unavailable = true,
            }
        }
        for (stream_id, durable) in acks {
            let ack = Ack { stream_id, durable: durable.to_proto() };
            self.send(telemetry_down::Kind::Ack(ack)).await?;
        }
        if unavailable {
            return Err(Status::unavailable("the collector stops before this is stored"));
        }
        Ok(())
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<(), Status> {
        let received = self.parts.clock.now();
        let PeerInfo { tenant, agent, .. } = self.peer;
        self.parts.presence.heard(tenant, agent, received);
        self.parts.clones.heard(agent, received);
        self.parts.live.agent_beat(&self.peer, &beat);
        let reply = HeartbeatReply {
            agent_time_us: beat.agent_time_us,
            received_us: received.0,
            sent_us: self.parts.clock.now().0,
        };
        self.send(telemetry_down::Kind::Heartbeat(reply)).await
    }

    async fn send(&self, kind: telemetry_down::Kind) -> Result<(), Status> {
        let sent = self.down.send(Ok(TelemetryDown { kind: Some(kind) })).await;
        sent.map_err(|_| Status::cancelled("the agent has gone"))
    }
}

/// What came of a batch that was started.
enum Began {
    /// The committer will answer.
    Submitted,
    Refused,
    /// It called itself live.
    Old(Batch),
}

impl Began {
    fn will_be_answered(&self) -> bool {
        matches!(self, Self::Submitted)
    }
}

fn reject(stream_id: i64, seq: u64, code: RejectCode, detail: String) -> telemetry_down::Kind {
    let code = code.into();
    telemetry_down::Kind::Reject(farwatch_proto::v1::Reject { stream_id, seq, code, detail })
}

/// What the collector knows, seen by one agent.
struct AgentView {
    live: Live,
    quotas: Quotas,
    sender: Sender,
}

impl Known for AgentView {
    fn whose(&self, device: DeviceId) -> Whose {
        match self.live.owner(device) {
            Some((tenant, _)) if tenant != self.sender.tenant => Whose::Nobodys,
            Some((_, agent)) if agent == self.sender.agent => Whose::Own,
            Some(_) => Whose::Anothers,
            None => Whose::Nobodys,
        }
    }

    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>> {
        self.live.layout(self.sender.tenant, schema)
    }

    fn schemas(&self) -> (usize, usize) {
        self.live.layouts_size(self.sender.tenant)
    }

    fn corrects_times(&self) -> bool {
        self.live.corrects_times(self.sender.agent)
    }

    fn series_room(&self, device: DeviceId, layout: &Arc<Layout>) -> bool {
        self.quotas.series_admit(self.sender.tenant, device, layout, &self.live)
    }
}
