//! The entities that several chapters of the API know: what they are, how they are read, merged, shown and kept. Answers no
//! route; chapters do not know each other.

pub mod alerting;
pub mod alerts;
pub mod cache;
pub mod metrics;
pub mod services;
pub mod sources;
pub mod spaces;
