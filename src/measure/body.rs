//! Measurements as the API's JSON, in both dialects. Writes text at once: there may be millions. Sends nothing.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::measurement::{Labels, Measurement, MetricType, Reading};

/// The two ways of the API to take measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `POST /metrics`: gauges and counters with sources.
    Sources,
    /// `POST /measurements`: measurements with tags.
    Tags,
}

impl Dialect {
    pub(super) fn of(measurement: &Measurement) -> Self {
        match measurement.labels {
            Labels::Source(_) => Self::Sources,
            Labels::Tags(_) => Self::Tags,
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Sources => "/metrics",
            Self::Tags => "/measurements",
        }
    }

    /// The body of a request with some measurements of `batch`, all of this dialect.
    pub(super) fn body(self, batch: &[Measurement], chosen: &[usize]) -> String {
        text(&Body { dialect: self, batch, chosen })
    }
}

/// One measurement as a line of JSON with the API's field names, as [`read`](super::read) reads it.
pub fn to_line(measurement: &Measurement) -> String {
    let told = measurement.metric_type == MetricType::Counter;
    text(&Item { measurement, dialect: Dialect::of(measurement), told })
}

#[expect(
    clippy::expect_used,
    reason = "only keys that are no texts and a `Serialize` that fails could fail, and there are none here"
)]
fn text(json: &impl Serialize) -> String {
    serde_json::to_string(json).expect("texts and numbers")
}

struct Body<'a> {
    dialect: Dialect,
    batch: &'a [Measurement],
    chosen: &'a [usize],
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = |metric_type| List { body: self, metric_type };
        let mut map = serializer.serialize_map(None)?;
        match self.dialect {
            Dialect::Sources => {
                map.serialize_entry("gauges", &list(MetricType::Gauge))?;
                map.serialize_entry("counters", &list(MetricType::Counter))?;
            }
            Dialect::Tags => map.serialize_entry("measurements", &list(MetricType::Gauge))?,
        }
        map.end()
    }
}

/// Those measurements of a body that are of one type.
struct List<'a> {
    body: &'a Body<'a>,
    metric_type: MetricType,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Body { dialect, batch, chosen } = *self.body;
        let chosen = chosen.iter().filter_map(|index| batch.get(*index));
        let ours = chosen.filter(|measurement| measurement.metric_type == self.metric_type);
        serializer.collect_seq(ours.map(|measurement| Item { measurement, dialect, told: false }))
    }
}

struct Item<'a> {
    measurement: &'a Measurement,
    dialect: Dialect,
    /// Whether the type is written, which a request says by the list.
    told: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Measurement { name, reading, labels, time, properties, .. } = self.measurement;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        if self.told {
            map.serialize_entry("type", "counter")?;
        }
        match reading {
            Reading::Value(value) => map.serialize_entry("value", value)?,
            Reading::Summary(summary) => {
                map.serialize_entry("count", &summary.count)?;
                map.serialize_entry("sum", &summary.sum)?;
                let spread = match self.dialect {
                    Dialect::Sources => [("sum_squares", summary.squares()), ("last", None)],
                    Dialect::Tags => [("stddev", summary.deviation()), ("last", summary.last)],
                };
                let known = [("min", summary.min), ("max", summary.max)].into_iter().chain(spread);
                for (key, value) in known.filter_map(|(key, value)| Some((key, value?))) {
                    map.serialize_entry(key, &value)?;
                }
            }
        }
        match labels {
            Labels::Source(None) => {}
            Labels::Source(Some(source)) => map.serialize_entry("source", source)?,
            Labels::Tags(tags) => map.serialize_entry("tags", tags)?,
        }
        if let Some(time) = time {
            let key = if self.dialect == Dialect::Tags { "time" } else { "measure_time" };
            map.serialize_entry(key, time)?;
        }
        if let Some(properties) = properties {
            if let Some(period) = properties.period {
                map.serialize_entry("period", &period)?;
            }
            if let Some(name) = &properties.display_name {
                map.serialize_entry("display_name", name)?;
            }
            if let Some(text) = &properties.description {
                map.serialize_entry("description", text)?;
            }
            if !properties.attributes.is_empty() {
                map.serialize_entry("attributes", &properties.attributes)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::measure::Summary;

    fn body(dialect: Dialect, batch: &[Measurement]) -> Value {
        let all: Vec<usize> = (0..batch.len()).collect();
        serde_json::from_str(&dialect.body(batch, &all)).unwrap()
    }

    fn two_values() -> Summary {
        Summary {
            min: Some(1.0),
            max: Some(3.0),
            sum_squares: Some(10.0),
            last: Some(3.0),
            ..Summary::new(2, 4.0)
        }
    }

    #[test]
    fn sources() {
        let batch = [
            Measurement::counter("requests", 7.0).measure_time(5).description("all of them"),
            Measurement::gauge("t", 2.5)
                .source("web")
                .period(60)
                .display_name("T")
                .attribute("aggregate", true),
            Measurement::summary("m", two_values()),
        ];
        let expected = json!({
            "gauges": [
                {"name": "t", "value": 2.5, "source": "web", "period": 60, "display_name": "T",
                    "attributes": {"aggregate": true}},
                {"name": "m", "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0, "sum_squares": 10.0},
            ],
            "counters": [{"name": "requests", "value": 7.0, "measure_time": 5, "description": "all of them"}],
        });
        assert_eq!(body(Dialect::Sources, &batch), expected);
    }

    #[test]
    fn tags() {
        let batch = [
            Measurement::gauge("t", 2.5).tag("region", "eu").measure_time(9),
            Measurement::summary("m", two_values()).tag("b", "2").tag("a", "1"),
        ];
        let expected = json!({"measurements": [
            {"name": "t", "value": 2.5, "tags": {"region": "eu"}, "time": 9},
            {"name": "m", "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0, "stddev": 1.0, "last": 3.0,
                "tags": {"a": "1", "b": "2"}},
        ]});
        assert_eq!(body(Dialect::Tags, &batch), expected);
    }
}
