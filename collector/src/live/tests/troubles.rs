//! What is wrong with an agent that is there, and how far it is with what it caught up on.

use farwatch_common::clock::Clock;
use farwatch_common::sample::Class;

use super::*;
use crate::live::committed::Committed;
use crate::live::feed::{Troubles, What};
use crate::live::links::LinkEvent;
use crate::store::samples::{GapReason, GapRow};

const SECOND: i64 = Micros::SECOND;

fn beat(offset_us: Option<i64>, batches: u64, oldest: Micros) -> Heartbeat {
    let buffer = BufferStatus { batches, bytes: 9, oldest_us: oldest.0 };
    Heartbeat { clock_offset_us: offset_us, buffer: Some(buffer), ..Heartbeat::default() }
}

fn beats(fleet: &mut Fleet, second: i64, beat: &Heartbeat) {
    let remote = "192.0.2.9:1".parse().unwrap();
    fleet.with_agent(AGENT, at(second), |agent| agent.beat((1, remote), beat, at(second)));
}

fn told(fleet: &mut Fleet) -> Vec<Troubles> {
    let of = |what| match what {
        What::AgentTroubles(troubles) => Some(troubles),
        _ => None,
    };
    fleet.feed.take().observations.into_iter().filter_map(|one| of(one.what)).collect()
}

#[test]
fn troubles_are_told_when_they_begin_and_when_they_end() {
    let mut fleet = fleet();
    fleet.feed.want(BTreeSet::new());
    beats(&mut fleet, 1, &beat(Some(60 * SECOND), 0, Micros(0)));
    let no = Some(false);
    let well = Troubles { clock: no, cloned: no, losing: no };
    assert_eq!(told(&mut fleet), [well]);
    beats(&mut fleet, 2, &beat(Some(-61 * SECOND), 0, Micros(0)));
    let wrong = Troubles { clock: Some(true), ..well };
    assert_eq!(told(&mut fleet), [wrong]);
    // What cannot be is not believed, and what is not said changes nothing.
    beats(&mut fleet, 3, &beat(Some(i64::MIN), 0, Micros(0)));
    beats(&mut fleet, 4, &beat(None, 0, Micros(0)));
    assert_eq!(told(&mut fleet), []);
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().clock_offset_ms, Some(-61_000));
    fleet.with_agent(AGENT, at(5), |agent| agent.cloned(at(5)));
    fleet.with_agent(AGENT, at(5), |agent| agent.lost(at(5)));
    let cloned = Troubles { cloned: Some(true), ..wrong };
    let both = Troubles { losing: Some(true), ..cloned };
    assert_eq!(told(&mut fleet), [cloned, both]);
    // Nothing more is heard of either.
    for second in (5..=3605).step_by(20) {
        fleet.heard(AGENT, at(second));
        fleet.expire(at(second));
    }
    assert_eq!(told(&mut fleet), [Troubles { losing: Some(true), ..wrong }, wrong]);
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Up);
}

#[test]
fn an_agent_that_was_stopped_has_lost_nothing() {
    for (reason, expected) in [(GapReason::Stopped, false), (GapReason::Crash, true)] {
        let live = Live::new(Clock::system());
        live.agent_added(TENANT, AGENT);
        let gap = GapRow {
            stream: 1,
            seq_first: 1,
            seq_last: 1,
            from: at(0),
            to: at(9),
            class: Class::Gauges,
            count: 0,
            reason,
            received: at(10),
        };
        let (rows, facts) = (Vec::new(), vec![Fact::Gap(gap)]);
        live.apply([Committed { tenant: TENANT, agent: AGENT, rows, facts }]);
        let mut losing = None;
        live.change(|fleet, now| {
            fleet.with_agent(AGENT, now, |agent| losing = agent.troubles().losing);
        });
        assert_eq!(losing, Some(expected), "{reason:?}");
    }
}

/// An alert of before a start is not over because nobody has said anything yet.
#[test]
fn for_a_while_after_a_start_nobody_can_tell_that_all_is_well() {
    let mut fleet = fleet();
    fleet.starts_at(at(0));
    fleet.feed.want(BTreeSet::new());
    beats(&mut fleet, 1, &beat(Some(0), 0, Micros(0)));
    let unknown = Troubles { clock: Some(false), ..Troubles::default() };
    assert_eq!(told(&mut fleet), [unknown]);
    fleet.with_agent(AGENT, at(5), |agent| agent.cloned(at(5)));
    assert_eq!(told(&mut fleet), [Troubles { cloned: Some(true), ..unknown }]);
    fleet.heard(AGENT, at(90));
    fleet.expire(at(90));
    let known = Troubles { cloned: Some(true), losing: Some(false), ..unknown };
    assert_eq!(told(&mut fleet).last(), Some(&known));
}

#[test]
fn what_waits_is_as_old_as_by_our_clock() {
    let mut fleet = fleet();
    let hour = 3600 * SECOND;
    // Its clock is an hour behind: what it has is new.
    beats(&mut fleet, 5, &beat(Some(hour), 3, Micros(at(0).0 - hour)));
    let agent = fleet.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.state, agent.backfill), (State::Up, None));
    assert_eq!(agent.buffer.unwrap().oldest_at, Some(at(0)));
}

#[test]
fn catching_up_is_told_from_where_it_began() {
    let mut fleet = fleet();
    let oldest = at(-7200);
    beats(&mut fleet, 5, &beat(None, 900, oldest));
    let began = |batches| LiveBackfill {
        began_at: Some(at(5)),
        batches_at_start: batches,
        oldest_at_start: Some(oldest),
    };
    let told = |fleet: &Fleet| fleet.agent(TENANT, AGENT).unwrap().backfill;
    assert_eq!(told(&fleet), Some(began(900)));
    beats(&mut fleet, 20, &beat(None, 400, oldest));
    assert_eq!(told(&fleet), Some(began(900)));
    // More than there was: it was away again.
    beats(&mut fleet, 25, &beat(None, 1200, oldest));
    assert_eq!(told(&fleet), Some(began(1200)));
    // Another session: what came between was no time of the drain.
    online_as(&mut fleet, 2, at(26));
    let remote = "192.0.2.9:1".parse().unwrap();
    let mut beats = |second, beat: Heartbeat| {
        fleet.with_agent(AGENT, at(second), |agent| agent.beat((2, remote), &beat, at(second)));
        told(&fleet)
    };
    let again = LiveBackfill { began_at: Some(at(28)), ..began(700) };
    assert_eq!(beats(28, beat(None, 700, oldest)), Some(again));
    assert_eq!(beats(30, beat(None, 1, at(29))), None);
}

#[test]
fn another_address_is_a_change_of_the_link_and_another_port_is_none() {
    let mut fleet = fleet();
    for (second, remote) in [(1, "192.0.2.9:77"), (2, "198.51.100.1:77"), (3, "198.51.100.1:78")] {
        let beat = Heartbeat::default();
        let remote = remote.parse().unwrap();
        fleet.with_agent(AGENT, at(second), |agent| agent.beat((1, remote), &beat, at(second)));
    }
    fleet.with_agent(AGENT, at(9), |agent| agent.stopped(1, at(9)));
    let live = Live::new(Clock::system());
    std::mem::swap(&mut *live.fleet(), &mut fleet);
    let (changes, let_go) = live.take_links(100);
    let told: Vec<_> =
        changes.iter().map(|one| (one.event, one.at, &*one.remote, one.reason)).collect();
    let expected = [
        (LinkEvent::Opened, at(0), "192.0.2.9:1", None),
        (LinkEvent::Moved, at(2), "198.51.100.1:77", None),
        (LinkEvent::Ended, at(9), "198.51.100.1:78", Some("stopped")),
    ];
    assert_eq!((told.as_slice(), let_go), (expected.as_slice(), 0));
}
