//! What is counted of the evaluation of alerts, for the page of the server's figures.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::watch::Class;

/// Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct AlertFigures {
    pub evaluated: Gauge,
    pub streams: Gauge,
    pub pairs: Gauge,
    pub incidents: Gauge,
    pub opened: Counter,
    pub left_out: Gauge,
    pub clock_steps: Counter,
    pub catch_ups: Counter,
    pub failures: Counter,
    pub slowed: Counter,
    samples: Family<Arrived, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Arrived {
    class: &'static str,
}

impl AlertFigures {
    pub fn register(&self, all: &mut Registry) {
        all.register("alerts_evaluated", "Alerts that are evaluated", self.evaluated.clone());
        all.register("alert_streams", "Series that alerts watch", self.streams.clone());
        let help = "Streams that violate a condition, for long enough or not yet";
        all.register("alert_pairs", help, self.pairs.clone());
        all.register("alert_incidents_open", "Incidents that are open", self.incidents.clone());
        all.register("alert_incidents", "Incidents that opened since the start", self.opened.clone());
        let help = "Streams and composites that are not evaluated, being too many";
        all.register("alert_streams_left_out", help, self.left_out.clone());
        let help = "Measurements of series that alerts watch, by how they arrived: late, old and future ones count for no alert";
        all.register("alert_samples", help, self.samples.clone());
        let help = "Times that the clock jumped while alerts were evaluated";
        all.register("alert_clock_steps", help, self.clock_steps.clone());
        let help = "Times that the evaluation fell so far behind that it went on from what is stored";
        all.register("alert_catch_ups", help, self.catch_ups.clone());
        let help = "Failures of the evaluation since the start; each is in the log, and tried again";
        all.register("alert_evaluation_failures", help, self.failures.clone());
        let help = "Times that composites of alerts took too long and were evaluated less often";
        all.register("alert_composites_slowed", help, self.slowed.clone());
    }

    pub fn arrived(&self, class: Class, count: u64) {
        if count > 0 {
            self.samples.get_or_create(&Arrived { class: word(class) }).inc_by(count);
        }
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::InTime => "in_time",
        Class::Ahead => "ahead",
        Class::Behind => "behind",
        Class::Late => "late",
        Class::Old => "old",
        Class::Future => "future",
    }
}
