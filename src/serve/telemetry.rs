//! What the server counts about itself, as a page that Prometheus reads.
//! Labels come from fixed sets only: a client cannot make the page grow.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::store::Condition;

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
}

/// What is known of the data file, as of the last look.
#[derive(Default)]
struct Stored {
    writable: Gauge,
    damaged: Gauge,
    dropped: Gauge,
    clock_ahead: Gauge,
    clock_doubted: Gauge,
    failures: Gauge,
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
        self.stored.register(all);
    }
}

impl Stored {
    fn register(&self, all: &mut Registry) {
        all.register("file_writable", "Whether the data file can be written", self.writable.clone());
        let help = "Blocks and rows of the journal that were damaged and are set aside";
        all.register("damaged", help, self.damaged.clone());
        let help = "Points dropped since the start, being older than what is kept";
        all.register("points_dropped", help, self.dropped.clone());
        let help = "How far the clock is ahead of the last time seen and the time run since";
        all.register_with_unit("clock_ahead", help, Unit::Seconds, self.clock_ahead.clone());
        let help = "Whether measurements do not age by the clock, which is too far off";
        all.register("clock_doubted", help, self.clock_doubted.clone());
        let help = "Steps of the maintenance that failed since the start";
        all.register("maintenance_failures", help, self.failures.clone());
    }

    fn look(&self, condition: &Condition) {
        let count = |value: &AtomicU64| i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        self.writable.set(condition.trouble().is_none().into());
        self.damaged.set(condition.damaged.load(Ordering::Relaxed));
        self.dropped.set(count(&condition.dropped));
        self.clock_ahead.set(condition.clock_ahead.load(Ordering::Relaxed));
        self.clock_doubted.set(condition.clock_doubted.load(Ordering::Relaxed));
        self.failures.set(count(&condition.failures));
    }
}

impl Telemetry {
    pub(super) fn answered(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let route = route.unwrap_or("none").to_owned();
        self.inner.seconds.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        let request = Request { method: known(method), route, status: status.as_u16() };
        self.inner.requests.get_or_create(&request).inc();
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

    /// All of it in the text format of OpenMetrics, with the condition that the data file is in now.
    pub(super) fn page(&self, condition: &Condition) -> Result<String, fmt::Error> {
        self.inner.stored.look(condition);
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

    #[test]
    fn the_page_tells_what_happened_and_invents_no_labels() {
        let telemetry = Telemetry::default();
        let took = Duration::from_millis(3);
        telemetry.answered(&Method::GET, Some("/v1/metrics"), StatusCode::OK, took);
        for odd in ["BREW", "X1", "X2"] {
            telemetry.answered(&odd.parse().unwrap(), None, StatusCode::NOT_FOUND, took);
        }
        telemetry.shed("places");
        let page = telemetry.page(&Condition::default()).unwrap();
        for line in [
            r#"librato_apply_requests_total{method="GET",route="/v1/metrics",status="200"} 1"#,
            r#"librato_apply_requests_total{method="other",route="none",status="404"} 3"#,
            r#"librato_apply_request_duration_seconds_bucket{le="0.005",route="/v1/metrics"} 1"#,
            r#"librato_apply_requests_shed_total{reason="places"} 1"#,
            "librato_apply_request_memory_bytes 0",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
        }
    }
}
