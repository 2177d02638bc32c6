//! Alerts evaluated away from any server, on the machine that the server runs on: over made-up measurements for tests, and over the past.
//! Measurements in, states and notifications out, with reasons that people can follow. Pure; knows neither files nor HTTP.

mod backtest;
mod check;
mod compare;
mod composites;
mod coverage;
mod covered;
mod fidelity;
mod history;
mod judge;
#[cfg(test)]
mod past_tests;
mod reason;
mod run;
mod series;
mod subject;
mod sweep;
#[cfg(test)]
mod tests;
mod written;

pub use backtest::{Backtest, Incident, Totals, WARM_UP, backtest};
pub use check::check;
pub use compare::{Comparison, changed, compare};
pub use composites::worked_out;
pub use coverage::{Coverage, Gap};
pub use fidelity::{Fidelity, Known};
pub use history::{History, Span, Stretch};
pub use judge::{Failure, Verdict, judge};
pub use run::{Moments, Observation, Outcome, Script, run};
pub use series::{Given, series};
pub use subject::{Metric, Subject, subject};
pub use sweep::{Knob, Run, Sweep, check as check_sweeps, most_sensitive, sweep};
pub use written::flow;
