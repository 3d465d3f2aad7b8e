//! Core: two hosts that run as one agent, found by their turns.
//!
//! A process of an agent tells a number it drew at its start. After a newer one has opened a session
//! the older never comes back, as a restart ends it: if it does, a copy of the agent's state runs
//! somewhere. The younger of the two is kept out while the elder is heard, and either host keeps its
//! place over restarts: a process that never was here is the elder's next one if the one that is kept
//! out comes back after it, and the other way round.
//! What is known is in memory only: after a restart of the collector the pair is found again when
//! the first of them returns, which then counts as the elder.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;

/// Bytes of the number of a process.
const BOOT_BYTES: usize = 16;
/// Processes of an agent that are remembered, the newest.
const BOOTS_MAX: usize = 8;
/// After so much silence of the elder it is gone, and the younger is the agent.
const SILENT_AFTER: Duration = Duration::from_secs(600);
/// The same pair is told of no more often.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

type Boot = [u8; BOOT_BYTES];

/// What becomes of a process that wants to open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Admitted,
    /// It is, and another one that had the session is kept out from now on.
    Found {
        tell: bool,
    },
    /// Another host is this agent.
    KeptOut {
        tell: bool,
    },
}

/// The processes of one agent.
#[derive(Debug, Default)]
struct Known {
    /// In the order in which they were first seen.
    boots: VecDeque<Boot>,
    /// Of two hosts: the elder, and when it was heard.
    elder: Option<(Boot, Micros)>,
    /// The other one, as last seen.
    kept_out: Option<Boot>,
    /// Who was admitted last, and so has the session.
    holder: Option<Boot>,
    told_at: Option<Micros>,
    fork_told_at: Option<Micros>,
}

/// All agents that were here since the start: an entry each.
#[derive(Debug, Default)]
pub struct Boots {
    agents: HashMap<AgentId, Known>,
}

impl Boots {
    /// A process of the agent says hello. An agent that tells no number is never taken for two.
    pub fn open(&mut self, agent: AgentId, boot: &[u8], now: Micros) -> Opening {
        let Ok(boot) = Boot::try_from(boot) else { return Opening::Admitted };
        self.agents.entry(agent).or_default().open(boot, now)
    }

    /// A number of the agent came with other content. Says whether that is to be told.
    pub fn forked(&mut self, agent: AgentId, now: Micros) -> bool {
        is_due(&mut self.agents.entry(agent).or_default().fork_told_at, now)
    }

    /// The process that has the agent's session is heard.
    pub fn heard(&mut self, agent: AgentId, now: Micros) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        if let Some((elder, at)) = &mut known.elder
            && known.holder == Some(*elder)
        {
            *at = now;
        }
    }
}

impl Known {
    fn open(&mut self, boot: Boot, now: Micros) -> Opening {
        let opening = self.judge(boot, now);
        if !matches!(opening, Opening::KeptOut { .. }) {
            self.holder = Some(boot);
        }
        opening
    }

    fn judge(&mut self, boot: Boot, now: Micros) -> Opening {
        let newest = self.boots.back().copied();
        let is_known = self.boots.contains(&boot);
        match &mut self.elder {
            Some((elder, heard)) if *elder == boot => {
                *heard = now;
                Opening::Admitted
            }
            // The elder is gone, for now: should it come back, it is still the elder.
            Some((_, heard)) if is_known && now.since(*heard) >= SILENT_AFTER => Opening::Admitted,
            Some(_) if is_known => {
                self.kept_out = Some(boot);
                Opening::KeptOut { tell: self.is_to_be_told(now) }
            }
            None if !is_known || newest == Some(boot) => {
                self.remember(boot);
                Opening::Admitted
            }
            // It waits outside still, so the newest is the elder's next.
            None if self.kept_out == Some(boot) => {
                self.elder = newest.map(|newest| (newest, now));
                Opening::KeptOut { tell: self.is_to_be_told(now) }
            }
            None => {
                self.elder = Some((boot, now));
                self.kept_out = newest;
                Opening::Found { tell: self.is_to_be_told(now) }
            }
            // A restart, of whichever host: who comes back now shows whose.
            Some(_) => {
                self.elder = None;
                self.remember(boot);
                Opening::Admitted
            }
        }
    }

    fn remember(&mut self, boot: Boot) {
        if self.boots.contains(&boot) {
            return;
        }
        self.boots.push_back(boot);
        if self.boots.len() > BOOTS_MAX {
            self.boots.pop_front();
        }
    }

    fn is_to_be_told(&mut self, now: Micros) -> bool {
        is_due(&mut self.told_at, now)
    }
}

/// Whether it is time to tell again; if so it is told now.
fn is_due(told_at: &mut Option<Micros>, now: Micros) -> bool {
    let is_due = told_at.is_none_or(|at| now.since(at) >= TOLD_EVERY);
    if is_due {
        *told_at = Some(now);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: AgentId = AgentId(1);

    fn s(seconds: i64) -> Micros {
        Micros((1_000_000 + seconds) * Micros::SECOND)
    }

    fn boot(number: u8) -> Vec<u8> {
        vec![number; BOOT_BYTES]
    }

    #[test]
    fn restarts_are_no_copies() {
        let mut boots = Boots::default();
        for number in 1..50 {
            for _ in 0..3 {
                let opening = boots.open(AGENT, &boot(number), s(i64::from(number)));
                assert_eq!(opening, Opening::Admitted, "{number}");
            }
        }
        // One of long ago is not remembered.
        assert_eq!(boots.open(AGENT, &boot(1), s(99)), Opening::Admitted);
    }

    #[test]
    fn the_younger_of_two_hosts_is_kept_out_until_the_elder_is_silent() {
        let mut boots = Boots::default();
        assert_eq!(boots.open(AGENT, &boot(1), s(0)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(2), s(10)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(1), s(11)), Opening::Found { tell: true });
        assert_eq!(boots.open(AGENT, &boot(2), s(12)), Opening::KeptOut { tell: false });
        assert_eq!(boots.open(AGENT, &boot(1), s(20)), Opening::Admitted, "it changes its network");
        assert_eq!(boots.open(AgentId(2), &boot(2), s(21)), Opening::Admitted, "another agent");
        boots.heard(AGENT, s(3_620));
        assert_eq!(boots.open(AGENT, &boot(2), s(3_621)), Opening::KeptOut { tell: true });
        assert_eq!(boots.open(AGENT, &boot(2), s(4_219)), Opening::KeptOut { tell: false });
        assert_eq!(boots.open(AGENT, &boot(2), s(4_220)), Opening::Admitted);
        boots.heard(AGENT, s(4_229));
        // The line of the elder was down: it is the elder all the same.
        assert_eq!(boots.open(AGENT, &boot(1), s(4_230)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(2), s(4_231)), Opening::KeptOut { tell: false });
        boots.heard(AGENT, s(4_800));
        assert_eq!(boots.open(AGENT, &boot(2), s(4_900)), Opening::KeptOut { tell: false });
    }

    #[test]
    fn a_host_keeps_its_place_over_restarts() {
        let mut boots = Boots::default();
        for (number, at) in [(1, 0), (2, 1), (1, 2), (2, 3)] {
            boots.open(AGENT, &boot(number), s(at));
        }
        // The elder is started again, and the copy goes on knocking.
        assert_eq!(boots.open(AGENT, &boot(3), s(4)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(2), s(60)), Opening::KeptOut { tell: false });
        assert_eq!(boots.open(AGENT, &boot(3), s(61)), Opening::Admitted);
        // Off for an hour, the copy takes its place; it comes back as another process.
        boots.heard(AGENT, s(100));
        assert_eq!(boots.open(AGENT, &boot(2), s(800)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(4), s(3_700)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(2), s(3_701)), Opening::KeptOut { tell: true });
        assert_eq!(boots.open(AGENT, &boot(4), s(3_702)), Opening::Admitted);
    }

    #[test]
    fn one_that_is_kept_out_and_starts_again_is_found_again() {
        let mut boots = Boots::default();
        boots.open(AGENT, &boot(1), s(0));
        boots.open(AGENT, &boot(2), s(1));
        boots.open(AGENT, &boot(1), s(2));
        assert_eq!(boots.open(AGENT, &boot(3), s(3)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(1), s(4)), Opening::Found { tell: false });
        assert_eq!(boots.open(AGENT, &boot(3), s(5)), Opening::KeptOut { tell: false });
        // The elder itself may start again, too.
        assert_eq!(boots.open(AGENT, &boot(4), s(6)), Opening::Admitted);
        assert_eq!(boots.open(AGENT, &boot(3), s(7)), Opening::KeptOut { tell: false });
    }

    #[test]
    fn who_tells_no_number_is_one() {
        let mut boots = Boots::default();
        for told in [vec![], vec![7; 15], vec![7; 17], vec![]] {
            assert_eq!(boots.open(AGENT, &told, s(0)), Opening::Admitted);
        }
        assert!(boots.agents.is_empty());
    }
}
