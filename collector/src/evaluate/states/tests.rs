use super::*;

const TENANT: TenantId = TenantId(1);
const DEVICE: DeviceId = DeviceId(7);
const T0: i64 = 1_800_000_000;

fn at(second: i64) -> Micros {
    Micros((T0 + second) * Micros::SECOND)
}

fn seen(second: i64, received: i64, state: State) -> Observation {
    let gap = Duration::from_secs(150);
    Observation {
        tenant: TENANT,
        agent: farwatch_common::id::AgentId(1),
        at: at(second),
        received: at(received),
        what: What::Device { device: DEVICE, state, cause: None, gap },
    }
}

fn told(states: &States) -> Vec<(i64, Option<State>, State)> {
    let second = |change: &Change| change.at.0 / Micros::SECOND - T0;
    states.waiting(TENANT).iter().map(|one| (second(one), one.was, one.state)).collect()
}

#[test]
fn each_change_is_told_once_and_what_comes_late_is_none() {
    let mut states = States::default();
    for (second, state) in [(0, State::Up), (60, State::Up), (120, State::Down), (180, State::Down)]
    {
        states.observe(&seen(second, second + 1, state));
    }
    let all = [(0, None, State::Up), (120, Some(State::Up), State::Down)];
    assert_eq!(told(&states), all);
    states.observe(&seen(200, 900, State::Up));
    assert_eq!(told(&states), all, "it came late");
    assert_eq!(states.tenants(), [TENANT]);
    states.written(TENANT, 2);
    assert_eq!(states.tenants(), []);
    states.observe(&seen(960, 960, State::Up));
    assert_eq!(told(&states), [(960, Some(State::Down), State::Up)]);
}

#[test]
fn that_nobody_can_tell_is_a_change_once_it_lasts() {
    let mut states = States::default();
    let up = Change { device: DEVICE, at: at(-600), was: None, state: State::Up };
    states.load(TENANT, vec![up]);
    // A collector starts, and the agent finds it.
    states.observe(&seen(0, 0, State::Unknown));
    states.pass(at(119));
    states.observe(&seen(119, 119, State::Up));
    states.pass(at(1_000));
    assert_eq!(told(&states), []);
    states.observe(&seen(900, 1_000, State::Unknown));
    states.observe(&seen(900, 1_060, State::Unknown));
    states.pass(at(1_120));
    assert_eq!(told(&states), [(1_000, Some(State::Up), State::Unknown)]);
    states.observe(&seen(2_000, 2_000, State::Up));
    assert_eq!(told(&states)[1..], [(2_000, Some(State::Unknown), State::Up)]);
    // Polled each 300 s: what ends it is a reading from before its agent was lost.
    states.observe(&seen(2_300, 2_331, State::Unknown));
    states.pass(at(2_500));
    states.observe(&seen(2_300, 2_600, State::Up));
    let ends = [(2_331, Some(State::Up), State::Unknown), (2_600, Some(State::Unknown), State::Up)];
    assert_eq!(told(&states)[2..], ends);
    // What nobody ever could tell is nothing new.
    let mut states = States::default();
    states.observe(&seen(0, 0, State::Unknown));
    states.pass(at(1_000));
    assert_eq!(told(&states), []);
}

#[test]
fn what_waits_is_bounded_and_goes_with_its_device() {
    let mut states = States::default();
    for second in 0..i64::try_from(WAITING_MAX).unwrap() + 5 {
        let state = if second % 2 == 0 { State::Up } else { State::Down };
        states.observe(&seen(second, second, state));
    }
    assert_eq!((states.waiting(TENANT).len(), states.take_lost()), (WAITING_MAX, 5));
    states.observe(&seen(20_000, 20_000, State::Unknown));
    states.retain(TENANT, &Directory::default());
    states.pass(at(30_000));
    assert_eq!((told(&states), states.tenants()), (vec![], vec![]));
}
