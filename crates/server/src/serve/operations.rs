//! What operators and their tools ask: whether the process lives, whether it can do its work, and what it counts.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::cluster::{Cluster, Doer};
use super::health;
use super::heartbeat;
use super::http::answer;
use super::http::problem::Problem;
use super::store::Store;
use super::telemetry::Telemetry;

/// That the process lives, and nothing more.
pub async fn health() -> &'static str {
    "ok\n"
}

/// Whether it can do what it is for, and goes on doing it.
pub async fn ready(
    State(store): State<Store>,
    State(cluster): State<Cluster>,
) -> Result<&'static str, Problem> {
    if cluster.is_leaving() {
        return Err(Problem::unavailable());
    }
    if !store.duties().http {
        return Err(Problem::no_requests());
    }
    store.unready().map_or(Ok("ok\n"), |error| Err(Problem::not_ready(error)))
}

/// What `GET /v1/health` answers.
#[derive(serde::Serialize)]
struct Health<'a> {
    status: health::State,
    checks: &'a [health::Check],
    heartbeat: Heartbeat,
}

/// The address that is called while all is well, of which nothing is shown.
#[derive(serde::Serialize)]
struct Heartbeat {
    status: &'static str,
    last_answered: Option<i64>,
    /// Why it is not called now, or what went wrong when it was.
    reason: Option<String>,
}

/// Each check, and why the heartbeat stopped. Always 200: whether requests can be served is what `/readyz` says.
pub async fn checks(
    State(store): State<Store>,
    State(telemetry): State<Telemetry>,
    State(cluster): State<Cluster>,
) -> Response {
    let verdict = heartbeat::verdict(&store, &telemetry, &cluster);
    let last = telemetry.last_heartbeats();
    let (status, reason) = match (last.tried, verdict.stops_heartbeat(), last.failure) {
        // Of several servers one calls it.
        _ if matches!(cluster.doer(heartbeat::DUTY), Doer::Another(Some(_))) => ("elsewhere", None),
        (None, ..) => ("off", None),
        (Some(_), Some(why), _) => ("stopped", Some(why)),
        (Some(_), None, Some(why)) => ("failing", Some(why)),
        (Some(_), None, None) => ("ok", None),
    };
    let heartbeat = Heartbeat { status, last_answered: last.answered, reason };
    answer::ok(&Health { status: verdict.status(), checks: &verdict.checks, heartbeat })
}

/// `GET /metrics`, which Prometheus reads.
pub async fn metrics(
    State(store): State<Store>,
    State(telemetry): State<Telemetry>,
    State(cluster): State<Cluster>,
) -> Result<Response, Problem> {
    let text = telemetry
        .page(store.condition(), &heartbeat::verdict(&store, &telemetry, &cluster))
        .map_err(Problem::internal)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response())
}
