use super::*;

const T0: Micros = Micros(1_795_232_238_000_000);
const TENANT: TenantId = TenantId(1);

fn failed() -> Attempt {
    Attempt::new(Outcome::Unreachable, "no connection")
}

fn tried(attempts: u32) -> Tried {
    Tried { attempts, created_at: T0, is_test: false }
}

#[test]
fn eight_attempts_spread_over_a_day() {
    for random in [0.0, 0.5, 1.0] {
        let (mut now, mut attempts) = (T0, 1);
        while let Next::Again(at) = next(tried(attempts), &failed(), now, random) {
            assert!(at > now);
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!(attempts, ATTEMPTS_MAX);
        let hours = now.since(T0).as_secs_f64() / 3600.0;
        assert!((23.0..=26.0).contains(&hours), "{hours} h");
    }
}

#[test]
fn an_answer_may_ask_for_more_time_and_not_for_days() {
    let asks = |seconds| Attempt { retry_after: Some(Duration::from_secs(seconds)), ..failed() };
    let wait = |attempt: &Attempt| match next(tried(1), attempt, T0, 0.0) {
        Next::Again(at) => at.since(T0).as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&asks(1)), 5);
    assert_eq!(wait(&asks(90)), 90);
    assert_eq!(wait(&asks(1_000_000)), 3600);
}

#[test]
fn what_is_refused_for_ever_stale_or_a_test_is_not_tried_again() {
    let gone = Attempt { permanent: true, ..failed() };
    assert_eq!(next(tried(1), &gone, T0, 0.0), Next::Failed);
    let test = Tried { is_test: true, ..tried(1) };
    assert_eq!(next(test, &failed(), T0, 0.0), Next::Failed);
    let late = T0.after(AGE_MAX);
    assert_eq!(next(tried(1), &failed(), late, 0.0), Next::Failed);
    let delivered = Attempt::new(Outcome::Delivered, "");
    assert_eq!(next(tried(1), &delivered, late, 0.0), Next::Delivered);
}

fn waits(channel: i64, failing: bool) -> Waiting {
    let channel = ChannelId(channel);
    Waiting { tenant: TENANT, channel, next_at: T0, failing, pace: PEOPLE }
}

#[test]
fn a_channel_has_one_delivery_at_a_time() {
    let mut desk = Desk::default();
    let waiting = [waits(1, false)];
    assert_eq!(desk.plan(&waiting, T0).start, [(TENANT, ChannelId(1))]);
    assert_eq!(desk.plan(&waiting, T0), Plan::default());
    desk.ended(ChannelId(1), End::Well, T0);
    assert_eq!(desk.plan(&waiting, T0).start.len(), 1);
}

#[test]
fn what_is_not_due_wakes_when_it_is() {
    let mut desk = Desk::default();
    let later = T0.after(Duration::from_secs(7));
    let waiting = [Waiting { next_at: later, ..waits(1, false) }];
    assert_eq!(desk.plan(&waiting, T0), Plan { start: vec![], wake_at: Some(later) });
    assert_eq!(desk.plan(&waiting, later).start.len(), 1);
}

#[test]
fn a_burst_goes_at_once_and_the_rest_at_an_even_rate() {
    for pace in [PEOPLE, PROGRAMS] {
        at_its_pace(pace);
    }
}

fn at_its_pace(pace: Pace) {
    let mut desk = Desk::default();
    let waiting = [Waiting { pace, ..waits(1, false) }];
    let (mut now, mut told) = (T0, Vec::new());
    while told.len() < 3 * pace.burst as usize {
        let plan = desk.plan(&waiting, now);
        if plan.start.is_empty() {
            now = plan.wake_at.unwrap();
            continue;
        }
        told.push(now);
        desk.ended(ChannelId(1), End::Well, T0);
    }
    let at_once = told.iter().filter(|at| **at == T0).count();
    assert_eq!(at_once, pace.burst as usize);
    for pair in told[at_once..].windows(2) {
        assert_eq!(pair[1].since(pair[0]), pace.every);
    }
}

/// A thousand channels never answer; ten do at once. The ten are told in the tick in which it is due,
/// though each attempt at a dead one takes ten seconds.
#[test]
fn dead_channels_delay_nobody() {
    let mut desk = Desk::default();
    let dead: Vec<_> = (1000..2000).map(|id| waits(id, true)).collect();
    let mut running: Vec<(Micros, ChannelId)> = Vec::new();
    for second in 0..120 {
        let now = T0.after(Duration::from_secs(second));
        running.retain(|(ends, channel)| {
            if *ends <= now {
                desk.ended(*channel, End::Well, now);
            }
            *ends > now
        });
        let mut waiting = dead.clone();
        waiting.extend((0..10).map(|id| Waiting { next_at: now, ..waits(id, false) }));
        let plan = desk.plan(&waiting, now);
        let well = plan.start.iter().filter(|(_, channel)| channel.0 < 10);
        let well: Vec<_> = well.map(|(_, channel)| *channel).collect();
        // The rate of a channel is one in two seconds once its burst is used up.
        let expected = if second < 38 { 10 } else { 0 };
        assert!(well.len() >= expected, "second {second}: {} told", well.len());
        well.into_iter().for_each(|channel| desk.ended(channel, End::Well, now));
        let started = plan.start.iter().filter(|(_, channel)| channel.0 >= 10);
        let ends = now.after(Duration::from_secs(10));
        running.extend(started.map(|(_, channel)| (ends, *channel)));
        assert!(running.len() <= FAILING_IN_FLIGHT_MAX, "{}", running.len());
    }
}

#[test]
fn places_are_bounded() {
    let mut desk = Desk::default();
    let waiting: Vec<_> = (0..500).map(|id| waits(id, false)).collect();
    assert_eq!(desk.plan(&waiting, T0).start.len(), IN_FLIGHT_MAX);
    desk.ended(ChannelId(0), End::Well, T0);
    assert_eq!(desk.plan(&waiting, T0).start.len(), 1);
    assert!(desk.lanes.len() <= 500);
    (0..500).for_each(|id| desk.ended(ChannelId(id), End::Well, T0));
    desk.plan(&[], T0.after(Duration::from_secs(3600)));
    assert!(desk.lanes.is_empty());
}

#[test]
fn a_channel_is_marked_after_a_while() {
    assert_eq!(health(None, T0), Health::Ok);
    assert_eq!(health(Some(T0), T0), Health::Retrying);
    assert_eq!(health(Some(T0), T0.after(FAILING_AFTER)), Health::Failing);
}

fn after(seconds: u64) -> Micros {
    T0.after(Duration::from_secs(seconds))
}

/// A hundred wait behind the one that failed: none of them is tried before the channel may be.
#[test]
fn what_an_answer_asks_for_holds_the_channel() {
    let busy = Attempt {
        status: Some(429),
        retry_after: Some(Duration::from_secs(60)),
        ..Attempt::new(Outcome::Refused, "")
    };
    let mut desk = Desk::default();
    let waiting = [Waiting { pace: PROGRAMS, ..waits(1, true) }];
    assert_eq!(desk.plan(&waiting, T0).start.len(), 1);
    desk.ended(ChannelId(1), end(&busy, next(tried(1), &busy, T0, 0.0), T0), T0);
    assert_eq!(desk.plan(&waiting, T0), Plan { start: vec![], wake_at: Some(after(60)) });
    assert_eq!(desk.plan(&waiting, after(59)).start, []);
    assert_eq!(desk.plan(&waiting, after(60)).start.len(), 1);
}

#[test]
fn a_dead_channel_is_tried_one_at_a_time_and_ever_less_often() {
    let (mut desk, mut now, mut tries) = (Desk::default(), T0, 0);
    // Always another that was not tried yet is due.
    let waiting = [Waiting { pace: PROGRAMS, ..waits(1, true) }];
    while now < after(3600) {
        let plan = desk.plan(&waiting, now);
        if plan.start.is_empty() {
            now = plan.wake_at.unwrap();
            continue;
        }
        tries += 1;
        desk.ended(ChannelId(1), end(&failed(), next(tried(1), &failed(), now, 0.0), now), now);
    }
    assert!((12..=18).contains(&tries), "{tries} attempts in an hour");
    // One that gets through lets out the rest.
    let plan = desk.plan(&waiting, now.after(HOLD_MAX));
    assert_eq!(plan.start.len(), 1);
    desk.ended(ChannelId(1), End::Well, now);
    assert_eq!(desk.plan(&waiting, now.after(HOLD_MAX)).start.len(), 1);
}

/// The first attempts at a channel that fails are all of the one that waits longest.
#[test]
fn what_waits_behind_keeps_its_place_unless_the_message_is_to_blame() {
    let held = |attempt: &Attempt| {
        let (mut desk, next) = (Desk::default(), next(tried(1), attempt, T0, 1.0));
        desk.plan(&[waits(1, false)], T0);
        desk.ended(ChannelId(1), end(attempt, next, T0), T0);
        let Next::Again(again) = next else { panic!("{next:?}") };
        (desk.plan(&[waits(1, true)], T0).wake_at.unwrap(), again)
    };
    let (until, again) = held(&failed());
    assert_eq!(until, again);
    let unread = Attempt { status: Some(422), ..Attempt::new(Outcome::Refused, "") };
    let (until, again) = held(&unread);
    assert!(until < again);
}

#[test]
fn a_channel_that_was_found_well_otherwise_is_held_no_longer() {
    let mut desk = Desk::default();
    desk.plan(&[waits(1, true)], T0);
    desk.ended(ChannelId(1), End::Failed { until: after(3000) }, T0);
    assert_eq!(desk.plan(&[waits(1, true)], after(10)).start, []);
    assert_eq!(desk.plan(&[waits(1, false)], after(10)).start.len(), 1);
    // What the store did not keep is no matter of the channel's.
    desk.ended(ChannelId(1), End::Unstored, after(10));
    assert_eq!(desk.plan(&[waits(1, false)], after(10)).start, []);
    assert_eq!(desk.plan(&[waits(1, false)], after(12)).start.len(), 1);
}

#[test]
fn mail_that_some_did_not_get_yet_is_tried_again() {
    let some = Attempt {
        left: Some(vec!["a@example.net".to_owned()]),
        ..Attempt::new(Outcome::Delivered, "")
    };
    assert!(matches!(next(tried(1), &some, T0, 0.0), Next::Again(_)));
    assert_eq!(end(&some, next(tried(1), &some, T0, 0.0), T0), End::Well);
    assert_eq!(next(tried(ATTEMPTS_MAX), &some, T0, 0.0), Next::Failed);
}
