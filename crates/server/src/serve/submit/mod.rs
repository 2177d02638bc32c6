//! Measurements coming in, in both dialects: `POST /v1/metrics` and `POST /v1/measurements`. A request is stored
//! whole or refused whole.

mod collectd;
mod legacy;
pub mod measurement;
mod plain;
mod refusals;
pub mod resolve;
mod storing;
mod tagged;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use self::measurement::Measurement;
use self::refusals::Arrival;
use self::storing::Batch;
pub use self::storing::Intake;
use super::catalog::cache::{Age, SeriesCache};
use super::http::agent::agent;
use super::http::answer;
use super::http::body::{Text, Unread};
#[cfg(any(test, fuzzing))]
use super::http::fields::Object;
use super::http::problem::Problem;
use super::http::rates::Allowance;
use super::store::Store;

/// Gauges and counters.
pub async fn legacy(
    State(intake): State<Intake>,
    headers: HeaderMap,
    allowance: Allowance,
    unread: Unread<true>,
) -> Result<Response, Problem> {
    intake.submitted(&headers, &allowance, unread, Dialect::Legacy).await?;
    // librato-java takes nothing but 200 for success.
    Ok(answer::empty_ok())
}

/// Tagged measurements, or the list that collectd posts. librato-java needs a JSON object in the answer.
pub async fn tagged(
    State(intake): State<Intake>,
    headers: HeaderMap,
    allowance: Allowance,
    unread: Unread<false>,
) -> Result<Response, Problem> {
    intake.submitted(&headers, &allowance, unread, Dialect::Tagged).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &json!({ "errors": [] })))
}

/// Which route a body came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Legacy,
    Tagged,
}

/// What a body was taken for.
enum Taken {
    Packed(Packed),
    Measurements(Vec<Measurement>),
}

/// What plain measurements became, as long as what is known of their series has this age.
struct Packed {
    age: Age,
    batch: Batch,
    count: usize,
    /// What they were read from, for when that changes.
    text: Text,
    dialect: Dialect,
}

/// A plain body of series that came lately; nothing where it is anything else.
fn packed(
    text: &Text,
    dialect: Dialect,
    (known, store): (&SeriesCache, &Store),
    arrival: Arrival,
) -> Result<Option<Packed>, Problem> {
    let Some(json) = text.json() else { return Ok(None) };
    text.hold(plain::EACH * json.bytes().filter(|byte| *byte == b'{').count())?;
    let all = match dialect {
        Dialect::Legacy => plain::legacy(json, arrival),
        Dialect::Tagged => plain::tagged(json, arrival),
    };
    let found = all.filter(|all| !all.is_empty()).and_then(|all| known.resolve(&all, plain::Plain::wanted));
    Ok(found.map(|(age, samples)| Packed {
        age,
        count: samples.len(),
        batch: Batch::of(samples, store),
        text: text.clone(),
        dialect,
    }))
}

fn measurements(text: &Text, dialect: Dialect, arrival: Arrival) -> Result<Vec<Measurement>, Problem> {
    if dialect == Dialect::Tagged {
        return match &text.value()? {
            Value::Array(lists) if lists.iter().any(|one| one.get("plugin").is_some()) => {
                collectd::read(lists, arrival)
            }
            Value::Object(body) => tagged::read(body, arrival),
            _ => Err(Problem::unreadable("The request body must be a JSON object.")),
        };
    }
    // The ruby client puts tagged measurements into the same body when it has both.
    let body = text.parameters()?;
    let mut samples = legacy::read(&body, arrival)?;
    if body.contains_key("measurements") {
        samples.extend(tagged::read(&body, arrival)?);
    }
    Ok(samples)
}

/// What is read of a body without a tree is what is read of it otherwise: its metrics, series, times and statistics.
#[cfg(any(test, fuzzing))]
pub fn plain_is_read_as_ever(text: &str, now: i64) {
    let arrival = Arrival::at(now);
    let Ok(Value::Object(body)) = serde_json::from_str(text) else {
        assert!(plain::legacy(text, arrival).is_none() && plain::tagged(text, arrival).is_none(), "{text}");
        return;
    };
    let read = |read: fn(&Object, Arrival) -> Result<Vec<Measurement>, Problem>| read(&body, arrival).ok();
    if let Some(all) = plain::legacy(text, arrival) {
        assert!(!body.contains_key("measurements"), "{text}");
        same(&all, read(legacy::read).as_deref(), text);
    }
    if let Some(all) = plain::tagged(text, arrival) {
        same(&all, read(tagged::read).as_deref(), text);
    }
}

#[cfg(any(test, fuzzing))]
fn same(all: &[plain::Plain<'_>], read: Option<&[Measurement]>, text: &str) {
    let read = read.map(|read| read.iter().map(Measurement::wanted).collect());
    assert_eq!(Some(all.iter().map(plain::Plain::wanted).collect::<Vec<_>>()), read, "{text}");
}

/// What a body is in each of the dialects, for laws over any of them.
#[cfg(any(test, fuzzing))]
pub fn read_all(body: &Value, now: i64) -> Vec<Result<Vec<Measurement>, Problem>> {
    let arrival = Arrival::at(now);
    match body {
        Value::Array(lists) => vec![collectd::read(lists, arrival)],
        Value::Object(body) => vec![legacy::read(body, arrival), tagged::read(body, arrival)],
        _ => Vec::new(),
    }
}

impl Intake {
    /// Takes in a body.
    async fn submitted<const FORMS: bool>(
        &self,
        headers: &HeaderMap,
        allowance: &Allowance,
        unread: Unread<FORMS>,
        dialect: Dialect,
    ) -> Result<(), Problem> {
        let (store, known) = (self.store.clone(), self.known.clone());
        let read = move |text: &Text| {
            let arrival = Arrival::new(store.now(), &store.aging().retention);
            let taken = match packed(text, dialect, (&known, &store), arrival)? {
                Some(packed) => Taken::Packed(packed),
                None => Taken::Measurements(measurements(text, dialect, arrival)?),
            };
            Ok((taken, arrival))
        };
        match unread.read(read).await? {
            (Taken::Packed(packed), arrival) => self.take_packed(headers, allowance, packed, arrival).await,
            (Taken::Measurements(samples), arrival) => {
                self.take(headers, allowance, samples, arrival.now).await
            }
        }
    }

    async fn take(
        &self,
        headers: &HeaderMap,
        allowance: &Allowance,
        samples: Vec<Measurement>,
        now: i64,
    ) -> Result<(), Problem> {
        if samples.is_empty() {
            return Err(Problem::unreadable("The request must contain at least one measurement."));
        }
        allowance.take(samples.len()).await?;
        self.store(headers, samples, now).await
    }

    async fn take_packed(
        &self,
        headers: &HeaderMap,
        allowance: &Allowance,
        packed: Packed,
        arrival: Arrival,
    ) -> Result<(), Problem> {
        allowance.take(packed.count).await?;
        if !self.insert(packed.age, packed.batch, arrival.now).await? {
            let samples = measurements(&packed.text, packed.dialect, arrival)?;
            return self.store(headers, samples, arrival.now).await;
        }
        self.telemetry.stored(packed.count);
        Ok(())
    }

    async fn store(&self, headers: &HeaderMap, samples: Vec<Measurement>, now: i64) -> Result<(), Problem> {
        let (agent, count) = (agent(headers), samples.len());
        if !self.take_known(&samples, now).await? {
            self.take_unknown(samples, agent, now).await?;
        }
        self.telemetry.stored(count);
        Ok(())
    }
}
