//! Core: the last state of one device and its interfaces, from the rows of its polls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};

use super::layout::{InterfacePlaces, Layout, Place, ROLES, Role};
use super::view::{LiveDevice, LiveInterface, State, mac_text};
use crate::store::rates::{self, Reading, Uptime};
use crate::store::series::missing_after;

/// Failed polls in a row that make a device down; fewer make it degraded.
const FAILURES_DOWN: u32 = 3;
/// No value is believed for longer than this or 2.5 intervals, whichever is more.
const STALE_AFTER_MIN: Duration = Duration::from_secs(300);
/// No value of a port is believed for longer than this or 2.5 intervals, whichever is more: rows
/// come a little late, and short intervals must not make ports flicker.
const PORT_STALE_AFTER_MIN: Duration = Duration::from_secs(30);
/// ifTypes (IANAifType-MIB) that carry what others carry too: left out of a device's totals.
/// other, softwareLoopback, propVirtual, tunnel, l2vlan, l3ipvlan, ieee8023adLag, bridge.
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
    failures: u32,
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
    /// Nothing was heard for too long.
    pub(super) stale: bool,
    pub(super) deadline: Option<Micros>,
}

#[derive(Debug, Default)]
struct Port {
    facts: InterfaceFacts,
    /// Per second, by role.
    rates: [Option<f64>; ROLES],
    admin: Option<i64>,
    oper: Option<i64>,
    updated_at: Option<Micros>,
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
            failures: 0,
            uptime: Uptime::default(),
            booted_at: None,
            rtt_s: None,
            last_sample_at: None,
            counters: None,
            interfaces: None,
            ports: BTreeMap::new(),
            facts_at: Micros(0),
            table_at: Micros(0),
            stale: false,
            deadline: None,
        }
    }

    pub(super) fn set_interval(&mut self, interval_s: u32) {
        self.interval = Duration::from_secs(interval_s.max(1).into());
    }

    /// When the last poll is too old to be believed.
    fn stale_at(&self) -> Option<Micros> {
        let after = missing_after(self.interval).max(STALE_AFTER_MIN);
        self.system.as_ref().filter(|_| !self.stale).map(|row| row.at.after(after))
    }

    /// When something shown becomes too old to be believed.
    pub(super) fn next_deadline(&self) -> Option<Micros> {
        let after = self.port_stale_after();
        let ports = self.ports.values().filter_map(|port| port.stale_at(after)).min();
        self.stale_at().into_iter().chain(ports).min()
    }

    /// Lets go of what is too old at `now`.
    pub(super) fn expire(&mut self, now: Micros) {
        if self.stale_at().is_some_and(|at| at <= now) {
            self.stale = true;
        }
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
            Group::Ping | Group::Host | Group::Sensors => false,
        }
    }

    fn apply_system(&mut self, row: Row, layout: &Layout) -> bool {
        if self.system.as_ref().is_some_and(|last| last.at >= row.at) {
            return false;
        }
        let value = |place: Option<Place>| place.and_then(|place| value(&row, place));
        let answered = row.cause.is_none() && value(layout.snmp_up).is_none_or(|up| up != 0.0);
        if answered {
            self.failures = 0;
            self.last_sample_at = self.last_sample_at.max(Some(row.at));
            self.rtt_s = value(layout.rtt);
            let uptime = value(layout.uptime).and_then(|s| Duration::try_from_secs_f64(s).ok());
            if let Some(uptime) = uptime
                && let Some(boot) = self.uptime.observe(row.at, uptime)
            {
                self.booted_at = Some(boot);
            }
        } else {
            self.failures = self.failures.saturating_add(1);
            self.rtt_s = None;
        }
        self.stale = false;
        self.system = Some(row);
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

    /// Takes the names and types of the interfaces; false if newer ones are known.
    pub(super) fn apply_table(&mut self, table: InterfaceTable, at: Micros) -> bool {
        if at < self.table_at {
            return false;
        }
        self.table_at = at;
        let layout = self.counters.as_ref().map(|(_, layout)| layout.clone());
        self.ports.retain(|index, port| {
            port.facts = InterfaceFacts::default();
            layout.as_ref().is_some_and(|layout| find(layout, *index).is_some())
        });
        for facts in table.interfaces {
            let index = facts.index;
            self.ports.entry(index).or_default().facts = facts;
        }
        true
    }

    /// The last rows, for a checkpoint.
    pub(super) fn last_row(&self, group: Group) -> Option<&Row> {
        match group {
            Group::System => self.system.as_ref(),
            Group::Interfaces => self.counters.as_ref().map(|(row, _)| row),
            Group::Ping | Group::Host | Group::Sensors => None,
        }
    }

    pub(super) fn state(&self, reach: Reach) -> (State, Option<&'static str>) {
        let Some(system) = &self.system else {
            let cause = if reach == Reach::Online { "pending" } else { "agent_offline" };
            return (State::Unknown, Some(cause));
        };
        let cause = system.cause.unwrap_or(Cause::Timeout).name();
        match reach {
            Reach::Offline | Reach::NeverSeen => (State::Unknown, Some("agent_offline")),
            Reach::Online if self.stale => (State::Unknown, Some("stale")),
            Reach::Online if self.failures >= FAILURES_DOWN => (State::Down, Some(cause)),
            // It never answered: no values that could be worse or older than they were.
            Reach::Online if self.failures > 0 && self.last_sample_at.is_none() => {
                (State::Unknown, Some(cause))
            }
            Reach::Online if self.failures > 0 => (State::Degraded, Some(cause)),
            Reach::Online => match self.interfaces {
                // It answers, but not for its interfaces.
                Some((_, Some(cause))) if cause != Cause::Unsupported => {
                    (State::Degraded, Some(cause.name()))
                }
                _ => (State::Up, None),
            },
        }
    }

    pub(super) fn view(&self, reach: Reach) -> LiveDevice {
        let (state, cause) = self.state(reach);
        let current = matches!(state, State::Up | State::Degraded);
        let uptime = self.uptime.last().filter(|_| current);
        LiveDevice {
            state,
            cause,
            uptime_s: uptime.map(|(_, uptime)| uptime.as_secs_f64()),
            interfaces_up: current.then(|| self.ports_up()).flatten(),
            interfaces_total: u32::try_from(self.ports.len()).unwrap_or(u32::MAX),
            in_bps: self.total(Role::InOctets).filter(|_| current),
            out_bps: self.total(Role::OutOctets).filter(|_| current),
            rtt_ms: self.rtt_s.filter(|_| current).map(|seconds| seconds * 1000.0),
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
        self.ports.iter().map(|(index, port)| port.view(*index, current)).collect()
    }
}

/// ifOperStatus: up.
const OPER_UP: i64 = 1;

impl Port {
    /// When its values are too old to be believed; `None` if it has none.
    fn stale_at(&self, after: Duration) -> Option<Micros> {
        let any = self.admin.or(self.oper).is_some() || self.rates.iter().any(Option::is_some);
        self.updated_at.filter(|_| any).map(|at| at.after(after))
    }

    fn clear(&mut self) {
        self.rates = [None; ROLES];
        self.admin = None;
        self.oper = None;
    }

    fn view(&self, index: u32, current: bool) -> LiveInterface {
        let rate =
            |role: Role| self.rates.get(role as usize).copied().flatten().filter(|_| current);
        let bps = |role| rate(role).map(|octets| octets * 8.0);
        let pps = |roles: [Role; 3]| roles.into_iter().filter_map(rate).reduce(|a, b| a + b);
        let speed_bps = Some(self.facts.speed_bps).filter(|speed| *speed > 0);
        #[expect(clippy::cast_precision_loss, reason = "a share of a speed")]
        let utilisation = |role| Some((bps(role)? / speed_bps? as f64).clamp(0.0, 1.0));
        LiveInterface {
            object: format!("if:{index}"),
            index,
            name: self.facts.name.clone(),
            description: self.facts.description.clone(),
            alias: self.facts.alias.clone(),
            kind: self.facts.r#type,
            mac: mac_text(&self.facts.mac),
            speed_bps,
            admin: self.admin.filter(|_| current).and_then(admin_name),
            oper: self.oper.filter(|_| current).and_then(oper_name),
            state: self.oper.filter(|_| current).map_or(State::Unknown, oper_state),
            in_bps: bps(Role::InOctets),
            out_bps: bps(Role::OutOctets),
            in_pps: pps([Role::InUnicast, Role::InMulticast, Role::InBroadcast]),
            out_pps: pps([Role::OutUnicast, Role::OutMulticast, Role::OutBroadcast]),
            in_errors_ps: rate(Role::InErrors),
            out_errors_ps: rate(Role::OutErrors),
            in_discards_ps: rate(Role::InDiscards),
            out_discards_ps: rate(Role::OutDiscards),
            utilisation_in: utilisation(Role::InOctets),
            utilisation_out: utilisation(Role::OutOctets),
            updated_at: self.updated_at,
        }
    }
}

fn find(layout: &Layout, index: u32) -> Option<&InterfacePlaces> {
    let at = layout.interfaces.binary_search_by_key(&index, |places| places.index).ok()?;
    layout.interfaces.get(at)
}

fn raw(row: &Row, place: Place) -> Option<i64> {
    row.values.get(usize::from(place.column)).copied().flatten()
}

fn value(row: &Row, place: Place) -> Option<f64> {
    Some(rates::scaled(raw(row, place)?, place.exponent))
}

type Side<'a> = (&'a Row, &'a InterfacePlaces);

/// Readings of the counters that both rows have.
fn pairs<'a>(
    (last, last_places): Side<'a>,
    (row, places): Side<'a>,
) -> impl Iterator<Item = (usize, Place, Reading, Reading)> + 'a {
    let both = last_places.places.iter().zip(&places.places).enumerate();
    both.filter_map(move |(role, (before, now))| {
        let (before, now) = ((*before)?, (*now)?);
        if !now.kind.is_counter() || before.kind != now.kind {
            return None;
        }
        let old = Reading { at: last.at, raw: raw(last, before)? };
        Some((role, now, old, Reading { at: row.at, raw: raw(row, now)? }))
    })
}

fn port_rates(last: Side<'_>, now: Side<'_>) -> [Option<f64>; ROLES] {
    let mut rates = [None; ROLES];
    for (role, place, old, new) in pairs(last, now) {
        let rose = rates::increase(place.kind, old, new);
        let seconds = rates::seconds_between(old.at, new.at);
        if let Some(slot) = rates.get_mut(role) {
            *slot = rose.zip(seconds).map(|(rose, seconds)| rose / seconds);
        }
    }
    rates
}

/// A counter fell further than a wrap: the device was restarted, and the row that tells its uptime
/// may come later than this one.
fn shows_restart(last: &Row, last_layout: &Layout, row: &Row, layout: &Layout) -> bool {
    layout.interfaces.iter().any(|places| {
        find(last_layout, places.index).is_some_and(|last_places| {
            pairs((last, last_places), (row, places))
                .any(|(_, place, old, new)| rates::is_reset(place.kind, old.raw, new.raw))
        })
    })
}

fn admin_name(status: i64) -> Option<&'static str> {
    Some(match status {
        1 => "up",
        2 => "down",
        3 => "testing",
        _ => return None,
    })
}

fn oper_name(status: i64) -> Option<&'static str> {
    Some(match status {
        OPER_UP => "up",
        2 => "down",
        3 => "testing",
        4 => "unknown",
        5 => "dormant",
        6 => "not_present",
        7 => "lower_layer_down",
        _ => return None,
    })
}

fn oper_state(status: i64) -> State {
    match status {
        OPER_UP => State::Up,
        2 | 6 | 7 => State::Down,
        3 | 5 => State::Degraded,
        _ => State::Unknown,
    }
}
