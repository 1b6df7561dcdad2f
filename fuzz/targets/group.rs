//! Fuzzes `psg_identity::properties::one_group`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::one_group(bytes));
