//! Snapshots of charts and the jobs that render them: `/v1/snapshots` and `/v1/jobs`. Nothing renders them yet, so
//! their jobs stay queued and their images are null.

mod table;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use self::table::Snapshot;
use super::catalog::spaces::table::chart_exists;
use super::changes::by_id;
use super::changes::{self, Once, Unconditional};
use super::http::answer;
use super::http::body::{Body, Segments, numeric};
use super::http::bounds;
use super::http::fields::{Object, Reader, integer, texts};
use super::http::problem::Problem;
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::Tx;

/// Seconds a snapshot covers when the request does not say.
const DURATION: i64 = 3600;

/// For who wonders why the job does not get on.
const NOT_RENDERED: &str = "This server renders no images yet; the snapshot stays queued.";

/// The same request with the same key makes nothing again.
pub async fn create(
    State(store): State<Store>,
    Unconditional(terms): Unconditional,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (now, terms) = (store.now(), terms.over(&body));
    bounds::check(&body, &[])?;
    bounds::whole(&body)?;
    let mut read = Reader::new(&body);
    let duration = read.integer("duration").value().unwrap_or(DURATION);
    if duration < 1 {
        read.errors.add("duration", "must be a positive number of seconds");
    }
    let end_time = read.time("end_time").value().unwrap_or(now);
    read.require("subject");
    let subject = read.object("subject").value();
    read.finish()?;
    let (subject, chart) = subject_of(subject)?;
    let new = Snapshot { id: 0, job: 0, subject, duration, end_time, created_at: now, updated_at: now };
    let write = move |tx: &Tx| {
        let make = || {
            if let Some(chart) = chart
                && !chart_exists(tx, chart)?
            {
                return Err(Problem::param("subject", format!("there is no chart with id {chart}")));
            }
            let made = table::insert(tx, &new)?;
            Ok((made.id, made))
        };
        changes::once(tx, &terms, now, |id| find(tx, id), make)
    };
    let Once { made, replayed } = store.write(write).await?;
    let mut response = answer::json(StatusCode::ACCEPTED, &made.shown());
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/snapshots/{}", made.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(changes::marked(response, replayed))
}

fn find(tx: &Tx<'_>, id: i64) -> Result<Snapshot, Refusal> {
    by_id::find(tx, "snapshots", id, Snapshot::from_row)
}

/// What to picture: a chart with the sources or tags to show, or, from old clients, an instrument by its address.
fn subject_of(sent: Option<&Object>) -> Result<(Value, Option<i64>), Problem> {
    let refused = |message: &str| Problem::param("subject", message);
    let sent = sent.ok_or_else(|| refused("is not present"))?;
    if let Some(chart) = sent.get("chart").and_then(Value::as_object) {
        let id = chart.get("id").and_then(|id| integer(id).ok());
        let id = id.ok_or_else(|| refused("must have the id of a chart"))?;
        let sources = chart.get("sources").or_else(|| chart.get("source")).filter(|value| !value.is_null());
        let sources = sources.map_or_else(|| Ok(vec!["*".to_owned()]), texts);
        let sources = sources.map_err(|_| refused("must have names of sources"))?;
        let mut shown = json!({ "id": id, "sources": sources });
        for name in ["type", "tags"] {
            if let Some(value) = chart.get(name) {
                shown[name] = value.clone();
            }
        }
        return Ok((json!({ "chart": shown }), Some(id)));
    }
    match sent.get("instrument").and_then(Value::as_object) {
        Some(instrument) => Ok((json!({ "instrument": instrument }), None)),
        None => Err(refused("must be a chart")),
    }
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    Ok(answer::ok(&store.read(move |tx| find(tx, id)).await?.shown()))
}

/// How far something that takes longer has come. All else is finished before it is answered, without a job.
pub async fn show_job(
    State(store): State<Store>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |tx: &Tx| by_id::find(tx, "jobs", id, |row| row.get::<String>("state"));
    let state = store.read(read).await?;
    Ok(answer::ok(&json!({ "id": id, "state": state, "output": NOT_RENDERED })))
}
