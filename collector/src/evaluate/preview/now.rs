//! Core: what a rule says of what is known now.

use std::collections::BTreeSet;

use farwatch_common::id::DeviceId;

use super::{Counts, SHOWN_MAX, Thing};
use crate::evaluate::engine::directory::Directory;
use crate::evaluate::engine::step::Subject;
use crate::evaluate::rule::{Condition, Look, Rule, Trouble};
use crate::live::State;
use crate::live::feed::{Observation, PortState, Told, What};

/// How often it says what, and of which things; of too many, what is wrong.
pub(super) fn said(rule: &Rule, directory: &Directory, told: &Told) -> (Counts, Vec<Thing>) {
    let lost: BTreeSet<DeviceId> = told.observations.iter().filter_map(not_known).collect();
    let mut things = Vec::new();
    for seen in &told.observations {
        things.extend(of(rule, directory, seen));
    }
    // Nobody can tell anything of a device that is unknown, whatever was told of it last.
    for thing in &mut things {
        if thing.device.is_some_and(|device| lost.contains(&device)) {
            thing.look = Look::Unknown;
        }
    }
    let count = |look| things.iter().filter(|thing| thing.look == look).count();
    let counts = Counts {
        wrong: count(Look::Breach),
        between: count(Look::Band),
        well: count(Look::Well),
        unknown: count(Look::Unknown),
    };
    let rank = |look| match look {
        Look::Breach => 0,
        Look::Band => 1,
        Look::Unknown => 2,
        Look::Well => 3,
    };
    things.sort_by(|a, b| {
        (rank(a.look), &a.name, &a.object).cmp(&(rank(b.look), &b.name, &b.object))
    });
    things.truncate(SHOWN_MAX);
    (counts, things)
}

fn not_known(seen: &Observation) -> Option<DeviceId> {
    match seen.what {
        What::Device { device, state: State::Unknown, .. } => Some(device),
        _ => None,
    }
}

/// What the rule says of one thing that was told.
fn of(rule: &Rule, directory: &Directory, seen: &Observation) -> Vec<Thing> {
    let thing = |device, object: &str, look, value, state| {
        let subject = Subject { device, agent: seen.agent, object: object.into() };
        let name = directory.name(&subject).unwrap_or_default().to_owned();
        let (agent, object, object_name) = (seen.agent, object.to_owned(), String::new());
        Thing { device, agent, name, object, object_name, look, value, state }
    };
    let condition = &rule.condition;
    match (&seen.what, condition) {
        (What::Agent { offline, .. }, Condition::AgentState {}) => {
            let (look, state) = Condition::of_agent(*offline);
            vec![thing(None, "", look, None, Some(state))]
        }
        (What::AgentTroubles(told), Condition::AgentTrouble { kinds }) => {
            let of_kind = |kind: &Trouble| {
                let (look, state) = kind.of(told);
                thing(None, kind.name(), look, None, Some(state))
            };
            kinds.iter().map(of_kind).collect()
        }
        (What::Device { device, state, .. }, Condition::DeviceState { .. }) => {
            let look = condition.of_device(*state);
            vec![thing(Some(*device), "", look, None, Some(state.name()))]
        }
        (What::Readings { device, ports, .. }, Condition::InterfaceState { .. }) => {
            let ports = ports.iter().filter(|port| condition.looks_at(&port.object));
            let of_port = |port: &crate::live::feed::PortReading| {
                let look = match port.state {
                    PortState::Up | PortState::Off => Look::Well,
                    PortState::Down => Look::Breach,
                    PortState::Unknown => Look::Unknown,
                };
                thing(Some(*device), &port.object, look, None, Some(port.state.name()))
            };
            ports.map(of_port).collect()
        }
        (What::Readings { device, readings, .. } | What::Standing { device, readings }, _) => {
            let wanted = readings.iter().filter(|reading| {
                condition.metric() == Some(&*reading.metric) && condition.looks_at(&reading.object)
            });
            let absence = matches!(condition, Condition::Absence { .. });
            let of_reading = |reading: &crate::live::feed::Reading| {
                let look = match reading.value {
                    None if absence => Look::Breach,
                    Some(_) if absence => Look::Well,
                    value => condition.of_value(value),
                };
                thing(Some(*device), &reading.object, look, reading.value, None)
            };
            wanted.map(of_reading).collect()
        }
        _ => Vec::new(),
    }
}
