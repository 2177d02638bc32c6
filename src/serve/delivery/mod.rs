//! Delivery of notifications: what waits in the outbox goes to services.

mod options;

pub use options::{NotifyOptions, Smtp};
