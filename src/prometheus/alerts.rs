//! An alert as an alerting rule: its conditions, put together, and what people read of it.
//! Knows nothing of groups and files.

use std::collections::BTreeMap;

use crate::diag::{Code, Route};
use crate::model::check::at;
use crate::model::{Alert, Condition, Field};

use super::conditions::{self, Manner, Rendered};
use super::fidelity::{Agreement, Reasons};
use super::mapping::Mapping;
use super::promql::{Expr, Sign};
use super::rule::Rule;
use super::settings::Settings;

/// What became of a composite that an alert may read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its group; nothing of one that was refused.
    pub group: Option<String>,
    /// Seconds from point to point.
    pub period: i64,
    /// The labels of its series, where it leaves some out.
    pub labels: Option<Vec<String>>,
    /// When its values are those of ours.
    pub agrees: Agreement,
}

/// An alert as rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// That of the alert.
    pub rule: Rule,
    /// Those that record what it reads.
    pub seen: Vec<Rule>,
}

/// Renders an alert; `None` where it is refused.
pub fn alert(
    name: &str,
    alert: &Alert,
    mapping: &Mapping<'_>,
    settings: &Settings,
    composites: &BTreeMap<String, Recorded>,
    reasons: &mut Reasons,
) -> Option<Made> {
    let conditions = match &alert.conditions {
        Field::Set(conditions) if !conditions.is_empty() => conditions,
        _ => {
            reasons.refuse(Code::MissingField, &Route::root(), "its conditions are not in the files");
            return None;
        }
    };
    let mut parts = Vec::new();
    for (place, condition) in conditions.iter().enumerate() {
        let here = at(["conditions"]).index(place);
        let known = composites.get(&crate::pattern::fold(&condition.metric_name));
        let metric = match known {
            Some(recorded) => {
                read(name, condition, recorded, settings, &here, reasons);
                mapping.of_composite(&condition.metric_name, recorded.period)
            }
            None => {
                let metric = mapping.metric(&condition.metric_name);
                metric.doubt(&condition.metric_name, &here.key("metric_name"), reasons);
                metric
            }
        };
        let manner = Manner { settings, may_wait: conditions.len() == 1, recorded: known.is_some() };
        parts.extend(conditions::condition(condition, &metric, manner, &here, reasons));
    }
    let per_stream = alert.rearm_per_signal.value() == Some(&true);
    if conditions.len() > 1 && per_stream {
        let text =
            "streams of the first condition make alerts; those of the others open no incident of their own";
        let found = reasons.approximate(Code::FirstCondition, &at(["rearm_per_signal"]), text);
        found.help("put the condition first whose streams matter");
    }
    if reasons.refused() {
        return None;
    }
    let wait = parts.iter().find_map(|part| part.wait);
    let seen = parts.iter().filter_map(|part| part.seen.clone());
    let seen = seen.map(|(name, expr)| Rule::Record { name, expr }).collect();
    let expr = parts.into_iter().map(|Rendered { expr, .. }| expr).reduce(both)?;
    let mut labels = settings.labels_of(name);
    labels.insert("librato_apply".to_owned(), settings.owner.clone());
    let annotations = annotations(alert, conditions);
    Some(Made { rule: Rule::Alert { name: name.to_owned(), expr, wait, labels, annotations }, seen })
}

/// Two conditions that are judged apart: streams and value are those of the first.
fn both(first: Expr, second: Expr) -> Expr {
    first.paired(Sign::And, &[], second)
}

fn read(
    name: &str,
    condition: &Condition,
    recorded: &Recorded,
    settings: &Settings,
    here: &Route,
    reasons: &mut Reasons,
) {
    let here = here.key("metric_name");
    let metric = &condition.metric_name;
    match &recorded.group {
        None => {
            let text = format!("the composite `{metric}` is refused");
            reasons
                .refuse(Code::InvalidComposite, &here, text)
                .help("mend the composite, or remove the alert");
        }
        Some(group) if *group != settings.group_of(name) => {
            let text =
                format!("the composite `{metric}` is in the group {group}, so it may be one evaluation old");
            reasons
                .approximate(Code::ReadLate, &here, text)
                .help("settings.prometheus.groups puts both into one group");
        }
        Some(_) if settings.vmalert => {
            let text =
                format!("vmalert writes the recorded `{metric}` aside, so it may be one evaluation old");
            reasons.approximate(Code::ReadLate, &here, text);
        }
        Some(_) => {}
    }
}

fn annotations(alert: &Alert, conditions: &[Condition]) -> BTreeMap<String, String> {
    let words: Vec<String> = conditions.iter().map(conditions::in_words).collect();
    let mut all = BTreeMap::from([("summary".to_owned(), words.join(" and "))]);
    let mut add = |key: &str, text: &str| {
        let key: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if super::names::is_label(&key) && !text.is_empty() {
            all.insert(key, text.to_owned());
        }
    };
    for (key, value) in &alert.attributes.others {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => add(key, text),
            other => add(key, &other.to_string()),
        }
    }
    if let Some(text) = alert.description.value() {
        add("description", text);
    }
    if let Some(url) = alert.attributes.runbook_url.value() {
        add("runbook_url", url);
    }
    all
}
