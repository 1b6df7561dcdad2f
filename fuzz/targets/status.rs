//! Fuzzes `psg_api::properties::statuses`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_api::properties::statuses(bytes));
