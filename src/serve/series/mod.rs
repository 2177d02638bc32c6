//! Measurements as they are kept: statistics, packed blocks, their ageing, and the reading of both journal and
//! blocks. Knows nothing of HTTP or of the two dialects of queries.

pub mod aggregate;
pub mod bytes;
pub mod damage;
#[cfg(test)]
mod damage_tests;
pub mod envelope;
pub mod frontier;
pub mod horizon;
pub mod pack;
pub mod table;
pub mod tier;
pub mod upkeep;
pub mod work;
