//! Slots, windows, retries and hints, without a clock.

use std::collections::BTreeSet;

use super::*;

const HOUR: i64 = 3600 * Micros::SECOND;
/// A midnight.
const T0: i64 = 20_000 * DAY;
const DEVICE: DeviceId = DeviceId(7);

fn plan(hours: u64, window: Option<(u16, u16)>) -> Plan {
    let window = window.map(|(from, to)| Window { from_min: from * 60, to_min: to * 60 });
    Plan { every: Duration::from_secs(hours * 3600), window }
}

fn attempt(at: i64, stand: Stand) -> Attempt {
    Attempt { at: Micros(at), reason: Reason::Schedule, stand }
}

fn failed(at: i64, cause: &str) -> Attempt {
    attempt(at, Stand::failed(Micros(at + MINUTE), cause, false))
}

fn known(attempts: &[Attempt]) -> Known<'_> {
    Known { device: DEVICE, hinted_at: None, attempts }
}

/// Slots in `days` days of a device.
fn slots(plan: Plan, device: DeviceId, days: i64) -> Vec<i64> {
    let mut slots = Vec::new();
    let mut at = plan.next_slot(device, Micros(T0 - 1));
    while at.0 < T0 + days * DAY {
        slots.push(at.0 - T0);
        at = plan.next_slot(device, at);
    }
    slots
}

#[test]
fn slots_come_in_their_interval_and_their_window() {
    for (hours, window, days, expected) in [
        (24, None, 10, 10),
        (6, None, 10, 40),
        (24, Some((1, 5)), 10, 10),
        // Over midnight.
        (24, Some((22, 4)), 10, 10),
        (1, Some((22, 4)), 10, 60),
        (12, Some((1, 5)), 10, 10),
        (168, Some((1, 5)), 28, 4),
        (24, Some((3, 3)), 10, 10),
    ] {
        let plan = plan(hours, window);
        for device in (1..200).map(DeviceId) {
            let slots = slots(plan, device, days);
            let away = slots.len().abs_diff(expected);
            assert!(away <= usize::from(window.is_some()), "{plan:?} {device}: {slots:?}");
            assert!(slots.iter().all(|at| plan.is_open(Micros(T0 + at))), "{plan:?} {slots:?}");
        }
    }
}

#[test]
fn devices_are_spread_over_the_time_there_is() {
    for (window, from, length) in [(None, 0, DAY), (Some((22, 4)), 22 * HOUR, 6 * HOUR)] {
        let plan = plan(24, window);
        let mut hours = vec![0_u32; usize::try_from(length / HOUR).unwrap()];
        // Ids of devices that were made one after the other.
        for id in 0..24_000 {
            let slot = plan.next_slot(DeviceId(7_000_000 + id), Micros(T0 + from - 1));
            let hour = (slot.0 - T0 - from) / HOUR;
            hours[usize::try_from(hour).unwrap()] += 1;
        }
        let fair = 24_000 / u32::try_from(hours.len()).unwrap();
        let is_fair = |count: &u32| (fair * 8 / 10..fair * 12 / 10).contains(count);
        assert!(hours.iter().all(is_fair), "{hours:?}");
    }
}

#[test]
fn a_device_that_was_never_fetched_is_wanted_at_once_within_the_window() {
    let now = Micros(T0 + 12 * HOUR);
    assert_eq!(wanted(plan(24, None), &known(&[]), now).at, now);
    let night = plan(24, Some((22, 4)));
    let first = wanted(night, &known(&[]), now).at;
    assert!(first > now && first.0 < T0 + 28 * HOUR && night.is_open(first), "{first:?}");
    let look = look(night, &known(&[]), first);
    assert_eq!(look.make, Some(Reason::Schedule));
}

#[test]
fn a_slot_that_was_missed_is_made_up_for_once() {
    let plan = plan(6, None);
    // The collector was off for three days.
    let old = attempt(T0, Stand::Done);
    let now = Micros(T0 + 3 * DAY);
    assert_eq!(look(plan, &known(&[old]), now).make, Some(Reason::Schedule));
    let made = attempt(now.0, Stand::Done);
    let next = look(plan, &known(&[made, old]), now.after(RETRIES[0]));
    assert_eq!(next, Look { make: None, again_at: plan.next_slot(DEVICE, now) });
    // Of a weekly one the next window counts, not the next week.
    let weekly = Plan {
        every: Duration::from_secs(7 * 86_400),
        window: Some(Window { from_min: 60, to_min: 300 }),
    };
    let noon = Micros(T0 + 30 * DAY + 12 * HOUR);
    let made_up = wanted(weekly, &known(&[old]), noon).at;
    assert!(made_up > noon && made_up.since(noon) < Duration::from_secs(17 * 3600));
    assert!(weekly.is_open(made_up));
}

#[test]
fn what_fails_is_tried_again_with_growing_pauses_and_then_waits_for_its_slot() {
    let plan = plan(24, None);
    let slot = plan.next_slot(DEVICE, Micros(T0));
    let mut attempts = vec![failed(slot.0, "silent")];
    let mut tries = Vec::new();
    for _ in 0..3 {
        let ended = Micros(attempts[0].at.0 + MINUTE);
        let at = wanted(plan, &known(&attempts), ended).at;
        tries.push(at.since(ended).as_secs());
        assert_eq!(look(plan, &known(&attempts), at).make, Some(Reason::Schedule));
        assert_eq!(look(plan, &known(&attempts), at.before(Duration::from_micros(1))).make, None);
        attempts.insert(0, failed(at.0, "silent"));
    }
    assert_eq!(tries[..2], [15 * 60, 3600]);
    assert_eq!(attempts[0].at, plan.next_slot(DEVICE, slot));
    // With the next slot it begins anew.
    let ended = Micros(attempts[0].at.0 + MINUTE);
    assert_eq!(wanted(plan, &known(&attempts), ended).at, ended.after(RETRIES[0]));
}

#[test]
fn what_only_a_person_mends_waits_for_its_slot() {
    let plan = plan(24, None);
    let slot = plan.next_slot(DEVICE, Micros(T0));
    let next = plan.next_slot(DEVICE, slot);
    let now = slot.after(RETRIES[0]);
    let refused = [failed(slot.0, "login")];
    assert_eq!(wanted(plan, &known(&refused), now).at, next);
    // Hints change nothing of that.
    let hinted = Known { hinted_at: Some(now), ..known(&refused) };
    assert_eq!(wanted(plan, &hinted, now).at, next);
    // Who asked for a fetch that failed asks again.
    let asked = [Attempt { reason: Reason::Manual, ..failed(slot.0, "silent") }];
    assert_eq!(wanted(plan, &known(&asked), now).at, next);
    // A fetch that somebody asked for ends the tries.
    let mended = [attempt(now.0, Stand::Done), failed(slot.0, "silent")];
    assert_eq!(wanted(plan, &known(&mended), now).at, next);
}

#[test]
fn no_retry_begins_outside_the_window() {
    let night = plan(24, Some((1, 2)));
    let slot = night.next_slot(DEVICE, Micros(T0));
    let late = T0 + 2 * HOUR - 2 * MINUTE;
    let attempts = [failed(late.max(slot.0), "silent")];
    let at = wanted(night, &known(&attempts), Micros(late + MINUTE)).at;
    assert!(night.is_open(at) && at.0 > T0 + DAY, "{at:?}");
}

#[test]
fn a_hint_is_followed_soon_and_not_too_often() {
    let plan = plan(24, None);
    let done = plan.next_slot(DEVICE, Micros(T0));
    let attempts = [attempt(done.0, Stand::Done)];
    let hinted = |after_s: u64| {
        let at = done.after(Duration::from_secs(after_s));
        wanted(plan, &Known { hinted_at: Some(at), ..known(&attempts) }, at)
    };
    // A change right behind a fetch, also while it was under way, is fetched later.
    let later = Wanted { at: done.after(HINT_EVERY), reason: Reason::Hint };
    assert_eq!((hinted(0), hinted(60)), (later, later));
    let soon = hinted(3600);
    assert_eq!(soon, Wanted { at: done.after(Duration::from_secs(3600)), reason: Reason::Hint });
    // It was followed.
    let since = Some(done.before(Duration::from_secs(5)));
    let at = wanted(plan, &Known { hinted_at: since, ..known(&attempts) }, done).at;
    assert_eq!(at, plan.next_slot(DEVICE, done));
    let night = Plan { window: Some(Window { from_min: 0, to_min: 1 }), ..plan };
    let at = wanted(night, &Known { hinted_at: Some(done), ..known(&attempts) }, done).at;
    assert!(night.is_open(at));
}

#[test]
fn an_open_job_is_waited_for() {
    let plan = plan(1, None);
    let attempts = [attempt(T0, Stand::Open)];
    let now = Micros(T0 + DAY);
    let hinted = Known { hinted_at: Some(now), ..known(&attempts) };
    let again_at = now.after(RETRIES[0]).min(plan.next_slot(DEVICE, now));
    assert_eq!(look(plan, &hinted, now), Look { make: None, again_at });
}

/// Ten thousand devices through a week: each is fetched once a day, and no minute is crowded.
#[test]
fn a_week_of_many_devices_is_even() {
    let plan = plan(24, None);
    let mut due: BTreeSet<(Micros, DeviceId)> = BTreeSet::new();
    let mut last = std::collections::HashMap::new();
    for id in 0..10_000 {
        let device = DeviceId(id);
        last.insert(device, attempt(T0, Stand::Done));
        due.insert((plan.next_slot(device, Micros(T0)), device));
    }
    let (mut looks, mut made) = (0_u32, std::collections::HashMap::<i64, u32>::new());
    while let Some((at, device)) = due.pop_first() {
        if at.0 >= T0 + 7 * DAY {
            break;
        }
        let attempts = [last[&device]];
        let look = look(plan, &Known { device, hinted_at: None, attempts: &attempts }, at);
        if look.make.is_some() {
            last.insert(device, attempt(at.0, Stand::Done));
            *made.entry(at.0 / MINUTE).or_default() += 1;
        }
        assert!(look.again_at > at);
        due.insert((look.again_at, device));
        looks += 1;
    }
    let jobs: u32 = made.values().sum();
    assert!(jobs.abs_diff(70_000) <= 10_000, "{jobs}");
    assert!(looks <= 2 * jobs + 10_000, "{looks} looks for {jobs} jobs");
    assert!(made.values().max().unwrap() < &40, "{:?}", made.values().max());
}

#[test]
fn what_is_tried_with_something_else_is_fetched_at_once_within_the_window() {
    let slot = plan(24, None).next_slot(DEVICE, Micros(T0));
    let now = slot.after(RETRIES[0] / 3);
    for cause in ["login", "agent_too_old", "silent"] {
        let mended = [attempt(slot.0, Stand::failed(slot, cause, true))];
        let at_once = Wanted { at: now, reason: Reason::Hint };
        assert_eq!(wanted(plan(24, None), &known(&mended), now), at_once, "{cause}");
        let night = plan(24, Some((1, 5)));
        let noon = Micros(T0 + 2 * DAY + 12 * HOUR);
        let at = wanted(night, &known(&mended), noon).at;
        assert!(at > noon && night.is_open(at), "{cause}: {at:?}");
        // What was tried since is what counts.
        let since = [failed(now.0, "login"), mended[0]];
        let at = wanted(plan(24, None), &known(&since), now).at;
        assert!(at > now.after(RETRIES[1]), "{cause}: {at:?}");
    }
}

#[test]
fn what_a_clock_noted_that_was_ahead_holds_up_nothing() {
    let (plan, now) = (plan(24, None), Micros(T0));
    let ahead = T0 + 365 * DAY;
    for future in [attempt(ahead, Stand::Done), failed(ahead, "silent"), failed(ahead, "login")] {
        let known =
            Known { hinted_at: Some(Micros(ahead)), ..known(std::slice::from_ref(&future)) };
        assert_eq!(look(plan, &known, now).make, Some(Reason::Schedule), "{future:?}");
        // What was done since is what counts, and is the newest by its id.
        let since = [attempt(now.0, Stand::Done), future];
        let known = Known { attempts: &since, ..known };
        assert_eq!(look(plan, &known, now).again_at, plan.next_slot(DEVICE, now), "{future:?}");
        let hinted = Known { hinted_at: Some(now), ..known };
        assert_eq!(wanted(plan, &hinted, now).at, now.after(HINT_EVERY));
    }
    // A clock that is set back by a moment brings no second fetch.
    let done = [attempt(T0 + 2 * Micros::SECOND, Stand::Done)];
    assert_eq!(look(plan, &known(&done), now).make, None);
}
