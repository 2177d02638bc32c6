//! Requests of Prometheus' remote read; the law stands beside the reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| librato_apply::serve::laws::remote_read(bytes));
