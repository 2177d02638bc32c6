//! Our YAML; the law stands beside the reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| librato_apply::load::laws::yaml(text));
