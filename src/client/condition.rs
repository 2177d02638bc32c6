//! One condition of an alert. Which fields a condition has depends on its type; the constructors see to that.
//! An alert fires while all its conditions hold.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::words::{ConditionType, SummaryFunction};
use super::{More, read};

/// A condition of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Given by the service. Sent back it keeps the condition's identity and its duration clock.
    #[serde(default, deserialize_with = "read::whole", skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What it waits for. python-librato 0.8.6 writes it as `condition_type`.
    #[serde(rename = "type", alias = "condition_type")]
    pub kind: ConditionType,
    /// The metric it watches.
    pub metric_name: String,
    /// The sources it watches: a name or a pattern with `*`; all where nothing is said.
    #[serde(default)]
    pub source: Option<String>,
    /// The tags it watches, instead of sources.
    #[serde(default, deserialize_with = "read::list", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagSet>,
    /// What the value is compared with; not for `absent`.
    #[serde(default, deserialize_with = "read::number", skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How long it must hold, in seconds: 60 to 3600. Nothing, or 0, is at once.
    #[serde(default, deserialize_with = "read::whole", skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// Which statistic is compared; by default `average`, of counters `derivative`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_function: Option<SummaryFunction>,
    /// Whether a counter that starts again counts as no change; for `derivative` only.
    #[serde(default, deserialize_with = "read::truth", skip_serializing_if = "Option::is_none")]
    pub detect_reset: Option<bool>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

/// The values of a tag that a condition or a chart is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TagSet {
    /// The tag.
    pub name: String,
    /// Any of these values; patterns with `*`.
    #[serde(default, deserialize_with = "read::list", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether streams are merged by this tag first.
    #[serde(default, deserialize_with = "read::truth", skip_serializing_if = "Option::is_none")]
    pub grouped: Option<bool>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Condition {
    fn new(kind: ConditionType, metric_name: impl Into<String>) -> Self {
        Self {
            id: None,
            kind,
            metric_name: metric_name.into(),
            source: None,
            tags: Vec::new(),
            threshold: None,
            duration: None,
            summary_function: None,
            detect_reset: None,
            more: Map::new(),
        }
    }

    /// Holds while values are greater than the threshold; at once, or see [`Condition::lasting`].
    pub fn above(metric: impl Into<String>, threshold: f64) -> Self {
        Self { threshold: Some(threshold), ..Self::new(ConditionType::Above, metric) }
    }

    /// Holds while values are smaller than the threshold; at once, or see [`Condition::lasting`].
    pub fn below(metric: impl Into<String>, threshold: f64) -> Self {
        Self { threshold: Some(threshold), ..Self::new(ConditionType::Below, metric) }
    }

    /// Holds when the metric stops reporting for so long: one minute to one hour, in whole seconds.
    pub fn absent(metric: impl Into<String>, duration: Duration) -> Self {
        Self { duration: Some(duration.as_secs()), ..Self::new(ConditionType::Absent, metric) }
    }

    /// Only when it holds for so long: one minute to one hour, in whole seconds.
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.duration = Some(duration.as_secs());
        self
    }

    /// Which statistic is compared.
    pub fn summary(mut self, function: SummaryFunction) -> Self {
        self.summary_function = Some(function);
        self
    }

    /// Only this source, or those a pattern with `*` fits.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Only streams where this tag has one of the values, which may hold `*`.
    pub fn tag<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.tags.push(TagSet { name: name.into(), values, ..TagSet::default() });
        self
    }

    /// Whether one value is enough.
    pub fn is_immediate(&self) -> bool {
        self.duration.unwrap_or(0) == 0
    }
}
