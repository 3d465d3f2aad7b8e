//! A crowd of devices that one agent tells of, without any that is asked: each poll is two rows, as an
//! agent sends them, over a real session.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_agent::identity;
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit};
use farwatch_common::transport::{Session, quic};
use serde_json::{Value, json};

use super::site::{Dice, system};
use crate::http::Client;
use crate::stack::{Collector, enroll, only_agent};
use crate::uplink::Uplink;

/// How often polls that are due are sent: as the agent's buffer does.
const TICK: Duration = Duration::from_millis(100);
const TICKS_PER_SECOND: usize = 10;
const PORTS: u32 = 8;
const FIRST_ACKS: Duration = Duration::from_secs(30);
/// Devices that are told of at once, in the beginning.
const BEGUN_AT_ONCE: usize = 100;
/// Rows of one import.
const IMPORTED_AT_ONCE: usize = 1_000;
const METRICS: [(&str, MetricKind, Unit); 3] = [
    ("if_in_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_out_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_oper_status", MetricKind::State, Unit::One),
];

/// Enrols an agent in `state_dir` and makes `count` devices of it; their ids.
pub async fn devices_of(
    collector: &Collector,
    client: &Client,
    state_dir: &Path,
    count: usize,
) -> anyhow::Result<Vec<DeviceId>> {
    std::fs::create_dir_all(state_dir)?;
    let enrolled = enroll(state_dir, &collector.token("Depot"));
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let agent = only_agent(client).await;
    let tenant = client.get("/api/v1/tenants").await.data()[0]["id"].clone();
    for first in (0..count).step_by(IMPORTED_AT_ONCE) {
        let mut csv = String::from("name,address,snmp_version,community\n");
        for at in first..count.min(first + IMPORTED_AT_ONCE) {
            let [_, a, b, c] = (at as u32 + 1).to_be_bytes();
            csv.push_str(&format!("router-{at:05},10.{a}.{b}.{c},v2c,public\n"));
        }
        let body = json!({ "tenant": tenant, "agent": agent, "csv": csv, "dry_run": false });
        client.post("/api/v1/devices/import", &body).await.data();
    }
    let mut ids = Vec::with_capacity(count);
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/api/v1/devices?limit=1000{cursor}")).await.json();
        let rows = page["data"].as_array().context("no devices")?;
        let id = |row: &Value| Ok(row["id"].as_str().context("no id")?.parse()?);
        ids.extend(rows.iter().map(id).collect::<anyhow::Result<Vec<DeviceId>>>()?);
        let Some(next) = page["meta"]["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    ensure!(ids.len() == count, "{} of {count} devices are there", ids.len());
    Ok(ids)
}

/// The session of the enrolled agent, and how its devices are.
pub struct Crowd {
    uplink: Uplink,
    clock: Clock,
    dice: Dice,
    devices: Vec<(DeviceId, Vec<i64>)>,
    /// The next to be told of.
    at: usize,
    ports: Schema,
    system: Schema,
}

impl Crowd {
    /// Tells of each device once, and waits until that is stored.
    pub async fn begin(
        collector: &Collector,
        state_dir: &Path,
        devices: Vec<DeviceId>,
    ) -> anyhow::Result<Self> {
        let credentials = identity::load(state_dir)?.context("the agent is not enrolled")?;
        let session: Arc<dyn Session> =
            Arc::new(quic::dial(collector.listen, credentials.tls()?).await?);
        let column = |port: u32, (metric, kind, unit): (&str, MetricKind, Unit)| Column {
            object: format!("if:{port}"),
            metric: metric.to_owned(),
            kind,
            unit,
            exponent: 0,
        };
        let columns = (1..=PORTS).flat_map(|port| METRICS.map(|metric| column(port, metric)));
        let ports = Schema { group: Group::Interfaces, columns: columns.collect() };
        let start = |id| (id, vec![0; METRICS.len() * PORTS as usize]);
        let mut all = Self {
            uplink: Uplink::begin(session).await?,
            clock: Clock::system(),
            dice: Dice(0x9e37_79b9_7f4a_7c15),
            devices: devices.into_iter().map(start).collect(),
            at: 0,
            ports,
            system: system(),
        };
        for first in (0..all.devices.len()).step_by(BEGUN_AT_ONCE) {
            all.tell(BEGUN_AT_ONCE.min(all.devices.len() - first)).await?;
            let acked = tokio::time::timeout(FIRST_ACKS, all.uplink.all_acked()).await;
            acked.context("no ack")??;
        }
        Ok(all)
    }

    /// Polls of so many devices, each in their turn, as one batch of counters and one of gauges.
    async fn tell(&mut self, count: usize) -> anyhow::Result<()> {
        let (mut counters, mut gauges) = (Vec::new(), Vec::new());
        let now = self.clock.now();
        for _ in 0..count {
            let place = self.at % self.devices.len();
            self.at += 1;
            let (device, values) = &mut self.devices[place];
            for (at, value) in values.iter_mut().enumerate() {
                *value = match at % METRICS.len() {
                    2 => 1,
                    _ => *value + self.dice.roll(30_000_000),
                };
            }
            let row = |group, schema, values| Row {
                device: *device,
                group,
                schema,
                at: now,
                cause: None,
                values,
            };
            let ports = values.iter().copied().map(Some).collect();
            counters.push(row(Group::Interfaces, self.ports.id(), ports));
            let system = vec![Some(1), Some(now.0 / 10_000)];
            gauges.push(row(Group::System, self.system.id(), system));
        }
        self.uplink.send(Class::Counters, &counters, [&self.ports]).await?;
        self.uplink.send(Class::Gauges, &gauges, [&self.system]).await
    }

    /// Goes on at this rate until it is dropped.
    pub async fn run(mut self, per_second: usize) -> anyhow::Result<()> {
        let mut due = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = due.tick() => self.tell(per_second / TICKS_PER_SECOND).await?,
                acked = self.uplink.acked() => drop(acked?),
            }
        }
    }
}
