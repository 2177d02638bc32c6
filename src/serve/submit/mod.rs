//! Measurements coming in, in both dialects: `POST /v1/metrics` and `POST /v1/measurements`. A request is stored
//! whole or refused whole.

pub mod block;
mod collectd;
pub mod journal;
pub mod known;
mod legacy;
mod refusals;
pub mod sample;
mod tagged;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use self::journal::Resolved;
use self::known::{Found, Known};
use self::sample::Sample;
use super::http::answer;
use super::http::body::{Body, JsonBody};
use super::http::problem::Problem;
use super::http::rates::Allowance;
use super::metrics;
use super::store::Store;
use super::store::tx::Tx;
use super::telemetry::Telemetry;

/// Measurements that are stored in one go: more than any published client sends together.
const AT_ONCE: usize = 1000;

/// What it takes to store measurements.
#[derive(Clone)]
pub struct Intake {
    pub store: Store,
    pub known: Known,
    pub telemetry: Telemetry,
}

/// Gauges and counters. The ruby client puts tagged measurements into the same body when it has both.
pub async fn legacy(
    State(intake): State<Intake>,
    headers: HeaderMap,
    allowance: Allowance,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = intake.store.now();
    let mut samples = legacy::read(&body, now)?;
    if body.contains_key("measurements") {
        samples.extend(tagged::read(&body, now)?);
    }
    intake.take(&headers, &allowance, samples, now).await?;
    // librato-java takes nothing but 200 for success.
    Ok(answer::empty_ok())
}

/// Tagged measurements, or the list that collectd posts. librato-java needs a JSON object in the answer.
pub async fn tagged(
    State(intake): State<Intake>,
    headers: HeaderMap,
    allowance: Allowance,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let now = intake.store.now();
    let samples = match &body {
        Value::Array(lists) if lists.iter().any(|one| one.get("plugin").is_some()) => {
            collectd::read(lists, now)?
        }
        Value::Object(body) => tagged::read(body, now)?,
        _ => return Err(Problem::unreadable("The request body must be a JSON object.")),
    };
    intake.take(&headers, &allowance, samples, now).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &json!({ "errors": [] })))
}

/// What a body is in each of the dialects, for laws over any of them.
#[cfg(any(test, fuzzing))]
pub fn read_all(body: &Value, now: i64) -> Vec<Result<Vec<Sample>, Problem>> {
    match body {
        Value::Array(lists) => vec![collectd::read(lists, now)],
        Value::Object(body) => vec![legacy::read(body, now), tagged::read(body, now)],
        _ => Vec::new(),
    }
}

impl Intake {
    async fn take(
        &self,
        headers: &HeaderMap,
        allowance: &Allowance,
        samples: Vec<Sample>,
        now: i64,
    ) -> Result<(), Problem> {
        if samples.is_empty() {
            return Err(Problem::unreadable("The request must contain at least one measurement."));
        }
        allowance.take(samples.len())?;
        let (agent, count) = (metrics::agent(headers), samples.len());
        if !self.take_known(&samples, now).await? {
            if count <= AT_ONCE {
                let known = self.known.clone();
                let append = move |connection: &Tx| {
                    journal::append(connection, &samples, agent.as_deref(), &known, now)
                };
                self.known.remember(self.store.write(append).await?);
            } else {
                self.take_many(samples.into(), agent, now).await?;
            }
        }
        self.telemetry.stored(count);
        Ok(())
    }

    /// Stores measurements whose series came lately, which leaves the writer almost nothing to do. Whether it could.
    async fn take_known(&self, samples: &[Sample], now: i64) -> Result<bool, Problem> {
        let Some((age, points)) = self.known.resolve(samples) else { return Ok(false) };
        let (rows, known) = (journal::rows(&points), self.known.clone());
        let insert = move |connection: &Tx| {
            // What would change the outcome has its turn on the writer, too, and makes itself known.
            let fits = known.is_of(age);
            if fits {
                journal::insert(connection, &rows, now)?;
            }
            Ok(fits)
        };
        self.store.write(insert).await
    }

    /// Lets others write while the metrics and series of a large request come into being.
    async fn take_many(
        &self,
        samples: Arc<[Sample]>,
        agent: Option<String>,
        now: i64,
    ) -> Result<(), Problem> {
        let checked = Arc::clone(&samples);
        self.store.read(move |connection| journal::check(connection, &checked)).await?;
        let (known, resolved) = (self.known.clone(), Resolved::new(&self.known));
        let age = resolved.found.age();
        let step = {
            let (samples, agent, known) = (Arc::clone(&samples), agent.clone(), known.clone());
            move |connection: &Tx, resolved: &Resolved, turn| {
                let rest = &samples[resolved.points.len()..];
                journal::resolve(connection, rest, agent.as_deref(), &known, turn)
            }
        };
        let advance = |resolved: &mut Resolved, more| {
            resolved.add(more);
            resolved.points.len() == samples.len()
        };
        let Resolved { points, found } = self.store.write_in_turns(resolved, step, advance).await?;
        self.known.remember(found);
        let rows = journal::rows(&points);
        let insert = move |connection: &Tx| {
            if known.is_of(age) {
                return journal::insert(connection, &rows, now).map(|()| Found::default());
            }
            // Metrics were changed or deleted between the turns, and with them perhaps what the first turns found.
            journal::append(connection, &samples, agent.as_deref(), &known, now)
        };
        self.known.remember(self.store.write(insert).await?);
        Ok(())
    }
}
