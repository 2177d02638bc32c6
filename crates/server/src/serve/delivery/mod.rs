//! Delivery of notifications: what waits in the outbox goes to services, when, in which order and how often again.

mod decide;
pub mod define;
mod dispatch;
#[cfg(feature = "png")]
mod illustration;
mod log;
mod options;
mod outcome;
mod pace;
mod sending;
mod silencing;
mod table;
pub mod test;
#[cfg(test)]
mod tests;
mod undelivered;

pub use dispatch::Dispatcher;
pub use options::{NotifyOptions, Smtp};
pub use sending::{NotifyError, Sending, host_name};
