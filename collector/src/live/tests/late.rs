//! What was so long ago.

use super::*;

fn committed(rows: Vec<Row>, facts: Vec<Fact>) -> Committed {
    let of = |row: Row| {
        let schema = if row.group == Group::System { system() } else { interfaces() };
        (row, layout(&schema))
    };
    Committed { tenant: TENANT, agent: AGENT, rows: rows.into_iter().map(of).collect(), facts }
}

#[test]
fn rows_of_long_ago_never_reach_screens_and_facts_do() {
    let live = Live::new(Clock::system());
    let now = live.shared.clock.now();
    live.agent_added(TENANT, AGENT);
    live.device_added(TENANT, AGENT, DEVICE, 60);
    let alive = |ago_s| Row { at: now.before(Duration::from_secs(ago_s)), ..alive(DEVICE, 0) };
    let told = DeviceFacts { device_id: DEVICE.0, ..DeviceFacts::default() };
    let facts = Fact::Device(now.before(Duration::from_secs(86_400)), told);
    live.apply([committed(vec![alive(86_400), alive(310)], vec![facts])]);
    let seen_at = || live.device(TENANT, DEVICE).unwrap().last_sample_at;
    assert_eq!(seen_at(), None);
    assert!(live.checkpoints(TENANT, AGENT).is_empty());
    assert!(live.fleet().dirty.values().any(|dirty| dirty.extra.contains_key("sys_name")));
    live.apply([committed(vec![alive(200)], Vec::new())]);
    assert_eq!(seen_at(), Some(now.before(Duration::from_secs(200))));
}

#[test]
fn what_is_asked_seldom_is_late_when_the_next_would_be_missed() {
    let mut fleet = fleet();
    let is_late = |fleet: &Fleet, second| fleet.is_late(&alive(DEVICE, 0), at(second));
    assert!(!is_late(&fleet, 300) && is_late(&fleet, 301));
    fleet.device_changed((TENANT, AGENT, DEVICE), 3600, false, at(0));
    assert!(!is_late(&fleet, 9000) && is_late(&fleet, 9001));
}
