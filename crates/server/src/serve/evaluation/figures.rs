//! What the evaluation counts about itself, and what it says of it in the log.

use std::collections::BTreeMap;

use crate::serve::telemetry::Telemetry;
use crate::watch::{Class, Stream, Transition};

/// A class of samples that count for no alert is told of once in so many seconds.
const LOG_EVERY: i64 = 3_600;

/// Counted here first: there are hundreds of thousands a second.
#[derive(Debug)]
pub struct Figures {
    telemetry: Telemetry,
    classes: BTreeMap<Class, u64>,
    told: BTreeMap<Class, i64>,
    in_time: u64,
    left_out: usize,
}

impl Figures {
    pub fn new(telemetry: Telemetry) -> Figures {
        Figures { telemetry, classes: BTreeMap::new(), told: BTreeMap::new(), in_time: 0, left_out: 0 }
    }

    /// A sample of a series that is watched. Whether its class is to be told of.
    pub fn arrived(&mut self, class: Class, now: i64) -> bool {
        if class == Class::InTime {
            self.in_time += 1;
            return false;
        }
        *self.classes.entry(class).or_default() += 1;
        let due = !class.counts() && self.told.get(&class).is_none_or(|told| now - told >= LOG_EVERY);
        if due {
            self.told.insert(class, now);
        }
        due
    }

    /// Says that samples of a class count for no alert.
    pub fn tell(class: Class, metric: &str, stream: &Stream) {
        let why = match class {
            Class::Late => "came after a later one of its series was judged",
            Class::Old => "was too old",
            _ => "was too far ahead of the clock",
        };
        tracing::info!(target: "librato_apply::serve", "a measurement of {metric} from {stream} {why}: it is stored and counts for no alert; the next such will be told of in an hour");
    }

    pub fn stepped(&self) {
        self.telemetry.alerts().clock_steps.inc();
    }

    pub fn caught_up(&self) {
        self.telemetry.alerts().catch_ups.inc();
    }

    pub fn failed(&self) {
        self.telemetry.alerts().failures.inc();
    }

    pub fn slowed(&self) {
        self.telemetry.alerts().slowed.inc();
    }

    /// Streams, or composites, that are not evaluated since there are too many.
    pub fn left_out(&mut self, streams: usize) {
        if streams > 0 && self.left_out == 0 {
            tracing::error!(target: "librato_apply::serve", "alerts watch more streams than are evaluated: the rest counts for none of them");
        }
        self.left_out += streams;
    }

    pub fn happened(&self, transitions: &[Transition]) {
        let opened = transitions.iter().filter(|one| matches!(one, Transition::Opened { .. })).count();
        self.telemetry.alerts().opened.inc_by(opened as u64);
    }

    /// Shows how things stand at the end of a round.
    pub fn show(&mut self, standing: &Standing) {
        let alerts = self.telemetry.alerts();
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        alerts.evaluated.set(gauge(standing.alerts));
        alerts.streams.set(gauge(standing.streams));
        alerts.pairs.set(gauge(standing.pairs));
        alerts.incidents.set(gauge(standing.incidents));
        alerts.left_out.set(gauge(self.left_out + standing.left_out));
        alerts.arrived(Class::InTime, std::mem::take(&mut self.in_time));
        for (class, count) in std::mem::take(&mut self.classes) {
            alerts.arrived(class, count);
        }
        self.telemetry.evaluated(standing.ran, standing.behind);
    }
}

/// How things stand.
#[derive(Debug, Default)]
pub struct Standing {
    pub alerts: usize,
    pub streams: usize,
    /// Streams that are pending or met.
    pub pairs: usize,
    /// Composites that are too many.
    pub left_out: usize,
    /// Open ones.
    pub incidents: usize,
    /// The time run, in milliseconds, and how far the evaluation is behind what is stored.
    pub ran: i64,
    pub behind: std::time::Duration,
}
