//! Snapshots of charts and the jobs that draw them: `/v1/snapshots` and `/v1/jobs`, and their pictures. They are queued, and drawn one after
//! the other (`drawing.rs`); without a drawer their jobs stay queued and their images are null.

#[cfg(feature = "png")]
mod drawing;
pub mod options;
// Without a drawer nothing takes jobs from the queue.
#[cfg_attr(not(feature = "png"), allow(dead_code))]
pub mod table;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

#[cfg(feature = "png")]
pub use self::drawing::{draw_snapshots, key};
use self::options::{Known, Snapshots};
pub use self::table::Snapshot;
use super::catalog::spaces::table::chart_exists;
use super::changes::by_id;
use super::changes::{self, Once, Unconditional};
use super::http::address::Client;
use super::http::answer;
use super::http::body::{Body, Segments, numeric};
use super::http::bounds;
use super::http::fields::{Object, Reader, integer, texts};
use super::http::problem::Problem;
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::{Row, Tx};

/// Without the feature nothing is drawn. Never returns.
#[cfg(not(feature = "png"))]
pub async fn draw_snapshots(
    _: Store,
    _: options::SnapshotOptions,
    _: super::cluster::Cluster,
) -> std::convert::Infallible {
    std::future::pending().await
}

/// Seconds a snapshot covers when the request does not say.
const DURATION: i64 = 3600;

/// The longest time a snapshot covers: four weeks, as the API documents it.
const LONGEST: i64 = 2_419_200;

/// For who wonders why the job does not get on.
const NOT_RENDERED: &str = "This server renders no images (--snapshots off); the snapshot stays queued.";

/// The same request with the same key makes nothing again.
pub async fn create(
    State(store): State<Store>,
    State(known): State<Known>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    Unconditional(terms): Unconditional,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (now, terms) = (store.now(), terms.over(&body));
    bounds::check(&body, &[])?;
    bounds::whole(&body)?;
    let mut read = Reader::new(&body);
    let duration = read.integer("duration").value().unwrap_or(DURATION);
    if !(1..=LONGEST).contains(&duration) {
        read.errors.add("duration", "must be a positive number of seconds, 2419200 at most");
    }
    let end_time = read.time("end_time").value().unwrap_or(now);
    read.require("subject");
    let subject = read.object("subject").value();
    read.finish()?;
    let (subject, chart) = subject_of(subject)?;
    let new =
        Snapshot { id: 0, job: 0, subject, duration, end_time, created_at: now, updated_at: now, key: None };
    let write = move |tx: &Tx| {
        let make = || {
            if let Some(chart) = chart
                && !chart_exists(tx, chart)?
            {
                return Err(Problem::param("subject", format!("there is no chart with id {chart}")));
            }
            if table::waiting(tx)? >= table::WAITING {
                let message = "Too many snapshots are waiting to be drawn. Try again later.";
                return Err(Problem::request(StatusCode::TOO_MANY_REQUESTS, message).retry_after(60));
            }
            let made = table::insert(tx, &new)?;
            Ok((made.id, made))
        };
        changes::once(tx, &terms, now, |id| find(tx, id), make)
    };
    let Once { made, replayed } = store.write(write).await?;
    known.options.wake.notify_one();
    let place = known.place(&headers, client.map(|client| client.0).unwrap_or_default());
    let mut response = answer::json(StatusCode::ACCEPTED, &made.shown(&place));
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/snapshots/{}", made.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(changes::marked(response, replayed))
}

fn find(tx: &Tx<'_>, id: i64) -> Result<Snapshot, Refusal> {
    let found = by_id::find(tx, "snapshots", id, Snapshot::from_row)?;
    Ok(Snapshot { key: table::key(tx, id)?, ..found })
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

pub async fn show(
    State(store): State<Store>,
    State(known): State<Known>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let place = known.place(&headers, client.map(|client| client.0).unwrap_or_default());
    Ok(answer::ok(&store.read(move |tx| find(tx, id)).await?.shown(&place)))
}

/// The picture of a snapshot, for whoever may see spaces.
pub async fn image(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let found = store.read(move |tx: &Tx| table::picture(tx, id)).await?;
    found.map(png).ok_or_else(Problem::not_found)
}

/// The picture at an address that cannot be guessed, for whoever has it, where that is enough.
pub async fn open(
    State(store): State<Store>,
    State(known): State<Known>,
    headers: HeaderMap,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| !known.hosts.are(host)) {
        let message = "This server is not known by the name under which it was asked.";
        return Err(Problem::request(StatusCode::MISDIRECTED_REQUEST, message));
    }
    let key = name.strip_suffix(".png").filter(|_| known.options.seen_by == Snapshots::Link);
    let key = key.ok_or_else(Problem::not_found)?.to_owned();
    let found = store.read(move |tx: &Tx| table::picture_at(tx, &key)).await?;
    let mut response = found.map(png).ok_or_else(Problem::not_found)?;
    let kept = HeaderValue::from_static("public, max-age=86400, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    // Chats show it on pages of their own.
    let anywhere = HeaderValue::from_static("cross-origin");
    response.headers_mut().insert("cross-origin-resource-policy", anywhere);
    Ok(response)
}

fn png(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    (headers, bytes).into_response()
}

/// How far something that takes longer has come. All else is finished before it is answered, without a job.
pub async fn show_job(
    State(store): State<Store>,
    State(known): State<Known>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let row = |row: &Row<'_>| Ok((row.get::<String>("state")?, row.get::<Option<String>>("output")?));
    let (state, output) = store.read(move |tx: &Tx| by_id::find(tx, "jobs", id, row)).await?;
    let mut shown = json!({ "id": id, "state": state });
    if state == "complete" {
        shown["progress"] = json!(100.0);
    }
    match output {
        Some(output) => {
            shown["errors"] = json!({ "snapshot": [output] });
            shown["output"] = json!(output);
        }
        None if state == "queued" && known.options.seen_by == Snapshots::Off => {
            shown["output"] = json!(NOT_RENDERED);
        }
        None => {}
    }
    Ok(answer::ok(&shown))
}
