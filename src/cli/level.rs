//! The level of the log of a running server, which is set again while it runs.

use tracing_subscriber::filter::LevelFilter;

/// Sets what the log of a running server holds.
pub type SetLevel = Box<dyn Fn(LevelFilter) + Send + Sync>;
