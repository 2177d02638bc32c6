//! Laws of plan, apply and export over generated definitions, on services in this process; through faults and beside other runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

mod agreement;
mod export;
mod fault_matrix;
mod reconcile;
mod recreate;
mod rulers;
mod spaces;
#[path = "../support/mod.rs"]
mod support;
mod unknown;
mod writers;
