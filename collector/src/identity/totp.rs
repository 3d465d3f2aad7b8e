//! Core: second factors: codes by the time (RFC 6238: HMAC-SHA-1, 30 s, six digits, what every
//! authenticator knows) and recovery codes for who lost theirs. Random bytes and the time are given.

use std::fmt::Write as _;

use data_encoding::BASE32_NOPAD;
use farwatch_common::clock::Micros;
use farwatch_common::secret::Secret;
use ring::hmac;
use subtle::ConstantTimeEq as _;

use super::digest;

/// The length of HMAC-SHA-1's output, as RFC 4226 asks for.
pub const SEED_LEN: usize = 20;
const STEP_S: i64 = 30;
const DIGITS: usize = 6;
/// A code counts this many steps before and after its own: clocks differ, people type.
const SKEW_STEPS: i64 = 1;
const ISSUER: &str = "Farwatch";

pub const RECOVERY_CODES: usize = 10;
/// 80 bits: nobody tries them all, not even somebody who has the hashes.
pub const RECOVERY_LEN: usize = 10;
const RECOVERY_GROUP: usize = 4;

/// What an authenticator and the collector share.
#[derive(Debug)]
pub struct Seed(Secret);

impl Seed {
    #[must_use]
    pub fn new(random: &[u8; SEED_LEN]) -> Self {
        Self(Secret::new(random.to_vec()))
    }

    /// A seed as it was sealed; `None` if it is none.
    #[must_use]
    pub fn from_secret(secret: Secret) -> Option<Self> {
        (secret.expose().len() == SEED_LEN).then_some(Self(secret))
    }

    /// To be sealed.
    #[must_use]
    pub fn as_secret(&self) -> &Secret {
        &self.0
    }

    /// For people who type it.
    #[must_use]
    pub fn base32(&self) -> Secret {
        Secret::from(BASE32_NOPAD.encode(self.0.expose()))
    }

    /// For a QR code; `account` is an e-mail address.
    #[must_use]
    pub fn uri(&self, account: &str) -> Secret {
        let (account, seed) = (escaped(account), BASE32_NOPAD.encode(self.0.expose()));
        Secret::from(format!(
            "otpauth://totp/{ISSUER}:{account}?secret={seed}&issuer={ISSUER}\
             &algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
        ))
    }

    /// The step that `code` stands for, if it counts now and is later than `last_step`, the step of
    /// the last code that was used. Whoever stores it as the next `last_step` makes it count once.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Micros, last_step: i64) -> Option<i64> {
        let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let here = now.0.div_euclid(1_000_000 * STEP_S);
        let mut found = None;
        // All are compared, the last counts: a code that stands for two steps is not good twice.
        for step in here - SKEW_STEPS..=here + SKEW_STEPS {
            let right = bool::from(self.code(step).as_bytes().ct_eq(typed.as_bytes()));
            if right && step > last_step {
                found = Some(step);
            }
        }
        found
    }

    /// What an authenticator shows.
    #[cfg(test)]
    pub(crate) fn code_at(&self, now: Micros) -> String {
        self.code(now.0.div_euclid(1_000_000 * STEP_S))
    }

    fn code(&self, step: i64) -> String {
        let number = self.number(step) % 10_u32.pow(DIGITS as u32);
        format!("{number:0DIGITS$}")
    }

    /// 31 bits of the code's HMAC (RFC 4226, 5.3).
    fn number(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref().last().copied().unwrap_or_default() & 15);
        let picked = tag.as_ref().iter().skip(at).take(4);
        picked.fold(0, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff
    }
}

/// Codes that count once each, in groups of four letters; only their hashes are stored.
#[must_use]
pub fn recovery_codes(
    random: &[[u8; RECOVERY_LEN]; RECOVERY_CODES],
) -> [(Secret, [u8; 32]); RECOVERY_CODES] {
    random.map(|bytes| {
        let letters = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
        let mut text = String::new();
        for (index, letter) in letters.chars().enumerate() {
            if index > 0 && index % RECOVERY_GROUP == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        (Secret::from(text), digest(&bytes))
    })
}

/// The hash of a recovery code that was typed, however it is spaced; `None` if it cannot be one.
#[must_use]
pub fn recovery_hash(typed: &str) -> Option<[u8; 32]> {
    let is_part = |c: &char| !c.is_whitespace() && *c != '-';
    let letters: String = typed.chars().filter(is_part).collect();
    let bytes = BASE32_NOPAD.decode(letters.to_ascii_uppercase().as_bytes()).ok()?;
    (bytes.len() == RECOVERY_LEN).then(|| digest(&bytes))
}

/// RFC 3986: everything but the unreserved characters by its bytes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(secret: &Secret) -> &str {
        str::from_utf8(secret.expose()).unwrap()
    }

    fn at(second: i64) -> Micros {
        Micros(second * 1_000_000)
    }

    /// RFC 6238, appendix B; ours are the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let seed = Seed::new(b"12345678901234567890");
        for (second, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = second / STEP_S;
            assert_eq!(format!("{:08}", seed.number(step) % 100_000_000), code, "{second}");
            assert_eq!(seed.step_of(&code[2..], at(second), 0), Some(step), "{second}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let seed = Seed::new(&[7; SEED_LEN]);
        let (now, code) = (at(900), seed.code(30));
        let (three, others) = code.split_at(3);
        assert_eq!(seed.step_of(&format!(" {three} {others}\n"), now, 0), Some(30));
        for bad in ["", "0", three, &code[1..], &format!("{code}0"), &format!("0{code}"), "١٢٣٤٥٦"]
        {
            assert_eq!(seed.step_of(bad, now, 0), None, "{bad}");
        }
        // Before 1970 there are no codes, and no panic.
        assert_eq!(seed.step_of(&code, Micros(i64::MIN), 0), None);
        assert_eq!(seed.step_of(&code, Micros(i64::MAX), 0), None);
    }

    #[test]
    fn the_secret_has_two_forms() {
        let seed = Seed::new(b"12345678901234567890");
        assert_eq!(text(&seed.base32()), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            text(&seed.uri("a+b@example.net")),
            "otpauth://totp/Farwatch:a%2Bb%40example.net?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Farwatch&algorithm=SHA1&digits=6&period=30"
        );
        let sealed = seed.as_secret().clone();
        assert_eq!(Seed::from_secret(sealed).unwrap().code(1), seed.code(1));
        assert!(Seed::from_secret(Secret::from("short")).is_none());
        assert!(!format!("{seed:?}").contains("49"), "{seed:?}");
    }

    #[test]
    fn recovery_codes_are_known_however_they_are_typed() {
        let mut random = [[0; RECOVERY_LEN]; RECOVERY_CODES];
        for (index, bytes) in random.iter_mut().enumerate() {
            bytes[index] = 0xa5;
        }
        let codes = recovery_codes(&random);
        assert_eq!(text(&codes[0].0), "uuaa-aaaa-aaaa-aaaa");
        for (code, hash) in &codes {
            let code = text(code);
            let forms = [code.to_owned(), code.to_uppercase(), code.replace('-', " ")];
            for form in forms {
                assert_eq!(recovery_hash(&form), Some(*hash), "{form}");
            }
            assert_eq!(recovery_hash(&code[1..]), None);
            assert_eq!(recovery_hash(&format!("{code}aaaa")), None);
        }
        assert_eq!(recovery_hash("0189-0189-0189-0189"), None);
        let hashes: std::collections::BTreeSet<_> = codes.iter().map(|(_, hash)| hash).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
    }

    proptest! {
        #[test]
        fn a_code_counts_near_its_step_and_once(
            random: [u8; SEED_LEN],
            step in 2_i64..1 << 36,
            late_s in -200_i64..200,
        ) {
            let seed = Seed::new(&random);
            let (code, now) = (seed.code(step), at(step * STEP_S + late_s));
            let here = step + late_s.div_euclid(STEP_S);
            let near = (here - SKEW_STEPS..=here + SKEW_STEPS).contains(&step);
            let found = seed.step_of(&code, now, 0);
            // Another step may have the same code by chance.
            prop_assert!(!near || found >= Some(step));
            if let Some(found) = found {
                prop_assert_eq!(seed.code(found), code.clone());
                prop_assert!((here - found).abs() <= SKEW_STEPS);
                prop_assert_eq!(seed.step_of(&code, now, found), None);
                prop_assert_eq!(seed.step_of(&code, now, found - 1), Some(found));
            }
        }
    }
}
