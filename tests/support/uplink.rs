//! An agent's telemetry without an agent: one session, batches of rows, their acks.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::sample::{Class, Row, Schema, SchemaId, definition};
use farwatch_common::transport::{PipeKind, Session, channel};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{Batch, RejectCode, SessionHello, TelemetryDown, TelemetryUp};
use farwatch_proto::v1::{telemetry_down, telemetry_up};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Batches that wait for the line.
const UP_MAX: usize = 256;

/// One telemetry stream, and what was sent on it.
pub struct Uplink {
    up: mpsc::Sender<TelemetryUp>,
    down: tonic::Streaming<TelemetryDown>,
    /// Held open.
    _session: Arc<dyn Session>,
    stream_id: i64,
    next: u64,
    /// Schemas that were told, each with the class of its rows.
    told: HashSet<(u32, SchemaId)>,
    /// When each was sent that is not acked.
    open: BTreeMap<u64, Instant>,
    /// How many batches the collector takes without an ack.
    pub window: usize,
}

/// What became of batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Stored(Vec<u64>),
    Refused(u64, RejectCode),
}

impl Uplink {
    pub async fn begin(session: Arc<dyn Session>) -> anyhow::Result<Self> {
        let pipe = channel(Arc::clone(&session), PipeKind::Telemetry).await?;
        let mut client = UplinkClient::new(pipe);
        let welcome = client.open_session(SessionHello::default()).await?.into_inner();
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let down = client.telemetry(ReceiverStream::new(outgoing)).await?.into_inner();
        Ok(Self {
            up,
            down,
            _session: session,
            stream_id: i64::from(rand::random::<u32>()) + 1,
            next: 0,
            told: HashSet::new(),
            open: BTreeMap::new(),
            window: usize::try_from(welcome.window)?.max(1),
        })
    }

    /// Sends rows as one batch, with those of the schemas that they name for the first time.
    pub async fn send<'a>(
        &mut self,
        class: Class,
        rows: &[Row],
        schemas: impl IntoIterator<Item = &'a Schema>,
    ) -> anyhow::Result<()> {
        let used: HashSet<_> = rows.iter().map(|row| row.schema).collect();
        let is_new = |schema: &&Schema| {
            let id = schema.id();
            used.contains(&id) && self.told.insert((class as u32, id))
        };
        let schemas: Vec<_> = schemas.into_iter().filter(is_new).map(definition::write).collect();
        // What is not stored yet is not known to the next batch.
        let is_telling = !schemas.is_empty();
        let batch = Batch {
            stream_id: self.stream_id,
            seq: self.next,
            class: class as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(rows)?.into(),
            schemas,
            ..Batch::default()
        };
        let message = TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) };
        // From handing it over: where the line is full it waits here.
        self.open.insert(self.next, Instant::now());
        self.next += 1;
        self.up.send(message).await.context("the telemetry stream ended")?;
        if is_telling {
            self.all_acked().await?;
        }
        Ok(())
    }

    /// Sends a batch as it is, of whatever stream; what comes of it is not remembered.
    pub async fn push(&self, batch: Batch) -> anyhow::Result<()> {
        let message = TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) };
        self.up.send(message).await.context("the telemetry stream ended")
    }

    /// What the collector says next to batches of [`Self::push`].
    pub async fn answer(&mut self) -> anyhow::Result<Answer> {
        loop {
            let message = self.down.message().await?.context("the telemetry stream ended")?;
            match message.kind {
                Some(telemetry_down::Kind::Ack(ack)) => {
                    let seqs = ack.durable.iter().flat_map(|range| range.first..=range.last);
                    return Ok(Answer::Stored(seqs.collect()));
                }
                Some(telemetry_down::Kind::Reject(reject)) => {
                    return Ok(Answer::Refused(reject.seq, reject.code()));
                }
                _ => {}
            }
        }
    }

    /// Batches that are not acked.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// When those were sent that the next ack is about.
    pub async fn acked(&mut self) -> anyhow::Result<Vec<Instant>> {
        loop {
            let message = self.down.message().await?.context("the telemetry stream ended")?;
            let ack = match message.kind {
                Some(telemetry_down::Kind::Ack(ack)) => ack,
                Some(telemetry_down::Kind::Reject(reject)) => bail!("refused: {}", reject.detail),
                _ => continue,
            };
            ensure!(ack.stream_id == self.stream_id, "the ack is of another stream");
            let seqs = ack.durable.iter().flat_map(|range| range.first..=range.last);
            return Ok(seqs.filter_map(|seq| self.open.remove(&seq)).collect());
        }
    }

    pub async fn all_acked(&mut self) -> anyhow::Result<()> {
        while !self.open.is_empty() {
            self.acked().await?;
        }
        Ok(())
    }
}
