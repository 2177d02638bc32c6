//! What services were told, are to be told, and were not told: `/v1/deliveries`. Reads only; they are written where alerts are evaluated
//! and where requests are sent.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::catalog::alerting::deliveries::delivery::{Delivery, Status};
use super::catalog::alerting::deliveries::table::{self, Search};
use super::http::answer;
use super::http::body::Query;
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::tx::Tx;
use super::telemetry::{Circuit, Telemetry};

const ORDERS: Orders = &[("id", "id")];

/// The filters are `alert` (an id, a name or a pattern), `service` (an id or a title), `status` and `start_time`, from which on it was
/// made.
pub async fn list(
    State(store): State<Store>,
    State(telemetry): State<Telemetry>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let mut read = Reader::new(&query);
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let status = read.text("status").value().and_then(given);
    let known = status.as_deref().map(Status::of);
    if known == Some(None) {
        let names: Vec<_> = Status::ALL.iter().map(|status| status.name()).collect();
        read.errors.add("status", format!("is not one of: {}", names.join(", ")));
    }
    let search = Search {
        alert: read.text("alert").value().and_then(given),
        service: read.text("service").value().and_then(given),
        status: known.flatten(),
        start: read.time("start_time").value(),
    };
    read.finish()?;
    let listed = store.query(move |tx: &Tx| page.cut_by(|page| table::search(tx, &search, page))).await?;
    let circuits = telemetry.circuits();
    Ok(answer::ok(&listed.envelope("deliveries", |delivery| shown(delivery, &circuits))))
}

/// The read form. What is told stands in the incident.
#[derive(Serialize)]
struct Shown<'a> {
    id: i64,
    incident_key: &'a str,
    seq: i64,
    alert: Alert<'a>,
    service: Service<'a>,
    kind: &'static str,
    status: &'static str,
    detail: Option<&'a str>,
    event_time: i64,
    created_at: i64,
    attempts: i64,
    first_attempt_at: Option<i64>,
    last_attempt_at: Option<i64>,
    next_attempt_at: Option<i64>,
    ended_at: Option<i64>,
    digest: Option<i64>,
}

#[derive(Serialize)]
struct Alert<'a> {
    id: i64,
    name: &'a str,
}

#[derive(Serialize)]
struct Service<'a> {
    id: i64,
    r#type: &'a str,
    title: &'a str,
    /// If it failed so often that it is only probed.
    circuit: Option<Open>,
}

#[derive(Serialize)]
struct Open {
    open_since: i64,
    next_attempt_at: i64,
}

fn shown<'a>(delivery: &'a Delivery, circuits: &BTreeMap<i64, Circuit>) -> Shown<'a> {
    let open = |circuit: &Circuit| Open { open_since: circuit.since, next_attempt_at: circuit.next };
    let service = &delivery.service;
    // Nothing goes to a service that fails before it is probed.
    let probe = circuits.get(&service.id).map_or(delivery.next_at, |circuit| circuit.next);
    Shown {
        id: delivery.id,
        incident_key: &delivery.key,
        seq: delivery.seq,
        alert: Alert { id: delivery.alert, name: &delivery.alert_name },
        service: Service {
            id: service.id,
            r#type: &service.kind,
            title: &service.title,
            circuit: circuits.get(&service.id).map(open),
        },
        kind: delivery.kind.name(),
        status: delivery.status.name(),
        detail: delivery.detail.as_deref(),
        event_time: delivery.at,
        created_at: delivery.created_at,
        attempts: delivery.attempts,
        first_attempt_at: delivery.first_at,
        last_attempt_at: delivery.last_at,
        next_attempt_at: (!delivery.status.is_end()).then_some(delivery.next_at.max(probe)),
        ended_at: delivery.ended_at,
        digest: delivery.digest,
    }
}
