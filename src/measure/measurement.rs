//! One measurement: of which metric, what was read, where and when. Knows neither requests nor files.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Summary;

/// Names and values of tags.
pub type Tags = BTreeMap<String, String>;

/// What a metric is, in the API's word its `type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// A value that goes up and down.
    #[default]
    Gauge,
    /// A value that only grows, until it starts again from zero. Has sources, no tags.
    Counter,
}

/// Where a value was taken: what tells the series of one metric apart. The two forms are the two dialects of the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Labels {
    /// The source; without one the service says `unassigned`.
    Source(Option<String>),
    /// Tags, at least one.
    Tags(Tags),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Source(None)
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// One value.
    Value(f64),
    /// Several values of a gauge in one.
    Summary(Summary),
}

/// What a measurement says about its metric. The service looks at it only when this measurement creates the metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// How often the metric is reported, in seconds.
    pub period: Option<u64>,
    /// The name in charts.
    pub display_name: Option<String>,
    /// What is measured.
    pub description: Option<String>,
    /// Attributes such as `display_units_short` or `aggregate`.
    pub attributes: Map<String, Value>,
}

/// One measurement, built as `Measurement::gauge("temperature", 22.1).source("upstairs")`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The metric. The service judges the name.
    pub name: String,
    /// What the metric is.
    pub metric_type: MetricType,
    /// What was read.
    pub reading: Reading,
    /// Where.
    pub labels: Labels,
    /// Whether the tags of the queue come beside its own. Otherwise own tags stand alone, as in the API.
    pub inherits_tags: bool,
    /// When, in epoch seconds; `None` leaves it to the queue or to the service. The service judges times.
    pub time: Option<i64>,
    /// For a metric that does not exist yet.
    pub properties: Option<Box<Properties>>,
}

impl Measurement {
    /// A reading of a gauge.
    pub fn gauge(name: impl Into<String>, value: f64) -> Self {
        Self::new(name.into(), MetricType::Gauge, Reading::Value(value))
    }

    /// A reading of a counter.
    pub fn counter(name: impl Into<String>, value: f64) -> Self {
        Self::new(name.into(), MetricType::Counter, Reading::Value(value))
    }

    /// Several readings of a gauge in one.
    pub fn summary(name: impl Into<String>, summary: Summary) -> Self {
        Self::new(name.into(), MetricType::Gauge, Reading::Summary(summary))
    }

    /// A measurement without place, time and properties.
    pub(super) fn new(name: String, metric_type: MetricType, reading: Reading) -> Self {
        let (labels, properties) = (Labels::default(), None);
        Self { name, metric_type, reading, labels, inherits_tags: false, time: None, properties }
    }

    /// With a source.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.labels = Labels::Source(Some(source.into()));
        self
    }

    /// With a tag, beside those it has. A source goes: it belongs to the other dialect.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut tags = match self.labels {
            Labels::Tags(tags) => tags,
            Labels::Source(_) => Tags::new(),
        };
        tags.insert(name.into(), value.into());
        self.labels = Labels::Tags(tags);
        self
    }

    /// Takes the tags of the queue beside its own; where both have one, its own counts.
    #[must_use]
    pub fn inherit_tags(mut self) -> Self {
        self.inherits_tags = true;
        self
    }

    /// Taken at this time, in epoch seconds (the API's `measure_time`, with tags `time`).
    #[must_use]
    pub fn measure_time(mut self, time: i64) -> Self {
        self.time = Some(time);
        self
    }

    /// With the period of a new metric, in seconds.
    #[must_use]
    pub fn period(mut self, seconds: u64) -> Self {
        self.properties_mut().period = Some(seconds);
        self
    }

    /// With the name in charts of a new metric.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.properties_mut().display_name = Some(name.into());
        self
    }

    /// With the description of a new metric.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.properties_mut().description = Some(text.into());
        self
    }

    /// With an attribute of a new metric.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.properties_mut().attributes.insert(name.into(), value.into());
        self
    }

    /// What it says about its metric, to be added to.
    pub fn properties_mut(&mut self) -> &mut Properties {
        self.properties.get_or_insert_default()
    }

    /// What no request can say, and so no service could judge.
    pub(super) fn unspeakable(&self) -> Option<&'static str> {
        let finite = match &self.reading {
            Reading::Value(value) => value.is_finite(),
            Reading::Summary(summary) => {
                let known = [summary.min, summary.max, summary.sum_squares, summary.last, summary.stddev];
                summary.sum.is_finite()
                    && [summary.min, summary.max, summary.last].into_iter().flatten().all(f64::is_finite)
                    && !known.into_iter().flatten().any(f64::is_nan)
            }
        };
        let counter = self.metric_type == MetricType::Counter;
        match (&self.labels, &self.reading) {
            _ if !finite => Some("the value is not a finite number, and JSON has no others"),
            (Labels::Tags(_), _) if counter => {
                Some("a counter has no tags: give it a source, or make it a gauge")
            }
            (_, Reading::Summary(_)) if counter => Some("a counter has one value, not a count and a sum"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_and_the_api_cannot_say_is_found() {
        let summary = Summary::new(2, 3.0);
        for fine in [
            Measurement::gauge("a", -0.0).tag("a", "b"),
            Measurement::counter("a", 1.0).source("s"),
            Measurement::summary("a", Summary { sum_squares: Some(f64::INFINITY), ..summary }),
        ] {
            assert_eq!(fine.unspeakable(), None, "{fine:?}");
        }
        for bad in [
            Measurement::gauge("a", f64::NAN),
            Measurement::summary("a", Summary { max: Some(f64::INFINITY), ..summary }),
            Measurement::summary("a", Summary { stddev: Some(f64::NAN), ..summary }),
            Measurement::counter("a", 1.0).tag("a", "b"),
            Measurement { metric_type: MetricType::Counter, ..Measurement::summary("a", summary) },
        ] {
            assert!(bad.unspeakable().is_some(), "{bad:?}");
        }
    }

    #[test]
    fn tags_and_a_source_exclude_each_other() {
        let tagged = Measurement::gauge("a", 1.0).source("s").tag("x", "1").tag("y", "2");
        assert_eq!(
            tagged.labels,
            Labels::Tags(Tags::from([("x".into(), "1".into()), ("y".into(), "2".into())]))
        );
        assert_eq!(tagged.source("s").labels, Labels::Source(Some("s".into())));
    }
}
