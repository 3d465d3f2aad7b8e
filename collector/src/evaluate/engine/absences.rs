//! Core: when there was a value last of what must not be absent, and what has been absent for too long.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, RuleId};

use super::room::When;
use super::step::Key;
use crate::evaluate::rule::Rule;

type Rules = BTreeMap<RuleId, Arc<Rule>>;

/// Series of a tenant that are watched for being absent, each counted once a rule.
const WATCHED_MAX: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Absences {
    seen: BTreeMap<Key, When>,
    /// When each of `seen` is absent for too long, by the time of its agent.
    due: BTreeMap<AgentId, BTreeSet<(Micros, Key)>>,
}

impl Absences {
    /// Rules or places are others: forgets what nobody asks for any more.
    pub(super) fn retain(&mut self, rules: &Rules, is_wanted: impl Fn(&Key) -> bool) {
        self.seen.retain(|key, _| is_wanted(key));
        self.due.clear();
        for (key, (last, _)) in &self.seen {
            let Some(rule) = rules.get(&key.rule) else { continue };
            let of_agent = self.due.entry(key.subject.agent).or_default();
            of_agent.insert((last.after(rule.wait), key.clone()));
        }
    }

    /// There was a value; false if there is no room to watch for the next.
    pub(super) fn saw(&mut self, key: Key, (at, gap): When, wait: Duration) -> bool {
        let watched = self.seen.len();
        let of_agent = self.due.entry(key.subject.agent).or_default();
        match self.seen.entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                let (last, _) = entry.insert((at, gap));
                of_agent.remove(&(last.after(wait), key.clone()));
            }
            Entry::Vacant(_) if watched >= WATCHED_MAX => return false,
            Entry::Vacant(entry) => {
                entry.insert((at, gap));
            }
        }
        of_agent.insert((at.after(wait), key));
        true
    }

    /// Nothing of the agent is absent `at`, whenever it was seen last.
    pub(super) fn begin_anew(&mut self, agent: AgentId, at: Micros, rules: &Rules) {
        let Some(of_agent) = self.due.get_mut(&agent) else { return };
        for (_, key) in mem::take(of_agent) {
            let wait = rules.get(&key.rule).map_or(Duration::ZERO, |rule| rule.wait);
            if let Some((seen, _)) = self.seen.get_mut(&key) {
                *seen = at.max(*seen);
                of_agent.insert((seen.after(wait), key));
            }
        }
    }

    /// The next that is absent when the agent's time is `watermark`, since when it is, and its gap.
    pub(super) fn pop(
        &mut self,
        agent: AgentId,
        watermark: Micros,
    ) -> Option<(Micros, Key, Duration)> {
        let of_agent = self.due.get_mut(&agent)?;
        let next = of_agent.first()?;
        if next.0 > watermark {
            return None;
        }
        let (due, key) = of_agent.pop_first()?;
        let (_, gap) = self.seen.remove(&key)?;
        Some((due, key, gap))
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::Subject;
    use super::*;

    fn key(object: String) -> Key {
        Key {
            subject: Subject { device: None, agent: AgentId(1), object: object.into() },
            rule: RuleId(1),
        }
    }

    #[test]
    fn no_more_is_watched_than_there_is_room_for() {
        let mut absences = Absences::default();
        let (at, minute) = (Micros(1_800_000_000_000_000), Duration::from_secs(60));
        for number in 0..WATCHED_MAX {
            assert!(absences.saw(key(number.to_string()), (at, minute), minute));
        }
        assert!(!absences.saw(key("one more".to_owned()), (at, minute), minute));
        assert!(absences.saw(key("7".to_owned()), (at.after(minute), minute), minute));
        let mut due = 0;
        while absences.pop(AgentId(1), at.after(minute)).is_some() {
            due += 1;
        }
        assert_eq!(due, WATCHED_MAX - 1, "one was seen again");
        assert!(absences.saw(key("one more".to_owned()), (at, minute), minute));
    }
}
