//! Deliveries: what services are to be told, and what became of it.

pub mod delivery;
pub mod heard;
pub mod table;
pub mod unheard;
