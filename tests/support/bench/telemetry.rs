//! Telemetry as a bare stream: batches of [`SAMPLES`] every [`EVERY`], from handing one over to its ack.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit, definition};
use farwatch_common::transport::{PipeKind, Session, channel};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{Batch, SessionHello, TelemetryUp, telemetry_down, telemetry_up};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

pub const SAMPLES: u32 = 100;
pub const EVERY: Duration = Duration::from_millis(100);
/// Batches that wait for the line.
const UP_MAX: usize = 256;
/// For acks that are still on the way at the end.
const LAST_ACKS: Duration = Duration::from_secs(30);

/// One telemetry stream, and what was sent on it.
pub struct Telemetry {
    up: mpsc::Sender<TelemetryUp>,
    down: tonic::Streaming<farwatch_proto::v1::TelemetryDown>,
    clock: Clock,
    device: DeviceId,
    schema: Schema,
    values: Vec<i64>,
    stream_id: i64,
    sent: HashMap<u64, Instant>,
    next: u64,
}

impl Telemetry {
    /// Opens the session and waits for the first ack: then the collector knows the schema.
    pub async fn begin(session: Arc<dyn Session>, device: DeviceId) -> anyhow::Result<Self> {
        let mut client = UplinkClient::new(channel(session, PipeKind::Telemetry).await?);
        client.open_session(SessionHello::default()).await?;
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let down = client.telemetry(ReceiverStream::new(outgoing)).await?.into_inner();
        let column = |at: u32| Column {
            object: format!("if:{}", at / 5),
            metric: format!("bench_{}_total", at % 5),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        };
        let columns = (0..SAMPLES).map(column).collect();
        let mut all = Self {
            up,
            down,
            clock: Clock::system(),
            device,
            schema: Schema { group: Group::Interfaces, columns },
            values: (0..SAMPLES).map(|_| i64::from(rand::random::<u32>())).collect(),
            stream_id: i64::from(rand::random::<u32>()) + 1,
            sent: HashMap::new(),
            next: 0,
        };
        all.send()?;
        tokio::time::timeout(LAST_ACKS, all.acked()).await.context("no first ack")??;
        Ok(all)
    }

    fn send(&mut self) -> anyhow::Result<()> {
        for value in &mut self.values {
            *value += i64::from(rand::random::<u16>());
        }
        let row = Row {
            device: self.device,
            group: self.schema.group,
            schema: self.schema.id(),
            at: self.clock.now(),
            cause: None,
            values: self.values.iter().copied().map(Some).collect(),
        };
        let schemas = if self.next == 0 { vec![definition::write(&self.schema)] } else { vec![] };
        let batch = Batch {
            stream_id: self.stream_id,
            seq: self.next,
            class: Class::Counters as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(&[row])?.into(),
            schemas,
        };
        self.sent.insert(self.next, Instant::now());
        self.next += 1;
        let message = TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) };
        self.up.try_send(message).context("the line takes no telemetry any more")
    }

    /// The milliseconds of each batch of the next ack.
    async fn acked(&mut self) -> anyhow::Result<Vec<f64>> {
        loop {
            let message = self.down.message().await?.context("the telemetry stream ended")?;
            let now = Instant::now();
            let ack = match message.kind {
                Some(telemetry_down::Kind::Ack(ack)) => ack,
                Some(telemetry_down::Kind::Reject(reject)) => bail!("refused: {}", reject.detail),
                _ => continue,
            };
            ensure!(ack.stream_id == self.stream_id, "the ack is of another stream");
            let seqs = ack.durable.iter().flat_map(|range| range.first..=range.last);
            let sent = seqs.filter_map(|seq| self.sent.remove(&seq));
            return Ok(sent.map(|at| (now - at).as_secs_f64() * 1e3).collect());
        }
    }

    /// Sends a batch every [`EVERY`] for so long; how many milliseconds each took to its ack.
    pub async fn run(&mut self, time: Duration) -> anyhow::Result<Vec<f64>> {
        let mut took = Vec::new();
        let mut due = tokio::time::interval(EVERY);
        let until = Instant::now() + time;
        while Instant::now() < until {
            tokio::select! {
                _ = due.tick() => self.send()?,
                acked = self.acked() => took.extend(acked?),
            }
        }
        let rest = async {
            while !self.sent.is_empty() {
                took.extend(self.acked().await?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LAST_ACKS, rest).await.context("batches were not acked")??;
        Ok(took)
    }
}
