//! Core: tells `evaluate` what has become known, by the names that rules know it by.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Group;

use super::agent::Agent;
use super::device::{Device, Reach};
use super::feed::{Feed, Observation, PortReading, PortState, Reading, Told, What};
use super::state::Fleet;
use super::view::{LiveInterface, LiveValue};

/// A part and the whole, and the share of it that is told.
const SHARES: [(&str, &str, &str); 2] = [
    ("memory_used_bytes", "memory_size_bytes", "memory_used_percent"),
    ("storage_used_bytes", "storage_size_bytes", "storage_used_percent"),
];

impl Fleet {
    /// An agent came or went.
    pub(super) fn tell_agent(&mut self, tenant: TenantId, agent: AgentId, now: Micros) {
        let offline = match self.reach(agent) {
            Reach::NeverSeen => return,
            Reach::Online => Some(false),
            // It may not have found this collector yet.
            Reach::Offline if self.grace_until.is_some() && !self.was_here(agent) => None,
            Reach::Offline => Some(true),
        };
        let cause = self.agents.get(&agent).and_then(Agent::offline_reason);
        let what = What::Agent { offline, cause };
        self.feed.tell(Observation { tenant, agent, at: now, received: now, what });
    }

    /// What is wrong with an agent, other than that it is away, has changed.
    pub(super) fn tell_troubles(&mut self, tenant: TenantId, agent: AgentId, now: Micros) {
        let Some(mut troubles) = self.agents.get(&agent).map(Agent::troubles) else { return };
        if self.grace_until.is_some() {
            // What is right may only not have been seen yet.
            troubles.cloned = troubles.cloned.filter(|is_so| *is_so);
            troubles.losing = troubles.losing.filter(|is_so| *is_so);
        }
        if self.reach(agent) != Reach::NeverSeen {
            let what = What::AgentTroubles(troubles);
            self.feed.tell(Observation { tenant, agent, at: now, received: now, what });
        }
    }

    /// The state of a device, at the time of what it is known from; what was told is not told again.
    pub(super) fn tell_state(&mut self, id: DeviceId, now: Micros) {
        if !self.feed.is_read() {
            return;
        }
        let Some(agent) = self.devices.get(&id).map(|device| device.agent) else { return };
        let reach = self.reach(agent);
        let Some(device) = self.devices.get_mut(&id) else { return };
        let Some(told_at) = device.told_at() else { return };
        let (state, cause) = device.state(reach);
        let telling = Some((told_at, state, cause));
        if mem::replace(&mut device.told, telling) == telling {
            return;
        }
        let what = What::Device { device: id, state, cause, gap: device.gap() };
        let tenant = device.tenant;
        self.feed.tell(Observation { tenant, agent, at: told_at, received: now, what });
    }

    /// What the poll of a table of a device at `at` has told: a group may be read from some.
    pub(super) fn tell_readings(
        &mut self,
        id: DeviceId,
        (group, at): (Group, Micros),
        now: Micros,
    ) {
        if !self.feed.is_read() {
            return;
        }
        let Some(device) = self.devices.get(&id) else { return };
        let reach = self.reach(device.agent);
        let interfaces = match group {
            Group::Interfaces => device.interfaces(reach),
            _ => Vec::new(),
        };
        let ports: Vec<_> = interfaces.iter().map(port).collect();
        let values = match group {
            Group::Host | Group::Sensors => device.values(),
            _ => Vec::new(),
        };
        let of_group = values.into_iter().filter(|value| value.group == group);
        let (values, others): (Vec<_>, Vec<_>) = of_group.partition(|value| value.at == at);
        let mut readings = match group {
            Group::Interfaces if self.feed.wants_any("if_") => {
                interfaces.iter().flat_map(rates).collect()
            }
            Group::Interfaces => Vec::new(),
            _ => readings(device, group, reach, &values),
        };
        readings.retain(|reading| self.feed.wants(&reading.metric));
        if readings.is_empty() && ports.is_empty() {
            return;
        }
        let table = values.first().map_or("", |value| kind(&value.object)).into();
        let others = others.into_iter().map(|value| value.object.into()).collect();
        let gap = device.gap();
        let what = What::Readings { device: id, group, table, readings, ports, others, gap };
        let (tenant, agent) = (device.tenant, device.agent);
        self.feed.tell(Observation { tenant, agent, at, received: now, what });
    }

    pub(super) fn asked_at(&self, tenant: TenantId, id: DeviceId) -> Option<(Micros, Duration)> {
        let device = self.devices.get(&id).filter(|device| device.tenant == tenant)?;
        let at = Group::ALL.into_iter().filter_map(|group| device.polled_at(group)).max()?;
        Some((at, device.gap()))
    }

    /// What is known now of some agents and devices of a tenant; who evaluates is told nothing.
    pub(super) fn seen_now(
        &mut self,
        tenant: TenantId,
        (agents, devices): (&[AgentId], &[DeviceId]),
        metrics: BTreeSet<String>,
        now: Micros,
    ) -> Told {
        let mut feed = Feed::default();
        feed.want(metrics);
        let kept = mem::replace(&mut self.feed, feed);
        for agent in agents {
            self.tell_agent(tenant, *agent, now);
            self.tell_troubles(tenant, *agent, now);
        }
        for id in devices {
            if self.owner(*id).is_some_and(|(owner, _)| owner == tenant) {
                self.tell_device(*id, now);
            }
        }
        mem::replace(&mut self.feed, kept).take()
    }

    /// What is known of a device's configuration.
    pub(super) fn tell_config(&mut self, id: DeviceId, now: Micros) {
        let Some(device) = self.devices.get(&id) else { return };
        let Some(config) = &device.config else { return };
        let failing = config.failing.clone().map(Cow::Owned);
        let mut readings = vec![
            flag("ssh_host_key_changed", Some(config.host_key_changed)),
            Reading {
                cause: failing,
                ..flag("config_fetch_failed", Some(config.failing.is_some()))
            },
        ];
        readings.retain(|reading| self.feed.wants(&reading.metric));
        if readings.is_empty() {
            return;
        }
        let what = What::Standing { device: id, readings };
        let (tenant, agent) = (device.tenant, device.agent);
        self.feed.tell(Observation { tenant, agent, at: now, received: now, what });
    }

    fn tell_device(&mut self, id: DeviceId, now: Micros) {
        if let Some(device) = self.devices.get_mut(&id) {
            device.told = None;
        }
        self.tell_state(id, now);
        self.tell_config(id, now);
        let Some(device) = self.devices.get(&id) else { return };
        let tables: Vec<_> =
            Group::ALL.into_iter().flat_map(|group| device.tables(group)).collect();
        for table in tables {
            self.tell_readings(id, table, now);
        }
    }

    /// All that is known, or what is known of one tenant.
    pub(super) fn tell_all(&mut self, of: Option<TenantId>, now: Micros) {
        let meant = |tenant: TenantId| of.is_none_or(|of| of == tenant);
        for (tenant, agent) in self.agents() {
            if meant(tenant) {
                self.tell_agent(tenant, agent, now);
                self.tell_troubles(tenant, agent, now);
            }
        }
        let all = self.devices.iter().filter(|(_, device)| meant(device.tenant));
        for id in all.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.tell_device(id, now);
        }
    }
}

/// Of the device itself; `None`: nobody can tell.
fn flag(metric: &str, is: Option<bool>) -> Reading {
    reading(metric, "", is.map(|is| f64::from(u8::from(is))))
}

fn reading(metric: &str, object: &str, value: Option<f64>) -> Reading {
    Reading { metric: metric.into(), object: object.into(), value, cause: None }
}

/// Of a group other than interfaces.
fn readings(device: &Device, group: Group, reach: Reach, values: &[LiveValue]) -> Vec<Reading> {
    let of_device = |metric, value| reading(metric, "", value);
    let view = || device.view(reach);
    match group {
        Group::Ping => {
            let ping = view().icmp;
            let of =
                |value: fn(&super::view::LivePing) -> Option<f64>| ping.as_ref().and_then(value);
            vec![
                of_device("icmp_loss_percent", of(|ping| ping.loss_percent)),
                of_device("icmp_rtt_ms", of(|ping| ping.rtt_ms)),
                of_device("icmp_jitter_ms", of(|ping| ping.jitter_ms)),
            ]
        }
        Group::System => {
            let (view, failed) = (view(), device.snmp_failed());
            let cause = failed.flatten().map(Cow::Borrowed);
            vec![
                Reading { cause, ..flag("snmp_failed", failed.map(|cause| cause.is_some())) },
                of_device("snmp_rtt_ms", view.snmp_poll.and_then(|snmp| snmp.rtt_ms)),
                of_device("uptime_seconds", view.uptime_s),
            ]
        }
        Group::Interfaces => Vec::new(),
        Group::Host | Group::Sensors => {
            let mut readings: Vec<_> =
                values.iter().map(|one| reading(&one.metric, &one.object, one.value)).collect();
            readings.extend(shares(values));
            if values.iter().any(|one| one.metric == "cpu_busy_percent") {
                readings.push(of_device("cpu_percent", view().cpu_percent));
            }
            readings
        }
    }
}

/// `memory` of `memory:8`.
fn kind(object: &str) -> &str {
    object.split_once(':').map_or(object, |(kind, _)| kind)
}

/// How much of the memories and disks is in use.
fn shares(values: &[LiveValue]) -> Vec<Reading> {
    let of_part = |part: &LiveValue| {
        let (_, whole, share) = SHARES.iter().find(|(name, _, _)| *name == part.metric)?;
        let whole = values.iter().find(|one| one.metric == *whole && one.object == part.object)?;
        let percent = part.value.zip(whole.value.filter(|whole| *whole > 0.0));
        let percent = percent.map(|(part, whole)| 100.0 * part / whole);
        Some(reading(share, &part.object, percent))
    };
    values.iter().filter_map(of_part).collect()
}

fn rates(port: &LiveInterface) -> [Reading; 8] {
    let of = |metric, value| reading(metric, &port.object, value);
    let percent = |share: Option<f64>| share.map(|share| share * 100.0);
    [
        of("if_in_bps", port.in_bps),
        of("if_out_bps", port.out_bps),
        of("if_in_utilisation_percent", percent(port.utilisation_in)),
        of("if_out_utilisation_percent", percent(port.utilisation_out)),
        of("if_in_errors_per_s", port.in_errors_ps),
        of("if_out_errors_per_s", port.out_errors_ps),
        of("if_in_discards_per_s", port.in_discards_ps),
        of("if_out_discards_per_s", port.out_discards_ps),
    ]
}

fn port(port: &LiveInterface) -> PortReading {
    let state = match (port.admin, port.oper) {
        (Some("down" | "testing"), _) => PortState::Off,
        (Some(_), Some("up")) => PortState::Up,
        (Some(_), Some("down" | "lower_layer_down" | "not_present")) => PortState::Down,
        _ => PortState::Unknown,
    };
    PortReading { object: port.object.as_str().into(), state }
}
