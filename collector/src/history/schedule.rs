//! Core: when the configuration of a device is wanted next.
//!
//! Each device has slots of its own, spread over the interval or the window by its id, so that a
//! restart changes nothing. A slot that was missed is made up for once. What fails is tried again
//! within its interval, and then with the next slot; a hint at a change brings a fetch soon.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;

const DAY: i64 = 86_400 * Micros::SECOND;
const MINUTE: i64 = 60 * Micros::SECOND;
pub const MINUTES_OF_DAY: u16 = 24 * 60;

/// After a fetch that failed, and after the one behind it; then the next slot counts.
pub const RETRIES: [Duration; 2] = [Duration::from_secs(15 * 60), Duration::from_secs(3600)];
/// Between two fetches of a device that hints ask for.
pub const HINT_EVERY: Duration = Duration::from_secs(600);
/// By how much a clock that is set back may have been ahead; what is later never was.
const AHEAD_MAX: Duration = Duration::from_secs(3600);

/// Causes that last until somebody does something: tried again, a wrong password would lock the user
/// out. They wait for the next slot.
const LASTING: [&str; 11] = [
    "host_key",
    "algorithms",
    "login",
    "private_key",
    "not_text",
    "no_platform",
    "refused",
    "too_much",
    "questions",
    "login_damaged",
    "agent_too_old",
];

/// Minutes of the day in UTC, the end not included. From may be after to: it passes midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from_min: u16,
    pub to_min: u16,
}

impl Window {
    /// How long it is open; a whole day where both ends are the same.
    fn length(self) -> i64 {
        let day = i64::from(MINUTES_OF_DAY);
        let minutes = (i64::from(self.to_min) - i64::from(self.from_min)).rem_euclid(day);
        if minutes == 0 { DAY } else { minutes * MINUTE }
    }

    /// When it opened last, up to `at`.
    fn opened(self, at: i64) -> i64 {
        let from = i64::from(self.from_min) * MINUTE;
        (at - from).div_euclid(DAY) * DAY + from
    }
}

/// How often, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub every: Duration,
    pub window: Option<Window>,
}

impl Plan {
    fn every_us(self) -> i64 {
        i64::try_from(self.every.as_micros()).unwrap_or(i64::MAX).max(MINUTE)
    }

    /// Whether a fetch may begin.
    #[must_use]
    pub fn is_open(self, at: Micros) -> bool {
        self.window.is_none_or(|window| at.0 - window.opened(at.0) < window.length())
    }

    /// The first moment from `at` on in which a fetch may begin; of a device, where the window is
    /// closed, at its place in it.
    fn opening(self, device: DeviceId, at: Micros) -> Micros {
        let Some(window) = self.window else { return at };
        if self.is_open(at) {
            return at;
        }
        let place = spread(device) % self.every_us().min(window.length());
        Micros(window.opened(at.0) + DAY + place)
    }

    /// The first slot of the device after this time.
    #[must_use]
    pub fn next_slot(self, device: DeviceId, after: Micros) -> Micros {
        let every = self.every_us();
        let Some(window) = self.window else {
            let place = spread(device) % every;
            return Micros(((after.0 - place).div_euclid(every) + 1) * every + place);
        };
        let length = window.length();
        let (step, place) = (every.min(length), spread(device) % every.min(length));
        // An interval of several days has its slot on one of them.
        let days = ((every + DAY / 2) / DAY).max(1);
        let mut opened = window.opened(after.0);
        loop {
            let passed = (after.0 - opened - place).div_euclid(step) + 1;
            let slot = opened + place + passed.max(0) * step;
            let day = opened.div_euclid(DAY);
            let is_its_day = (day + spread(device) % days).rem_euclid(days) == 0;
            if is_its_day && slot < opened + length {
                return Micros(slot);
            }
            opened += DAY;
        }
    }
}

/// A number of the device, not negative, that is spread evenly (the finish of splitmix64).
fn spread(device: DeviceId) -> i64 {
    let mut mixed = device.0.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 2).cast_signed()
}

/// Why a job is made; the names are those of the database and the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Schedule,
    Manual,
    Hint,
}

impl Reason {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Hint => "hint",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Schedule, Self::Manual, Self::Hint].into_iter().find(|one| one.name() == name)
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    Open,
    Done,
    Failed {
        at: Micros,
        /// Nothing but somebody's doing mends it.
        lasting: bool,
        /// What it was tried with is another now: the address, the login, the agent.
        mended: bool,
    },
}

impl Stand {
    /// Of one that failed.
    #[must_use]
    pub fn failed(at: Micros, cause: &str, mended: bool) -> Self {
        Self::Failed { at, lasting: LASTING.contains(&cause), mended }
    }

    #[must_use]
    pub fn is_mended(self) -> bool {
        matches!(self, Self::Failed { mended: true, .. })
    }
}

/// A job of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made; of one that somebody took back, when they did.
    pub at: Micros,
    pub reason: Reason,
    pub stand: Stand,
}

/// What is known of a device.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub device: DeviceId,
    /// When something last hinted at a change.
    pub hinted_at: Option<Micros>,
    /// The newest first, as many as there are retries at least; without those that were withdrawn.
    pub attempts: &'a [Attempt],
}

impl<'a> Known<'a> {
    /// Without what the clock, which was ahead, says of the future.
    fn up_to(self, now: Micros) -> Self {
        let is_real = |one: &Attempt| one.stand == Stand::Open || one.at <= now.after(AHEAD_MAX);
        let future = self.attempts.iter().take_while(|one| !is_real(one)).count();
        let attempts = self.attempts.get(future..).unwrap_or_default();
        Self { attempts, hinted_at: self.hinted_at.filter(|at| *at <= now), ..self }
    }
}

/// When a device is wanted, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Not after now: it is wanted now.
    pub at: Micros,
    pub reason: Reason,
}

/// When the device is wanted next.
#[must_use]
pub fn wanted(plan: Plan, known: &Known<'_>, now: Micros) -> Wanted {
    let known = &known.up_to(now);
    let newest = known.attempts.first();
    let slot = newest.map_or(now, |newest| plan.next_slot(known.device, newest.at));
    let slot = plan.opening(known.device, slot.max(now));
    let slot = Wanted { at: slot, reason: Reason::Schedule };
    if newest.is_some_and(|newest| newest.stand == Stand::Open) {
        return slot;
    }
    let retry = retry_at(plan, known).map(|at| at.max(now)).filter(|at| plan.is_open(*at));
    let retry = retry.map(|at| Wanted { at, reason: Reason::Schedule });
    let hint = hint_at(known).map(|at| plan.opening(known.device, at.max(now)));
    let is_mended = newest.is_some_and(|newest| newest.stand.is_mended());
    let mended = is_mended.then(|| plan.opening(known.device, now));
    let hint = hint.into_iter().chain(mended).min();
    let hint = hint.map(|at| Wanted { at, reason: Reason::Hint });
    let soonest = [Some(slot), retry, hint].into_iter().flatten().min_by_key(|one| one.at);
    soonest.unwrap_or(slot)
}

/// When the last failure may be tried again, within the interval it belongs to.
fn retry_at(plan: Plan, known: &Known<'_>) -> Option<Micros> {
    let interval = |of: &Attempt| plan.next_slot(known.device, of.at);
    let (mut last, mut failures) = (None, 0);
    for attempt in known.attempts {
        let Stand::Failed { at, lasting, .. } = attempt.stand else { break };
        // Whoever asked for it sees it, and asks again.
        if attempt.reason == Reason::Manual {
            continue;
        }
        let (_, begun) = *last.get_or_insert((at, interval(attempt)));
        if failures == 0 && lasting {
            return None;
        }
        if interval(attempt) != begun {
            break;
        }
        failures += 1;
    }
    let (failed_at, _) = last?;
    Some(failed_at.after(*RETRIES.get(failures - 1)?))
}

/// When the last hint may be followed: what changed since the last fetch began is not known yet.
fn hint_at(known: &Known<'_>) -> Option<Micros> {
    let (newest, hinted) = (known.attempts.first()?, known.hinted_at?);
    let futile = matches!(newest.stand, Stand::Failed { lasting: true, .. });
    (hinted >= newest.at && !futile).then(|| hinted.max(newest.at.after(HINT_EVERY)))
}

/// What to do about a device, and when to look at it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub make: Option<Reason>,
    pub again_at: Micros,
}

/// Looks at a device that is to be backed up.
#[must_use]
pub fn look(plan: Plan, known: &Known<'_>, now: Micros) -> Look {
    // By then it has failed, or it shows that it has not.
    let again_at = now.after(RETRIES[0]).min(plan.next_slot(known.device, now));
    if known.attempts.first().is_some_and(|newest| newest.stand == Stand::Open) {
        return Look { make: None, again_at };
    }
    let wanted = wanted(plan, known, now);
    if wanted.at <= now {
        return Look { make: Some(wanted.reason), again_at };
    }
    Look { make: None, again_at: wanted.at }
}

#[cfg(test)]
mod tests;
