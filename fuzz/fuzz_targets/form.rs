//! Form bodies and queries; the law stands beside the reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| librato_apply::serve::laws::form(bytes));
