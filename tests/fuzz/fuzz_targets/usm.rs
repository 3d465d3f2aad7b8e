//! See `farwatch_support::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farwatch_support::fuzz::usm(input));
