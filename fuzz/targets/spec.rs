//! Fuzzes `psg_api::properties::specs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_api::properties::specs(bytes));
