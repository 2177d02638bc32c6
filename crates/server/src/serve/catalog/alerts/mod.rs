//! Alerts: what they are, how they are kept, and what evaluation makes of them.

pub mod alert;
pub mod condition;
mod entity;
pub mod table;
pub mod watched;
