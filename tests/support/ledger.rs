//! What routers have answered, held against what is stored and what is declared lost: the invariant of
//! the promise. Stored is what was answered, each answer once; what is missing lies in a declared gap,
//! or in the last second before a kill of the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farwatch_common::clock::Micros;
use serde_json::Value;

use crate::http::{Client, micros};
use crate::oracle::values;

const STORED_WITHIN: Duration = Duration::from_secs(30);
/// An answer may be lost within this time before a kill of the agent.
pub const TAIL: Duration = Duration::from_secs(1);
/// Gaps name the times of whole batches; a poll's answer is logged before its row has a time.
const BLUR: Duration = Duration::from_millis(500);
/// Delivery class of what the oracle counts.
const CLASS: &str = "counters";
const CRASH: &str = "crash";

/// From an agent's kill until its routers had answered what it asked last.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    pub at: Micros,
    pub drained: Micros,
    /// Its file was spoiled too: whatever it declares, it may have lost.
    pub spoiled: bool,
}

/// A loss that is declared.
#[derive(Clone, Debug)]
pub struct Declared {
    pub from: Micros,
    pub to: Micros,
    pub class: String,
    pub reason: String,
    pub count: u64,
}

/// What became of the answers of one router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub answered: u64,
    pub stored: u64,
    pub twice: u64,
    /// Stored, and nobody answered it.
    pub invented: u64,
    pub lost_declared: u64,
    /// Lost in the last second before a kill.
    pub lost_in_tails: u64,
    /// Of all that no gap declares: how long the oldest had been answered when the agent was killed.
    pub oldest_at_a_kill: Duration,
    /// What must never be.
    pub lost_silently: u64,
    /// When the first of them was answered.
    pub first_silent: Option<Micros>,
}

impl Balance {
    /// Nothing twice, nothing invented, nothing lost without a word.
    #[must_use]
    pub fn holds(&self) -> bool {
        (self.twice, self.invented, self.lost_silently) == (0, 0, 0)
    }

    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            answered: self.answered + other.answered,
            stored: self.stored + other.stored,
            twice: self.twice + other.twice,
            invented: self.invented + other.invented,
            lost_declared: self.lost_declared + other.lost_declared,
            lost_in_tails: self.lost_in_tails + other.lost_in_tails,
            oldest_at_a_kill: self.oldest_at_a_kill.max(other.oldest_at_a_kill),
            lost_silently: self.lost_silently + other.lost_silently,
            first_silent: self.first_silent.into_iter().chain(other.first_silent).min(),
        }
    }
}

/// Holds `answers` of one router against the store, from the first of them to the last, which is waited for.
pub async fn balance(
    client: &Client,
    (agent, device): (&str, &str),
    answers: &[(Micros, u64)],
    kills: &[Kill],
) -> Balance {
    if answers.is_empty() {
        return Balance::default();
    }
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    let deadline = tokio::time::Instant::now() + STORED_WITHIN;
    loop {
        // Newest first is the order of a backlog: what is older may still be on its way.
        let gaps = declared(client, agent).await;
        let found = weigh(&values(client, device).await, answers, kills, &gaps);
        let is_over = tokio::time::Instant::now() >= deadline;
        if (found.holds() && found.stored > 0) || found.twice + found.invented > 0 || is_over {
            if !found.holds() {
                eprintln!("{device}: {found:?}, kills {kills:?}, gaps {gaps:#?}");
            }
            return found;
        }
        pause.tick().await;
    }
}

fn weigh(
    stored: &BTreeMap<u64, u32>,
    answers: &[(Micros, u64)],
    kills: &[Kill],
    gaps: &[Declared],
) -> Balance {
    let answered: BTreeMap<u64, Micros> = answers.iter().map(|(at, value)| (*value, *at)).collect();
    let first = answered.keys().next().copied().unwrap_or(0);
    let last = answered.keys().next_back().copied().unwrap_or(0);
    // Others, of a backlog that no router has answered, are beyond.
    let stored = || stored.range(first..=last);
    let mut found = Balance {
        answered: answered.len() as u64,
        stored: stored().count() as u64,
        twice: stored().filter(|(_, times)| **times > 1).count() as u64,
        invented: stored().filter(|(value, _)| !answered.contains_key(value)).count() as u64,
        ..Balance::default()
    };
    let is_stored: BTreeSet<u64> = stored().map(|(value, _)| *value).collect();
    for (_, at) in answered.iter().filter(|(value, _)| !is_stored.contains(value)) {
        let in_a_tail = kills.iter().any(|kill| *at <= kill.drained && kill.at.since(*at) <= TAIL);
        // A crash alone excuses its last second and no more, however much it declares.
        let is_spoiled = kills.iter().any(|kill| kill.spoiled && *at <= kill.drained);
        let is_declared = gaps.iter().any(|gap| {
            let spans = *at >= gap.from.before(BLUR) && *at <= gap.to.after(BLUR);
            gap.class == CLASS && (gap.reason != CRASH || is_spoiled) && spans
        });
        if in_a_tail || !is_declared {
            let next = kills.iter().filter(|kill| *at <= kill.drained).min_by_key(|kill| kill.at);
            let age = next.map_or(Duration::ZERO, |kill| kill.at.since(*at));
            found.oldest_at_a_kill = found.oldest_at_a_kill.max(age);
        }
        match (in_a_tail, is_declared) {
            (true, _) => found.lost_in_tails += 1,
            (false, true) => found.lost_declared += 1,
            (false, false) => {
                found.lost_silently += 1;
                found.first_silent = found.first_silent.or(Some(*at));
            }
        }
    }
    found
}

/// All gaps of an agent.
pub async fn declared(client: &Client, agent: &str) -> Vec<Declared> {
    let mut gaps = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/agents/{agent}/gaps?limit=1000{cursor}");
        let page = client.get(&path).await.json();
        gaps.extend(page["data"].as_array().unwrap().iter().map(declared_gap));
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return gaps,
        }
    }
}

/// Rows of what the oracle counts that an agent's gaps tell as lost.
pub async fn rows_declared(client: &Client, agent: &str) -> u64 {
    declared(client, agent).await.iter().filter(|gap| gap.class == CLASS).map(|gap| gap.count).sum()
}

fn declared_gap(gap: &Value) -> Declared {
    let text = |name: &str| gap[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| {
        gap[name].as_u64().or_else(|| gap[name].as_str()?.parse().ok()).unwrap_or_default()
    };
    Declared {
        from: micros(&text("from")),
        to: micros(&text("to")),
        class: text("class"),
        reason: text("reason"),
        count: number("count"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = Micros::SECOND;

    fn weighed(stored: &[(u64, u32)], kills: &[Kill], gaps: &[Declared]) -> Balance {
        let answers: Vec<_> = (1..=10).map(|n| (Micros(100 * S + n * S), n as u64)).collect();
        weigh(&stored.iter().copied().collect(), &answers, kills, gaps)
    }

    #[test]
    fn what_is_missing_has_to_be_excused() {
        let all: Vec<_> = (1..=10).map(|n| (n, 1)).collect();
        assert!(weighed(&all, &[], &[]).holds());
        let without: Vec<_> = all.iter().copied().filter(|(n, _)| *n != 5).collect();
        assert_eq!(weighed(&without, &[], &[]).lost_silently, 1);
        let at = Micros(105 * S);
        let kill = Kill { at: Micros(at.0 + S / 2), drained: Micros(at.0 + S), spoiled: false };
        let found = weighed(&without, &[kill], &[]);
        assert_eq!((found.lost_in_tails, found.oldest_at_a_kill.as_millis()), (1, 500));
        let late = Kill { at: Micros(at.0 + 2 * S), drained: Micros(at.0 + 3 * S), ..kill };
        let mut crash = Declared {
            from: Micros(104 * S),
            to: Micros(106 * S),
            class: CLASS.into(),
            reason: CRASH.into(),
            count: 0,
        };
        assert_eq!(weighed(&without, &[], &[crash.clone()]).lost_silently, 1);
        let spoiled = Kill { spoiled: true, ..late };
        assert_eq!(weighed(&without, &[spoiled], &[crash.clone()]).lost_declared, 1);
        crash.reason = "rejected".into();
        assert_eq!(weighed(&without, &[], &[crash]).lost_declared, 1);
        let found = weighed(&without, &[late], &[]);
        assert_eq!((found.lost_silently, found.oldest_at_a_kill.as_secs()), (1, 2));
        let gap = |class: &str, from: i64| Declared {
            from: Micros(from * S),
            to: Micros((from + 1) * S),
            class: class.into(),
            reason: "evicted".into(),
            count: 1,
        };
        assert_eq!(weighed(&without, &[], &[gap(CLASS, 104)]).lost_declared, 1);
        assert_eq!(weighed(&without, &[], &[gap("gauges", 104)]).lost_silently, 1);
        assert_eq!(weighed(&without, &[], &[gap(CLASS, 107)]).lost_silently, 1);
        // The last answer counts too.
        assert_eq!(weighed(&all[..9], &[], &[]).lost_silently, 1);
        let mut twice = all.clone();
        twice[3].1 = 2;
        let found = weighed(&twice, &[], &[]);
        assert_eq!((found.twice, found.holds()), (1, false));
        let answers = [(at, 5), (Micros(at.0 + 2 * S), 7)];
        let stored = (5..=7).map(|value| (value, 1)).collect();
        assert_eq!(weigh(&stored, &answers, &[], &[]).invented, 1);
    }
}
