//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.
pub mod remote;
pub mod wire;
