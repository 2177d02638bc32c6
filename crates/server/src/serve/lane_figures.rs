//! What is counted of lanes, of the journal of a database and of its standbys, for the page of the server's figures.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::store::Condition;
use super::store::pressure::Level;

/// As of the last look.
#[derive(Debug, Default)]
pub struct LaneFigures {
    batches: Gauge,
    measurements: Gauge,
    seconds: Gauge<f64, AtomicU64>,
    retries: Gauge,
    settled: Family<Outcome, Gauge>,
    stale: Gauge,
    rows: Gauge,
    bytes: Gauge,
    oldest: Gauge,
    pressure: Gauge,
    standbys: Gauge<f64, AtomicU64>,
    lag: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl LaneFigures {
    pub fn register(&self, all: &mut Registry) {
        let help = "Batches that lanes have stored since the start; 0 where the data are in a file";
        all.register("lane_batches", help, self.batches.clone());
        all.register("lane_batch_measurements", "Measurements in these", self.measurements.clone());
        let help = "How long these took altogether, until they were durable";
        all.register_with_unit("lane_commit", help, Unit::Seconds, self.seconds.clone());
        let help = "Times that a batch did not go through, and was settled or sent again";
        all.register("lane_retries", help, self.retries.clone());
        let help = "Batches whose answer did not come, by what was found out: stored, not_stored (and sent again), or gone with its lane";
        all.register("lane_settled", help, self.settled.clone());
        let help = "Batches that were looked up anew, since metrics were deleted or changed meanwhile";
        all.register("lane_batches_stale", help, self.stale.clone());
        let help = "Rows of the journal of the database that are not compacted yet, of all servers";
        all.register("journal_rows", help, self.rows.clone());
        all.register_with_unit("journal_waiting", "What these hold", Unit::Bytes, self.bytes.clone());
        let help = "How long the oldest of these has waited";
        all.register_with_unit("journal_oldest", help, Unit::Seconds, self.oldest.clone());
        let help = "0 while little of it waits, 1 while measurements are stored more slowly (--journal-soft), 2 while they are refused (--journal-hard)";
        all.register("journal_pressure", help, self.pressure.clone());
        let help = "Standbys that have a commit before it is acknowledged; NaN where the data are in a file, or the user of the database may not know (pg_monitor)";
        all.register("database_synchronous_standbys", help, self.standbys.clone());
        let help = "How far the last of all standbys replays behind; NaN likewise";
        all.register_with_unit("database_replay_lag", help, Unit::Seconds, self.lag.clone());
    }

    pub fn look(&self, condition: &Condition) {
        let flow = &condition.flow;
        let count = |value: &AtomicU64| whole(value.load(Ordering::Relaxed));
        self.batches.set(count(&flow.batches));
        self.measurements.set(count(&flow.samples));
        self.seconds.set(flow.micros.load(Ordering::Relaxed) as f64 / 1e6);
        self.retries.set(count(&flow.retries));
        for (outcome, value) in [
            ("stored", &flow.settled.stored),
            ("not_stored", &flow.settled.not_stored),
            ("gone", &flow.settled.gone),
        ] {
            self.settled.get_or_create(&Outcome { outcome }).set(count(value));
        }
        self.stale.set(count(&flow.stale));
        let waiting = flow.waiting();
        self.rows.set(whole(waiting.rows));
        self.bytes.set(whole(waiting.bytes));
        self.pressure.set(match condition.pressure.level() {
            Level::Low => 0,
            Level::Soft => 1,
            Level::Hard => 2,
        });
        let standbys = condition.standbys.found().and_then(|found| Some((found.synchronous?, found.behind)));
        self.standbys.set(standbys.map_or(f64::NAN, |(synchronous, _)| synchronous as f64));
        self.lag.set(standbys.map_or(f64::NAN, |(_, behind)| behind as f64 / 1000.0));
        let now = condition.clock.now();
        self.oldest.set(waiting.oldest.map_or(0, |oldest| now.saturating_sub(oldest).max(0)));
    }
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
