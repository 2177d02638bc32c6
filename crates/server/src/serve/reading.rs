//! What is read of metrics by their names: their definitions, and their measurements in both dialects. Here it is decided who
//! knows the answer: `metrics`, `measurements`, or `compose` for those that are worked out of others.

mod uses;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

pub use self::uses::uses;
use super::catalog::metrics::metric::{Kind, Metric};
use super::catalog::metrics::table;
use super::changes::{self, Tags};
use super::http::answer;
use super::http::body::{Query, Segments};
use super::http::claimed;
use super::http::problem::Problem;
use super::measurements::{self, Data, legacy, tagged};
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::Tx;
use super::{compose, metrics};

/// `GET /v1/metrics`: a page of metrics, or the data of a definition.
pub async fn all(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    if query.contains_key("compose") {
        return compose::legacy(&store, query).await;
    }
    metrics::list(&store, &query, tags).await
}

/// `GET /v1/metrics/{name}`: the metric, and its measurements when a time is asked for.
pub async fn metric(
    State(store): State<Store>,
    Segments(name): Segments<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let now = store.now();
    let Some(question) = legacy::Question::read(&query, now, &store.aging())? else {
        let find = move |tx: &Tx| table::find(tx, &name)?.ok_or(Refusal::Missing);
        return changes::show(&store, find, answer::ok).await;
    };
    let read = move |tx: &Tx| {
        let metric = table::find(tx, &name)?.ok_or(Refusal::Missing)?;
        let data = match metric.kind {
            Kind::Composite => compose::data(tx, &metric, &question, now)?,
            Kind::Gauge | Kind::Counter => measurements::data(tx, &metric, &question)?,
        };
        claimed::json(&Shown { metric, data })
    };
    Ok(answer::written(store.query(read).await?))
}

/// A metric with its measurements.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    metric: Metric,
    #[serde(flatten)]
    data: Data,
}

/// `GET /v1/measurements/{name}`: the streams of a metric; those of a composite in the order of its definition.
pub async fn measurements(
    State(store): State<Store>,
    Segments(name): Segments<String>,
    uri: Uri,
    Query(query): Query,
) -> Result<Response, Problem> {
    let now = store.now();
    let read = move |tx: &Tx| match table::find(tx, &name)? {
        Some(metric) if metric.kind == Kind::Composite => compose::written(tx, &metric, &query, now),
        Some(metric) => measurements::written(tx, &metric, &query, &uri, now),
        // What is wrong with the query is told first.
        None => {
            let read = tagged::Question::read(&query, now, &tx.aging());
            Err(read.map_or_else(|problem| problem, |_| Problem::not_found()))
        }
    };
    Ok(answer::written(store.query(read).await?))
}
