//! A network without sockets and without real time: engine, line and routers in one thread.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use farwatch_agent::poll::engine::{Engine, Moment, Settings};
use farwatch_agent::poll::plan::{Compiled, Plan};
use farwatch_agent::poll::{Access, Manner, Observation, PollCounters, SnmpVersion, Target};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Column, Group, MetricKind, Row, Schema};
use farwatch_support::sim::mib::Object;
use farwatch_support::sim::respond::Responder;
use farwatch_support::sim::router::{Kind, Router};

pub(crate) const START_US: u64 = 1_800_000_000_000_000;
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
const COMMUNITY: &str = "tests-only";

/// What the line does to a datagram on its way back.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Arrives { after_us: u64 },
    Lost,
}

/// Time of arrival, order, sender, bytes.
type Flying = (u64, u64, SocketAddr, Vec<u8>);

pub(crate) struct Net {
    pub(crate) engine: Engine,
    pub(crate) counters: Arc<PollCounters>,
    pub(crate) now_us: u64,
    pub(crate) routers: BTreeMap<SocketAddr, Responder>,
    pub(crate) seen: Vec<(Row, Arc<Schema>)>,
    pub(crate) events: Vec<farwatch_proto::v1::Event>,
    /// Questions as they were sent.
    pub(crate) asked: Vec<(u64, SocketAddr, Vec<u8>)>,
    /// On their way to the engine.
    pub(crate) flying: BinaryHeap<Reverse<Flying>>,
    order: u64,
    pub(crate) targets: Vec<Target>,
}

impl Net {
    pub(crate) fn new(plan: Plan, settings: Settings) -> Self {
        let counters = Arc::new(PollCounters::default());
        let now = Moment { mono_us: START_US, wall: Micros(START_US as i64) };
        let plan = Compiled::new(plan).unwrap();
        Self {
            engine: Engine::new(plan, settings, counters.clone(), now),
            counters,
            now_us: START_US,
            routers: BTreeMap::new(),
            seen: Vec::new(),
            events: Vec::new(),
            asked: Vec::new(),
            flying: BinaryHeap::new(),
            order: 0,
            targets: Vec::new(),
        }
    }

    pub(crate) fn standard() -> Self {
        Self::new(Plan::standard(), Settings::default())
    }

    /// Puts a router on the line; its device id is its place.
    pub(crate) fn add(&mut self, router: Router, version: SnmpVersion) -> SocketAddr {
        let at = self.targets.len();
        let address: SocketAddr =
            format!("10.0.{}.{}:161", at / 250, at % 250 + 1).parse().unwrap();
        self.routers.insert(address, router.responder(COMMUNITY.as_bytes()));
        self.targets.push(Target {
            device: DeviceId(at as i64),
            host: address.ip().to_string(),
            port: 161,
            interval: INTERVAL,
            access: Access::Community { version, community: COMMUNITY.into() },
            manner: Manner::default(),
        });
        self.engine.set_targets(moment(self.now_us), &self.targets);
        address
    }

    pub(crate) fn one(kind: Kind, interfaces: u32) -> (Self, SocketAddr) {
        let mut net = Self::standard();
        let address = net.add(Router::new(kind, interfaces, 3), SnmpVersion::V2c);
        (net, address)
    }

    pub(crate) fn fly(&mut self, at_us: u64, from: SocketAddr, bytes: Vec<u8>) {
        self.order += 1;
        self.flying.push(Reverse((at_us, self.order, from, bytes)));
    }

    /// Runs for a span of the net's time on a good line.
    pub(crate) fn run(&mut self, span: Duration) {
        self.run_with(span, &mut |_, _| Fate::Arrives { after_us: 2_000 });
    }

    /// Runs; `fate` decides about every answer and may put datagrams of its own on the line.
    pub(crate) fn run_with(
        &mut self,
        span: Duration,
        fate: &mut dyn FnMut(&mut Self, &[u8]) -> Fate,
    ) {
        let until = self.now_us + span.as_micros() as u64;
        loop {
            self.settle(fate);
            let wake = self.engine.wake_us().unwrap_or(u64::MAX);
            let lands = self.flying.peek().map_or(u64::MAX, |Reverse(datagram)| datagram.0);
            let next = wake.min(lands).max(self.now_us);
            if next >= until {
                self.now_us = until;
                return;
            }
            self.now_us = next;
            while let Some(Reverse((at, _, _, _))) = self.flying.peek() {
                if *at > self.now_us {
                    break;
                }
                let Some(Reverse((_, _, from, bytes))) = self.flying.pop() else {
                    break;
                };
                self.engine.receive(&bytes, from, moment(self.now_us));
            }
            self.engine.tick(moment(self.now_us));
        }
    }

    /// Sends what is to be sent and takes what was seen.
    fn settle(&mut self, fate: &mut dyn FnMut(&mut Self, &[u8]) -> Fate) {
        while let Some(sent) = self.engine.transmit(moment(self.now_us)) {
            let bytes = self.engine.datagram().to_vec();
            self.asked.push((self.now_us, sent.to, bytes.clone()));
            let wall = Micros(self.now_us as i64);
            let answer = self.routers.get_mut(&sent.to).and_then(|r| r.respond(&bytes, wall));
            if let Some(answer) = answer
                && let Fate::Arrives { after_us } = fate(self, &answer)
            {
                self.fly(self.now_us + after_us, sent.to, answer);
            }
        }
        while let Some(observation) = self.engine.observation() {
            match observation {
                Observation::Row { row, schema } => self.seen.push((row, schema)),
                Observation::Event(event) => self.events.push(event),
                Observation::Ended(_) => {}
            }
        }
    }

    pub(crate) fn rows(&self, device: i64, group: Group) -> Vec<&(Row, Arc<Schema>)> {
        let of = |(row, _): &&(Row, Arc<Schema>)| row.device.0 == device && row.group == group;
        self.seen.iter().filter(of).collect()
    }

    /// Panics unless every value of the row is one its router had within `slack` before the row's
    /// time. Returns how many values were compared.
    pub(crate) fn verify(&self, row: &Row, schema: &Schema, slack: Duration) -> usize {
        let target = &self.targets[usize::try_from(row.device.0).unwrap()];
        let address: SocketAddr = format!("{}:161", target.host).parse().unwrap();
        let router = &self.routers[&address];
        assert_eq!(row.schema, schema.id());
        assert_eq!(row.values.len(), schema.columns.len());
        let mut compared = 0;
        for (column, value) in schema.columns.iter().zip(&row.values) {
            let Some(value) = value else { continue };
            let object = router.mib.get(&instance(column)).unwrap_or_else(|| panic!("{column:?}"));
            let uptime = |at: Micros| u64::try_from(at.0 - router.started.0).unwrap();
            let (early, late) = (uptime(row.at.before(slack)), uptime(row.at));
            let value = value.cast_unsigned();
            let (low, high) = match object {
                Object::Counter64(flow) => (flow.at(early), flow.at(late)),
                Object::Counter32(flow) => {
                    let (low, high) = (flow.at(early), flow.at(late));
                    let wraps = low & 0xffff_ffff;
                    (wraps, wraps + (high - low))
                }
                Object::Integer(number) => (number.cast_unsigned(), number.cast_unsigned()),
                Object::Uptime => (ticks(early), ticks(late)),
                other => panic!("{other:?} is no number"),
            };
            // A 32-bit counter may have wrapped within the slack.
            let fits = |value: u64| (low..=high).contains(&value);
            let wrapped = column.kind == MetricKind::Counter32 && fits(value + (1 << 32));
            assert!(fits(value) || wrapped, "{column:?}: {value} not in {low}..={high}");
            compared += 1;
        }
        compared
    }
}

impl Net {
    /// As [`Self::verify`], for the row of the device itself: `snmp_up` is ours, not the router's.
    pub(crate) fn verify_system(&self, row: &Row, schema: &Schema) -> usize {
        assert_eq!((row.values[0], schema.columns[0].metric.as_str()), (Some(1), "snmp_up"));
        let uptime = row.values[1].unwrap();
        let router = self.routers.values().next().unwrap();
        let wanted = ((row.at.0 - router.started.0) / 10_000) & 0xffff_ffff;
        assert!((wanted - 100..=wanted).contains(&uptime), "{uptime} {wanted}");
        assert_eq!(schema.columns[2].metric, "snmp_rtt_seconds");
        assert!(row.values[2].is_some_and(|rtt_us| (0..1_000_000).contains(&rtt_us)));
        row.values.len()
    }
}

/// Hundredths of a second, as sysUpTime counts them.
fn ticks(uptime_us: u64) -> u64 {
    (uptime_us / 10_000) & 0xffff_ffff
}

/// The object a column of the standard plan is read from.
fn instance(column: &Column) -> Vec<u32> {
    static PLAN: LazyLock<Plan> = LazyLock::new(Plan::standard);
    let plan = &*PLAN;
    if let Some(scalar) = plan
        .scalars
        .iter()
        .find(|scalar| scalar.metric.as_ref().is_some_and(|metric| metric.name == column.metric))
    {
        return scalar.oid.clone();
    }
    let mut metrics = plan.tables.iter().flat_map(|table| &table.metrics);
    let metric = metrics.find(|metric| metric.name == column.metric).unwrap();
    let source = metric.sources.iter().find(|source| source.kind == column.kind).unwrap();
    let index = column.object.strip_prefix("if:").unwrap().parse().unwrap();
    [&source.oid[..], &[index]].concat()
}

pub(crate) fn moment(now_us: u64) -> Moment {
    Moment { mono_us: now_us, wall: Micros(now_us as i64) }
}
