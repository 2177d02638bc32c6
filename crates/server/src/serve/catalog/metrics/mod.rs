//! Metrics, which nearly everything else speaks of.

pub mod attributes;
pub mod kinds;
pub mod meta;
pub mod metric;
pub mod new;
pub mod table;
