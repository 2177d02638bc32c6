//! Silences: stretches of time in which some streams of some alerts are not notified of.

use super::matching::Stream;
use crate::composite::matches;

/// A silence, as long as it matters: also for a day or so after its end, so that the end is seen.
///
/// Times are of the evaluation clock. A transition of event time `u` is judged as of the second its frontier came to it, `u` and the
/// delay of the alert: so an evaluator that is behind, or catches up after a restart, decides as one that was in time. If it is behind
/// when a silence is made, it may want to give the silence an earlier start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// A pattern of names of alerts.
    pub alert: String,
    /// A pattern of streams.
    pub stream: String,
    /// The first second.
    pub starts: i64,
    /// The first second after it.
    pub ends: i64,
}

impl Silence {
    /// Whether it is about a stream of an alert in this second of the evaluation clock.
    pub(super) fn covers(&self, alert: &str, stream: &Stream, clock: i64) -> bool {
        self.starts <= clock && clock < self.ends && self.is_of(alert) && self.is_about(stream.as_str())
    }

    /// Whether it is about streams of this alert.
    pub fn is_of(&self, alert: &str) -> bool {
        matches(&self.alert, alert)
    }

    /// Whether it is about this stream of such an alert.
    pub fn is_about(&self, stream: &str) -> bool {
        matches(&self.stream, stream)
    }
}
