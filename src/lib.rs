//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.

#[cfg(feature = "serve")]
pub mod serve;
