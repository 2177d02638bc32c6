//! Metrics: gauges, counters and composites, which share one space of names.
//! Their measurements are in `measurement.rs` and `tagged.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::object::{Collection, Identity, Object};
use super::words::MetricType;
use super::{Error, Librato, More, Objects, read};
use crate::remote::{Call, Method, ReadApi, Reply};
use crate::wire::{Failures, lenient};

/// How often a job is asked for before it is given up.
const JOB_LOOKS: u32 = 60;

/// A metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name: up to 255 of `A-Za-z0-9.:-_`, upper and lower case being the same.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// Its name in charts.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What it measures.
    #[serde(default)]
    pub description: Option<String>,
    /// How often it is reported, in seconds.
    #[serde(default, deserialize_with = "read::whole")]
    pub period: Option<u64>,
    /// How far back a composite is looked at for alerting, in seconds.
    #[serde(default, deserialize_with = "read::whole", skip_serializing_if = "Option::is_none")]
    pub source_lag: Option<u64>,
    /// Colour, units, limits and so on, all that the service has. Writing merges them: what is left out stays, and only
    /// [`Metric::unset`] takes one away.
    #[serde(default, deserialize_with = "read::or_default")]
    pub attributes: Map<String, Value>,
    /// The definition of a composite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composite: Option<String>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Metric {
    fn new(kind: MetricType, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            display_name: None,
            description: None,
            period: None,
            source_lag: None,
            attributes: Map::new(),
            composite: None,
            more: Map::new(),
        }
    }

    /// A gauge: a value that goes up and down.
    pub fn gauge(name: impl Into<String>) -> Self {
        Self::new(MetricType::Gauge, name)
    }

    /// A counter: a value that only grows.
    pub fn counter(name: impl Into<String>) -> Self {
        Self::new(MetricType::Counter, name)
    }

    /// A composite, computed by its definition.
    pub fn composite(name: impl Into<String>, definition: impl Into<String>) -> Self {
        Self { composite: Some(definition.into()), ..Self::new(MetricType::Composite, name) }
    }

    /// Says what it measures.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Says how it is called in charts.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Says how often it is reported, in seconds.
    pub fn period(mut self, seconds: u64) -> Self {
        self.period = Some(seconds);
        self
    }

    /// Sets an attribute, such as `display_units_short` or `color`.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Takes an attribute away when the metric is saved.
    pub fn unset(&mut self, attribute: impl Into<String>) {
        self.attributes.insert(attribute.into(), Value::Null);
    }
}

impl Object for Metric {
    const COLLECTION: Collection = Collection {
        noun: "metric",
        path: "/metrics",
        key: "metrics",
        name: "name",
        identity: Identity::FoldedName,
        searchable: true,
        order: Some("name"),
    };
    type Key<'k> = &'k str;

    fn key(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn spelled(name: &str, librato: &Librato) -> String {
        librato.metric_name(name)
    }
}

impl Objects<'_, Metric> {
    /// Deletes several metrics with their measurements. Names that do not exist are no error.
    ///
    /// # Errors
    /// Where the service refuses, or a job it makes of this fails.
    pub async fn delete_many<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Result<(), Error> {
        let names = names.into_iter().map(|name| self.librato().metric_name(name.as_ref()));
        let names: Vec<String> = names.collect();
        // The service takes an empty list for a mistake.
        if names.is_empty() { Ok(()) } else { self.many(Method::Delete, json!({ "names": names })).await }
    }

    /// Deletes every metric that a pattern with `*` fits, with its measurements. The sanitizer is not asked: it would
    /// replace the `*`.
    ///
    /// # Errors
    /// As [`Objects::delete_many`].
    pub async fn delete_matching(&self, pattern: &str) -> Result<(), Error> {
        self.many(Method::Delete, json!({ "names": pattern })).await
    }

    /// Changes every metric that a pattern with `*` fits: `period`, `display_name`, `description`, `attributes`.
    ///
    /// # Errors
    /// As [`Objects::delete_many`].
    pub async fn update_matching(&self, pattern: &str, fields: Map<String, Value>) -> Result<(), Error> {
        let mut body = fields;
        body.insert("names".into(), pattern.into());
        self.many(Method::Put, Value::Object(body)).await
    }

    async fn many(&self, method: Method, body: Value) -> Result<(), Error> {
        let call = Call { method, path: Metric::COLLECTION.path.into(), body: Some(body) };
        let reply = self.librato().write(&call).await?;
        finished(self.librato(), &reply).await
    }
}

/// Waits for the job that a service makes of much work, which it says by a 202.
async fn finished(librato: &Librato, reply: &Reply) -> Result<(), Error> {
    let (202, Some(location)) = (reply.status, &reply.location) else { return Ok(()) };
    let Some(id) = location.rsplit('/').next().and_then(|id| id.parse::<u64>().ok()) else { return Ok(()) };
    let pause = librato.client().config().retry.base * 4;
    let (mut state, mut told) = (String::new(), None);
    for _ in 0..JOB_LOOKS {
        let job = librato.client().get(&format!("/jobs/{id}"), &[]).await?;
        state = lenient::text(&job["state"]).unwrap_or("without a state").to_owned();
        told = Failures::told(&job, &[]).map(|failures| failures.to_string());
        match state.as_str() {
            "complete" if told.is_none() => return Ok(()),
            "queued" | "working" => tokio::time::sleep(pause).await,
            _ => break,
        }
    }
    Err(Error::Job { state, why: told })
}
