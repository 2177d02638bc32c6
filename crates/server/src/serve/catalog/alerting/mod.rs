//! What is kept of the evaluation of alerts, beside their definitions: the clock, the states, incidents, deliveries, silences. Evaluates
//! nothing and sends nothing.

pub mod clock;
pub mod deliveries;
pub mod edits;
pub mod evaluation;
mod events;
pub mod incidents;
pub mod log;
mod meant;
pub mod options;
pub mod record;
pub mod restore;
pub mod silences;
pub mod standing;
pub mod states;
mod table;
mod terms;
#[cfg(test)]
mod tests;
