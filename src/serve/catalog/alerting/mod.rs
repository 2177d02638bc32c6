//! What is kept of the evaluation of alerts, beside their definitions.

pub mod options;
