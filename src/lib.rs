//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.

pub mod composite;
pub mod diag;
pub mod diff;
pub mod load;
pub mod model;
pub mod remote;
pub mod plan;
pub mod resolve;
pub mod wire;
