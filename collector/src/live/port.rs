//! Core: the last state of one interface of a device, and rates between two rows.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Row;
use farwatch_proto::v1::InterfaceFacts;

use super::layout::{InterfacePlaces, Layout, Place, ROLES, Role};
use super::view::{LiveInterface, State, mac_text};
use crate::store::rates::{self, Reading};

/// ifOperStatus: up.
pub(super) const OPER_UP: i64 = 1;

#[derive(Debug, Default)]
pub(super) struct Port {
    pub(super) facts: InterfaceFacts,
    /// Per second, by role.
    pub(super) rates: [Option<f64>; ROLES],
    pub(super) admin: Option<i64>,
    pub(super) oper: Option<i64>,
    pub(super) updated_at: Option<Micros>,
}

impl Port {
    /// When its values are too old to be believed; `None` if it has none.
    pub(super) fn stale_at(&self, after: Duration) -> Option<Micros> {
        let any = self.admin.or(self.oper).is_some() || self.rates.iter().any(Option::is_some);
        self.updated_at.filter(|_| any).map(|at| at.after(after))
    }

    pub(super) fn clear(&mut self) {
        self.rates = [None; ROLES];
        self.admin = None;
        self.oper = None;
    }

    pub(super) fn view(&self, index: u32, current: bool) -> LiveInterface {
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

pub(super) fn find(layout: &Layout, index: u32) -> Option<&InterfacePlaces> {
    let at = layout.interfaces.binary_search_by_key(&index, |places| places.index).ok()?;
    layout.interfaces.get(at)
}

pub(super) fn raw(row: &Row, place: Place) -> Option<i64> {
    row.values.get(usize::from(place.column)).copied().flatten()
}

pub(super) fn value(row: &Row, place: Place) -> Option<f64> {
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

pub(super) fn port_rates(last: Side<'_>, now: Side<'_>) -> [Option<f64>; ROLES] {
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
pub(super) fn shows_restart(last: &Row, last_layout: &Layout, row: &Row, layout: &Layout) -> bool {
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
