//! What the larger tests stand on: services to talk to, files to apply, and a way to spoil the connection.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // shared by tests, none of which uses all

pub mod breaks;
pub mod change_set;
pub mod dress;
pub mod fault_proxy;
pub mod generate;
pub mod oracle;
pub mod ownership;
pub mod ruler;
pub mod rules;
pub mod stand_in;
pub mod world;
