//! Core: the last state of one device and its interfaces, from the rows of its polls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};

use super::changes::Marks;
use super::feed::TABLES_MAX;
use super::health::{self, Asked};
use super::layout::{Layout, Place, ROLES, Role};
use super::objects::Objects;
use super::port::{OPER_UP, Port, find, port_rates, raw, shows_restart, value};
use super::view::{LiveDevice, LiveInterface, LiveMissing, LivePing, LiveSnmp, LiveValue, State};
use crate::store::rates::Uptime;
use crate::store::series::missing_after;

/// No value is believed for longer than this or 2.5 intervals, whichever is more.
const STALE_AFTER_MIN: Duration = Duration::from_secs(300);
/// No value of a port is believed for longer than this or 2.5 intervals, whichever is more: rows
/// come a little late, and short intervals must not make ports flicker.
const PORT_STALE_AFTER_MIN: Duration = Duration::from_secs(30);
/// ifTypes (IANAifType-MIB) that carry what others carry too: left out of a device's totals.
/// other, softwareLoopback, propVirtual, tunnel, l2vlan, l3ipvlan, ieee8023adLag, bridge. The web UI leaves
/// the same out of the busiest ports (features/device/busiest.ts).
const VIRTUAL_TYPES: [u32; 8] = [1, 24, 53, 131, 135, 136, 161, 209];

#[derive(Debug)]
pub(super) struct Device {
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
    /// Nobody gave it a name: it has the one it gives itself.
    pub(super) follows_name: bool,
    interval: Duration,
    /// The last row of the system group, also a failed one.
    system: Option<Row>,
    snmp: Asked,
    /// The last burst of echo requests.
    ping_row: Option<Row>,
    ping: Asked,
    ping_times: PingTimes,
    /// Processors, memory, disks, sensors.
    objects: Objects,
    uptime: Uptime,
    booted_at: Option<Micros>,
    rtt_s: Option<f64>,
    last_sample_at: Option<Micros>,
    /// The last row with counters.
    counters: Option<(Row, Arc<Layout>)>,
    /// Time and outcome of the last poll of the interfaces.
    interfaces: Option<(Micros, Option<Cause>)>,
    ports: BTreeMap<u32, Port>,
    /// When the newest facts and the newest table were learned: backlog comes newest first.
    facts_at: Micros,
    table_at: Micros,
    /// The state that evaluation was told last, what made it so, and when it was so.
    pub(super) told: Option<(Micros, State, Option<&'static str>)>,
    /// What is known of its configuration, if it is fetched.
    pub(super) config: Option<ConfigHealth>,
    pub(super) deadline: Option<Micros>,
    /// What it told last of what it is.
    pub(super) marks: Marks,
}

/// How the fetching of a configuration goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigHealth {
    /// The device shows another host key than is pinned.
    pub host_key_changed: bool,
    /// Why the last fetch failed.
    pub failing: Option<String>,
}

/// Of the last burst, as far as there were answers.
#[derive(Clone, Copy, Debug, Default)]
struct PingTimes {
    loss_percent: Option<f64>,
    rtt_s: Option<f64>,
    jitter_s: Option<f64>,
}

/// What is known of the agent of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    NeverSeen,
    Offline,
    Online,
}

impl Device {
    pub(super) fn new(tenant: TenantId, agent: AgentId, interval_s: u32) -> Self {
        Self {
            tenant,
            agent,
            follows_name: false,
            interval: Duration::from_secs(interval_s.max(1).into()),
            system: None,
            snmp: Asked::default(),
            ping_row: None,
            ping: Asked::by_echo(),
            ping_times: PingTimes::default(),
            objects: Objects::default(),
            uptime: Uptime::default(),
            booted_at: None,
            rtt_s: None,
            last_sample_at: None,
            counters: None,
            interfaces: None,
            ports: BTreeMap::new(),
            facts_at: Micros(0),
            table_at: Micros(0),
            told: None,
            config: None,
            deadline: None,
            marks: Marks::default(),
        }
    }

    pub(super) fn set_interval(&mut self, interval_s: u32) {
        self.interval = Duration::from_secs(interval_s.max(1).into());
    }

    fn stale_after(&self) -> Duration {
        missing_after(self.interval).max(STALE_AFTER_MIN)
    }

    /// When something shown becomes too old to be believed.
    pub(super) fn next_deadline(&self) -> Option<Micros> {
        let after = self.port_stale_after();
        let ports = self.ports.values().filter_map(|port| port.stale_at(after)).min();
        let stale = self.stale_after();
        let asked = [&self.snmp, &self.ping].into_iter().filter_map(|asked| asked.stale_at(stale));
        asked.chain(self.objects.stale_at(stale)).chain(ports).min()
    }

    /// Lets go of what is too old at `now`.
    pub(super) fn expire(&mut self, now: Micros) {
        let stale = self.stale_after();
        if self.snmp.stale_at(stale).is_some_and(|at| at <= now) {
            self.snmp.expire();
            self.rtt_s = None;
        }
        if self.ping.stale_at(stale).is_some_and(|at| at <= now) {
            self.ping.expire();
            self.ping_times = PingTimes::default();
        }
        self.objects.expire(stale, now);
        let after = self.port_stale_after();
        for port in self.ports.values_mut() {
            if port.stale_at(after).is_some_and(|at| at <= now) {
                port.clear();
            }
        }
    }

    fn port_stale_after(&self) -> Duration {
        missing_after(self.interval).max(PORT_STALE_AFTER_MIN)
    }

    /// Takes a row; false if it is older than what is known and changes nothing.
    pub(super) fn apply(&mut self, row: Row, layout: &Arc<Layout>) -> bool {
        match row.group {
            Group::System => self.apply_system(row, layout),
            Group::Interfaces => self.apply_interfaces(row, layout),
            Group::Ping => self.apply_ping(row, layout),
            Group::Host | Group::Sensors => self.objects.apply(row, layout),
        }
    }

    fn apply_system(&mut self, row: Row, layout: &Layout) -> bool {
        let value = |place: Option<Place>| place.and_then(|place| value(&row, place));
        let answered = row.cause.is_none() && value(layout.snmp_up).is_none_or(|up| up != 0.0);
        let cause = if answered { None } else { row.cause.or(Some(Cause::Timeout)) };
        if !self.snmp.told(row.at, cause) {
            return false;
        }
        self.rtt_s = None;
        if answered {
            self.last_sample_at = self.last_sample_at.max(Some(row.at));
            self.rtt_s = value(layout.rtt);
            let uptime = value(layout.uptime).and_then(|s| Duration::try_from_secs_f64(s).ok());
            if let Some(uptime) = uptime
                && let Some(boot) = self.uptime.observe(row.at, uptime)
            {
                self.booted_at = Some(boot);
            }
        }
        self.system = Some(row);
        true
    }

    fn apply_ping(&mut self, row: Row, layout: &Layout) -> bool {
        let value = |place: Option<Place>| place.and_then(|place| value(&row, place));
        let answered = row.cause.is_none() && value(layout.ping.up).is_none_or(|up| up != 0.0);
        let no_way = value(layout.ping.unreachable).is_some_and(|no_way| no_way != 0.0);
        let silence = if no_way { Cause::Unreachable } else { Cause::Timeout };
        let cause = if answered { None } else { row.cause.or(Some(silence)) };
        if !self.ping.told(row.at, cause) {
            return false;
        }
        self.ping_times = PingTimes {
            loss_percent: value(layout.ping.loss),
            rtt_s: value(layout.rtt),
            jitter_s: value(layout.ping.jitter),
        };
        if let Some(percent) = self.ping_times.loss_percent {
            self.ping.lost(percent);
        }
        if answered {
            self.last_sample_at = self.last_sample_at.max(Some(row.at));
        }
        self.ping_row = Some(row);
        true
    }

    fn apply_interfaces(&mut self, row: Row, layout: &Arc<Layout>) -> bool {
        if self.interfaces.is_some_and(|(at, _)| at >= row.at) {
            return false;
        }
        self.interfaces = Some((row.at, row.cause));
        if row.cause.is_some() {
            return true;
        }
        self.last_sample_at = self.last_sample_at.max(Some(row.at));
        let before = self.counters.take();
        let before = before.as_ref().filter(|(last, last_layout)| {
            row.at.since(last.at) <= missing_after(self.interval)
                && !self.booted_at.is_some_and(|boot| last.at < boot && boot <= row.at)
                && !shows_restart(last, last_layout, &row, layout)
        });
        for places in &layout.interfaces {
            let port = self.ports.entry(places.index).or_default();
            let state = |role| places.place(role).and_then(|place| raw(&row, place));
            port.admin = state(Role::AdminStatus);
            port.oper = state(Role::OperStatus);
            port.updated_at = Some(row.at);
            port.rates = [None; ROLES];
            let Some((last, last_layout)) = before else { continue };
            if let Some(last_places) = find(last_layout, places.index) {
                port.rates = port_rates((last, last_places), (&row, places));
            }
        }
        let of_table =
            |index: &u32, port: &Port| find(layout, *index).is_some() || port.facts.index == *index;
        self.ports.retain(|index, port| of_table(index, port));
        self.counters = Some((row, layout.clone()));
        true
    }

    /// True if facts of this time are the newest.
    pub(super) fn takes_facts(&mut self, at: Micros) -> bool {
        let newest = at >= self.facts_at;
        self.facts_at = self.facts_at.max(at);
        newest
    }

    /// True if a table of this time is the newest.
    pub(super) fn takes_table(&mut self, at: Micros) -> bool {
        let newest = at >= self.table_at;
        self.table_at = self.table_at.max(at);
        newest
    }

    /// Takes the names and types of the interfaces.
    pub(super) fn apply_table(&mut self, table: InterfaceTable) {
        let layout = self.counters.as_ref().map(|(_, layout)| layout.clone());
        self.ports.retain(|index, port| {
            port.facts = InterfaceFacts::default();
            layout.as_ref().is_some_and(|layout| find(layout, *index).is_some())
        });
        for facts in table.interfaces {
            let index = facts.index;
            self.ports.entry(index).or_default().facts = facts;
        }
    }

    /// When it was started last, as far as it was seen.
    pub(super) fn booted_at(&self) -> Option<Micros> {
        self.booted_at
    }

    /// The last rows, for a checkpoint.
    pub(super) fn last_rows(&self, group: Group) -> Vec<&Row> {
        let one = match group {
            Group::System => self.system.as_ref(),
            Group::Interfaces => self.counters.as_ref().map(|(row, _)| row),
            Group::Ping => self.ping_row.as_ref(),
            Group::Host | Group::Sensors => return self.objects.last_rows(group).collect(),
        };
        one.into_iter().collect()
    }

    /// When the newest poll of a group was that is known.
    pub(super) fn polled_at(&self, group: Group) -> Option<Micros> {
        match group {
            // A poll that fails leaves the last row with counters.
            Group::Interfaces => self.interfaces.map(|(at, _)| at),
            Group::Host | Group::Sensors => self.objects.polled_at(group).max(),
            _ => self.last_rows(group).into_iter().map(|row| row.at).max(),
        }
    }

    /// The tables of a group, by when they were polled last: the newest, the oldest of them first.
    pub(super) fn tables(&self, group: Group) -> Vec<(Group, Micros)> {
        let times: BTreeSet<_> = match group {
            Group::Host | Group::Sensors => self.objects.polled_at(group).collect(),
            _ => self.polled_at(group).into_iter().collect(),
        };
        let left_out = times.len().saturating_sub(TABLES_MAX);
        times.into_iter().skip(left_out).map(|at| (group, at)).collect()
    }

    /// When it was told last what its state is known from.
    pub(super) fn told_at(&self) -> Option<Micros> {
        self.snmp.at().max(self.ping.at())
    }

    /// So long after a poll the next one counts as missing.
    pub(super) fn gap(&self) -> Duration {
        missing_after(self.interval)
    }

    pub(super) fn state(&self, reach: Reach) -> (State, Option<&'static str>) {
        let interfaces = self.interfaces.and_then(|(_, cause)| cause);
        health::verdict(reach, &self.snmp, &self.ping, interfaces)
    }

    /// Why SNMP tells nothing of a device that is there, as far as anybody can tell.
    pub(super) fn snmp_failed(&self) -> Option<Option<&'static str>> {
        health::snmp_failed(&self.snmp, &self.ping)
    }

    fn live_ping(&self, reach: Reach) -> Option<LivePing> {
        let (state, cause) = self.ping.state(reach)?;
        let ms = |seconds: Option<f64>| seconds.map(|seconds| seconds * 1000.0);
        Some(LivePing {
            state,
            cause,
            loss_percent: self.ping_times.loss_percent,
            rtt_ms: ms(self.ping_times.rtt_s),
            jitter_ms: ms(self.ping_times.jitter_s),
            at: self.ping.at(),
        })
    }

    fn live_snmp(&self, reach: Reach) -> Option<LiveSnmp> {
        let (state, cause) = self.snmp.state(reach)?;
        let rtt_ms = self.rtt_s.map(|seconds| seconds * 1000.0);
        let (at, answered_at) = (self.snmp.at(), self.snmp.answered_at());
        let holds = reach == Reach::Online && self.snmp.holds();
        Some(LiveSnmp { state, cause, rtt_ms, at, answered_at, holds })
    }

    /// The last values of processors, memory, disks and sensors.
    pub(super) fn values(&self) -> Vec<LiveValue> {
        self.objects.values()
    }

    /// Of which of them nothing is known, and why.
    pub(super) fn missing(&self) -> Vec<LiveMissing> {
        self.objects.missing().collect()
    }

    pub(super) fn view(&self, reach: Reach) -> LiveDevice {
        let (state, cause) = self.state(reach);
        let current = matches!(state, State::Up | State::Degraded);
        // Echoes keep a device up, and tell nothing of what SNMP told before.
        let told = current && self.snmp.holds();
        let uptime = self.uptime.last().filter(|_| told);
        LiveDevice {
            state,
            cause,
            uptime_s: uptime.map(|(_, uptime)| uptime.as_secs_f64()),
            interfaces_up: told.then(|| self.ports_up()).flatten(),
            interfaces_total: u32::try_from(self.ports.len()).unwrap_or(u32::MAX),
            in_bps: self.total(Role::InOctets).filter(|_| told),
            out_bps: self.total(Role::OutOctets).filter(|_| told),
            rtt_ms: self.ping_times.rtt_s.or(self.rtt_s).filter(|_| current).map(|s| s * 1000.0),
            cpu_percent: self.objects.cpu_percent().filter(|_| told),
            temperature_celsius: self.objects.temperature_celsius().filter(|_| told),
            snmp_poll: self.live_snmp(reach),
            icmp: self.live_ping(reach),
            last_sample_at: self.last_sample_at,
        }
    }

    /// `None` while no port's state is known: nothing known is not zero.
    fn ports_up(&self) -> Option<u32> {
        let mut known = self.ports.values().filter_map(|port| port.oper).peekable();
        known.peek()?;
        let up = known.filter(|oper| *oper == OPER_UP).count();
        Some(u32::try_from(up).unwrap_or(u32::MAX))
    }

    /// Bits per second over the interfaces that carry traffic of their own.
    fn total(&self, role: Role) -> Option<f64> {
        let rate = |port: &Port| port.rates.get(role as usize).copied().flatten();
        let physical = self
            .ports
            .values()
            .filter(|port| !VIRTUAL_TYPES.contains(&port.facts.r#type))
            .filter_map(rate)
            .reduce(|a, b| a + b);
        let any = || self.ports.values().filter_map(rate).reduce(|a, b| a + b);
        physical.or_else(any).map(|octets| octets * 8.0)
    }

    pub(super) fn interfaces(&self, reach: Reach) -> Vec<LiveInterface> {
        let current = matches!(self.state(reach).0, State::Up | State::Degraded);
        let current = current && self.snmp.holds();
        self.ports.iter().map(|(index, port)| port.view(*index, current)).collect()
    }
}
