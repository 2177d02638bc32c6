//! What to ask of the past of alerts: each as it stands on the ruler, and as it will be. A rule that is rendered today as it stands there is
//! asked with its composites written out; any other one by the text that stands there. Asks nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::found::Found;
use super::normal::{Normal, collapsed, milliseconds};
use super::rendered::rendered;
use crate::diag::Files;
use crate::model::{Declared, Desired, Intent, Kind, State};
use crate::prometheus::{self, Question, Settings, Tests};

/// By the names of alerts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Questions {
    /// As they stand there.
    pub before: BTreeMap<String, Question>,
    /// As they will be.
    pub after: BTreeMap<String, Question>,
}

/// All of them.
pub fn questions(
    asked: &Desired,
    actual: &State,
    found: &[Found],
    files: &Files,
    settings: &Settings,
) -> Questions {
    let by_name = |all: Vec<Question>| all.into_iter().map(|one| (one.alert.clone(), one)).collect();
    let after = by_name(rendered(asked, actual, files, settings).questions);
    let was = prometheus::render(&as_it_is(asked, actual, found), files, settings, Tests::None);
    let mut before: BTreeMap<String, Question> = by_name(was.questions);
    let texts: BTreeMap<&str, Normal> = was
        .groups
        .values()
        .flatten()
        .filter_map(|rule| Some((rule.get("alert")?.as_str()?, Normal::of(rule))))
        .collect();
    before.retain(|name, _| found.iter().any(|it| is_alert(it) && it.address.name == *name));
    for rule in found.iter().filter(|it| is_alert(it)) {
        let name = rule.address.name.as_str();
        if texts.get(name).is_none_or(|rendered| rendered.judged != rule.normal.judged) {
            before.insert(name.to_owned(), as_written(name, &rule.rule));
        }
    }
    Questions { before, after }
}

fn is_alert(found: &Found) -> bool {
    found.key().0 == "alert"
}

/// The objects that the ruler has, beside what the files say of the rest.
fn as_it_is(asked: &Desired, actual: &State, found: &[Found]) -> Desired {
    let mut was = asked.clone();
    was.objects.retain(|_, declared| !matches!(declared.kind, Kind::Alert | Kind::Composite));
    // Only reports, which nobody reads here, show where something was written.
    let Some(origin) = asked.objects.values().next().map(|declared| declared.origin.clone()) else {
        return was;
    };
    for address in found.iter().map(|it| &it.address) {
        let Some(resource) = actual.get(address) else { continue };
        let declared = Declared {
            kind: resource.kind(),
            resource: resource.clone(),
            intent: Intent::Present,
            protect: false,
            renamed_from: None,
            origin: origin.clone(),
            secrets: BTreeMap::new(),
        };
        was.objects.insert(address.clone(), declared);
    }
    was
}

/// A rule by its text.
fn as_written(name: &str, rule: &Value) -> Question {
    let expression = prometheus::comment_of(rule["expr"].as_str().unwrap_or_default()).1;
    let wait = rule.get("for").and_then(Value::as_str).and_then(milliseconds).unwrap_or_default();
    Question {
        alert: name.to_owned(),
        expression: collapsed(expression),
        wait: i64::try_from(wait / 1_000).unwrap_or(i64::MAX),
        reads: Vec::new(),
        reads_recorded: expression.contains("librato:"),
    }
}
