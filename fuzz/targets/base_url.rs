//! Fuzzes `psg_identity::properties::base_urls`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::base_urls(bytes));
