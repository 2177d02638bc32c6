//! An event as it begins: what an annotation says of an incident.

use serde_json::{Value, json};

use crate::notify::{Message, Test, Violation, What};

/// So many violations are listed in the text of an event.
const LISTED: usize = 20;

/// An event that begins.
pub struct Begun {
    pub title: String,
    pub description: String,
    pub source: Option<String>,
    pub at: i64,
    pub links: Value,
}

impl Begun {
    pub fn of(message: &Message) -> Begun {
        let violations = match &message.what {
            What::Trigger { violations, .. } => violations.as_slice(),
            What::Clear { .. } => &[],
        };
        let link = |url: &String| json!({ "rel": "runbook", "href": url, "label": "Runbook" });
        Begun {
            title: message.alert.name.clone(),
            description: text(message, violations),
            source: one(violations).map(str::to_owned),
            at: message.at,
            links: message.alert.runbook_url.iter().map(link).collect(),
        }
    }
}

/// The stream, if all violations are of one.
fn one(violations: &[Violation]) -> Option<&str> {
    let first = violations.first()?;
    violations.iter().all(|one| one.stream == first.stream).then_some(first.stream.as_str())
}

fn text(message: &Message, violations: &[Violation]) -> String {
    let mut lines: Vec<String> = message.alert.description.iter().cloned().collect();
    lines.extend(violations.iter().take(LISTED).map(line));
    let cut = match &message.what {
        What::Trigger { truncated, .. } => truncated + violations.len().saturating_sub(LISTED),
        What::Clear { .. } => 0,
    };
    if cut > 0 {
        lines.push(format!("and {cut} more"));
    }
    lines.join("\n")
}

fn line(violation: &Violation) -> String {
    let Violation { stream, metric, threshold, test, value, .. } = violation;
    match (test, threshold) {
        (Test::Absent, _) | (_, None) => {
            format!("`{metric}` from `{stream}` is absent, its last value was {value}")
        }
        (_, Some(threshold)) => {
            format!("`{metric}` from `{stream}` was {} threshold {threshold} with value {value}", test.word())
        }
    }
}
