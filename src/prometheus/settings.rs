//! The settings with what they mean where nothing is written, and what is wrong with them.
//! Knows nothing of metrics and alerts.

use std::collections::BTreeMap;

use crate::diag::{Code, Route};
use crate::model::check::{Checker, Finding, at};
use crate::model::{
    AlertmanagerOwn, AlertmanagerSettings, Field, PrometheusDurations, PrometheusExpiry, PrometheusMemory,
    PrometheusNames, PrometheusRearm, PrometheusSettings, Seconds,
};
use crate::pattern;

use super::names::{is_label, whole};
use super::promql::Engine;
use super::subtree::{self, Subtree};

/// How long the service remembers a stream: ten days.
pub const MEMORY_OF_THE_SERVICE: i64 = 864_000;

/// What the command line says of them, which wins.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// Who the definitions belong to.
    pub owner: Option<&'a str>,
    /// 2 or 3.
    pub engine: Option<u32>,
    /// The text of the configuration of Alertmanager that ours is put into, where the settings name one.
    pub base: Option<&'a str>,
    /// Whether secrets are written into it.
    pub inline_secrets: bool,
    /// Whether vmalert evaluates the rules.
    pub vmalert: bool,
}

/// What rendering goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who the definitions belong to.
    pub owner: String,
    /// What ranges mean.
    pub engine: Engine,
    /// Seconds from evaluation to evaluation.
    pub interval: i64,
    /// How durations are written.
    pub durations: PrometheusDurations,
    /// What metrics are called.
    pub names: PrometheusNames,
    /// The label that holds the source.
    pub source: Option<String>,
    /// The labels that make a stream where series have more.
    pub stream: Vec<String>,
    /// Seconds that the newest sample counts, at least.
    pub gap: i64,
    /// Seconds that a stream is remembered; nothing where that is recorded.
    pub absent_memory: Option<i64>,
    /// When notifications are repeated.
    pub rearm: PrometheusRearm,
    /// Where Alertmanager finds secrets.
    pub secrets_dir: String,
    /// What of the configuration of Alertmanager is ours.
    pub own: AlertmanagerOwn,
    /// The configuration that ours is put into.
    pub base: Option<String>,
    /// Receivers in the place of services, by their titles.
    pub receivers: BTreeMap<String, String>,
    /// Whether secrets are written into it.
    pub inline_secrets: bool,
    /// Whether rules on a ruler carry what they were rendered from.
    pub definition: bool,
    /// Whether vmalert evaluates the rules.
    pub vmalert: bool,
    /// As they are written.
    pub written: PrometheusSettings,
}

impl Settings {
    /// Reads them; findings have routes inside `settings.prometheus`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(written: &PrometheusSettings, given: &Given<'_>) -> Result<Self, Vec<Finding>> {
        let mut found = Checker::new("settings.prometheus");
        let owner = given.owner.or(written.owner.as_deref()).unwrap_or_default();
        if owner.is_empty() || !owner.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            let message = if owner.is_empty() {
                "it must be said who these definitions belong to"
            } else {
                "an owner is made of letters, digits, `-` and `_`"
            };
            let code = if owner.is_empty() { Code::MissingField } else { Code::InvalidName };
            found
                .error(at(["owner"]), code, message)
                .help("`settings: { prometheus: { owner: NAME } }`, or --owner NAME: the label librato_apply of all alerts");
        }
        let seconds = |written: Option<Seconds>, default: i64| {
            written
                .map_or(default, |it| i64::try_from(it.0).unwrap_or(i64::MAX).min(MEMORY_OF_THE_SERVICE * 40))
        };
        let interval = seconds(written.interval, 60);
        if interval == 0 {
            found.error(at(["interval"]), Code::InvalidPeriod, "an interval is at least one second");
        }
        let absent_memory = match written.absent_memory {
            Some(PrometheusMemory::Recorded) => None,
            Some(PrometheusMemory::For(span)) => Some(seconds(Some(span), 86_400)),
            None => Some(86_400),
        };
        if absent_memory.is_some_and(|memory| memory < 7_200) {
            let message = "streams are remembered for two hours at least, since `absent` may last an hour";
            found.error(at(["absent_memory"]), Code::OutOfRange, message);
        }
        let engine = match given.engine.or(written.engine) {
            None | Some(3) => Engine::LeftOpen,
            Some(2) => Engine::Closed,
            Some(_) => {
                let wrong = found.error(at(["engine"]), Code::WrongValue, "an engine is 2 or 3");
                wrong.help("2 for Prometheus 2, 3 for Prometheus 3, Mimir, Cortex and VictoriaMetrics");
                Engine::LeftOpen
            }
        };
        let names = written.names.unwrap_or(PrometheusNames::Underscore);
        if names == PrometheusNames::Utf8 && engine == Engine::Closed {
            let message = "Prometheus 2 takes no names with dots";
            found.error(at(["names"]), Code::WrongValue, message).help("`engine: 3`, or `names: underscore`");
        }
        let source = match &written.source {
            Field::Unset => Some("source".to_owned()),
            Field::Null => None,
            Field::Set(label) => Some(label.clone()),
        };
        check_labels(written, &mut found);
        let alertmanager = written.alertmanager.clone().unwrap_or_default();
        let own = alertmanager.own.unwrap_or(match alertmanager.base {
            Some(_) => AlertmanagerOwn::Subtree,
            None => AlertmanagerOwn::Document,
        });
        check_base(&alertmanager, own, owner, given.base, &mut found);
        let findings = found.into_findings();
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            owner: owner.to_owned(),
            engine,
            interval,
            durations: written.durations.unwrap_or(PrometheusDurations::Window),
            names,
            source,
            stream: written.stream.clone().unwrap_or_default(),
            gap: seconds(written.gap, 300),
            absent_memory,
            rearm: alertmanager.rearm.unwrap_or(PrometheusRearm::Prompt),
            secrets_dir: alertmanager.secrets_dir.unwrap_or_else(|| "/etc/alertmanager/secrets".to_owned()),
            own,
            base: given.base.filter(|_| own == AlertmanagerOwn::Subtree).map(str::to_owned),
            receivers: alertmanager.receivers.unwrap_or_default(),
            inline_secrets: given.inline_secrets,
            definition: written.definition_annotation.unwrap_or(true),
            vmalert: given.vmalert,
            written: written.clone(),
        })
    }

    /// The name of the receiver of a service: others have receivers in the same configuration, but where all of it is ours.
    pub fn receiver_of(&self, title: &str) -> String {
        match self.own {
            AlertmanagerOwn::Subtree => subtree::receiver_of(&self.owner, title),
            AlertmanagerOwn::None | AlertmanagerOwn::Document => format!("librato/{title}"),
        }
    }

    /// The group of an alert or composite.
    pub fn group_of(&self, name: &str) -> String {
        let wanted = self.written.groups.iter().flatten().find(|rule| pattern::matches(&rule.glob, name));
        let group = wanted.map_or_else(|| name.split('.').next().unwrap_or_default(), |rule| &rule.group);
        let group: String =
            group.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' }).collect();
        if group.is_empty() { "rules".to_owned() } else { group }
    }

    /// The labels of an alert, beside that of the owner.
    pub fn labels_of(&self, alert: &str) -> BTreeMap<String, String> {
        let rules = self.written.alerts.iter().flatten().filter(|rule| pattern::matches(&rule.glob, alert));
        rules.flat_map(|rule| rule.labels.clone()).collect()
    }

    /// How long the newest point of a metric counts.
    pub fn gap_of(&self, period: i64) -> i64 {
        self.gap.max(period.saturating_mul(5))
    }
}

/// Whether ours can be put into the configuration of someone else.
fn check_base(
    written: &AlertmanagerSettings,
    own: AlertmanagerOwn,
    owner: &str,
    base: Option<&str>,
    found: &mut Checker<'_>,
) {
    let here = at(["alertmanager"]);
    if own == AlertmanagerOwn::Document && written.base.is_some() {
        let message = "all of the configuration is ours, so there is no `base`";
        found.error(here.key("base"), Code::FieldDoesNotFit, message).help("`own: subtree`");
    }
    let Some(base) = base else { return };
    let nobody = subtree::receiver_of(owner, subtree::NOBODY);
    let route = vec![format!("- matchers: ['{}']", subtree::matcher(owner)), format!("  receiver: {nobody}")];
    let empty = Subtree { route, receivers: vec![format!("- name: {nobody}")] };
    if let Err(why) = subtree::placed(base, owner, &empty) {
        let message = format!("nothing can be put into this configuration: {why}");
        found.error(here.key("base"), Code::WrongValue, message);
    }
}

/// Labels that Prometheus refuses, or that are ours.
fn check_labels(written: &PrometheusSettings, found: &mut Checker<'_>) {
    let mut check = |route: Route, label: &str, free: bool| {
        let reserved = free && (label == "alertname" || label == "librato_apply");
        if !is_label(label) || reserved {
            let message = if reserved { "this label is set already" } else { "this is no name of a label" };
            let wrong = found.error(route, Code::InvalidName, message);
            wrong.help("letters, digits and `_`, not beginning with a digit or `__`");
        }
    };
    if let Some(label) = written.source.value() {
        check(at(["source"]), label, false);
    }
    for (place, label) in written.stream.iter().flatten().enumerate() {
        check(at(["stream"]).index(place), label, false);
    }
    for (place, rule) in written.alerts.iter().flatten().enumerate() {
        for label in rule.labels.keys() {
            check(at(["alerts"]).index(place).key("labels").key(label), label, true);
        }
    }
    for (place, rule) in written.metrics.iter().flatten().enumerate() {
        let here = at(["metrics"]).index(place);
        for label in rule.labels.iter().flatten().map(|(label, _)| label) {
            check(here.key("labels").key(label), label, false);
        }
        for (tag, label) in rule.tags.iter().flatten() {
            check(here.key("tags").key(tag), label, false);
        }
        if let Some(label) = rule.source.value() {
            check(here.key("source"), label, false);
        }
    }
    for (place, rule) in written.metrics.iter().flatten().enumerate() {
        let here = at(["metrics"]).index(place);
        if rule.scale.is_some_and(|scale| !scale.is_finite() || scale <= 0.0) {
            found.error(here.key("scale"), Code::InvalidNumber, "a scale is a number above 0");
        }
        match (&rule.glob, &rule.regex) {
            (Some(_), None) => {}
            (None, Some(regex)) => {
                if whole(regex).is_err() {
                    let message = "this is no regular expression";
                    found.error(here.key("regex"), Code::WrongValue, message);
                }
            }
            (written, _) => {
                let code = if written.is_none() { Code::MissingField } else { Code::WrongValue };
                let message = "a mapping has either `match` or `regex`, which says what metrics it is for";
                found.error(here.clone(), code, message);
            }
        }
        let expires = match rule.expires {
            Some(PrometheusExpiry::For(span)) => Some(span),
            Some(PrometheusExpiry::Never) | None => None,
        };
        for (key, written) in [("period", rule.period), ("samples", rule.samples), ("expires", expires)] {
            if written == Some(Seconds(0)) {
                found.error(here.key(key), Code::InvalidPeriod, "this is at least one second");
            }
        }
    }
}
