//! The compatible server: over HTTP as any client sees it, against a model of it, and as a process in operation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

mod api;
#[cfg(all(unix, feature = "postgres"))]
mod cluster;
mod harness;
mod listing;
#[cfg(unix)]
mod ops;
mod pages;
mod query_figures;
mod serve_figures;
#[cfg(unix)]
#[path = "../support/server.rs"]
mod server;
#[cfg(unix)]
#[path = "../witnesses/sinks.rs"]
mod sinks;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../support/store.rs"]
mod store;
