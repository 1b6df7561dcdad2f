//! Fuzzes `psg_identity::properties::retry_afters`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::retry_afters(bytes));
