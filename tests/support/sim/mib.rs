//! The objects of a simulated router, in the order of the tree.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use farwatch_agent::poll::ber::{INTEGER, OBJECT_ID, OCTETS, Writer};
use farwatch_agent::poll::message::tag;
use farwatch_agent::poll::oid::Oid;
use farwatch_common::clock::Micros;

use super::pulse::{self, Turns};

/// A counter as a function of time.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Where it stood at the router's start.
    pub base: u64,
    /// Mean rise in units per hour, so that rare errors fit.
    pub per_hour: u64,
    /// Of its ups and downs; steady without.
    pub pulse: Option<u64>,
    /// When it rises at all; always without.
    pub turns: Option<Turns>,
}

/// Rises slower than this are steady: rounding their ups and downs could make them fall.
const PULSE_PER_HOUR_MIN: u64 = 100_000_000;

impl Flow {
    #[must_use]
    pub fn at(self, uptime_us: u64) -> u64 {
        let at_us = self.turns.map_or(uptime_us, |turns| turns.spent_on_us(uptime_us));
        let steady = u128::from(self.per_hour) * u128::from(at_us) / 3_600_000_000;
        let value = self.base.wrapping_add(steady as u64);
        match self.pulse {
            Some(seed) if self.per_hour >= PULSE_PER_HOUR_MIN => {
                let more = self.per_hour as f64 / 3600.0 * pulse::passed_s(seed, at_us);
                value.wrapping_add_signed(more as i64)
            }
            _ => value,
        }
    }
}

/// A level that goes up and down around its mean, as a load or a temperature does.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    pub mean: i64,
    /// How far from the mean a whole swing leads.
    pub height: i64,
    pub seed: u64,
}

impl Level {
    #[must_use]
    pub fn at(self, uptime_us: u64) -> i64 {
        self.mean + (self.height as f64 * pulse::swing(self.seed, uptime_us)) as i64
    }
}

/// A value, fixed or moving.
#[derive(Clone, Debug)]
pub enum Object {
    Integer(i64),
    Octets(Vec<u8>),
    ObjectId(Oid),
    Gauge32(u32),
    Counter32(Flow),
    Counter64(Flow),
    /// An INTEGER that moves.
    Level(Level),
    /// An INTEGER that is the first while the turns are on, else the second.
    Either(Turns, i64, i64),
    /// sysUpTime.
    Uptime,
    /// A number the responder keeps, see [`super::oracle`].
    Oracle,
}

impl Object {
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Octets(text.as_bytes().to_vec())
    }

    /// Writes the value as it is at `now`; the router was started at `started`.
    pub fn write(&self, writer: &mut Writer, started: Micros, now: Micros, oracle: u64) {
        let uptime_us = u64::try_from(now.0 - started.0).unwrap_or(0);
        match self {
            Self::Integer(_) | Self::Level(_) | Self::Either(..) => {
                writer.signed(INTEGER, self.number(uptime_us).unwrap_or(0));
            }
            Self::Octets(octets) => writer.octets(OCTETS, octets),
            Self::ObjectId(id) => writer.octets(OBJECT_ID, id.as_bytes()),
            Self::Gauge32(number) => writer.unsigned(tag::GAUGE32, u64::from(*number)),
            Self::Counter32(flow) => {
                writer.unsigned(tag::COUNTER32, flow.at(uptime_us) & u64::from(u32::MAX));
            }
            Self::Counter64(flow) => writer.unsigned(tag::COUNTER64, flow.at(uptime_us)),
            Self::Uptime => {
                writer.unsigned(tag::TIME_TICKS, (uptime_us / 10_000) & u64::from(u32::MAX));
            }
            Self::Oracle => writer.unsigned(tag::COUNTER64, oracle),
        }
    }

    /// What a poller reads of it: the 64 bits of a counter, hundredths of a second of an uptime.
    /// `None` of what is no number, and of the oracle's.
    #[must_use]
    pub fn number(&self, uptime_us: u64) -> Option<i64> {
        Some(match self {
            Self::Integer(number) => *number,
            Self::Level(level) => level.at(uptime_us),
            Self::Either(turns, on, off) => *if turns.is_on(uptime_us) { on } else { off },
            Self::Gauge32(number) => i64::from(*number),
            Self::Counter32(flow) => (flow.at(uptime_us) & u64::from(u32::MAX)).cast_signed(),
            Self::Counter64(flow) => flow.at(uptime_us).cast_signed(),
            Self::Uptime => ((uptime_us / 10_000) & u64::from(u32::MAX)).cast_signed(),
            Self::Octets(_) | Self::ObjectId(_) | Self::Oracle => return None,
        })
    }

    /// v1 has no type for it, so v1 answers pass over it.
    #[must_use]
    pub fn is_64_bit(&self) -> bool {
        matches!(self, Self::Counter64(_) | Self::Oracle)
    }
}

/// Objects by their identifier.
#[derive(Clone, Debug, Default)]
pub struct Mib(BTreeMap<Vec<u32>, Object>);

impl Mib {
    /// Below mib-2.
    pub fn put(&mut self, tail: &[u32], object: Object) {
        self.0.insert([&[1, 3, 6, 1, 2, 1][..], tail].concat(), object);
    }

    /// Anywhere in the tree.
    pub fn put_at(&mut self, arcs: &[u32], object: Object) {
        self.0.insert(arcs.to_vec(), object);
    }

    pub fn remove(&mut self, tail: &[u32]) {
        self.0.remove(&[&[1, 3, 6, 1, 2, 1][..], tail].concat());
    }

    #[must_use]
    pub fn get(&self, arcs: &[u32]) -> Option<&Object> {
        self.0.get(arcs)
    }

    /// The first object behind `arcs`.
    #[must_use]
    pub fn next(&self, arcs: &[u32], v1: bool) -> Option<(&Vec<u32>, &Object)> {
        self.0
            .range::<[u32], _>((Excluded(arcs), Unbounded))
            .find(|(_, object)| !(v1 && object.is_64_bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_never_falls() {
        let turns = Turns { period_s: 20, on_s: 11 };
        for per_hour in [1, 7_200, 99_999_999, 360_000_000, 4_500_000_000_000] {
            for turns in [None, Some(turns)] {
                let flow = Flow { base: 5, per_hour, pulse: Some(9), turns };
                let values: Vec<u64> = (0..20_000).map(|step| flow.at(step * 10_007)).collect();
                assert!(values.is_sorted(), "{per_hour}");
                assert!(per_hour < 1_000_000 || values[19_999] > values[0]);
            }
        }
    }

    #[test]
    fn a_level_stays_within_its_height() {
        let level = Level { mean: 50, height: 10, seed: 3 };
        let values: Vec<i64> = (0..5000).map(|step| level.at(step * 37_000_000)).collect();
        assert!(values.iter().all(|value| (40..=60).contains(value)));
        assert!(values.iter().min() < values.iter().max());
    }
}
