//! Alerts evaluated away from any server, on the machine that the server runs on: made-up measurements for tests. Measurements in,
//! states and notifications out, with reasons that people can follow. Pure; knows neither files nor HTTP.

mod check;
mod composites;
mod coverage;
mod judge;
mod reason;
mod run;
mod series;
mod subject;
#[cfg(test)]
mod tests;
mod written;

pub use check::check;
pub use coverage::{Coverage, Gap};
pub use judge::{Failure, Verdict, judge};
pub use run::{Moments, Observation, Outcome, Script, run};
pub use series::{Given, series};
pub use subject::{Metric, Subject, subject};
pub use written::flow;
