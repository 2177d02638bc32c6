//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.

pub mod diag;
pub mod load;
