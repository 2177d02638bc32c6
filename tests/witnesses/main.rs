//! Witnesses from outside: other people's clients, python-librato, and our documentation, whose commands are run as they stand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

#[cfg(unix)]
mod alertmanager;
mod browser;
mod coming_from_python;
mod conformance;
mod junit;
mod manifests;
mod notifications;
#[cfg(unix)]
mod page;
#[cfg(unix)]
mod postfix;
mod prometheus;
mod promtool;
#[path = "../support/python_librato.rs"]
mod python_librato;
mod readme;
mod remote_read;
#[cfg(feature = "png")]
mod resvg;
#[path = "../support/server.rs"]
mod server;
mod sinks;
mod smtp;
#[cfg(unix)]
#[path = "../support/store.rs"]
mod store;
mod victoria;
