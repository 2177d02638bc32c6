//! The compatible server, and what it notifies. `librato-apply` hands it on as `librato_apply::serve`.

use librato_apply_core::{chart, composite, diag, pattern, picture, watch, wire};

#[doc(hidden)]
pub mod notify;
pub mod serve;

/// What is committed for a fuzz target: where to begin, and what once failed.
#[cfg(test)]
fn fuzz_inputs(target: &str) -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/inputs");
    let directory = std::path::Path::new(directory).join(target);
    let files =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "{} is empty", directory.display());
    inputs
}
