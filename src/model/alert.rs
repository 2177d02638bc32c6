//! Alerts: what may be written, what it means where nothing is, what must hold. Conditions stand in `alert/condition.rs`.
//! Knows nothing of ids, nor of how an alert is evaluated.

mod condition;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::{Checker, at};
use super::{Address, Field, Kind, MetricType, Reference, Seconds, Shape, Spec, TypeOf, Word, compare};
use crate::diag::{Code, Route, Seg};

use condition::same_in_condition;
pub use condition::{Condition, ConditionType, DURATIONS, SummaryFunction, Tag};
pub(super) use condition::{canonical_tags, check_tags};

/// Conditions that, all holding at once, notify services.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What the alert means to whoever is called.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub description: Field<String>,
    /// All of them must hold for the alert to fire; needed when the alert does not exist yet.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub conditions: Field<Vec<Condition>>,
    /// Titles of the services to notify.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub services: Field<Vec<String>>,
    /// `runbook_url` and other attributes; managed key by key.
    #[serde(default, skip_serializing_if = "AlertAttributes::is_empty")]
    pub attributes: AlertAttributes,
    /// Whether the alert can fire. Not written means true: an alert that someone switched off is switched on again.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub active: Field<bool>,
    /// How long to stay silent after a notification, a multiple of 60. Not written means 10m.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub rearm_seconds: Field<Seconds>,
    /// Whether each stream re-arms by itself; default false.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub rearm_per_signal: Field<bool>,
    /// Whether this is an alert on tagged measurements; default false.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub md: Field<bool>,
}

/// Attributes of an alert.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AlertAttributes {
    /// Where to read what to do.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub runbook_url: Field<String>,
    /// Whatever else the service keeps with the alert.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl AlertAttributes {
    /// Whether no attribute is written.
    pub fn is_empty(&self) -> bool {
        self.runbook_url.is_unset() && self.others.is_empty()
    }

    fn is_within(&self, have: &Self) -> bool {
        let Self { runbook_url, others } = self;
        runbook_url.is_within(&have.runbook_url)
            && others.iter().all(|(key, value)| have.others.get(key) == Some(value))
    }
}

/// How long an alert stays silent after a notification where it does not say; the API's default.
const REARM: Seconds = Seconds(600);

impl Alert {
    pub(super) fn is_within(&self, have: &Self) -> bool {
        // Taken apart, so that no field can be forgotten.
        let Self {
            description,
            conditions,
            services,
            attributes,
            active: _,
            rearm_seconds: _,
            rearm_per_signal,
            md,
        } = self;
        description.is_within(&have.description)
            && conditions.is_within(&have.conditions)
            && services.is_within(&have.services)
            && attributes.is_within(&have.attributes)
            // These mean their default where they are not written.
            && self.is_active() == have.is_active()
            && self.rearm() == have.rearm()
            && rearm_per_signal.is_within(&have.rearm_per_signal)
            && md.is_within(&have.md)
    }

    /// Whether it can fire.
    pub fn is_active(&self) -> bool {
        self.active.value().copied().unwrap_or(true)
    }

    /// How long it stays silent after a notification.
    pub fn rearm(&self) -> Seconds {
        self.rearm_seconds.value().copied().unwrap_or(REARM)
    }

    /// The same alert with what it means where nothing is written: either of these could mute an alert without any plan
    /// showing it.
    pub fn with_defaults(&self) -> Self {
        let (active, rearm_seconds) = (Field::Set(self.is_active()), Field::Set(self.rearm()));
        Self { active, rearm_seconds, ..self.clone() }
    }

    /// The same alert with the summary function every condition has when none is written, where the type of its metric is
    /// known: the API's default depends on it. For comparing only, since what is not there stays absent.
    pub fn with_default_functions(&self, type_of: &dyn Fn(&str) -> Option<MetricType>) -> Self {
        let mut alert = self.clone();
        if let Field::Set(conditions) = &mut alert.conditions {
            for condition in conditions.iter_mut().filter(|c| compares(c)) {
                if condition.summary_function.is_none() {
                    condition.summary_function =
                        type_of(&condition.metric_name).map(|metric_type| match metric_type {
                            MetricType::Gauge => SummaryFunction::Average.into(),
                            MetricType::Counter => SummaryFunction::Derivative.into(),
                        });
                }
            }
        }
        alert
    }
}

impl Alert {
    /// Warns where no one would be called.
    fn check_whether_it_pages(&self, found: &mut Checker<'_>) {
        let Some(conditions) = self.conditions.value() else { return };
        if conditions.is_empty() {
            found
                .warning(
                    at(["conditions"]),
                    Code::AlertWithoutConditions,
                    "an alert without conditions never fires",
                )
                .help("give it a condition, or remove the alert");
        } else if self.services.is_unset() {
            found
                .warning(at(["services"]), Code::AlertNotifiesNobody, "the alert names no services to notify")
                .help(
                    "list their titles under `services`, or write `services: []` if nobody is to be called",
                );
        }
    }
}

/// Whether a statistic is held against a threshold; of what we do not know we assume nothing.
fn compares(condition: &Condition) -> bool {
    matches!(condition.condition_type, Word::Known(ConditionType::Above | ConditionType::Below))
}

impl Spec for Alert {
    fn kind(&self) -> Kind {
        Kind::Alert
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_letters();
        if let Some(rearm) = self.rearm_seconds.value()
            && !rearm.0.is_multiple_of(60)
        {
            found
                .error(
                    at(["rearm_seconds"]),
                    Code::InvalidRearm,
                    format!("{rearm} is not a multiple of one minute"),
                )
                .help(format!("the next one is {}", Seconds(rearm.0.next_multiple_of(60))));
        }
        self.check_whether_it_pages(found);
        for (i, condition) in self.conditions.value().into_iter().flatten().enumerate() {
            condition.check(&at(["conditions"]).index(i), found);
        }
        if let Some(services) = self.services.value() {
            let mut seen = HashSet::new();
            for (i, title) in services.iter().enumerate() {
                if !seen.insert(title) {
                    found.error(
                        at(["services"]).index(i),
                        Code::RepeatedItem,
                        format!("the service `{title}` is listed twice"),
                    );
                }
            }
        }
    }

    /// Reports statistics that the metrics they are taken of do not have, as far as their types are known: the service refuses
    /// these.
    fn check_functions(&self, type_of: &TypeOf<'_>, found: &mut Checker<'_>) {
        for (i, condition) in self.conditions.value().into_iter().flatten().enumerate() {
            let (Some(function), Some(metric_type)) =
                (condition.misfit_of(type_of(&condition.metric_name)), type_of(&condition.metric_name))
            else {
                continue;
            };
            let here = at(["conditions"]).index(i).key("summary_function");
            let message = format!("a {} has no `{}`", Word::Known(metric_type), Word::Known(function));
            found.error(here, Code::FunctionDoesNotFit, message).help(match metric_type {
                MetricType::Counter => "of a counter there are `derivative` and `absolute_value`",
                MetricType::Gauge => {
                    "of a gauge or composite there are `min`, `max`, `average`, `sum`, `count` and `derivative`"
                }
            });
        }
    }

    fn references(&self) -> Vec<Reference> {
        let metrics = self.conditions.value().into_iter().flatten().enumerate().map(|(i, condition)| {
            let route = [Seg::Key("conditions".into()), Seg::Index(i), Seg::Key("metric_name".into())];
            Reference::metric(&condition.metric_name, Route(route.into()))
        });
        let services = self.services.value().into_iter().flatten().enumerate();
        let services = services.map(|(i, title)| Reference::service(title, at(["services"]).index(i)));
        metrics.chain(services).collect()
    }

    fn canonical(&self, field: &str, value: &Value) -> Value {
        match field {
            "active" => compare::default_to(value, true),
            "rearm_seconds" => compare::default_to(value, 600),
            "rearm_per_signal" | "md" => compare::default_to(value, false),
            _ => compare::plain(value),
        }
    }

    fn shape(&self, field: &str) -> Shape {
        match field {
            "conditions" => Shape::Items,
            "services" => Shape::Set,
            _ => Shape::Plain,
        }
    }

    fn same_in_item(&self, key: &str, want: &Value, have: &Value) -> bool {
        same_in_condition(key, want, have)
    }

    fn weight_in_item(&self, _: &str, key: &str) -> usize {
        // What a condition watches makes it the same one sooner than what it compares with.
        if matches!(key, "metric_name" | "type") { 3 } else { 1 }
    }

    fn kinship(&self, _: &str, want: &Value, have: &Value) -> Option<usize> {
        same_in_condition("metric_name", want, have).then_some(0)
    }

    fn follow_renames(&mut self, renamed: &dyn Fn(&Address) -> Option<String>) {
        let Field::Set(titles) = &mut self.services else { return };
        for title in titles {
            if let Some(new) = renamed(&Address::service(title.as_str())) {
                *title = new;
            }
        }
    }

    fn clearable(&self) -> &'static [&'static str] {
        &["description", "rearm_seconds", "rearm_per_signal", "active", "md"]
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &["conditions"]
    }
}

#[cfg(test)]
mod tests;
