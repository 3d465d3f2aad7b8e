//! What polls of a simulated device would have read: its gear is a function of time, so any past
//! moment can be asked for, a thousand times faster than over the wire.
//!
//! The poll engine reads the device once. That says which values there are, and under which names; the
//! plan it follows says where each comes from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use farwatch_agent::poll::engine::{Engine, Moment, Settings};
use farwatch_agent::poll::plan::{Compiled, Formula, Plan, Source};
use farwatch_agent::poll::{Access, Manner, Observation, PollCounters, SnmpVersion, Target};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Column, Group, MetricKind, Row, Schema, Unit};

use super::field::{self, Station};
use super::mib::{Mib, Object};
use super::pulse::mix;
use super::respond::Responder;

/// In which facts and everything that hangs on them are read.
const READ_FOR_US: u64 = 60_000_000;
const INTERVAL: Duration = Duration::from_secs(10);
const COMMUNITY: &str = "past";
/// What a poll sends.
const ECHOES: u64 = 5;

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Origin {
    /// It was read so, and does not move.
    Fixed(Option<i64>),
    Object(Object),
    /// Units of allocation.
    Times(Object, i64),
}

/// A device's past.
#[derive(Debug)]
pub struct Past {
    device: DeviceId,
    started: Micros,
    line: field::Line,
    seed: u64,
    tables: Vec<(Arc<Schema>, Vec<Origin>)>,
    ping: Arc<Schema>,
}

impl Past {
    /// Reads the device as it is at `now`.
    pub fn of(station: &Station, device: DeviceId, now: Micros) -> anyhow::Result<Self> {
        let mut station = station.clone();
        station.access = field::Access::Community(COMMUNITY.to_owned());
        (station.dies, station.dead) = (None, false);
        let mut responder = station.responder()?;
        let plan = Plan::standard();
        let community = COMMUNITY.into();
        let access = Access::Community { version: SnmpVersion::V2c, community };
        let tables = read(&mut responder, device, access, now)?
            .into_iter()
            .map(|(schema, row)| {
                let origins = schema.columns.iter().zip(row.values);
                let origins = origins.map(|(column, value)| {
                    origin(&plan, &responder.mib, column).unwrap_or(Origin::Fixed(value))
                });
                let origins = origins.collect();
                (schema, origins)
            })
            .collect();
        let (seed, ping) = (station.router.seed, Arc::new(ping()));
        Ok(Self { device, started: responder.started, line: station.line, seed, tables, ping })
    }

    #[must_use]
    pub fn schemas(&self) -> Vec<Arc<Schema>> {
        let read = self.tables.iter().map(|(schema, _)| schema);
        read.chain([&self.ping]).map(Arc::clone).collect()
    }

    /// The rows of the poll at `at`.
    #[must_use]
    pub fn rows(&self, at: Micros) -> Vec<Row> {
        let uptime_us = (at.0 - self.started.0).unsigned_abs();
        let value = |origin: &Origin| match origin {
            Origin::Fixed(value) => *value,
            Origin::Object(object) => object.number(uptime_us),
            Origin::Times(object, by) => Some(object.number(uptime_us)? * by),
        };
        let read = self.tables.iter().map(|(schema, origins)| {
            self.row(schema, at, None, origins.iter().map(value).collect())
        });
        read.chain([self.row(&self.ping, at, None, self.echoes(at))]).collect()
    }

    /// Those of a poll that nothing has answered.
    #[must_use]
    pub fn silence(&self, at: Micros) -> Vec<Row> {
        let read = self.tables.iter();
        let read = read.map(|(schema, _)| self.row(schema, at, Some(Cause::Timeout), vec![]));
        let lost = vec![Some(0), Some(10_000), None, None, None, None, Some(0)];
        read.chain([self.row(&self.ping, at, None, lost)]).collect()
    }

    fn row(
        &self,
        schema: &Schema,
        at: Micros,
        cause: Option<Cause>,
        values: Vec<Option<i64>>,
    ) -> Row {
        Row { device: self.device, group: schema.group, schema: schema.id(), at, cause, values }
    }

    /// What a burst of echo requests says of the line.
    fn echoes(&self, at: Micros) -> Vec<Option<i64>> {
        let dice = |echo: u64| mix(at.0.unsigned_abs() ^ self.seed ^ echo << 48);
        let share = |echo| dice(echo) as f64 / u64::MAX as f64;
        let came = (0..ECHOES).filter(|echo| share(echo + ECHOES) >= self.line.loss);
        let rtt = |echo| self.line.round_trip + self.line.jitter.mul_f64(share(echo));
        let rtts: Vec<i64> = came.map(|echo| rtt(echo).as_micros() as i64).collect();
        let (Some(min), Some(max)) = (rtts.iter().min(), rtts.iter().max()) else {
            return vec![Some(0), Some(10_000), None, None, None, None, Some(0)];
        };
        let mean = rtts.iter().sum::<i64>() / rtts.len() as i64;
        let loss = (ECHOES as i64 - rtts.len() as i64) * 10_000 / ECHOES as i64;
        vec![Some(1), Some(loss), Some(mean), Some(*min), Some(*max), Some(max - min), Some(0)]
    }
}

type Tables = Vec<(Arc<Schema>, Row)>;

/// The rows of the last poll, once all has been read.
fn read(
    responder: &mut Responder,
    device: DeviceId,
    access: Access,
    now: Micros,
) -> anyhow::Result<Tables> {
    let address: SocketAddr = ([192, 0, 2, 1], 161).into();
    let target = Target {
        device,
        host: address.ip().to_string(),
        port: address.port(),
        interval: INTERVAL,
        access,
        manner: Manner { ping: false, ..Manner::default() },
    };
    let mut us = now.0.unsigned_abs();
    let end = us + READ_FOR_US;
    let moment = |us: u64| Moment { mono_us: us, wall: Micros(us.cast_signed()) };
    let plan = Compiled::new(Plan::standard()).context("the plan")?;
    let counters = Arc::new(PollCounters::default());
    let settings = Settings { tell_ends: true, ..Settings::default() };
    let mut engine = Engine::new(plan, settings, counters, moment(us));
    engine.set_targets(moment(us), &[target]);
    let (mut last, mut reading) = (Tables::new(), Tables::new());
    while us < end {
        if engine.transmit(moment(us)).is_some() {
            let question = engine.datagram().to_vec();
            us += 1000;
            if let Some(answer) = responder.respond(&question, moment(us).wall) {
                engine.receive(&answer, address, moment(us));
            }
        } else {
            us = engine.wake_us().unwrap_or(end).max(us);
            engine.tick(moment(us));
        }
        while let Some(observation) = engine.observation() {
            match observation {
                Observation::Row { row, schema } if row.cause.is_none() => {
                    reading.push((schema, row));
                }
                Observation::Ended(_) if !reading.is_empty() => last = std::mem::take(&mut reading),
                _ => {}
            }
        }
    }
    let is_whole = last.iter().any(|(_, row)| row.group == Group::Interfaces);
    anyhow::ensure!(is_whole, "the device tells nothing");
    Ok(last)
}

/// Where the plan reads the value of a column; `None` if it is no object's alone.
fn origin(plan: &Plan, mib: &Mib, column: &Column) -> Option<Origin> {
    if column.object.is_empty() {
        let is_it = |name: &str| name == column.metric;
        let scalar = plan
            .scalars
            .iter()
            .find(|scalar| scalar.metric.as_ref().is_some_and(|metric| is_it(&metric.name)))?;
        return Some(Origin::Object(mib.get(&scalar.oid)?.clone()));
    }
    let index: u32 = column.object.split_once(':')?.1.parse().ok()?;
    let metrics = plan.tables.iter().flat_map(|table| &table.metrics);
    let sources = metrics.filter(|metric| metric.name == column.metric).flat_map(|m| &m.sources);
    sources.filter(|source| source.kind == column.kind).find_map(|source| of(source, index, mib))
}

fn of(source: &Source, index: u32, mib: &Mib) -> Option<Origin> {
    let cell = |oid: &[u32]| mib.get(&[oid, &[index]].concat());
    let object = cell(&source.oid)?.clone();
    match &source.formula {
        Formula::Plain | Formula::WhileOk(_) => Some(Origin::Object(object)),
        Formula::Times(other) => Some(Origin::Times(object, cell(other)?.number(0)?)),
        _ => None,
    }
}

/// As the pinger has it.
fn ping() -> Schema {
    let column = |metric: &str, kind, unit, exponent| {
        let (object, metric) = (String::new(), metric.to_owned());
        Column { object, metric, kind, unit, exponent }
    };
    let rtt = |metric| column(metric, MetricKind::Gauge, Unit::Seconds, -6);
    let columns = vec![
        column("icmp_up", MetricKind::State, Unit::One, 0),
        column("icmp_loss_percent", MetricKind::Gauge, Unit::Percent, -2),
        rtt("icmp_rtt_seconds"),
        rtt("icmp_rtt_min_seconds"),
        rtt("icmp_rtt_max_seconds"),
        rtt("icmp_jitter_seconds"),
        column("icmp_unreachable", MetricKind::State, Unit::One, 0),
    ];
    Schema { group: Group::Ping, columns }
}

#[cfg(test)]
mod tests {
    use farwatch_agent::poll::SnmpUser;
    use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};

    use super::*;

    const NOW: Micros = Micros(1_800_000_000 * Micros::SECOND);

    /// What the past says of a moment is what the engine reads then.
    #[test]
    fn the_past_is_as_it_would_have_been_polled() {
        for kind in ["mikrotik", "switch", "power", "linux"] {
            let text =
                format!("at=192.0.2.1:161 name=d kind={kind} seed=5 interfaces=4 community=c");
            let station: Station = text.parse().unwrap();
            let past = Past::of(&station, DeviceId(1), NOW).unwrap();
            let mut responder = station.responder().unwrap();
            let community = "c".into();
            let access = Access::Community { version: SnmpVersion::V2c, community };
            let later = Micros(NOW.0 + 7 * 3600 * Micros::SECOND);
            let polled = read(&mut responder, DeviceId(1), access, later).unwrap();
            let names = |tables: &Tables| -> Vec<_> { tables.iter().map(|t| t.0.id()).collect() };
            let ours: Vec<_> = past.tables.iter().map(|(schema, _)| schema.id()).collect();
            assert_eq!(names(&polled), ours, "{kind}");
            let (_, read) =
                polled.iter().find(|(schema, _)| schema.group == Group::Interfaces).unwrap();
            // Its questions were some milliseconds apart, and counters only rise.
            let around = [-1, 1].map(|s| {
                let rows = past.rows(Micros(read.at.0 + s * Micros::SECOND));
                rows.into_iter().find(|row| row.group == Group::Interfaces).unwrap().values
            });
            for (at, value) in read.values.iter().enumerate() {
                assert!(around[0][at] <= *value && *value <= around[1][at], "{kind} {at}");
            }
        }
    }

    #[test]
    fn over_snmp_3_a_device_tells_its_user_and_nobody_else() {
        let text = "at=192.0.2.1:161 name=d kind=juniper seed=5 interfaces=4 \
                    user=monitor:auth-password:privacy-password";
        let station: Station = text.parse().unwrap();
        let asked = |name: &str, auth: &str, privacy: &str| {
            let user = SnmpUser {
                name: name.into(),
                auth: Some((SnmpAuth::Sha256, auth.into())),
                privacy: Some((SnmpPrivacy::Aes128, privacy.into())),
                context: Vec::new(),
            };
            let mut responder = station.responder().unwrap();
            read(&mut responder, DeviceId(1), Access::User(user), NOW).is_ok()
        };
        assert!(asked("monitor", "auth-password", "privacy-password"));
        assert!(!asked("nobody", "auth-password", "privacy-password"));
        assert!(!asked("monitor", "wrong-password", "privacy-password"));
        assert!(!asked("monitor", "auth-password", "wrong-password"));
    }

    #[test]
    fn what_moves_is_known_to_move() {
        let text = "at=192.0.2.1:161 name=d kind=linux seed=5 interfaces=4 community=c";
        let past = Past::of(&text.parse().unwrap(), DeviceId(1), NOW).unwrap();
        for metric in ["cpu_busy_percent", "memory_used_bytes", "sys_uptime_seconds"] {
            let tables = past.tables.iter();
            let mut cells = tables.flat_map(|(schema, origins)| schema.columns.iter().zip(origins));
            let (_, origin) = cells.find(|(column, _)| column.metric == metric).unwrap();
            assert!(!matches!(origin, Origin::Fixed(_)), "{metric}");
        }
    }

    #[test]
    fn lines_lose_as_much_as_they_are_to() {
        let text = "at=192.0.2.1:161 name=d kind=ap seed=5 community=c line=20/10/25";
        let past = Past::of(&text.parse().unwrap(), DeviceId(1), NOW).unwrap();
        let at = |n: i64| Micros(NOW.0 + n * 60 * Micros::SECOND);
        let losses: i64 = (0..500).filter_map(|n| past.echoes(at(n))[1]).sum();
        assert!((2_000..3_000).contains(&(losses / 500)), "{losses}");
        let means: Vec<i64> = (0..500).filter_map(|n| past.echoes(at(n))[2]).collect();
        assert!(means.iter().all(|us| (20_000..=30_000).contains(us)));
    }
}
