//! Fuzzes `psg_identity::properties::token_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::token_answer(bytes));
