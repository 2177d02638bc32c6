//! Definitions and plans as values: files that are read, checked and compared, without a service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

#[cfg(feature = "cli")]
mod bad_cases;
mod cases;
mod chart_cases;
mod composite_places;
#[cfg(feature = "cli")]
mod render;
#[cfg(feature = "cli")]
mod schemas;
mod yaml_rules;
