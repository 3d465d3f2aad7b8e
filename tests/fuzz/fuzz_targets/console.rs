//! See `tests/support/fuzz/history.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farwatch_fuzz::fuzz::console(input));
