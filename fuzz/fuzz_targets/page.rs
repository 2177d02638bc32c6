//! Pages of the data file, behind a sound checksum; the law stands beside the readers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| librato_apply::serve::laws::page(bytes));
