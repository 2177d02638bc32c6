//! What is kept of the evaluation of alerts, beside their definitions: the clock, the states, incidents, deliveries, silences. Evaluates
//! nothing and sends nothing.

pub mod clock;
pub mod deliveries;
mod events;
pub mod incidents;
pub mod options;
pub mod record;
pub mod silences;
pub mod states;
mod table;
#[cfg(test)]
mod tests;
