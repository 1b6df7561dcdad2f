//! Fuzzes `psg_identity::properties::total_counts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::total_counts(bytes));
