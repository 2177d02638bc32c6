//! `POST` and `PUT` of services: as for every kind, and then the log and a header of the answer say if what is told to this service will
//! reach no one. Nothing more: names change, the operator may allow the target later, and clients of old rely on such services being kept.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::{Map, Value};

use super::sending::Sending;
use super::undelivered::unsent;
use crate::serve::catalog::services::table::Service;
use crate::serve::changes::Terms;
use crate::serve::changes::crud;
use crate::serve::http::body::{Body, Segments};
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::telemetry::Telemetry;
use crate::wire::warned;

pub async fn create(
    store: State<Store>,
    State(telemetry): State<Telemetry>,
    State(sending): State<Sending>,
    terms: Terms,
    body: Body,
) -> Result<Response, Problem> {
    let why = trouble(&sending, &body.0).filter(|_| telemetry.is_evaluating());
    let title = body.0.get("title").and_then(Value::as_str).unwrap_or("without a title").to_owned();
    let made = crud::create::<Service>(store, terms, body).await?;
    Ok(warn(made, why, &title))
}

pub async fn put(
    store: State<Store>,
    State(telemetry): State<Telemetry>,
    State(sending): State<Sending>,
    terms: Terms,
    id: Segments<String>,
    body: Body,
) -> Result<Response, Problem> {
    let why = trouble(&sending, &body.0).filter(|_| telemetry.is_evaluating());
    let service = id.0.clone();
    let changed = crud::put::<Service>(store, terms, id, body).await?;
    Ok(warn(changed, why, &service))
}

/// Why nothing would be sent to the service that a body describes, as far as it says by itself.
fn trouble(sending: &Sending, body: &Object) -> Option<String> {
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let settings = body.get("settings").and_then(Value::as_object);
    unsent(sending, kind, settings.unwrap_or(&Map::new()))
}

fn warn(mut answer: Response, why: Option<String>, service: &str) -> Response {
    let Some(why) = why else { return answer };
    tracing::warn!(target: "librato_apply::serve", service, why, "notifications to this service will not be sent");
    if let Ok(said) = HeaderValue::try_from(format!("notifications to it will not be sent: {why}")) {
        answer.headers_mut().insert(warned::HEADER, said);
    }
    answer
}
