//! Fuzzes `psg_identity::properties::refusals`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::refusals(bytes));
