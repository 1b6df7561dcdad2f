//! Fuzzes `psg_identity::properties::policy_holders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psg_identity::properties::policy_holders(bytes));
