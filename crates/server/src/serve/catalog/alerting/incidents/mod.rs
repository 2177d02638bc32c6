//! Incidents as they are kept: when they opened and closed, and why.

pub mod incident;
pub mod table;
