//! Core: the rules of one tenant, and what is wrong by them.

pub(super) mod vanished;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, RuleId, SiteId};
use farwatch_common::sample::Group;

use super::absences::Absences;
use super::directory::Directory;
use super::step::{Key, Step, Subject, Tracked};
use super::{CRITICAL_RESERVED, NewAlert, OPEN_MAX};
use crate::evaluate::rule::{Condition, Look, Rule};
use crate::evaluate::seen::Seen;
use crate::evaluate::severity::Severity;
use crate::evaluate::track::{Phase, Track, Turn};
use crate::live::State;
use crate::live::feed::{PortReading, PortState, Reading, Troubles};

/// When something was so, and how long after it the next reading counts as missing.
pub(super) type When = (Micros, Duration);

/// How something was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Micros,
    /// `None`: it stands until something else is told.
    gap: Option<Duration>,
    /// With which readings.
    group: Option<Group>,
}

impl Told {
    fn of((at, gap): When, group: Option<Group>) -> Self {
        Self { at, gap: Some(gap), group }
    }

    fn standing(at: Micros) -> Self {
        Self { at, gap: None, group: None }
    }
}

#[derive(Debug, Default)]
pub(super) struct Room {
    rules: BTreeMap<RuleId, Arc<Rule>>,
    by_metric: HashMap<String, Vec<Arc<Rule>>>,
    about_agents: Vec<Arc<Rule>>,
    about_troubles: Vec<Arc<Rule>>,
    about_devices: Vec<Arc<Rule>>,
    about_ports: Vec<Arc<Rule>>,
    directory: Directory,
    open: BTreeMap<Key, Tracked>,
    /// What comes by the collector's clock.
    timers: BTreeSet<(Micros, Key)>,
    /// Ports that were up.
    were_up: HashMap<DeviceId, BTreeSet<Box<str>>>,
    absences: Absences,
    refused: u64,
}

impl Room {
    pub(super) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.by_metric.keys().map(String::as_str)
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn open_alert(&self, alert: AlertId) -> Option<&Tracked> {
        self.open.values().find(|tracked| tracked.alert == alert)
    }

    pub(super) fn take_refused(&mut self) -> u64 {
        mem::take(&mut self.refused)
    }

    pub(super) fn insert(&mut self, tracked: Tracked) {
        let key = tracked.key();
        if let Some(due) = tracked.track.due(&tracked.timing()) {
            self.timers.insert((due, key.clone()));
        }
        self.open.insert(key, tracked);
    }

    // What people change.

    pub(super) fn set_rules(&mut self, rules: Vec<Arc<Rule>>, now: Micros) -> Vec<Step> {
        self.rules = rules.into_iter().map(|rule| (rule.id, rule)).collect();
        self.by_metric.clear();
        self.about_agents.clear();
        self.about_troubles.clear();
        self.about_devices.clear();
        self.about_ports.clear();
        for rule in self.rules.values().filter(|rule| rule.enabled) {
            let list = match &rule.condition {
                Condition::AgentState {} => &mut self.about_agents,
                Condition::AgentTrouble { .. } => &mut self.about_troubles,
                Condition::DeviceState { .. } => &mut self.about_devices,
                Condition::InterfaceState { .. } => &mut self.about_ports,
                Condition::Metric { name, .. } | Condition::Absence { name, .. } => {
                    self.by_metric.entry(name.clone()).or_default()
                }
            };
            list.push(Arc::clone(rule));
        }
        let rules = &self.rules;
        let absences = |key: &Key| {
            let rule = rules.get(&key.rule);
            rule.is_some_and(|rule| {
                rule.enabled && matches!(rule.condition, Condition::Absence { .. })
            })
        };
        self.absences.retain(rules, absences);
        let gone = |tracked: &Tracked| match rules.get(&tracked.rule.id) {
            None => Some("rule_deleted"),
            Some(rule) if !rule.enabled => Some("rule_disabled"),
            Some(rule) if *rule != tracked.rule => Some("rule_changed"),
            Some(_) => None,
        };
        let ended = ended(&self.open, gone);
        self.end(ended, now)
    }

    pub(super) fn set_directory(&mut self, directory: Directory, now: Micros) -> Vec<Step> {
        self.directory = directory;
        let directory = &self.directory;
        self.were_up.retain(|device, _| directory.devices.contains_key(device));
        let rules = &self.rules;
        let in_scope = |key: &Key| {
            rules.get(&key.rule).is_some_and(|rule| directory.holds(&rule.scope, &key.subject))
        };
        self.absences.retain(rules, in_scope);
        let gone = |tracked: &Tracked| directory.gone(&tracked.rule.scope, &tracked.subject);
        let ended = ended(&self.open, gone);
        self.end(ended, now)
    }

    fn end(&mut self, ended: Vec<(Key, &'static str)>, now: Micros) -> Vec<Step> {
        let mut steps = Vec::new();
        for (key, cause) in ended {
            let Some(mut tracked) = self.open.remove(&key) else { continue };
            if let Some(due) = tracked.track.due(&tracked.timing()) {
                self.timers.remove(&(due, key));
            }
            let pending = matches!(tracked.track.phase, Phase::Pending { .. });
            tracked.track.phase = Phase::Clear;
            let turn = if pending { Turn::Dropped } else { Turn::Resolved(now) };
            steps.push(tracked.step(turn, Some(cause)));
        }
        steps
    }

    // What has become known.

    pub(super) fn agent(
        &mut self,
        agent: AgentId,
        (offline, cause): (Option<bool>, Option<&'static str>),
        now: Micros,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        let (look, state) = Condition::of_agent(offline);
        for rule in self.about_agents.clone() {
            let subject = Subject { device: None, agent, object: "".into() };
            let seen = Seen::state(state, cause);
            self.look(&rule, subject, (look, seen), Told::standing(now), new, steps);
        }
    }

    /// What is wrong with an agent that is there: each kind is a thing by itself.
    pub(super) fn agent_troubles(
        &mut self,
        agent: AgentId,
        told: &Troubles,
        now: Micros,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        for rule in self.about_troubles.clone() {
            let Condition::AgentTrouble { kinds } = &rule.condition else { continue };
            for kind in kinds {
                let (look, state) = kind.of(told);
                let subject = Subject { device: None, agent, object: kind.name().into() };
                let seen = Seen::state(state, None);
                self.look(&rule, subject, (look, seen), Told::standing(now), new, steps);
            }
        }
    }

    pub(super) fn device(
        &mut self,
        (agent, device): (AgentId, DeviceId),
        (state, cause): (State, Option<&'static str>),
        (at, gap): When,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        for rule in self.about_devices.clone() {
            let subject = Subject { device: Some(device), agent, object: "".into() };
            let look = rule.condition.of_device(state);
            let seen = Seen::state(state.name(), cause);
            self.look(&rule, subject, (look, seen), Told::of((at, gap), None), new, steps);
        }
    }

    /// Nobody can tell anything of the device: what is open of it freezes, but for what stands.
    pub(super) fn unknown(&mut self, device: DeviceId, at: Micros, steps: &mut Vec<Step>) {
        let of_device = |key: &&Key| key.subject.device == Some(device);
        let first = Subject { device: Some(device), agent: AgentId(i64::MIN), object: "".into() };
        let first = Key { subject: first, rule: RuleId(i64::MIN) };
        let keys = self.open.range(first..).map(|(key, _)| key).take_while(of_device);
        for key in keys.cloned().collect::<Vec<_>>() {
            let Some(tracked) = self.open.get_mut(&key).filter(|tracked| tracked.gap.is_some())
            else {
                continue;
            };
            let timing = tracked.timing();
            if let Some(turn) = tracked.track.observe(at, Look::Unknown, &timing) {
                steps.push(tracked.step(turn, None));
            }
        }
    }

    /// A reading of an agent comes. After a time of which there is nothing, nothing was absent: that
    /// nobody has seen it says nothing of it.
    pub(super) fn comes(&mut self, agent: AgentId, (last, at): (Micros, Micros), gap: Duration) {
        if at.since(last) > gap {
            self.absences.begin_anew(agent, at, &self.rules);
        }
    }

    /// A port that was never seen up is not missed: most are not plugged in.
    pub(super) fn port(
        &mut self,
        (agent, device): (AgentId, DeviceId),
        port: &PortReading,
        (at, gap): When,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        if self.about_ports.is_empty() {
            return;
        }
        let up = self.were_up.entry(device).or_default();
        let look = match port.state {
            PortState::Up => {
                if !up.contains(&port.object) {
                    up.insert(port.object.clone());
                }
                Look::Well
            }
            PortState::Off => {
                up.remove(&port.object);
                Look::Well
            }
            PortState::Down if up.contains(&port.object) => Look::Breach,
            // It was found down by a process before this one, which had seen it up.
            PortState::Down => Look::Band,
            PortState::Unknown => Look::Unknown,
        };
        for rule in self.about_ports.clone() {
            if rule.condition.looks_at(&port.object) {
                let object = port.object.clone();
                let subject = Subject { device: Some(device), agent, object };
                let look = self.down_before(&rule, &subject, look);
                let told = Told::of((at, gap), Some(Group::Interfaces));
                let seen = Seen::state(port.state.name(), None);
                self.look(&rule, subject, (look, seen), told, new, steps);
            }
        }
    }

    fn down_before(&self, rule: &Rule, subject: &Subject, look: Look) -> Look {
        let key = Key { subject: subject.clone(), rule: rule.id };
        if look == Look::Band && self.open.contains_key(&key) { Look::Breach } else { look }
    }

    pub(super) fn reading(
        &mut self,
        (agent, device): (AgentId, DeviceId),
        (group, reading): (Group, &Reading),
        when: When,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        let Some(rules) = self.by_metric.get(&*reading.metric).cloned() else { return };
        for rule in rules {
            if !rule.condition.looks_at(&reading.object) {
                continue;
            }
            let object = reading.object.clone();
            let subject = Subject { device: Some(device), agent, object };
            if !matches!(rule.condition, Condition::Absence { .. }) {
                let look = rule.condition.of_value(reading.value);
                let told = Told::of(when, Some(group));
                let seen = Seen::value(reading.value, reading.cause.clone());
                self.look(&rule, subject, (look, seen), told, new, steps);
            } else if reading.value.is_some() {
                self.seen(&rule, subject, when, new, steps);
            }
        }
    }

    /// What holds until something else is told: so it is there, and is never absent.
    pub(super) fn standing(
        &mut self,
        (agent, device): (AgentId, DeviceId),
        reading: &Reading,
        at: Micros,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        let Some(rules) = self.by_metric.get(&*reading.metric).cloned() else { return };
        let has_limit = |rule: &&Arc<Rule>| matches!(rule.condition, Condition::Metric { .. });
        for rule in rules.iter().filter(has_limit) {
            let subject = Subject { device: Some(device), agent, object: reading.object.clone() };
            let look = rule.condition.of_value(reading.value);
            let seen = Seen::value(reading.value, reading.cause.clone());
            self.look(rule, subject, (look, seen), Told::standing(at), new, steps);
        }
    }

    /// There is a value of what must not be absent.
    fn seen(
        &mut self,
        rule: &Arc<Rule>,
        subject: Subject,
        (at, gap): When,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        if !self.directory.holds(&rule.scope, &subject) {
            return;
        }
        let key = Key { subject: subject.clone(), rule: rule.id };
        if !self.absences.saw(key, (at, gap), rule.wait) {
            self.refused += 1;
        }
        let seen = (Look::Well, Seen::default());
        self.look(rule, subject, seen, Told::of((at, gap), None), new, steps);
    }

    /// Finds what has been absent for long enough when the agent's time is `watermark`.
    pub(super) fn absent(
        &mut self,
        agent: AgentId,
        watermark: Micros,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        while let Some((due, key, gap)) = self.absences.pop(agent, watermark) {
            let Some(rule) = self.rules.get(&key.rule).cloned() else { continue };
            let told = Told::of((due, gap), None);
            self.look(&rule, key.subject, (Look::Breach, Seen::default()), told, new, steps);
        }
    }

    // Alerts.

    fn look(
        &mut self,
        rule: &Arc<Rule>,
        subject: Subject,
        (look, seen): (Look, Seen),
        told: Told,
        new: NewAlert<'_>,
        steps: &mut Vec<Step>,
    ) {
        let key = Key { subject, rule: rule.id };
        if !self.open.contains_key(&key) {
            if look != Look::Breach {
                return;
            }
            let place = self.directory.place(&key.subject);
            let Some(place) = place.filter(|place| rule.scope.holds(*place)) else { return };
            let site = place.site;
            let keeps_room = rule.severity != Severity::Critical;
            let room = if keeps_room { OPEN_MAX - CRITICAL_RESERVED } else { OPEN_MAX };
            if self.open.len() >= room {
                self.refused += 1;
                return;
            }
            let name = self.directory.name(&key.subject).unwrap_or_default().to_owned();
            let begun = begun(rule, (key.subject.clone(), site, name), told, new);
            self.open.insert(key.clone(), begun);
        }
        let Some(tracked) = self.open.get_mut(&key) else { return };
        let timing = tracked.timing();
        if let Some(due) = tracked.track.due(&timing) {
            self.timers.remove(&(due, key.clone()));
        }
        if look == Look::Breach {
            tracked.wrong = seen.clone();
        }
        if look != Look::Unknown {
            tracked.sampled(told.at, seen);
        }
        (tracked.gap, tracked.group) = (told.gap, told.group);
        let timing = tracked.timing();
        if let Some(turn) = tracked.track.observe(told.at, look, &timing) {
            steps.push(tracked.step(turn, None));
        }
        match tracked.track.due(&timing) {
            _ if tracked.track.phase == Phase::Clear => {
                self.open.remove(&key);
            }
            Some(due) => {
                self.timers.insert((due, key));
            }
            None => {}
        }
    }

    /// Lets the collector's clock come to `now`.
    pub(super) fn pass(&mut self, now: Micros) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some((due, key)) = self.timers.pop_first() {
            if due > now {
                self.timers.insert((due, key));
                break;
            }
            let Some(tracked) = self.open.get_mut(&key) else { continue };
            let timing = tracked.timing();
            if let Some(turn) = tracked.track.pass(now, &timing) {
                steps.push(tracked.step(turn, None));
            }
            if tracked.track.phase == Phase::Clear {
                self.open.remove(&key);
            }
        }
        steps
    }
}

fn begun(
    rule: &Arc<Rule>,
    (subject, site, name): (Subject, SiteId, String),
    told: Told,
    new: NewAlert<'_>,
) -> Tracked {
    Tracked {
        alert: new(),
        rule: Arc::clone(rule),
        subject,
        site,
        name,
        track: Track::default(),
        gap: told.gap,
        group: told.group,
        began_at: told.at,
        fired_at: None,
        wrong: Seen::default(),
        told: 0,
        samples: [].into(),
    }
}

/// Which alerts end, and why.
fn ended(
    open: &BTreeMap<Key, Tracked>,
    gone: impl Fn(&Tracked) -> Option<&'static str>,
) -> Vec<(Key, &'static str)> {
    open.iter().filter_map(|(key, tracked)| Some((key.clone(), gone(tracked)?))).collect()
}
