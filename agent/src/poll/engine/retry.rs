//! Core: when something that a device did not answer for is asked again. What stays in trouble costs
//! itself only, and less and less of that.

use farwatch_common::sample::Cause;

/// Wait after the first failure; each further one doubles it.
const SOON_US: u64 = 60_000_000;
/// Longest wait, and how many doublings surpass it.
const LATE_US: u64 = 3_600_000_000;
const DOUBLINGS_MAX: u8 = 6;
/// Wait for what the device says that it does not have, or that we may not read.
const REFUSED_US: u64 = 1_800_000_000;
/// So many failures in a row of something that has worked before are asked again at once.
const TOLERANCE: u8 = 3;

/// How often something has failed, and until when it rests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retry {
    /// In a row.
    failures: u8,
    /// Of the last failure.
    cause: Option<Cause>,
    rests_until_us: u64,
    has_worked: bool,
}

impl Retry {
    /// Why it is not asked for now, if it is not.
    pub(super) fn rests(&self, now_us: u64) -> Option<Cause> {
        self.cause.filter(|_| now_us < self.rests_until_us)
    }

    pub(super) fn rests_until_us(&self) -> u64 {
        self.rests_until_us
    }

    /// The device has had it.
    pub(super) fn has_worked(&self) -> bool {
        self.has_worked
    }

    pub(super) fn failures(&self) -> u8 {
        self.failures
    }

    pub(super) fn worked(&mut self) {
        *self = Self { has_worked: true, ..Self::default() };
    }

    /// The device does not have it.
    pub(super) fn absent(&mut self, now_us: u64) {
        let rests_until_us = now_us.saturating_add(REFUSED_US);
        *self = Self { cause: Some(Cause::Unsupported), rests_until_us, ..Self::default() };
    }

    /// It failed; if it has worked before, some failures in a row are taken for bad luck.
    pub(super) fn failed(&mut self, cause: Cause, now_us: u64) {
        if self.has_worked && self.failures < TOLERANCE {
            self.failures += 1;
            self.cause = Some(cause);
        } else {
            self.failed_at_once(cause, now_us);
        }
    }

    /// It failed, and it is read rarely anyway: it rests from the first failure on.
    pub(super) fn failed_at_once(&mut self, cause: Cause, now_us: u64) {
        let spared = if self.has_worked { TOLERANCE } else { 0 };
        let doublings = self.failures.saturating_sub(spared).min(DOUBLINGS_MAX);
        let wait_us = match cause {
            Cause::Auth => REFUSED_US,
            _ => (SOON_US << doublings).min(LATE_US),
        };
        self.failures = self.failures.saturating_add(1);
        self.cause = Some(cause);
        self.rests_until_us = now_us.saturating_add(wait_us);
    }

    /// Something hints that it may work now.
    pub(super) fn hurry(&mut self) {
        self.rests_until_us = 0;
    }

    /// What was learned of failures counts no more.
    pub(super) fn forget(&mut self) {
        *self = Self { has_worked: self.has_worked, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long it rests after each of these failures, in minutes.
    fn rests(retry: &mut Retry, cause: Cause, failures: usize) -> Vec<u64> {
        let rest = |_| {
            retry.rests_until_us = 0;
            retry.failed(cause, 0);
            retry.rests_until_us / 60_000_000
        };
        (0..failures).map(rest).collect()
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let mut retry = Retry::default();
        assert_eq!(rests(&mut retry, Cause::Timeout, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(rests(&mut retry, Cause::Timeout, 300)[299], 60);
        assert_eq!(retry.rests(1), Some(Cause::Timeout));
        assert_eq!(retry.rests(LATE_US), None);
        retry.worked();
        assert_eq!(retry.rests(1), None);
    }

    #[test]
    fn what_has_worked_is_asked_again_at_once_for_a_while() {
        let mut retry = Retry::default();
        retry.worked();
        assert_eq!(rests(&mut retry, Cause::Malformed, 6), [0, 0, 0, 1, 2, 4]);
        retry.worked();
        retry.failed_at_once(Cause::Timeout, 0);
        assert_eq!(retry.rests_until_us(), SOON_US);
    }

    #[test]
    fn a_refusal_is_believed_for_half_an_hour() {
        assert_eq!(rests(&mut Retry::default(), Cause::Auth, 2), [30, 30]);
        // An error may pass.
        assert_eq!(rests(&mut Retry::default(), Cause::Unsupported, 2), [1, 2]);
        let mut retry = Retry::default();
        retry.worked();
        retry.absent(0);
        assert!(!retry.has_worked());
        assert_eq!(retry.rests(REFUSED_US - 1), Some(Cause::Unsupported));
        retry.hurry();
        assert_eq!((retry.rests(0), retry.failures()), (None, 0));
    }
}
