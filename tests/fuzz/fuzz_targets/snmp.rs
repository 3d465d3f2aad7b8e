//! See `tests/support/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farwatch_fuzz::fuzz::snmp(input));
