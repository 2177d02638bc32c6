//! One condition of an alert: what may be written, what must hold, when two mean the same.
//! Knows nothing of how it is evaluated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::composite::{TAG_NAME_RULE, is_tag_name};
use crate::diag::{Code, Route};
use crate::model::check::{Checker, is_name};
use crate::model::{MetricType, Seconds, Word, compare};

/// What makes a condition hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConditionType {
    /// A value is greater than the threshold.
    Above,
    /// A value is smaller than the threshold.
    Below,
    /// A stream has stopped reporting.
    Absent,
}

/// Which statistic of a metric is held against the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum SummaryFunction {
    Min,
    Max,
    Average,
    Sum,
    Count,
    Derivative,
    AbsoluteValue,
}

/// The durations, in seconds, that the API takes.
pub const DURATIONS: std::ops::RangeInclusive<u64> = 60..=3_600;

/// One condition of an alert. What is not written has the API's default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `above`, `below` or `absent`.
    #[serde(rename = "type")]
    pub condition_type: Word<ConditionType>,
    /// The metric or composite to watch.
    pub metric_name: String,
    /// A source, or a pattern with `*`; without one every source counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Tagged streams to watch, instead of a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// The value to compare with; for `above` and `below`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How long the condition must hold, 60 s to 1 h; needed for `absent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Seconds>,
    /// The statistic; default `average` for gauges, `derivative` for counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_function: Option<Word<SummaryFunction>>,
    /// With `derivative`: whether a falling counter counts as a reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_reset: Option<bool>,
}

/// One tag of a condition or stream on tagged measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The name of the tag.
    pub name: String,
    /// Values or patterns, one of which must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// Whether matching streams are merged by this tag first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouped: Option<bool>,
    /// Whether the values are chosen when it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
}

impl Condition {
    /// The statistic, if metrics of this type do not have it.
    pub(super) fn misfit_of(&self, metric_type: Option<MetricType>) -> Option<SummaryFunction> {
        use SummaryFunction::{AbsoluteValue, Derivative};
        let function = self.summary_function.as_ref()?.known()?;
        let misfit = match metric_type? {
            MetricType::Counter => !matches!(function, Derivative | AbsoluteValue),
            MetricType::Gauge => function == AbsoluteValue,
        };
        misfit.then_some(function)
    }

    pub(super) fn check(&self, here: &Route, found: &mut Checker<'_>) {
        let absent = self.condition_type == ConditionType::Absent;
        if self.metric_name.trim().is_empty() {
            found.error(
                here.key("metric_name"),
                Code::MissingField,
                "a condition needs the name of a metric",
            );
        }
        match (absent, self.threshold) {
            (false, None) if self.condition_type.known().is_some() => {
                found.error(
                    here.clone(),
                    Code::MissingField,
                    "a condition `above` or `below` needs a `threshold`",
                );
            }
            (true, Some(_)) => misfit(found, here, "threshold"),
            _ => {}
        }
        if absent && self.summary_function.is_some() {
            misfit(found, here, "summary_function");
        }
        if self.detect_reset.is_some()
            && (absent
                || self
                    .summary_function
                    .as_ref()
                    .is_some_and(|function| *function != SummaryFunction::Derivative))
        {
            found
                .error(
                    here.key("detect_reset"),
                    Code::FieldDoesNotFit,
                    "`detect_reset` only fits `derivative`",
                )
                .on_key()
                .help("remove it, or write `summary_function: derivative`");
        }
        if !self.metric_name.is_empty() && !is_name(&self.metric_name) {
            found.error(here.key("metric_name"), Code::InvalidName, "this is not the name of a metric").help(
                "a condition watches one metric, by its exact name: letters, digits, `.`, `:`, `-` and `_`",
            );
        }
        found.number(here.key("threshold"), self.threshold.as_ref());
        self.check_duration(absent, here, found);
        self.check_tags(here, found);
    }

    fn check_tags(&self, here: &Route, found: &mut Checker<'_>) {
        match self.tags.iter().flatten().position(|tag| tag.name.trim().is_empty()) {
            Some(unnamed) => {
                let place = here.key("tags").index(unnamed).key("name");
                found.error(place, Code::MissingField, "the tag has no name").help(TAG_NAME_RULE);
            }
            None => check_tags(self.tags.as_deref(), here, found),
        }
        if self.source.is_some() && self.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            found
                .error(
                    here.key("tags"),
                    Code::FieldDoesNotFit,
                    "a condition watches a `source` or `tags`, not both",
                )
                .on_key();
        }
    }

    fn check_duration(&self, absent: bool, here: &Route, found: &mut Checker<'_>) {
        match self.duration {
            None if absent => {
                found
                    .error(here.clone(), Code::MissingField, "a condition `absent` needs a `duration`")
                    .help("how long a stream may be silent, such as `duration: 10m`");
            }
            Some(Seconds(seconds)) if !DURATIONS.contains(&seconds) => {
                let finding = found.error(
                    here.key("duration"),
                    Code::InvalidDuration,
                    format!("a duration lies between 1m and 1h, this one is {}", Seconds(seconds)),
                );
                if seconds == 0 && !absent {
                    finding.help("leave `duration` out for a condition that holds at the first value");
                }
            }
            _ => {}
        }
    }
}

fn misfit(found: &mut Checker<'_>, here: &Route, field: &str) {
    found
        .error(
            here.key(field),
            Code::FieldDoesNotFit,
            format!("`{field}` does not fit a condition of type `absent`"),
        )
        .on_key()
        .help("remove it, or change the type to `above` or `below`");
}

/// Whether one field of a written condition says the same as that of a remote one; both are whole conditions.
pub(super) fn same_in_condition(key: &str, want: &Value, have: &Value) -> bool {
    let (wanted, found) = (&want[key], &have[key]);
    let absent = want["type"] == "absent" && have["type"] == "absent";
    match key {
        "source" => compare::source(wanted) == compare::source(found),
        "metric_name" => compare::lower_case(wanted) == compare::lower_case(found),
        "tags" => canonical_tags(wanted) == canonical_tags(found),
        "duration" => compare::default_to(wanted, 0) == compare::default_to(found, 0),
        // The service keeps neither for `absent`, though some clients send a zero.
        "threshold" | "summary_function" if absent => true,
        "threshold" => compare::number(wanted) == compare::number(found),
        // A null is left only where the type of the metric is unknown: then either default will do.
        "summary_function" if wanted.is_null() || found.is_null() => {
            [wanted, found].into_iter().all(|f| f.is_null() || f == "average" || f == "derivative")
        }
        // Its default changed over the years, so an unwritten one is not managed.
        "detect_reset" => {
            wanted.is_null() || compare::default_to(wanted, true) == compare::default_to(found, true)
        }
        _ => compare::plain(wanted) == compare::plain(found),
    }
}

/// Warns of tags that no stream can have.
pub(in crate::model) fn check_tags(tags: Option<&[Tag]>, here: &Route, found: &mut Checker<'_>) {
    for (i, tag) in tags.into_iter().flatten().enumerate().filter(|(_, tag)| !is_tag_name(&tag.name)) {
        let message =
            format!("no stream matches this, since `{}` is no name of a tag", tag.name.escape_debug());
        found.warning(here.key("tags").index(i).key("name"), Code::NeverMatches, message).help(TAG_NAME_RULE);
    }
}

/// Tags as a sorted set, case ignored; `grouped: false` and an absent `grouped` are one.
pub(in crate::model) fn canonical_tags(tags: &Value) -> Vec<String> {
    let mut list: Vec<String> = tags
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| {
            let mut values: Vec<Value> =
                tag["values"].as_array().into_iter().flatten().map(compare::lower_case).collect();
            values.sort_by_key(Value::to_string);
            values.dedup();
            json!({
                "name": compare::lower_case(&tag["name"]),
                "values": values,
                "grouped": compare::default_to(&tag["grouped"], false),
                "dynamic": compare::default_to(&tag["dynamic"], false),
            })
            .to_string()
        })
        .collect();
    list.sort();
    list
}
