//! What the server counts about itself, as a page that Prometheus reads.
//! Labels come from fixed sets only: a client cannot make the page grow.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::alert_figures::AlertFigures;
use super::cluster_figures::ClusterFigures;
use super::health::{Pulse, Verdict};
use super::lane_figures::LaneFigures;
use super::store::Condition;
use super::troubles::{Said, Troubles};

/// Upper bounds in seconds: commits on a slow disk take tens of milliseconds, an oversized request seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The counters of one server; clones share them.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    measurements: Counter,
    in_flight: Gauge,
    memory: Gauge,
    connections: Gauge,
    shed: Family<Reason, Counter>,
    limited: Counter,
    copy: Gauge,
    stored: Stored,
    lanes: LaneFigures,
    watch: Watch,
    lost_states: Counter,
    outbox: Outbox,
    alerts: AlertFigures,
    cluster: ClusterFigures,
}

/// What waits for services, and what became of it.
#[derive(Default)]
struct Outbox {
    deliveries: Family<Delivery, Counter>,
    waiting: Gauge,
    oldest: Gauge,
    circuits: Gauge,
    open: Mutex<BTreeMap<i64, Circuit>>,
    troubles: Mutex<Troubles>,
    undelivered: Gauge,
}

/// A service that failed so often that it is only probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    /// The second in which that began.
    pub since: i64,
    /// The second of the next attempt, at the earliest.
    pub next: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    r#type: &'static str,
    outcome: String,
}

impl Outbox {
    fn register(&self, all: &mut Registry) {
        let help =
            "Notifications by type of service and what became of them; retried ones are not at their end";
        all.register("deliveries", help, self.deliveries.clone());
        all.register("deliveries_waiting", "Notifications that wait to be sent", self.waiting.clone());
        let help = "How long the notification has waited that has waited longest";
        all.register_with_unit("delivery_oldest_waiting", help, Unit::Seconds, self.oldest.clone());
        let help = "Services that failed so often in a row that they are only probed";
        all.register("delivery_circuits_open", help, self.circuits.clone());
        let help = "Notifications that were tried or given up and did not arrive, of services that have not taken anything since";
        all.register("notifications_undelivered", help, self.undelivered.clone());
    }
}

/// What alerts need, as the parts that do it say: each the moment, in milliseconds of the clock that only goes on, up to
/// which its work is done. So it falls behind by itself where a part is stuck.
struct Watch {
    evaluation: Mark,
    delivery: Mark,
    lag: Gauge<f64, AtomicU64>,
    waiting: Gauge<f64, AtomicU64>,
    heartbeats: Family<Outcome, Counter>,
    last: Mutex<Heartbeats>,
    healthy: Gauge,
    warnings: Gauge,
}

/// The last calls of the heartbeat's address, in epoch seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeats {
    /// When it was called and answered.
    pub answered: Option<i64>,
    /// When it was called, or would have been.
    pub tried: Option<i64>,
    /// What went wrong when it was called last.
    pub failure: Option<String>,
}

/// Up to when something is done; or that it is not to be done, or has not begun.
struct Mark(AtomicI64);

const OFF: i64 = i64::MIN;
const SILENT: i64 = i64::MIN + 1;

impl Mark {
    fn set(&self, ran: i64, behind: Duration) {
        let behind = i64::try_from(behind.as_millis()).unwrap_or(i64::MAX);
        self.0.store(ran.saturating_sub(behind).max(SILENT + 1), Ordering::Relaxed);
    }

    fn pulse(&self, ran: i64) -> Pulse {
        match self.0.load(Ordering::Relaxed) {
            OFF => Pulse::Off,
            SILENT => Pulse::Silent,
            done => Pulse::Behind(Duration::from_millis(ran.saturating_sub(done).try_into().unwrap_or(0))),
        }
    }
}

/// What is known of the data file, as of the last look.
#[derive(Default)]
struct Stored {
    writable: Gauge,
    data: Gauge,
    limit: Gauge,
    damaged: Gauge,
    blocks: Gauge,
    retention: Family<Kept, Gauge>,
    dropped: Gauge,
    clock_ahead: Gauge,
    clock_doubted: Gauge,
    failures: Gauge,
    history_dropped: Gauge,
    repeats: Gauge,
    breaks: Gauge,
    settled: Family<Outcome, Gauge>,
    waits: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Seconds between points of a tier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kept {
    tier: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut inner = Inner {
            registry: Registry::with_prefix("librato_apply"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            measurements: Counter::default(),
            in_flight: Gauge::default(),
            memory: Gauge::default(),
            connections: Gauge::default(),
            shed: Family::default(),
            limited: Counter::default(),
            copy: Gauge::default(),
            stored: Stored::default(),
            lanes: LaneFigures::default(),
            watch: Watch::default(),
            lost_states: Counter::default(),
            outbox: Outbox::default(),
            alerts: AlertFigures::default(),
            cluster: ClusterFigures::default(),
        };
        inner.register();
        Telemetry { inner: Arc::new(inner) }
    }
}

impl Inner {
    fn register(&mut self) {
        let all = &mut self.registry;
        all.register("requests", "Requests answered", self.requests.clone());
        let help = "Time until the head of the answer";
        all.register_with_unit("request_duration", help, Unit::Seconds, self.seconds.clone());
        all.register("measurements", "Measurements stored durably", self.measurements.clone());
        all.register("requests_in_flight", "Requests being worked on", self.in_flight.clone());
        let help = "Memory set aside for the bodies and answers of these requests";
        all.register_with_unit("request_memory", help, Unit::Bytes, self.memory.clone());
        all.register("connections", "Open connections", self.connections.clone());
        let help = "Requests turned away with 503 because the server was full";
        all.register("requests_shed", help, self.shed.clone());
        all.register("requests_rate_limited", "Requests turned away with 429", self.limited.clone());
        let help =
            "1 while the data file is a copy that nobody adopted: it neither notifies nor knows old sessions";
        all.register("unadopted_copy", help, self.copy.clone());
        let help =
            "States of alerts that could not be read, so that the alerts began as if they were made then";
        all.register("alert_states_lost", help, self.lost_states.clone());
        self.stored.register(all);
        self.lanes.register(all);
        self.watch.register(all);
        self.outbox.register(all);
        self.alerts.register(all);
        self.cluster.register(all);
    }
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            evaluation: Mark(AtomicI64::new(OFF)),
            delivery: Mark(AtomicI64::new(OFF)),
            lag: Gauge::default(),
            waiting: Gauge::default(),
            heartbeats: Family::default(),
            last: Mutex::default(),
            healthy: Gauge::default(),
            warnings: Gauge::default(),
        }
    }
}

impl Watch {
    fn register(&self, all: &mut Registry) {
        let help = "How far the evaluation of alerts is behind what is stored; NaN where none takes place";
        all.register_with_unit("alert_evaluation_lag", help, Unit::Seconds, self.lag.clone());
        let help = "How long the notification that waits longest for its first attempt has been due; NaN where none are sent";
        all.register_with_unit("notification_wait", help, Unit::Seconds, self.waiting.clone());
        let help = "Calls of the heartbeat's address: answered, failed, or left out because a check failed";
        all.register("heartbeats", help, self.heartbeats.clone());
        let help = "Whether no check of GET /v1/health fails";
        all.register("healthy", help, self.healthy.clone());
        let help = "Checks of GET /v1/health that warn: notifications do not arrive, and the far end is the cause, or the data are near their limit";
        all.register("health_warnings", help, self.warnings.clone());
    }

    fn look(&self, ran: i64, verdict: &Verdict) {
        let seconds = |mark: &Mark| match mark.pulse(ran) {
            Pulse::Off | Pulse::Silent => f64::NAN,
            Pulse::Behind(time) => time.as_secs_f64(),
        };
        self.lag.set(seconds(&self.evaluation));
        self.waiting.set(seconds(&self.delivery));
        self.healthy.set(verdict.failures().is_none().into());
        self.warnings.set(i64::try_from(verdict.warnings()).unwrap_or(i64::MAX));
    }
}

impl Stored {
    fn register(&self, all: &mut Registry) {
        all.register(
            "file_writable",
            "Whether data can be stored, in the file or in the database",
            self.writable.clone(),
        );
        let help = "What the data take in their file, without its free pages, or in their database";
        all.register_with_unit("data", help, Unit::Bytes, self.data.clone());
        let help = "What they may take (--max-disk); 0 where nothing limits them";
        all.register_with_unit("data_limit", help, Unit::Bytes, self.limit.clone());
        let help = "Pages and rows of the journal that were damaged and are set aside";
        all.register("damaged", help, self.damaged.clone());
        let help = "Blocks of an older version in the data file that are still to become pages";
        all.register("blocks_to_migrate", help, self.blocks.clone());
        let help =
            "For how long measurements are kept (--retention), by the seconds between the points of a tier";
        all.register_with_unit("retention", help, Unit::Seconds, self.retention.clone());
        let help = "Points dropped since the start, being older than what is kept";
        all.register("points_dropped", help, self.dropped.clone());
        let help = "How far the clock is ahead of the last time seen and the time run since";
        all.register_with_unit("clock_ahead", help, Unit::Seconds, self.clock_ahead.clone());
        let help = "Whether measurements do not age by the clock, which is too far off";
        all.register("clock_doubted", help, self.clock_doubted.clone());
        let help = "Steps of the maintenance that failed since the start";
        all.register("maintenance_failures", help, self.failures.clone());
        let help =
            "Incidents and deliveries that were deleted before their time, to keep their history small";
        all.register("alert_history_dropped", help, self.history_dropped.clone());
        let help = "Transactions that were done again, since others came in between";
        all.register("database_repeats", help, self.repeats.clone());
        let help = "Transactions whose connection to the database broke";
        all.register("database_breaks", help, self.breaks.clone());
        let help = "Transactions whose commit was not answered, by what was found out: stored, or not_stored (and done again)";
        all.register("database_settled", help, self.settled.clone());
        let help = "Transactions that had to wait until one of the connections to the database was free";
        all.register("database_waits", help, self.waits.clone());
    }

    fn look(&self, condition: &Condition) {
        let count = |value: &AtomicU64| i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        self.writable.set(condition.trouble().is_none().into());
        let bytes = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.data.set(bytes(condition.room.used()));
        self.limit.set(bytes(condition.room.most().unwrap_or(0)));
        self.damaged.set(condition.damaged.load(Ordering::Relaxed));
        self.blocks.set(condition.blocks.load(Ordering::Relaxed).max(0));
        for (tier, kept) in condition.aging().retention.tiers() {
            self.retention.get_or_create(&Kept { tier: tier.resolution }).set(kept);
        }
        self.dropped.set(count(&condition.dropped));
        self.clock_ahead.set(condition.clock_ahead.load(Ordering::Relaxed));
        self.clock_doubted.set(condition.clock_doubted.load(Ordering::Relaxed));
        self.failures.set(count(&condition.failures));
        self.history_dropped.set(count(&condition.history_dropped));
        self.repeats.set(count(&condition.repeats));
        self.breaks.set(count(&condition.breaks));
        let settled = &condition.settled;
        for (outcome, value) in [("stored", &settled.stored), ("not_stored", &settled.not_stored)] {
            self.settled.get_or_create(&Outcome { outcome }).set(count(value));
        }
        self.waits.set(count(&condition.waits));
    }
}

impl Telemetry {
    pub(super) fn answered(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let route = route.unwrap_or("none").to_owned();
        self.inner.seconds.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        let request = Request { method: known(method), route, status: status.as_u16() };
        self.inner.requests.get_or_create(&request).inc();
    }

    /// Counts the states of alerts that could not be read.
    pub(super) fn lost_states(&self) -> Counter {
        self.inner.lost_states.clone()
    }

    pub(super) fn stored(&self, measurements: usize) {
        self.inner.measurements.inc_by(measurements as u64);
    }

    pub(super) fn entered(&self) {
        self.inner.in_flight.inc();
    }

    pub(super) fn claimed(&self, bytes: usize) {
        self.inner.memory.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A request gave back `bytes` that it had claimed.
    pub(super) fn released(&self, bytes: usize) {
        self.inner.memory.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A request ended.
    pub(super) fn left(&self) {
        self.inner.in_flight.dec();
    }

    pub(super) fn shed(&self, reason: &'static str) {
        self.inner.shed.get_or_create(&Reason { reason }).inc();
    }

    pub(super) fn limited(&self) {
        self.inner.limited.inc();
    }

    pub(super) fn serves_copy(&self, unadopted: bool) {
        self.inner.copy.set(unadopted.into());
    }

    pub(super) fn connected(&self) {
        self.inner.connections.inc();
    }

    pub(super) fn disconnected(&self) {
        self.inner.connections.dec();
    }

    /// Alerts are to be evaluated; until [`Telemetry::evaluated`] is called that counts as failed.
    pub(super) fn evaluates(&self) {
        self.inner.watch.evaluation.0.store(SILENT, Ordering::Relaxed);
    }

    /// The evaluation was `behind` what is stored when the server had run for `ran` milliseconds. To be called on every round,
    /// also when there was nothing to do: from then on the lag grows by itself.
    pub(super) fn evaluated(&self, ran: i64, behind: Duration) {
        self.inner.watch.evaluation.set(ran, behind);
    }

    /// Whether alerts are evaluated, or are to be.
    pub fn is_evaluating(&self) -> bool {
        self.inner.watch.evaluation.0.load(Ordering::Relaxed) != OFF
    }

    /// What is counted of the evaluation of alerts.
    pub(super) fn alerts(&self) -> &AlertFigures {
        &self.inner.alerts
    }

    /// What is counted of servers over one database.
    pub(super) fn cluster(&self) -> &ClusterFigures {
        &self.inner.cluster
    }

    /// Notifications are to be sent; until [`Telemetry::delivered`] is called that counts as failed.
    pub(super) fn delivers(&self) {
        self.inner.watch.delivery.0.store(SILENT, Ordering::Relaxed);
    }

    /// The due delivery that has waited longest for its *first* attempt had waited for `waiting` when the server had run for
    /// `ran` milliseconds; nothing where none waits. To be called once a minute at least, also when nothing is due.
    pub(super) fn delivered(&self, ran: i64, waiting: Duration) {
        self.inner.watch.delivery.set(ran, waiting);
    }

    /// What became of `count` deliveries to services of a type.
    pub(super) fn delivery(&self, kind: &'static str, outcome: &str, count: usize) {
        let labels = Delivery { r#type: kind, outcome: outcome.to_owned() };
        self.inner.outbox.deliveries.get_or_create(&labels).inc_by(count as u64);
    }

    /// What waits now, for how long the oldest of it has, and which services are only probed.
    pub(super) fn outbox(&self, waiting: i64, oldest: Duration, circuits: BTreeMap<i64, Circuit>) {
        let outbox = &self.inner.outbox;
        outbox.waiting.set(waiting);
        outbox.oldest.set(i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX));
        outbox.circuits.set(i64::try_from(circuits.len()).unwrap_or(i64::MAX));
        *outbox.open.lock() = circuits;
    }

    /// The services that are only probed, by their ids.
    pub(super) fn circuits(&self) -> BTreeMap<i64, Circuit> {
        self.inner.outbox.open.lock().clone()
    }

    /// What keeps notifications from arriving.
    pub(super) fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.inner.outbox.troubles.lock()
    }

    /// The same in words.
    pub(super) fn said(&self) -> Vec<Said> {
        let open = self.circuits();
        self.troubles().said(|service| open.contains_key(&service))
    }

    /// How far evaluation and delivery are behind when the server has run for `ran` milliseconds.
    pub(super) fn pulses(&self, ran: i64) -> (Pulse, Pulse) {
        (self.inner.watch.evaluation.pulse(ran), self.inner.watch.delivery.pulse(ran))
    }

    /// A minute of the heartbeat passed: its address answered, failed for a reason, or was not called since something is wrong.
    pub(super) fn heartbeat(&self, now: i64, outcome: Result<(), Option<String>>) {
        let word = match &outcome {
            Ok(()) => "answered",
            Err(Some(_)) => "failed",
            Err(None) => "stopped",
        };
        self.inner.watch.heartbeats.get_or_create(&Outcome { outcome: word }).inc();
        let mut last = self.inner.watch.last.lock();
        last.tried = Some(now);
        if outcome.is_ok() {
            last.answered = Some(now);
        }
        last.failure = outcome.err().flatten();
    }

    /// The last calls of the heartbeat's address.
    pub(super) fn last_heartbeats(&self) -> Heartbeats {
        self.inner.watch.last.lock().clone()
    }

    /// All of it in the text format of OpenMetrics, with the condition that the data file is in now and the verdict on it.
    pub(super) fn page(&self, condition: &Condition, verdict: &Verdict) -> Result<String, fmt::Error> {
        self.inner.stored.look(condition);
        self.inner.lanes.look(condition);
        self.inner.watch.look(condition.clock.ran(), verdict);
        let undelivered: usize = self.said().iter().map(|said| said.count).sum();
        self.inner.outbox.undelivered.set(i64::try_from(undelivered).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.inner.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Clock;

    #[test]
    fn the_page_tells_what_happened_and_invents_no_labels() {
        let telemetry = Telemetry::default();
        let took = Duration::from_millis(3);
        telemetry.answered(&Method::GET, Some("/v1/metrics"), StatusCode::OK, took);
        for odd in ["BREW", "X1", "X2"] {
            telemetry.answered(&odd.parse().unwrap(), None, StatusCode::NOT_FOUND, took);
        }
        telemetry.shed("places");
        let (condition, verdict) =
            (Condition::new(Clock::standing_at(0), None), Verdict { checks: Vec::new() });
        telemetry.evaluated(0, Duration::from_millis(500));
        condition.clock.pass(Duration::from_secs(2));
        let page = telemetry.page(&condition, &verdict).unwrap();
        for line in [
            r#"librato_apply_requests_total{method="GET",route="/v1/metrics",status="200"} 1"#,
            r#"librato_apply_requests_total{method="other",route="none",status="404"} 3"#,
            r#"librato_apply_request_duration_seconds_bucket{le="0.005",route="/v1/metrics"} 1"#,
            r#"librato_apply_requests_shed_total{reason="places"} 1"#,
            "librato_apply_request_memory_bytes 0",
            "librato_apply_alert_evaluation_lag_seconds 2.5",
            "librato_apply_notification_wait_seconds NaN",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
        }
    }
}
