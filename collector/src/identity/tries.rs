//! Core: how often somebody may be wrong in a row: five times, then not for a quarter of an hour.
//!
//! A try is counted before its answer is known, so that many at the same time are no more than
//! five. The map is bounded; only who knows a password comes to be in it.

use std::collections::HashMap;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;

use super::limits::Limited;

const WRONG_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// People that are remembered at once.
const PEOPLE_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Tried {
    times: u32,
    last: Micros,
}

/// Who was wrong lately.
#[derive(Debug, Default)]
pub struct Tries(HashMap<UserId, Tried>);

impl Tries {
    /// Counts a try, or says how long to wait.
    pub fn take(&mut self, user: UserId, now: Micros) -> Result<(), Limited> {
        let is_recent = |tried: &Tried| now.since(tried.last) < PAUSE;
        if self.0.len() >= PEOPLE_MAX {
            self.0.retain(|_, tried| is_recent(tried));
        }
        if self.0.len() >= PEOPLE_MAX && !self.0.contains_key(&user) {
            return Err(Limited { wait: PAUSE });
        }
        let tried = self.0.entry(user).or_insert(Tried { times: 0, last: now });
        if !is_recent(tried) {
            tried.times = 0;
        }
        if tried.times >= WRONG_MAX {
            return Err(Limited { wait: PAUSE.saturating_sub(now.since(tried.last)) });
        }
        *tried = Tried { times: tried.times + 1, last: now };
        Ok(())
    }

    /// The try was right: the wrong ones before it are forgotten.
    pub fn right(&mut self, user: UserId) {
        self.0.remove(&user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_ones_make_a_pause_and_a_right_one_forgets_them() {
        let (mut tries, user, now) = (Tries::default(), UserId(1), Micros(0));
        for _ in 0..WRONG_MAX {
            tries.take(user, now).unwrap();
        }
        let almost = now.after(PAUSE).before(Duration::from_secs(1));
        assert_eq!(tries.take(user, almost), Err(Limited { wait: Duration::from_secs(1) }));
        tries.take(UserId(2), almost).unwrap();
        for _ in 0..WRONG_MAX {
            tries.take(user, now.after(PAUSE)).unwrap();
        }
        assert!(tries.take(user, now.after(PAUSE)).is_err());
        tries.right(user);
        tries.take(user, now.after(PAUSE)).unwrap();
    }

    #[test]
    fn the_map_is_bounded() {
        let mut tries = Tries::default();
        for number in 0..PEOPLE_MAX as i64 {
            tries.take(UserId(number), Micros(0)).unwrap();
        }
        assert!(tries.take(UserId(-1), Micros(0)).is_err());
        tries.take(UserId(0), Micros(0)).unwrap();
        tries.take(UserId(-1), Micros(0).after(PAUSE)).unwrap();
        assert_eq!(tries.0.len(), 1);
    }
}
