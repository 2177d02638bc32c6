//! The library for Rust programs and the client below it, against the real server and against services that answer oddly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

mod answers;
#[path = "../support/fault_proxy.rs"]
mod fault_proxy;
mod faults;
mod listing;
mod objects;
mod pauses;
mod secrecy;
#[path = "../support/upstream.rs"]
mod upstream;
