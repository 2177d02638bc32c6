//! Alerts: what they are, how they are kept, and what evaluation makes of them.

pub mod alert;
pub mod condition;
pub mod table;
pub mod watched;
