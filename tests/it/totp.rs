//! An authenticator.

use data_encoding::BASE32_NOPAD;
use farwatch_common::clock::Clock;
use ring::hmac;

const STEP_US: i64 = 30_000_000;

pub(crate) struct Authenticator {
    seed: Vec<u8>,
    /// Of the last code.
    step: i64,
}

impl Authenticator {
    pub(crate) fn new(base32: &str) -> Self {
        Self { seed: BASE32_NOPAD.decode(base32.as_bytes()).unwrap(), step: 0 }
    }

    /// A code that was not used yet. Those of the steps before and after now count too: three can be
    /// used without waiting.
    pub(crate) fn code(&mut self) -> String {
        let here = Clock::system().now().0.div_euclid(STEP_US);
        self.step = (self.step + 1).max(here - 1);
        self.code_of(self.step)
    }

    /// RFC 6238, six digits.
    fn code_of(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.seed);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap());
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}
