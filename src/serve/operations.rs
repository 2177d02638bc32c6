//! What operators and their tools ask: whether the process lives, whether it can do its work, and what it counts.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::http::problem::Problem;
use super::store::Store;
use super::telemetry::Telemetry;

/// That the process lives, and nothing more.
pub async fn health() -> &'static str {
    "ok\n"
}

/// Whether it can do what it is for.
pub async fn ready(State(store): State<Store>) -> Result<&'static str, Problem> {
    store.unready().map_or(Ok("ok\n"), |error| Err(Problem::not_ready(error)))
}

/// `GET /metrics`, which Prometheus reads.
pub async fn metrics(
    State(store): State<Store>,
    State(telemetry): State<Telemetry>,
) -> Result<Response, Problem> {
    let text = telemetry.page(store.condition()).map_err(Problem::internal)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], text).into_response())
}
