//! The server in operation: limits, users, certificates, shutdown, hostile clients, sudden death. Drives the real
//! binary in a process of its own, on loopback; every test ends what it started.

mod access;
mod backup;
mod config;
mod copies;
mod damage;
mod file;
mod handed;
mod hostile;
pub mod kill;
mod kill_alerts;
mod kill_migration;
mod limits;
mod notified;
mod raw;
mod reload;
mod retention;
mod shutdown;
mod snapshots;
mod strangers;
mod tls;
mod unwritten;
