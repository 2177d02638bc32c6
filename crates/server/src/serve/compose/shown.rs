//! The answers to composite queries. Written straight to JSON: as values, long ones would take ten times the memory.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Map, Value, json};

use super::stored::Tables;
use crate::composite::eval::{Call, Series};
use crate::composite::{SOURCE, Selector};
use crate::serve::catalog::metrics::metric::Metric;
use crate::serve::http::claimed;
use crate::serve::http::problem::Problem;
use crate::serve::measurements::legacy::UNASSIGNED;

/// Measurements in one answer; composite queries are not paginated.
const MOST: usize = 2_000_000;

/// Whose words are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sources,
    Tags,
}

/// What stands before the series.
pub struct Head<'a> {
    /// Of a composite metric.
    pub name: Option<&'a str>,
    pub compose: &'a str,
    /// Seconds.
    pub resolution: u64,
}

/// The whole answer.
///
/// # Errors
/// When it would hold too many measurements, and when the tables cannot be read.
pub fn written(
    head: &Head<'_>,
    series: &[Series],
    tables: &Tables<'_>,
    dialect: Dialect,
) -> Result<Vec<u8>, Problem> {
    let count: usize = series.iter().map(|series| series.points.len()).sum();
    if count > MOST {
        let message = format!("leaves {count} measurements, more than {MOST} in one answer");
        return Err(Problem::param("resolution", message));
    }
    let mut sources = BTreeMap::new();
    if dialect == Dialect::Sources {
        for source in series.iter().filter_map(|series| series.labels.get(SOURCE)) {
            if !sources.contains_key(source.as_str()) {
                sources.insert(source.as_str(), tables.display_name(source)?);
            }
        }
    }
    // A series without points would tell nothing, and clients that unzip the points of each one fail on it.
    let list: Vec<_> = series
        .iter()
        .filter(|series| !series.points.is_empty())
        .map(|series| Shown { series, tables, sources: &sources, dialect })
        .collect();
    claimed::json(&Answer { head, series: &list, dialect })
}

struct Answer<'a> {
    head: &'a Head<'a>,
    series: &'a [Shown<'a>],
    dialect: Dialect,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = self.head.name {
            map.serialize_entry("name", name)?;
        }
        map.serialize_entry("compose", self.head.compose)?;
        map.serialize_entry("resolution", &self.head.resolution)?;
        match self.dialect {
            Dialect::Sources => map.serialize_entry("measurements", self.series)?,
            Dialect::Tags => {
                map.serialize_entry("series", self.series)?;
                map.serialize_entry("links", &[(); 0])?;
            }
        }
        map.end()
    }
}

/// A series with what is known of where it comes from. What it has no single one of is left out: clients must not
/// take the sum of two metrics for one of them.
struct Shown<'a> {
    series: &'a Series,
    tables: &'a Tables<'a>,
    /// Display names.
    sources: &'a BTreeMap<&'a str, Option<String>>,
    dialect: Dialect,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Shown { series, dialect, .. } = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(metric) = series.metric.as_ref().and_then(|name| self.tables.metrics.get(name)) {
            map.serialize_entry("metric", &of_metric(metric, *dialect))?;
        }
        let measurements = Measurements(series, *dialect);
        match dialect {
            Dialect::Sources => {
                if let Some(source) = self.source() {
                    map.serialize_entry("source", &source)?;
                }
                let tags: Map<String, Value> = tags(series).filter(|(name, _)| name != SOURCE).collect();
                if !tags.is_empty() {
                    map.serialize_entry("tags", &tags)?;
                }
                self.query(&mut map)?;
                map.serialize_entry("period", &series.period)?;
                map.serialize_entry("series", &measurements)?;
            }
            Dialect::Tags => {
                map.serialize_entry("tags", &*series.labels)?;
                self.query(&mut map)?;
                map.serialize_entry("period", &series.period)?;
                map.serialize_entry("measurements", &measurements)?;
            }
        }
        map.end()
    }
}

impl Shown<'_> {
    /// The source, where all of the series has the same.
    fn source(&self) -> Option<Value> {
        let labels = &self.series.labels;
        match labels.get(SOURCE) {
            Some(name) => {
                let display_name = self.sources.get(name.as_str());
                Some(json!({ "name": name, "display_name": display_name }))
            }
            // One series of one metric without a source, and not several that share none.
            None if labels.is_empty() && self.series.single => {
                Some(json!({ "name": UNASSIGNED, "display_name": null }))
            }
            None => None,
        }
    }

    fn query<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Some(call) = &self.series.call else { return Ok(()) };
        let Call { metric, selector } = &**call;
        let query = match (selector, self.dialect) {
            (Selector::Source(all), Dialect::Tags) if all == "*" => json!({ "metric": metric, "tags": {} }),
            (Selector::Source(source), _) => json!({ "metric": metric, "source": source }),
            (Selector::Tags(tags), _) => {
                let tags: Map<String, Value> =
                    tags.iter().map(|(name, pattern)| (name.clone(), json!(pattern))).collect();
                json!({ "metric": metric, "tags": tags })
            }
        };
        map.serialize_entry("query", &query)
    }
}

fn tags(series: &Series) -> impl Iterator<Item = (String, Value)> {
    series.labels.iter().map(|(name, value)| (name.clone(), json!(value)))
}

fn of_metric(metric: &Metric, dialect: Dialect) -> Value {
    let mut shown = json!({ "name": metric.name, "type": metric.kind.name(), "period": metric.period });
    if dialect == Dialect::Sources {
        shown["display_name"] = json!(metric.display_name);
        shown["description"] = json!(metric.description);
    }
    shown["attributes"] = json!(metric.attributes);
    shown
}

struct Measurements<'a>(&'a Series, Dialect);

impl Serialize for Measurements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = if self.1 == Dialect::Sources { "measure_time" } else { "time" };
        let points = &self.0.points;
        let mut list = serializer.serialize_seq(Some(points.len()))?;
        for point in points {
            list.serialize_element(&Measurement { time, at: point.time, value: point.value })?;
        }
        list.end()
    }
}

struct Measurement {
    time: &'static str,
    at: i64,
    value: f64,
}

impl Serialize for Measurement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(self.time, &self.at)?;
        map.serialize_entry("value", &self.value)?;
        map.end()
    }
}
