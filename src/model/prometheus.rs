//! `settings.prometheus`: what only the user can know of his Prometheus, such as the names that metrics have there.
//! Knows nothing of what is made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer};

use super::{Field, Seconds};

/// How definitions are rendered for Prometheus, by `render prometheus`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusSettings {
    /// Who these definitions belong to: the label `librato_apply` of every alert. Letters, digits, `-` and `_`.
    pub owner: Option<String>,
    /// 3 (the default) where ranges leave out their beginning: Prometheus 3, Mimir, Cortex, VictoriaMetrics; 2 for Prometheus 2.
    pub engine: Option<u32>,
    /// How often rules are evaluated; default 60s.
    pub interval: Option<Seconds>,
    /// How durations of conditions are written: as a window, which needs no state (the default), or as `for:`.
    pub durations: Option<PrometheusDurations>,
    /// What metrics are called there: with `_` for what Prometheus 2 does not take (the default), or as they are.
    pub names: Option<PrometheusNames>,
    /// The label that holds the source; default `source`, and `null` where there is none.
    pub source: Field<String>,
    /// The labels that make a stream where series have more, such as `pod`; by default each series is one.
    pub stream: Option<Vec<String>>,
    /// How long the newest sample counts; default 5m, and never less than five periods of a metric.
    pub gap: Option<Seconds>,
    /// How long a stream is remembered by conditions `absent`; default 24h. With `recorded` ten days, by a rule that records when each was heard of.
    pub absent_memory: Option<PrometheusMemory>,
    /// Groups of rules by globs of names, the first that matches; else the first part of a name up to a dot.
    pub groups: Option<Vec<PrometheusGroup>>,
    /// Labels of alerts by globs of their names; later ones win.
    pub alerts: Option<Vec<PrometheusLabels>>,
    /// What metrics are called and what they hold, by globs of their names; the first that matches.
    pub metrics: Option<Vec<PrometheusMetric>>,
    /// Whether each rule on a ruler carries the definition that it was rendered from (the default). Without it nothing is known of a rule but
    /// its text.
    pub definition_annotation: Option<bool>,
    /// How Alertmanager is configured.
    pub alertmanager: Option<AlertmanagerSettings>,
}

/// What metrics are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrometheusNames {
    /// Letters, digits, `_` and `:`, with `_` for anything else.
    Underscore,
    /// As they are, which Prometheus takes from version 3 on.
    Utf8,
}

/// A span of time, or a word in its place.
macro_rules! span_or {
    ($(#[$doc:meta])* $name:ident, $word:ident = $text:literal, $(#[$of_word:meta])*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            /// So long.
            For(Seconds),
            $(#[$of_word])*
            $word,
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                if value == $text {
                    return Ok(Self::$word);
                }
                let span = Seconds::deserialize(value.into_deserializer());
                span.map(Self::For).map_err(|error| {
                    serde::de::Error::custom(format!("{error}, nor the word `{}`", $text))
                })
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let span = generator.subschema_for::<Seconds>();
                json_schema!({ "anyOf": [{ "const": $text }, span] })
            }
        }
    };
}

span_or! {
    /// How long streams are remembered.
    PrometheusMemory, Recorded = "recorded",
    /// By a rule that records when each was heard of.
}

span_or! {
    /// How long an exporter goes on showing the last value.
    PrometheusExpiry, Never = "never",
    /// For ever.
}

/// How durations of conditions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrometheusDurations {
    /// Violated then and now, and never not between.
    Window,
    /// As `for:`, which Prometheus keeps in memory.
    For,
}

/// Which group rules belong to.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusGroup {
    /// A glob of names of alerts and composites.
    #[serde(rename = "match")]
    pub glob: String,
    /// The group.
    pub group: String,
}

/// Labels of alerts.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusLabels {
    /// A glob of names of alerts.
    #[serde(rename = "match")]
    pub glob: String,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

/// What a metric holds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrometheusKind {
    /// The value itself; the default of gauges.
    Gauge,
    /// A reading that only grows, and of which the change is of interest; the default of counters.
    Counter,
    /// What was a number for each period, and is a reading that only grows there.
    Delta,
    /// Totals and counts that only grow, under `NAME_sum` and `NAME_count`.
    Summary,
    /// What this program's server shows: the mean, and `NAME:sum`, `NAME:count`, `NAME:min` and `NAME:max` beside it.
    Stats,
}

/// One mapping of metrics.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusMetric {
    /// A glob of names of metrics; what each `*` stands for is `$1`, `$2` and so on.
    #[serde(rename = "match", default)]
    pub glob: Option<String>,
    /// In its place, a regular expression for whole names; what its groups hold is `$1`, `$2` and so on.
    #[serde(default)]
    pub regex: Option<String>,
    /// The name there; default the same with `_` for each character that Prometheus does not take.
    #[serde(default)]
    pub name: Option<String>,
    /// Labels that its series have there.
    #[serde(default)]
    pub labels: Option<BTreeMap<String, String>>,
    /// The label that holds the source; `null` where there is none.
    #[serde(default)]
    pub source: Field<String>,
    /// The labels that hold tags, where they are called otherwise.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    /// What it holds.
    #[serde(default)]
    pub kind: Option<PrometheusKind>,
    /// The period of one value; default that of the metric.
    #[serde(default)]
    pub period: Option<Seconds>,
    /// How far apart samples are, where they are closer than the period.
    #[serde(default)]
    pub samples: Option<Seconds>,
    /// What a sample is multiplied with to be what the definitions mean: 1000 for seconds where they say milliseconds.
    #[serde(default)]
    pub scale: Option<f64>,
    /// How long an exporter goes on showing the last value: a span of time, or `never` where it does not stop.
    #[serde(default)]
    pub expires: Option<PrometheusExpiry>,
    /// The series that holds totals, where it is not the usual one.
    #[serde(default)]
    pub sum: Option<String>,
    /// The series that holds how many were measured, where it is not the usual one.
    #[serde(default)]
    pub count: Option<String>,
    /// The series that holds the least value of each period.
    #[serde(default)]
    pub min: Option<String>,
    /// The series that holds the largest value of each period.
    #[serde(default)]
    pub max: Option<String>,
    /// Whether it exists no more, so that what needs it is refused.
    #[serde(default)]
    pub absent: Option<bool>,
}

/// How Alertmanager is configured.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertmanagerSettings {
    /// When a notification is repeated: `prompt` (the default) at the end of `rearm_seconds`, `strict` with the clear up to that much late.
    pub rearm: Option<PrometheusRearm>,
    /// The directory of the files with secrets, where Alertmanager runs; default `/etc/alertmanager/secrets`.
    pub secrets_dir: Option<String>,
    /// A configuration of Alertmanager that belongs to someone else, beside this file: our route and receivers are put into it.
    pub base: Option<String>,
    /// What of the configuration is ours. Where it is rendered: `none` (it is not), `subtree` (a route and receivers inside `base`; the default with
    /// one), or `document` (all of it; the default without). On a ruler: nothing (the default), or with `subtree` the routes and receivers.
    pub own: Option<AlertmanagerOwn>,
    /// Receivers of `base` that take the place of services, by their titles.
    pub receivers: Option<BTreeMap<String, String>>,
    /// The server that takes mail; without it services of type `mail` are refused.
    pub smtp: Option<AlertmanagerSmtp>,
}

/// What of the configuration of an Alertmanager is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertmanagerOwn {
    /// Nothing.
    None,
    /// One route with all below it, and its receivers.
    Subtree,
    /// All of it.
    Document,
}

/// How Alertmanager sends mail.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagerSmtp {
    /// Host and port.
    pub smarthost: String,
    /// The sender.
    pub from: String,
}

/// When a notification is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrometheusRearm {
    /// As soon as the time has passed.
    Prompt,
    /// As seldom as the service does.
    Strict,
}
