//! Core: makes the value of a metric of what was read of its row.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

use super::plan::Make;

/// A sensor at or beyond this says that it cannot tell (RFC 3433, EntitySensorValue).
const SENSOR_VALUE_MAX: u64 = 1_000_000_000;
/// EntitySensorStatus `ok`.
const SENSOR_OK: i64 = 1;
const KIBIBYTE: i64 = 1024;

/// What values that are made of two polls need of the one before: counters, by the value's place.
#[derive(Debug, Default)]
pub(super) struct Past(Vec<(usize, Box<[u32]>)>);

impl Past {
    /// Counters begin anew: the device was restarted, or a poll is missing.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn exchange(&mut self, place: usize, now: Box<[u32]>) -> Option<Box<[u32]>> {
        match self.0.iter_mut().find(|(known, _)| *known == place) {
            Some((_, before)) => Some(std::mem::replace(before, now)),
            None => {
                self.0.push((place, now));
                None
            }
        }
    }
}

/// The value of the metric at `place` of its row of samples. `read` is the source's cell, `cell`
/// gives the others of the same row.
pub(super) fn value(
    make: &Make,
    place: usize,
    read: i64,
    cell: impl Fn(u8) -> Option<i64>,
    past: &mut Past,
) -> Option<i64> {
    match make {
        Make::Plain => Some(read),
        Make::Times(by) => unsigned32(read)?.checked_mul(unsigned32(cell(*by)?)?),
        Make::Kibibytes => unsigned32(read)?.checked_mul(KIBIBYTE),
        Make::KibibytesLess(less) => {
            let mut rest = unsigned32(read)?;
            for (at, column) in less.iter().enumerate() {
                match cell(*column) {
                    Some(number) => rest = rest.checked_sub(unsigned32(number)?)?,
                    None if at == 0 => return None,
                    None => {}
                }
            }
            if rest < 0 { None } else { rest.checked_mul(KIBIBYTE) }
        }
        Make::HundredLess => (0..=100).contains(&read).then(|| 100 - read),
        Make::Busy(others) => {
            let counter = |number: i64| u32::try_from(number).ok();
            let now = std::iter::once(counter(read))
                .chain(others.iter().map(|column| counter(cell(*column)?)))
                .collect::<Option<Box<[u32]>>>()?;
            let before = past.exchange(place, now.clone())?;
            busy_percent(&before, &now)
        }
        Make::WhileOk(status) => {
            let ok = cell(*status).is_none_or(|status| status == SENSOR_OK);
            (ok && read.unsigned_abs() < SENSOR_VALUE_MAX).then_some(read)
        }
    }
}

/// A number that the MIB calls an Integer32 of 0 or more, and that some devices let run over.
fn unsigned32(number: i64) -> Option<i64> {
    if number >= 0 {
        return Some(number);
    }
    let wrapped = number + (1 << 32);
    (wrapped >= 1 << 31).then_some(wrapped)
}

/// Of counters of 32 bits that have risen, the first while idle. Rounded half up.
fn busy_percent(before: &[u32], now: &[u32]) -> Option<i64> {
    if before.len() != now.len() {
        return None;
    }
    let mut risen = before.iter().zip(now).map(|(before, now)| now.wrapping_sub(*before));
    let idle = u64::from(risen.next()?);
    let total = risen.fold(idle, |total, more| total + u64::from(more));
    // One that fell by a restart nobody saw looks as if it had wrapped.
    if total == 0 || total > u64::from(u32::MAX) / 2 {
        return None;
    }
    i64::try_from(((total - idle) * 100 + total / 2) / total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(make: &Make, read: i64, cells: &[Option<i64>], expected: Option<i64>) {
        let cell = |at: u8| cells.get(usize::from(at)).copied().flatten();
        let mut past = Past::default();
        assert_eq!(value(make, 0, read, cell, &mut past), expected, "{make:?} {read} {cells:?}");
    }

    #[test]
    fn units_of_allocation_become_bytes() {
        let times = Make::Times(0);
        check(&times, 262_144, &[Some(1024)], Some(268_435_456));
        // A disk of 2^31 units and more comes as a negative number.
        check(&times, -2_147_483_648, &[Some(4096)], Some(8_796_093_022_208));
        check(&times, -1, &[Some(4096)], Some(17_592_186_040_320));
        check(&times, -3_000_000_000, &[Some(4096)], None);
        check(&times, 5, &[None], None);
        check(&times, -1, &[Some(-1)], None);
    }

    #[test]
    fn memory_in_use_is_what_is_neither_free_nor_lent() {
        let less = Make::KibibytesLess([0, 1, 2].into());
        check(&less, 2_036_504, &[Some(1_658_576), Some(33_680), Some(204_600)], Some(142_999_552));
        check(&less, 1000, &[Some(400), None, None], Some(600 * 1024));
        check(&less, 1000, &[None, Some(1), Some(1)], None);
        check(&less, 1000, &[Some(900), Some(200), None], None);
        check(&Make::Kibibytes, 7, &[], Some(7168));
    }

    #[test]
    fn an_idle_share_outside_of_a_hundred_is_none() {
        check(&Make::HundredLess, 94, &[], Some(6));
        check(&Make::HundredLess, 101, &[], None);
        check(&Make::HundredLess, -1, &[], None);
    }

    #[test]
    fn a_sensor_counts_while_it_works() {
        check(&Make::WhileOk(0), 21_625, &[Some(1)], Some(21_625));
        check(&Make::WhileOk(0), -40, &[None], Some(-40));
        check(&Make::WhileOk(0), 21_625, &[Some(2)], None);
        check(&Make::WhileOk(0), 21_625, &[Some(3)], None);
        check(&Make::WhileOk(0), 1_000_000_000, &[Some(1)], None);
        check(&Make::WhileOk(0), i64::MIN, &[Some(1)], None);
    }

    #[test]
    fn the_busy_share_is_of_two_polls() {
        let make = Make::Busy([0, 1].into());
        let mut past = Past::default();
        let mut poll = |idle: i64, user: i64, system: i64| {
            let cell = |at: u8| Some([user, system][usize::from(at)]);
            value(&make, 3, idle, cell, &mut past)
        };
        let end = i64::from(u32::MAX);
        assert_eq!(poll(end - 49, 1000, 500), None);
        // 75 idle of 100, over the counter's end.
        assert_eq!(poll(25, 1015, 510), Some(25));
        assert_eq!(poll(25, 1015, 510), None);
        // All fell: that was no wrap.
        assert_eq!(poll(3, 2, 1), None);
        assert_eq!(poll(3, 102, 1), Some(100));
    }
}
