//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.

pub mod apply;
pub mod composite;
pub mod diag;
pub mod diff;
pub mod load;
pub mod model;
pub mod plan;
pub mod remote;
pub mod render;
pub mod resolve;
pub mod wire;
