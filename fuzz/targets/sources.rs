//! Fuzzes `psg_identity::properties::source_pages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::source_pages(bytes));
