use super::super::packet::Echo;
use super::*;
use crate::poll::{Access, Manner};
use farwatch_common::clock::Micros;

const START_US: u64 = 1_800_000_000_000_000;
const INTERVAL: Duration = Duration::from_secs(10);

fn moment(mono_us: u64) -> Moment {
    Moment { mono_us, wall: Micros(i64::try_from(mono_us).unwrap()) }
}

fn target(device: i64, host: &str) -> Target {
    Target {
        device: DeviceId(device),
        host: host.into(),
        port: 161,
        interval: INTERVAL,
        access: Access::Nothing,
        manner: Manner::default(),
    }
}

/// The core, a line that answers as told, and no real time.
struct Line {
    core: Core,
    counters: Arc<PollCounters>,
    now_us: u64,
    sent: Vec<(u64, Transmit)>,
    rows: Vec<(u64, Row)>,
    outcomes: Vec<Outcome>,
    /// On their way back.
    flying: Vec<(u64, Heard, SocketAddr)>,
}

impl Line {
    fn new(targets: &[Target]) -> Self {
        let counters = Arc::new(PollCounters::default());
        let mut core = Core::new([7; 32], Arc::clone(&counters), moment(START_US));
        core.set_targets(moment(START_US), targets);
        let (sent, rows, outcomes, flying) = Default::default();
        Self { core, counters, now_us: START_US, sent, rows, outcomes, flying }
    }

    /// Runs for so long; `fate` puts on the line what comes back for each request.
    fn run(&mut self, span: Duration, mut fate: impl FnMut(&mut Self, Transmit)) {
        let until = self.now_us + micros(span);
        while self.now_us < until {
            while let Some(out) = self.core.transmit(moment(self.now_us)) {
                self.core.sent();
                self.sent.push((self.now_us, out));
                fate(self, out);
            }
            while let Some(ended) = self.core.ended() {
                match ended {
                    Ended::Row(row) => self.rows.push((self.now_us, row)),
                    Ended::Job(_, outcome) => self.outcomes.push(outcome),
                }
            }
            let lands = self.flying.iter().map(|(at, ..)| *at).min();
            let next = [self.core.wake_us(), lands, Some(until)].into_iter().flatten().min();
            self.now_us = next.unwrap().max(self.now_us + 1);
            let now_us = self.now_us;
            let landed = self.flying.extract_if(.., |(at, ..)| *at <= now_us).collect::<Vec<_>>();
            for (_, heard, from) in landed {
                self.core.receive(heard, from, moment(now_us));
            }
            self.core.tick(moment(now_us));
        }
    }

    fn answer(&mut self, out: Transmit, after_us: u64) {
        self.flying.push((self.now_us + after_us, reply(out), out.to));
    }

    fn last(&self) -> &Row {
        &self.rows.last().unwrap().1
    }
}

fn reply(out: Transmit) -> Heard {
    Heard::Reply(Echo { identifier: 0, sequence: out.sequence, token: out.token })
}

#[test]
fn a_burst_gives_one_row_per_interval() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let times = [1000, 3000, 2000, 2000, 7000];
    let mut number = 0;
    line.run(INTERVAL * 10, |line, out| {
        line.answer(out, times[number % ECHOES]);
        number += 1;
    });
    let rows = line.rows.len();
    assert!((9..=10).contains(&rows), "{rows}");
    assert_eq!(line.sent.len(), rows * ECHOES);
    let row = line.last();
    assert_eq!(row.cause, None);
    let values: Vec<Option<i64>> =
        [1, 0, 3000, 1000, 7000, 2000, 0].into_iter().map(Some).collect();
    assert_eq!(row.values, values);
    assert_eq!(row.schema, line.core.schema().id());
    // After the first, in the same place of each interval.
    let gaps: Vec<u64> = line.rows.windows(2).skip(1).map(|two| two[1].0 - two[0].0).collect();
    assert!(gaps.iter().all(|gap| gap.abs_diff(10_000_000) <= 50_000), "{gaps:?}");
    assert_eq!(line.counters.snapshot().skipped_slots, 0);
}

#[test]
fn what_is_lost_is_counted_and_silence_is_a_row_too() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let mut number = 0;
    line.run(INTERVAL, |line, out| {
        if number % ECHOES != 2 && number % ECHOES != 4 {
            line.answer(out, 1500);
        }
        number += 1;
    });
    assert_eq!(line.last().values[..2], [Some(1), Some(4000)]);
    line.run(INTERVAL, |_, _| {});
    assert_eq!(line.last().values, [Some(0), Some(10_000), None, None, None, None, Some(0)]);
    assert_eq!(line.last().cause, None);
}

#[test]
fn answers_out_of_order_belong_to_their_own_requests() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    // The second is overtaken by the third.
    let times = [1000, 450_000, 1000, 1000, 1000];
    let mut number = 0;
    line.run(INTERVAL, |line, out| {
        line.answer(out, times[number % ECHOES]);
        number += 1;
    });
    assert_eq!(line.last().values[..5], [1, 0, 90_800, 1000, 450_000].map(Some));
    assert_eq!(line.last().values[5], Some(224_500));
}

#[test]
fn late_doubled_and_forged_answers_never_count() {
    let mut line = Line::new(&[target(1, "192.0.2.1"), target(2, "192.0.2.2")]);
    line.run(INTERVAL, |line, out| {
        let Heard::Reply(echo) = reply(out) else { unreachable!() };
        let soon = line.now_us + 500;
        let guessed = Heard::Reply(Echo { token: echo.token ^ 1, ..echo });
        line.flying.push((soon, guessed, out.to));
        let other_sequence = Heard::Reply(Echo { sequence: echo.sequence.wrapping_add(9), ..echo });
        line.flying.push((soon, other_sequence, out.to));
        line.flying.push((soon, reply(out), "192.0.2.77:0".parse().unwrap()));
        // After the burst; the device answers nothing else.
        line.answer(out, 4_500_000);
    });
    assert!(line.rows.iter().all(|(_, row)| row.values[..2] == [Some(0), Some(10_000)]));
    assert!(line.rows.len() >= 2);
    let strays = line.counters.snapshot().echo_strays;
    line.run(INTERVAL, |line, out| {
        line.answer(out, 1000);
        line.answer(out, 2000);
        line.answer(out, 3000);
    });
    assert_eq!(line.last().values[..3], [1, 0, 1000].map(Some));
    let counted = line.counters.snapshot();
    assert!(strays >= 30 && counted.echo_strays > strays, "{strays} {counted:?}");
}

#[test]
fn a_network_that_says_no_is_told_from_silence() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let returned = |out: Transmit, to: &str, token| Heard::Returned {
        to: to.parse().unwrap(),
        identifier: 0,
        sequence: out.sequence,
        token,
    };
    let router: SocketAddr = "192.0.2.254:0".parse().unwrap();
    line.run(INTERVAL, |line, out| {
        line.flying.push((line.now_us + 1000, returned(out, "192.0.2.1", None), router));
    });
    let no_way = [Some(0), Some(10_000), None, None, None, None, Some(1)];
    assert_eq!((line.last().cause, &line.last().values[..]), (None, &no_way[..]));
    // About another host, or with a token that is not ours.
    line.run(INTERVAL, |line, out| {
        let wrong = returned(out, "192.0.2.1", Some(out.token ^ 1));
        line.flying.push((line.now_us + 1000, wrong, router));
        line.flying.push((line.now_us + 1000, returned(out, "192.0.2.9", None), router));
    });
    assert_eq!((line.last().values[0], line.last().values[6]), (Some(0), Some(0)));
    // One that was answered in spite of it is up.
    line.run(INTERVAL, |line, out| {
        let came_back = returned(out, "192.0.2.1", Some(out.token));
        line.flying.push((line.now_us + 500, came_back, router));
        line.answer(out, 1000);
    });
    assert_eq!((line.last().values[0], line.last().values[6]), (Some(1), Some(0)));
}

#[test]
fn a_dead_device_of_the_own_network_is_a_burst_of_which_all_is_lost() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let to: SocketAddr = "192.0.2.1:0".parse().unwrap();
    assert!(line.core.ping(9, to, moment(line.now_us)));
    line.run(INTERVAL * 3, |line, out| line.core.turned_down(out.slot));
    let outcome = line.outcomes[0];
    assert_eq!((outcome.cause, outcome.sent), (Some(Cause::Unreachable), ECHOES as u64));
    assert_eq!((outcome.received, outcome.loss()), (0, Some(10_000)));
    let rows = &line.rows;
    assert!(rows.len() >= 2, "at every slot");
    let no_way = [Some(0), Some(10_000), None, None, None, None, Some(1)];
    assert!(rows.iter().all(|(_, row)| row.cause.is_none() && row.values == no_way));
    // It comes back in the middle of a burst.
    let mut number = 0;
    line.run(INTERVAL, |line, out| {
        number += 1;
        if number <= 2 { line.core.turned_down(out.slot) } else { line.answer(out, 1000) }
    });
    assert_eq!(line.last().values[..3], [1, 4000, 1000].map(Some));
    assert_eq!(line.last().values[6], Some(0));
}

#[test]
fn a_request_that_cannot_be_sent_is_not_a_lost_one() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let mut number = 0;
    line.run(INTERVAL, |line, out| {
        number += 1;
        match number % ECHOES {
            1 => line.core.unsendable(out.slot, Cause::Budget),
            _ => line.answer(out, 1000),
        }
    });
    assert_eq!(line.last().values[..2], [1, 0].map(Some));
    line.run(INTERVAL, |line, out| line.core.unsendable(out.slot, Cause::NotPermitted));
    assert_eq!(line.last().cause, Some(Cause::NotPermitted));
}

#[test]
fn sequence_numbers_come_round() {
    let targets: Vec<Target> =
        (1..=300).map(|n| target(n, &format!("10.0.{}.{}", n / 250, n % 250 + 1))).collect();
    let mut line = Line::new(&targets);
    // More requests than there are numbers: 300 times 5 in each interval.
    line.run(INTERVAL * 50, |line, out| line.answer(out, 20_000));
    assert!(line.sent.len() > usize::from(u16::MAX) + 1, "{}", line.sent.len());
    assert!(line.rows.iter().all(|(_, row)| row.values[..3] == [1, 0, 20_000].map(Some)));
    assert_eq!(line.counters.snapshot().echo_strays, 0);
}

#[test]
fn devices_are_spread_and_no_tick_sends_a_flood() {
    let targets: Vec<Target> =
        (1..=10_000).map(|n| target(n, &format!("10.{}.{}.1", n / 250, n % 250 + 1))).collect();
    let mut line = Line::new(&targets);
    line.run(INTERVAL * 3, |line, out| line.answer(out, 3000));
    let mut ticks: HashMap<u64, u32> = HashMap::new();
    let mut seconds: HashMap<u64, u32> = HashMap::new();
    for (at, _) in &line.sent {
        *ticks.entry(at / TICK_US).or_default() += 1;
        *seconds.entry(at / 1_000_000).or_default() += 1;
    }
    assert!(ticks.values().all(|sent| *sent <= SENT_PER_TICK));
    // 5,000 a second on average, once all have begun.
    let steady: Vec<u32> = seconds
        .iter()
        .filter(|(at, _)| **at >= START_US / 1_000_000 + 15)
        .map(|(_, n)| *n)
        .collect();
    assert!(steady.iter().all(|sent| (4_000..6_000).contains(sent)), "{steady:?}");
    let per_device = line.rows.len() as f64 / 10_000.0;
    assert!((2.5..=4.0).contains(&per_device), "{per_device}");
}

#[test]
fn a_device_that_goes_leaves_nothing_behind_and_others_are_undisturbed() {
    let mut line = Line::new(&[target(1, "192.0.2.1"), target(2, "192.0.2.2")]);
    line.run(INTERVAL, |_, _| {});
    let quiet =
        Target { manner: Manner { ping: false, ..Manner::default() }, ..target(1, "192.0.2.1") };
    line.core.set_targets(moment(line.now_us), &[quiet, target(2, "192.0.2.2")]);
    let before = line.sent.len();
    line.run(INTERVAL * 2, |line, out| line.answer(out, 1000));
    assert!(line.sent[before..].iter().all(|(_, out)| out.to.ip().to_string() == "192.0.2.2"));
    assert_eq!(line.sent.len() - before, 2 * ECHOES);
    assert_eq!(line.core.place_of(DeviceId(1)), None);
    line.core.set_targets(moment(line.now_us), &[]);
    line.run(INTERVAL, |_, _| {});
    assert_eq!((line.core.wake_us(), line.core.free.len()), (None, line.core.slots.len()));
}

#[test]
fn a_host_name_is_pinged_once_it_has_an_address() {
    let mut line = Line::new(&[target(1, "router.lan")]);
    line.run(INTERVAL * 2, |_, _| {});
    assert_eq!(line.last().cause, Some(Cause::Unresolved));
    assert_eq!(line.core.place_of(DeviceId(1)), Some(("router.lan", None)));
    line.core.set_address(DeviceId(1), "192.0.2.5:161".parse().unwrap());
    line.run(INTERVAL, |line, out| line.answer(out, 1000));
    assert_eq!(line.last().values[0], Some(1));
}

#[test]
fn an_address_on_an_interface_that_is_not_there_says_so() {
    let mut line = Line::new(&[target(1, "fe80::1%eth99")]);
    line.run(INTERVAL, |_, _| {});
    assert_eq!(line.last().cause, Some(Cause::NoInterface));
}

/// The addresses of names come with the port of SNMP, which a raw socket of IPv6 takes amiss.
#[test]
fn echo_requests_have_no_port() {
    let mut line = Line::new(&[]);
    assert!(line.core.ping(1, "[fe80::1%2]:161".parse().unwrap(), moment(line.now_us)));
    line.run(INTERVAL, |line, out| line.answer(out, 1000));
    assert!(line.sent.iter().all(|(_, out)| out.to == "[fe80::1%2]:0".parse().unwrap()));
    assert_eq!(line.outcomes[0].received, ECHOES as u64);
}

#[test]
fn single_bursts_are_bounded_and_beside_the_schedule() {
    let mut line = Line::new(&[target(1, "192.0.2.1")]);
    let to: SocketAddr = "192.0.2.1:0".parse().unwrap();
    for job in 0..JOBS_MAX as u64 {
        assert!(line.core.ping(job, to, moment(line.now_us)));
    }
    assert!(!line.core.ping(99, to, moment(line.now_us)));
    line.run(INTERVAL, |line, out| line.answer(out, 1000));
    assert_eq!((line.outcomes.len(), line.rows.len()), (JOBS_MAX, 1));
    assert!(line.outcomes.iter().all(|outcome| outcome.received == ECHOES as u64));
    assert!(line.core.ping(99, to, moment(line.now_us)));
}
