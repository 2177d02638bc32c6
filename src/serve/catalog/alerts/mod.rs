//! Alerts: what they are, how they are kept, and what evaluation makes of them.

pub mod alert;
pub mod condition;
pub mod table;
// Nobody evaluates yet.
#[allow(dead_code)]
pub mod watched;
