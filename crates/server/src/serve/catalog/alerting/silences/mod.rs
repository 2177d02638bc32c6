//! Silences: whose notifications are not sent for a time, and why.

pub mod silence;
pub mod table;
pub mod withdraw;
