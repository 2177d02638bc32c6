//! The Ruby files of lbrt; the law stands beside the reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| librato_apply::import::laws::ruby(text));
