//! Fuzzes `psg_identity::properties::group_pages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::group_pages(bytes));
