//! The objects of a simulated router, in the order of the tree.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use farwatch_agent::poll::ber::{INTEGER, OBJECT_ID, OCTETS, Writer};
use farwatch_agent::poll::message::tag;
use farwatch_agent::poll::oid::Oid;
use farwatch_common::clock::Micros;

/// A counter as a function of time: it goes on where it was when the simulator is restarted.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Where it stood at the router's start.
    pub base: u64,
    /// Mean rise in units per hour, so that rare errors fit.
    pub per_hour: u64,
    /// Length of its ups and downs.
    pub wave_s: u32,
}

/// Rises slower than this are steady: rounding a wave could make them fall.
const WAVE_PER_HOUR_MIN: u64 = 100_000_000;
/// How far the rate goes up and down: less than 1, or the counter would fall.
const WAVE_HEIGHT: f64 = 0.6;

impl Flow {
    #[must_use]
    pub fn at(self, uptime_us: u64) -> u64 {
        let steady = u128::from(self.per_hour) * u128::from(uptime_us) / 3_600_000_000;
        let mut value = self.base.wrapping_add(steady as u64);
        if self.per_hour >= WAVE_PER_HOUR_MIN && self.wave_s > 0 {
            let period_us = u64::from(self.wave_s) * 1_000_000;
            let turn = std::f64::consts::TAU;
            let angle = turn * (uptime_us % period_us) as f64 / period_us as f64;
            let height =
                self.per_hour as f64 / 3600.0 * WAVE_HEIGHT * f64::from(self.wave_s) / turn;
            value = value.wrapping_add((height * (1.0 + angle.sin())) as u64);
        }
        value
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
            Self::Integer(number) => writer.signed(INTEGER, *number),
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
        for per_hour in [1, 7_200, 99_999_999, 360_000_000, 4_500_000_000_000] {
            let flow = Flow { base: 5, per_hour, wave_s: 90 };
            let values: Vec<u64> = (0..20_000).map(|step| flow.at(step * 10_007)).collect();
            assert!(values.is_sorted(), "{per_hour}");
            assert!(per_hour < 1000 || values[19_999] > values[0]);
        }
    }
}
