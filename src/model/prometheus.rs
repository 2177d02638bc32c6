//! `settings.prometheus`: what only the user can know of his Prometheus, such as the names that metrics have there.
//! Knows nothing of what is made of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// The label that holds the source; default `source`, and `null` where there is none.
    pub source: Field<String>,
    /// How long the newest sample counts; default 5m, and never less than five periods of a metric.
    pub gap: Option<Seconds>,
    /// How long a stream is remembered by conditions `absent`; default 24h.
    pub absent_memory: Option<Seconds>,
    /// Groups of rules by globs of names, the first that matches; else the first part of a name up to a dot.
    pub groups: Option<Vec<PrometheusGroup>>,
    /// Labels of alerts by globs of their names; later ones win.
    pub alerts: Option<Vec<PrometheusLabels>>,
    /// What metrics are called and what they hold, by globs of their names; the first that matches.
    pub metrics: Option<Vec<PrometheusMetric>>,
    /// How Alertmanager is configured.
    pub alertmanager: Option<AlertmanagerSettings>,
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
}

/// One mapping of metrics.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusMetric {
    /// A glob of names of metrics; what each `*` stands for is `$1`, `$2` and so on.
    #[serde(rename = "match")]
    pub glob: String,
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
    /// The server that takes mail; without it services of type `mail` are refused.
    pub smtp: Option<AlertmanagerSmtp>,
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
