//! What `evaluate` is told: each thing that has become known, in the order it became so.
//!
//! - in: rows, states and reach, as the live state takes them; out: [`Observation`]s
//! - bound: [`FEED_MAX`] observations, then one of each table of each device
//! - when full: of the readings of a table of a device the newest are kept. States are all kept up to
//!   twice the bound and [`PER_DEVICE`] of each device; beyond it everything is let go, and who reads
//!   is told to ask for all anew
//! - on crash: all is told anew at the start, from what is known then

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Group;

use super::view::State;

/// Observations that wait before readings of the same are told together.
pub const FEED_MAX: usize = 65_536;
/// Tables of a group that are told of a device when all is: the newest.
pub const TABLES_MAX: usize = 4;
/// What is told of a device when all is: its state, its configuration, and each table of each group.
pub const PER_DEVICE: usize = 2 + Group::ALL.len() * TABLES_MAX;

/// Something that has become known.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub tenant: TenantId,
    pub agent: AgentId,
    /// Event time.
    pub at: Micros,
    /// By the collector's clock.
    pub received: Micros,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Agent {
        /// `None`: nobody can tell yet, as this collector has not run for long.
        offline: Option<bool>,
        /// Why it is offline, where that is known.
        cause: Option<&'static str>,
    },
    /// Holds until something else is told.
    AgentTroubles(Troubles),
    /// Told with each reading that says something of it, also if it stays the same. `gap`: so long
    /// after a reading the next one counts as missing.
    Device { device: DeviceId, state: State, cause: Option<&'static str>, gap: Duration },
    Readings {
        device: DeviceId,
        group: Group,
        /// The kind of its first object, by which the tables of a group are told apart.
        table: Box<str>,
        readings: Vec<Reading>,
        ports: Vec<PortReading>,
        /// The objects of the other tables of the group, each of which is told by itself.
        others: BTreeSet<Box<str>>,
        gap: Duration,
    },
    /// What holds until something else is told, whether the device answers or not.
    Standing { device: DeviceId, readings: Vec<Reading> },
}

/// What is wrong with an agent, other than that it is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Its clock is wrong by more than a minute; `None` until it has said.
    pub clock: Option<bool>,
    /// Two hosts run as it; `None` for a while after a start, which knows nothing of before.
    pub cloned: Option<bool>,
    /// Gaps have come within the last hour; `None` likewise.
    pub losing: Option<bool>,
}

/// A value by the name that rules know it by.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub metric: Box<str>,
    /// Empty: the device itself.
    pub object: Box<str>,
    /// `None`: nobody can tell.
    pub value: Option<f64>,
    /// What made it so, where that is known.
    pub cause: Option<Cow<'static, str>>,
}

/// What an interface is.
#[derive(Clone, Debug, PartialEq)]
pub struct PortReading {
    pub object: Box<str>,
    pub state: PortState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    Up,
    Down,
    /// Switched off by people: nothing is wrong.
    Off,
    Unknown,
}

impl PortState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}

/// What a queue hands out.
#[derive(Debug, Default)]
pub struct Told {
    pub observations: VecDeque<Observation>,
    /// Some were let go of: ask for all that is known.
    pub lost: bool,
}

/// The queue. Empty while nobody reads.
#[derive(Debug, Default)]
pub(super) struct Feed {
    told: Told,
    /// Tenants of which devices or agents came, went or moved.
    moved: BTreeSet<TenantId>,
    /// Tenants of which devices said what they are.
    described: BTreeSet<TenantId>,
    /// Metrics that rules look at; others are not told. `None`: nobody reads.
    wanted: Option<BTreeSet<String>>,
    /// Where the last readings of a table of a device wait.
    places: HashMap<(DeviceId, Group, Box<str>), usize>,
    /// The state told last of a device, and where it waits.
    states: HashMap<DeviceId, usize>,
    /// Devices there are.
    devices: usize,
}

impl Feed {
    pub(super) fn want(&mut self, metrics: BTreeSet<String>) {
        self.wanted = Some(metrics);
    }

    pub(super) fn sized(&mut self, devices: usize) {
        self.devices = devices;
    }

    pub(super) fn is_read(&self) -> bool {
        self.wanted.is_some()
    }

    pub(super) fn wants(&self, metric: &str) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.contains(metric))
    }

    /// Whether any metric whose name begins so is wanted.
    pub(super) fn wants_any(&self, beginning: &str) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_some_and(|wanted| wanted.iter().any(|name| name.starts_with(beginning)))
    }

    pub(super) fn moved(&mut self, tenant: TenantId) {
        if self.is_read() {
            self.moved.insert(tenant);
        }
    }

    pub(super) fn described(&mut self, tenant: TenantId) {
        if self.is_read() {
            self.described.insert(tenant);
        }
    }

    pub(super) fn tell(&mut self, new: Observation) {
        if !self.is_read() || self.merge(&new) {
            return;
        }
        let waiting = self.told.observations.len();
        if waiting >= 2 * FEED_MAX + PER_DEVICE * self.devices {
            self.clear();
            self.told.lost = true;
            return;
        }
        match &new.what {
            What::Agent { .. } | What::AgentTroubles(_) | What::Standing { .. } => {}
            What::Device { device, .. } => {
                self.states.insert(*device, waiting);
            }
            What::Readings { device, group, table, .. } => {
                self.places.insert((*device, *group, table.clone()), waiting);
            }
        }
        self.told.observations.push_back(new);
    }

    /// When full: puts it in the place of what waits of the same; a state, only of the same state.
    fn merge(&mut self, new: &Observation) -> bool {
        if self.told.observations.len() < FEED_MAX {
            return false;
        }
        let place = match &new.what {
            What::Agent { .. } | What::AgentTroubles(_) | What::Standing { .. } => None,
            What::Device { device, .. } => self.states.get(device),
            What::Readings { device, group, table, .. } => {
                self.places.get(&(*device, *group, table.clone()))
            }
        };
        let Some(old) = place.and_then(|place| self.told.observations.get_mut(*place)) else {
            return false;
        };
        let same = match (&old.what, &new.what) {
            (What::Device { state: old, .. }, What::Device { state: new, .. }) => old == new,
            _ => true,
        };
        if same {
            old.clone_from(new);
        }
        same
    }

    fn clear(&mut self) {
        self.told.observations.clear();
        self.places.clear();
        self.states.clear();
    }

    pub(super) fn take_moved(&mut self) -> BTreeSet<TenantId> {
        std::mem::take(&mut self.moved)
    }

    pub(super) fn take_described(&mut self) -> BTreeSet<TenantId> {
        std::mem::take(&mut self.described)
    }

    pub(super) fn take(&mut self) -> Told {
        self.places.clear();
        self.states.clear();
        std::mem::take(&mut self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: i64, at: i64, state: State) -> Observation {
        let (device, cause, gap) = (DeviceId(id), None, Duration::ZERO);
        let what = What::Device { device, state, cause, gap };
        observation(at, what)
    }

    fn readings(id: i64, at: i64) -> Observation {
        let what = What::Readings {
            device: DeviceId(id),
            group: Group::Ping,
            table: "".into(),
            readings: Vec::new(),
            ports: Vec::new(),
            others: BTreeSet::new(),
            gap: Duration::ZERO,
        };
        observation(at, what)
    }

    fn observation(at: i64, what: What) -> Observation {
        let (tenant, agent) = (TenantId(1), AgentId(1));
        Observation { tenant, agent, at: Micros(at), received: Micros(at), what }
    }

    #[test]
    fn nothing_waits_while_nobody_reads() {
        let mut feed = Feed::default();
        feed.tell(readings(1, 1));
        feed.moved(TenantId(1));
        let told = feed.take();
        assert!(told.observations.is_empty() && feed.take_moved().is_empty());
    }

    #[test]
    fn when_full_readings_are_told_together_and_no_state_is_skipped() {
        let mut feed = Feed::default();
        feed.want(BTreeSet::new());
        for at in 0..i64::try_from(FEED_MAX).unwrap() {
            feed.tell(readings(at % 100, at));
        }
        let end = i64::try_from(FEED_MAX).unwrap();
        feed.tell(readings(7, end));
        assert_eq!(feed.told.observations.len(), FEED_MAX);
        let states = [State::Up, State::Down, State::Down, State::Up];
        for (at, state) in (end..).zip(states) {
            feed.tell(device(7, at, state));
        }
        let told = feed.take();
        let newest = told.observations.iter().filter(|one| one.at == Micros(end)).count();
        assert_eq!(newest, 2, "the reading and the first state");
        let state = |one: &Observation| match one.what {
            What::Device { state, .. } => Some((one.at.0 - end, state)),
            _ => None,
        };
        let kept: Vec<_> = told.observations.iter().filter_map(state).collect();
        assert_eq!(kept, [(0, State::Up), (2, State::Down), (3, State::Up)]);
        assert!(!told.lost);
    }

    #[test]
    fn beyond_twice_the_bound_all_is_asked_for_anew() {
        let mut feed = Feed::default();
        feed.want(BTreeSet::new());
        for at in 0..=i64::try_from(2 * FEED_MAX).unwrap() {
            feed.tell(device(1, at, if at % 2 == 0 { State::Up } else { State::Down }));
        }
        let told = feed.take();
        assert!(told.lost && told.observations.is_empty());
        feed.tell(device(1, 0, State::Up));
        assert_eq!(feed.take().observations.len(), 1);
    }
}
