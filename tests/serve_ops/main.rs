//! The server in operation: limits, users, certificates, shutdown, hostile clients, sudden death. Drives the real
//! binary in a process of its own, on loopback; every test ends what it started.

#![cfg(all(feature = "serve", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests are tests to us.

mod access;
mod backup;
mod copies;
mod damage;
mod file;
mod hostile;
mod kill;
mod limits;
mod raw;
mod reload;
#[path = "../support/server.rs"]
mod server;
mod shutdown;
mod strangers;
mod tls;
