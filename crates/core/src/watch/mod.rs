//! Alerts as a machine: values in, transitions and notices out. Conditions, the runs of their streams, incidents, re-arm, silences.
//! Pure and deterministic; knows neither the API nor files nor clocks. Whoever drives it says what second it is.
//!
//! A measurement passes through three stages:
//!
//! 1. [`Incoming`], one for each series: samples of one second become a [`Point`], which is *closed* when no sample can change it
//!    any more, and gets its one *event time* `u` ([`Timing`] has the rules).
//! 2. A [`Condition`] makes a [`Reading`] of it: of which stream, with which value. With grouped tags, [`Groups`] merges the points of
//!    all members first. Composites come in as readings.
//! 3. [`AlertState::advance`] applies the readings of one alert up to its *frontier*, the second no reading can come before any more,
//!    and gives back what happened as [`Transition`]s.
//!
//! [`Feed`] is all three for one alert, which is what an offline evaluation needs; a server shares the first stage among alerts.
//!
//! Order decides everything and is fixed: event time `u`, then time `t`, then stream. What is decided, is decided when all
//! readings of one (`u`, `t`) have been applied, so that of a hundred streams that cross in one second all are in the
//! notification, and none flaps on account of its name. At one second, readings come before deadlines, and deadlines before
//! notifications that are due.

mod agenda;
mod alert;
mod arrival;
mod condition;
mod decide;
mod edit;
mod feed;
mod group;
mod incident;
mod incoming;
mod matching;
mod notation;
mod notice;
mod outage;
mod pair;
mod point;
mod saved;
mod silence;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod tracks;

pub use alert::{Alert, Settings};
pub use arrival::{Class, Timing};
pub use condition::{Condition, Function, Kind, Shape, Test};
pub use feed::Feed;
pub use group::Groups;
pub use incident::Incident;
pub use incoming::{Incoming, Rule};
pub use matching::{Series, Stream, Streams, Tag, streams_of};
pub use notation::{NotationError, values};
pub use notice::{How, Message, Notice, Transition, Violation, incident_key};
pub use outage::Outage;
pub use pair::Status;
pub use point::{Before, Point, Reading, Sample};
pub use saved::{Page, Unreadable};
pub use silence::Silence;
pub use state::{AlertState, Context};
