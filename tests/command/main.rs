//! The command line: the real binary with its exit codes and streams, most of it against a real server in a process of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // clippy.toml allows these in tests, not in what they share

mod alerting;
mod annotate;
mod backtest;
mod canary;
mod ci_recipes;
#[path = "../support/cli.rs"]
mod cli;
mod demo;
mod endpoints;
mod evidence;
mod examples;
#[path = "../support/fault_proxy.rs"]
mod fault_proxy;
mod get;
mod hostile;
mod import;
mod query;
mod reconcile;
mod rendering;
#[path = "../support/ruler.rs"]
mod ruler;
mod rulers;
mod saved;
#[path = "../support/server.rs"]
mod server;
mod spaces;
mod submit;
mod submit_faults;
mod test;
