//! Tests of alerts as users write them: input, actions, and what is expected. What must hold of one by itself.
//! Knows neither alerts nor how they are evaluated.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Checker, at, is_name};
use super::{MetricType, Moment, Scalar, Seconds};
use crate::diag::{Code, Route};
use crate::watch;

/// What an alert does with made-up measurements.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertTest {
    /// The name of the alert.
    pub alert: String,
    /// How far apart the `values` are; default the period of their metric, else one minute.
    #[serde(default)]
    pub every: Option<Seconds>,
    /// The time of the start, such as `2026-11-29T02:00:00Z`. It is only shown.
    #[serde(default)]
    pub start: Option<String>,
    /// The types of metrics that no file declares: `gauge` or `counter`.
    #[serde(default)]
    pub types: Option<BTreeMap<String, MetricType>>,
    /// What is measured.
    pub input: Vec<TestInput>,
    /// What people do meanwhile.
    #[serde(default)]
    pub actions: Option<Vec<TestAction>>,
    /// What the alert is like at single times.
    #[serde(default)]
    pub expect: Option<Vec<Expectation>>,
    /// All notifications of the whole test; `[]` for none at all.
    #[serde(default)]
    pub notifications: Option<Vec<ExpectedNotice>>,
}

/// The measurements of one series.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestInput {
    /// The metric.
    pub metric: String,
    /// Its source.
    #[serde(default)]
    pub source: Option<String>,
    /// Or its tags.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// Values from the start on: `5` one, `5x3` it and three more, `1+2x3` is 1 3 5 7, `9-2x3` is 9 7 5 3, `_` and `_x3` none.
    #[serde(default)]
    pub values: Option<Notation>,
    /// Values at single times.
    #[serde(default)]
    pub at: Option<IndexMap<String, TestSample>>,
}

/// Values in their short notation; a single one may be a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "Scalar")]
#[schemars(with = "Scalar")]
pub struct Notation(pub String);

impl From<Scalar> for Notation {
    fn from(written: Scalar) -> Self {
        Self(match written {
            Scalar::Text(text) => text,
            Scalar::Number(number) => number.to_string(),
        })
    }
}

/// A value, or several put together.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum TestSample {
    Single(f64),
    Several(TestSummary),
}

/// Several measurements of one second.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestSummary {
    /// How many.
    pub count: f64,
    /// Their total.
    pub sum: f64,
    /// The least; default the average.
    #[serde(default)]
    pub min: Option<f64>,
    /// The largest; default the average.
    #[serde(default)]
    pub max: Option<f64>,
    /// The one that came last, of a counter; default the largest.
    #[serde(default)]
    pub last: Option<f64>,
}

/// What someone does.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestAction {
    /// When.
    pub at: Moment,
    /// Clear the alert.
    pub clear: bool,
}

/// What holds at a time, after all measurements up to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// When.
    pub at: Moment,
    /// Whether the alert is triggered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AlertState>,
    /// Exactly these streams meet some condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<String>>,
    /// The streams of single conditions, by their place from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<BTreeMap<String, ExpectedStreams>>,
}

/// Whether an incident is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// None is.
    Ok,
    /// One is, or several are.
    Triggered,
}

/// The streams of one condition.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedStreams {
    /// Exactly these violate it, but not for long enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Vec<String>>,
    /// Exactly these meet it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<Vec<String>>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedNotice {
    /// When it is sent.
    pub at: Moment,
    /// What it says. A repeated one is a `trigger`, too.
    pub kind: NoticeKind,
    /// The titles of the services that are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// Of a `trigger`: the streams that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<String>>,
    /// Of a `clear`: how the incident ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<ClearedHow>,
}

/// What a notification says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// The alert fires.
    Trigger,
    /// It does not any more.
    Clear,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClearedHow {
    /// The alert does not fire any more.
    Normal,
    /// Someone cleared it.
    Manual,
    /// Nothing was heard for ten days.
    Auto,
}

impl AlertTest {
    /// What must hold of a test by itself.
    pub fn check(&self, found: &mut Checker<'_>) {
        if self.every.is_some_and(|every| every.0 == 0) {
            found.error(at(["every"]), Code::InvalidPeriod, "values cannot all be of one second");
        }
        if self.expect.is_none() && self.notifications.is_none() {
            found
                .warning(Route::root(), Code::MissingField, "this test expects nothing, so it cannot fail")
                .on_key()
                .help("write what you know under `expect` or `notifications`; what a failed test shows can be copied");
        }
        for (i, input) in self.input.iter().enumerate() {
            input.check(&at(["input"]).index(i), found);
        }
        for (i, expected) in self.expect.iter().flatten().enumerate() {
            if expected.state.is_none() && expected.streams.is_none() && expected.conditions.is_none() {
                let help = "write `state`, `streams` or `conditions`";
                found
                    .error(at(["expect"]).index(i), Code::MissingField, "nothing is expected here")
                    .help(help);
            }
        }
        for (i, expected) in self.notifications.iter().flatten().enumerate() {
            let here = at(["notifications"]).index(i);
            let misplaced = match expected.kind {
                NoticeKind::Trigger if expected.how.is_some() => "how",
                NoticeKind::Clear if expected.streams.is_some() => "streams",
                _ => continue,
            };
            let message = match expected.kind {
                NoticeKind::Trigger => "`how` is said of a `clear` only",
                NoticeKind::Clear => "`streams` is said of a `trigger` only: a `clear` names none",
            };
            found.error(here.key(misplaced), Code::FieldDoesNotFit, message).on_key();
        }
    }
}

impl TestInput {
    fn check(&self, here: &Route, found: &mut Checker<'_>) {
        if !is_name(&self.metric) {
            found.error(here.key("metric"), Code::InvalidName, "this is not the name of a metric");
        }
        if self.source.is_some() && self.tags.is_some() {
            found
                .error(here.key("tags"), Code::FieldDoesNotFit, "a series has a `source` or `tags`, not both")
                .on_key();
        }
        if self.values.is_none() && self.at.is_none() {
            found
                .error(here.clone(), Code::MissingField, "nothing is measured here")
                .help("write `values: \"5x9 _ 7\"`, or `at: { 2m: 5 }`");
        }
        if let Some(Err(error)) = self.values.as_ref().map(|values| watch::values(&values.0)) {
            let message = format!("{} (column {})", error.message, error.column);
            found.error(here.key("values"), Code::WrongValue, message).help(error.help);
        }
        for (time, sample) in self.at.iter().flatten() {
            let place = here.key("at").key(time);
            if Moment::parse(time).is_none() {
                found
                    .error(place, Code::WrongValue, "this is not a time after the start")
                    .on_key()
                    .help("such as `60s`, `5m` or `3m30s`");
                continue;
            }
            if let TestSample::Several(summary) = sample
                && summary.count <= 0.0
            {
                found.error(place.key("count"), Code::WrongValue, "there is at least one measurement");
            }
        }
    }
}
