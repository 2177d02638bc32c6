//! Definitions as rules of Prometheus and configuration of Alertmanager, with a statement for each object of how far they mean the
//! same: exactly, approximately for reasons that are named, or not at all. Pure: definitions in, texts and a report out.
//!
//! Expressions are a tree with a printer, never strings (`promql/`). What an alert means is what [`crate::watch`] does; the tests hold
//! the two against each other on Prometheus itself.

mod alerts;
mod composites;
mod conditions;
mod definition;
mod each;
mod fidelity;
mod history;
mod leaves;
mod levels;
mod lines;
mod mapping;
mod names;
mod points;
mod probes;
mod promql;
mod reader;
mod receivers;
mod render;
mod report;
mod routes;
mod rule;
mod settings;
mod streams;
pub mod subtree;
mod testing;
#[cfg(test)]
mod tests;
mod trials;
mod unused;
mod yaml;

pub use definition::{DEFINITION, Definition, comment_of};
pub use history::{Fired, Manner, Question, Read, fired, firing, notified};
pub use mapping::recorded;
pub use promql::duration;
pub use receivers::SECRET;
pub use render::{ALERTMANAGER, Rendering, render};
pub use report::{
    Counts, LeftOut, Output, Report, ReportedEvidence, ReportedObject, ReportedPlace, ReportedReason,
    ReportedTests, SecretFile, Standing,
};
pub use settings::{Given, Settings};
pub use testing::Tests;
pub use unused::unused;
pub use yaml::HEADER;
