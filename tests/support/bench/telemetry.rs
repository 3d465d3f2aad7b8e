//! Telemetry as a bare stream: batches of [`SAMPLES`] every [`EVERY`], from handing one over to its ack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit};
use farwatch_common::transport::Session;

use crate::uplink::Uplink;

pub const SAMPLES: u32 = 100;
pub const EVERY: Duration = Duration::from_millis(100);
/// For acks that are still on the way at the end.
const LAST_ACKS: Duration = Duration::from_secs(30);

/// One telemetry stream of one device.
pub struct Telemetry {
    uplink: Uplink,
    clock: Clock,
    device: DeviceId,
    schema: Schema,
    values: Vec<i64>,
}

impl Telemetry {
    /// Opens the session and waits for the first ack: then the collector knows the schema.
    pub async fn begin(session: Arc<dyn Session>, device: DeviceId) -> anyhow::Result<Self> {
        let column = |at: u32| Column {
            object: format!("if:{}", at / 5),
            metric: format!("bench_{}_total", at % 5),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        };
        let columns = (0..SAMPLES).map(column).collect();
        let mut all = Self {
            uplink: Uplink::begin(session).await?,
            clock: Clock::system(),
            device,
            schema: Schema { group: Group::Interfaces, columns },
            values: (0..SAMPLES).map(|_| i64::from(rand::random::<u32>())).collect(),
        };
        tokio::time::timeout(LAST_ACKS, all.send()).await.context("no first ack")??;
        Ok(all)
    }

    async fn send(&mut self) -> anyhow::Result<()> {
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
        self.uplink.send(Class::Counters, &[row], [&self.schema]).await
    }

    /// Sends a batch every [`EVERY`] for so long; how many milliseconds each took to its ack.
    pub async fn run(&mut self, time: Duration) -> anyhow::Result<Vec<f64>> {
        let mut took = Vec::new();
        let mut take = |sent: Vec<Instant>| {
            let now = Instant::now();
            took.extend(sent.into_iter().map(|at| (now - at).as_secs_f64() * 1e3));
        };
        let mut due = tokio::time::interval(EVERY);
        let until = Instant::now() + time;
        while Instant::now() < until {
            tokio::select! {
                _ = due.tick() => {
                    let sent = tokio::time::timeout(LAST_ACKS, self.send()).await;
                    sent.context("the line takes no telemetry any more")??;
                }
                acked = self.uplink.acked() => take(acked?),
            }
        }
        let rest = async {
            while self.uplink.open() > 0 {
                take(self.uplink.acked().await?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LAST_ACKS, rest).await.context("batches were not acked")??;
        Ok(took)
    }
}
