use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

const SECOND: i64 = Micros::SECOND;
const YEAR: i64 = 31_557_600 * SECOND;
/// How wrong a measurement is at most.
const ERROR_US: i64 = SECOND / 10;

struct Random(StdRng);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0.random_range(0..bound)
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    /// Either way, so much at least.
    fn step(&mut self) -> i64 {
        let size = match self.below(3) {
            0 => self.below(60 * SECOND),
            1 => self.below(24 * 3600 * SECOND),
            _ => self.below(10 * YEAR),
        };
        let size = 3 * SECOND + size;
        if self.chance(50) { size } else { -size }
    }
}

/// A host: what time it is, and what its clocks say.
struct Host {
    true_us: i64,
    /// Of the process that runs.
    started_us: i64,
    /// How far the system's clock is ahead of what is true.
    wrong_us: i64,
}

impl Host {
    fn stamp(&self) -> Micros {
        Micros(self.true_us + self.wrong_us)
    }

    fn look(&self) -> Look {
        let monotonic_us = self.true_us - self.started_us;
        Look { wall: self.stamp(), ahead_us: self.stamp().0 - monotonic_us }
    }
}

struct Batch {
    epoch: u64,
    process: i64,
    at: Micros,
    true_us: i64,
}

/// What the file keeps, with the offsets that are known.
fn saved(epochs: &Epochs) -> BTreeMap<u64, Epoch> {
    epochs.all().map(|(id, epoch)| (id, Epoch { offset: epochs.offset(id), ..*epoch })).collect()
}

fn run(seed: u64) {
    let mut random = Random(StdRng::seed_from_u64(seed));
    let mut file = BTreeMap::new();
    let mut batches: Vec<Batch> = Vec::new();
    let mut measured = Vec::new();
    let mut host = Host { true_us: 50 * YEAR, started_us: 0, wrong_us: random.step() };
    for process in 1..=4 {
        host.started_us = host.true_us - random.below(SECOND);
        let mut epochs = Epochs::new(std::mem::take(&mut file), process, host.look());
        for _ in 0..40 {
            host.true_us += random.below(30 * SECOND);
            epochs.look(host.look());
            if random.chance(5) {
                host.true_us += random.below(100 * 3600 * SECOND);
                assert!(!epochs.look(host.look()), "seed {seed}: to sleep is no jump");
            }
            // A jump between two looks, and rows from before and after it.
            let mut rows = Vec::new();
            for part in 0..2 {
                host.true_us += random.below(SECOND / 2);
                if random.chance(70) {
                    rows.push((host.stamp(), host.true_us));
                }
                if part == 0 && random.chance(15) {
                    host.wrong_us += random.step();
                }
            }
            let old = epochs.last.ahead_us;
            epochs.look(host.look());
            for (at, true_us) in rows {
                let (epoch, at) = (epochs.current(), epochs.rectified(at));
                batches.push(Batch { epoch, process, at, true_us });
            }
            if random.chance(5) {
                let noise_us = random.below(2 * ERROR_US) - ERROR_US;
                let error_us = ERROR_US as u32;
                // One that began before a jump counts for nothing.
                let stale = (old - host.look().ahead_us).abs() > STEP_MIN_US;
                let ahead_us = if stale { old } else { host.look().ahead_us };
                let offset_us = if stale { 7 * YEAR } else { noise_us - host.wrong_us };
                epochs.measured(Measured { ahead_us, offset_us, error_us });
                measured.extend((!stale).then_some(process));
            }
            if random.chance(10) {
                // Acknowledged.
                batches.retain(|_| random.chance(60));
                epochs.keep(|epoch| batches.iter().any(|batch| batch.epoch == epoch));
            }
            for batch in &batches {
                let Some(us) = epochs.offset_us(batch.epoch) else {
                    assert!(!measured.contains(&batch.process), "seed {seed}: unknown");
                    continue;
                };
                assert!(measured.contains(&batch.process), "seed {seed}: made up");
                let off_us = (batch.at.0 + us - batch.true_us).abs();
                assert!(off_us <= ERROR_US, "seed {seed}: off by {off_us}");
                let now = host.stamp();
                let current = epochs.to_current(batch.epoch, batch.at);
                if epochs.offset_us(epochs.current()).is_some() {
                    let age_us = host.true_us - batch.true_us;
                    let told_us = now.0 - current.0;
                    assert!((age_us - told_us).abs() <= 2 * ERROR_US, "seed {seed}: age");
                }
            }
        }
        file = saved(&epochs);
        host.true_us += random.below(YEAR);
        host.wrong_us += if random.chance(50) { random.step() } else { 0 };
    }
}

#[test]
fn whatever_the_clock_is_set_to_what_was_measured_makes_its_times_right() {
    for seed in 0..150 {
        run(seed);
    }
}

fn look(wall: i64, ahead: i64) -> Look {
    Look { wall: Micros(wall * SECOND), ahead_us: ahead * SECOND }
}

#[test]
fn a_clock_that_is_led_is_followed_and_one_that_is_set_is_not() {
    let mut epochs = Epochs::new(BTreeMap::new(), 1, look(100, 0));
    for led in 1..=10 {
        assert!(!epochs.look(look(100 + 10 * led, led)), "{led}");
    }
    assert!(epochs.look(look(300, 13)));
    assert_eq!((epochs.current(), epochs.step_us()), (2, 3 * SECOND));
}

#[test]
fn what_was_stamped_before_a_jump_is_moved_by_it() {
    for step in [-3600, 3600] {
        let mut epochs = Epochs::new(BTreeMap::new(), 1, look(10_000, 0));
        let rectified = |epochs: &Epochs, at| epochs.rectified(Micros(at * SECOND)).0 / SECOND;
        assert_eq!(rectified(&epochs, 9_000), 9_000, "nothing has jumped yet");
        assert!(epochs.look(look(10_010 + step, step)));
        assert_eq!(rectified(&epochs, 10_005), 10_005 + step);
        assert_eq!(rectified(&epochs, 10_005 + step), 10_005 + step);
    }
}

#[test]
fn a_row_that_is_off_by_no_jump_is_not_moved() {
    for step in [-3600, 10 * YEAR / SECOND] {
        let mut epochs = Epochs::new(BTreeMap::new(), 1, look(10_000, 0));
        assert!(epochs.look(look(10_010 + step, step)));
        // Weeks later the clock is put back by less than makes an epoch, and a row is from before that.
        let now = 3_000_000 + step;
        assert!(!epochs.look(look(now, step - 1)));
        assert_eq!(epochs.rectified(Micros((now + 1) * SECOND)).0 / SECOND, now + 1, "{step}");
        // What would be of the future, or from long before, was not stamped before the jump.
        for far in [now + 20 * YEAR / SECOND, 1_000 - step.abs()] {
            assert_eq!(epochs.rectified(Micros(far * SECOND)).0 / SECOND, far, "{step}");
        }
    }
}

#[test]
fn a_machine_that_was_paused_moves_nothing_that_was_measured() {
    let measured = |ahead| Measured { ahead_us: ahead * SECOND, offset_us: 0, error_us: 1000 };
    let mut epochs = Epochs::new(BTreeMap::new(), 1, look(10_000, 0));
    epochs.measured(measured(0));
    // No clock went on, and then the one that can be set was.
    assert!(epochs.look(look(13_610, 3600)));
    let at = Micros(9_000 * SECOND);
    assert_eq!(epochs.to_current(1, at).0, 12_600 * SECOND, "as long as nothing else is known");
    epochs.measured(measured(3600));
    assert_eq!((epochs.to_current(1, at), epochs.offset_us(1)), (at, Some(0)));
}

#[test]
fn another_process_is_compared_by_what_was_measured_of_both() {
    let offset = |us| Some(Offset { us, error_us: 1000 });
    let before = |offset| Epoch { process: 1, began: Micros(0), ahead_us: 77, offset };
    let at = Micros(100 * SECOND);
    // (offset of then, of now, what moves the times of then)
    let cases = [
        (None, None, 0),
        (offset(SECOND), None, 0),
        (None, offset(3600 * SECOND), -3600 * SECOND),
        (offset(3600 * SECOND), offset(0), 3600 * SECOND),
        (offset(2500), offset(1000), 0),
    ];
    for (then, now, moved_us) in cases {
        let known = BTreeMap::from([(1, before(then))]);
        let mut epochs = Epochs::new(known, 2, look(200, 0));
        if let Some(Offset { us, error_us }) = now {
            epochs.measured(Measured { ahead_us: 0, offset_us: us, error_us });
        }
        assert_eq!(epochs.to_current(1, at).0 - at.0, moved_us, "{then:?} {now:?}");
    }
}

#[test]
fn a_small_change_costs_no_write_and_a_better_measurement_counts() {
    let mut epochs = Epochs::new(BTreeMap::new(), 1, look(100, 0));
    epochs.saved();
    let measured = |offset_us, error_us| Measured { ahead_us: 0, offset_us, error_us };
    let cases = [
        (measured(10_000, 300_000), true, 10_000),
        (measured(200_000, 5_000), false, 200_000),
        // Worse, and not off by more than it may be.
        (measured(900_000, 1_000_000), false, 200_000),
        (measured(900_000, 5_000), true, 900_000),
    ];
    for (one, writes, offset_us) in cases {
        epochs.measured(one);
        assert_eq!((epochs.is_unsaved(), epochs.offset_us(1)), (writes, Some(offset_us)));
        epochs.saved();
    }
}

#[test]
fn a_clock_that_is_set_all_day_fills_no_memory() {
    let mut epochs = Epochs::new(BTreeMap::new(), 1, look(0, 0));
    for number in 1..2000 {
        assert!(epochs.look(look(4 * number, 3 * number)));
    }
    assert_eq!(epochs.all().count(), EPOCHS_MAX);
    assert_eq!(epochs.offset_us(1), None);
    assert_eq!(epochs.live(1, Micros(0)), None);
}
