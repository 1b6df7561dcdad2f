//! Fuzzes `psg_identity::properties::request_ids`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::request_ids(bytes));
