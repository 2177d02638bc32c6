//! Conditions, services and values in the words of someone on call.
//! Hides every value of an alert that holds a secret outside its prose; judges nothing.

use std::fmt::Display;

use crate::model::{Condition, ConditionType, Tag, Word};

/// What stands for a value that must not be shown.
const HIDDEN: &str = "(sensitive)";

/// How to speak of one alert.
pub(super) struct Words {
    /// Whether values must not be shown.
    pub(super) hidden: bool,
}

impl Words {
    /// A value as it may be shown.
    pub(super) fn value(&self, value: impl Display) -> String {
        if self.hidden { HIDDEN.to_owned() } else { value.to_string() }
    }

    /// A name in quotes.
    pub(super) fn name(&self, name: &str) -> String {
        if self.hidden { HIDDEN.to_owned() } else { quoted(name) }
    }

    /// `fires when a and b hold`.
    pub(super) fn fires_when(&self, conditions: &[Condition]) -> String {
        if conditions.is_empty() {
            return "never fires, having no condition".to_owned();
        }
        format!("fires when {}", listed(conditions.iter().map(|c| self.condition(c)), " and "))
    }

    /// `notifies "a" and "b"`.
    pub(super) fn notifies(&self, services: &[String]) -> String {
        if services.is_empty() {
            return "notifies nobody".to_owned();
        }
        format!("notifies {}", listed(services.iter().map(|title| self.name(title)), " and "))
    }

    /// A whole condition: `web.ms (max, source web*) is above 800 for 5m`.
    pub(super) fn condition(&self, condition: &Condition) -> String {
        if self.hidden {
            return HIDDEN.to_owned();
        }
        let function =
            condition.summary_function.as_ref().filter(|_| condition.condition_type != ConditionType::Absent);
        let stream = Some(watched(condition)).filter(|_| is_narrowed(condition));
        let details: Vec<String> = function.map(ToString::to_string).into_iter().chain(stream).collect();
        let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
        let lasting = match condition.duration {
            Some(duration) if duration.0 > 0 => format!(" for {duration}"),
            _ => String::new(),
        };
        format!("{}{details} is {}{lasting}", condition.metric_name, test(condition))
    }

    /// What a condition compares with: `above 800`.
    pub(super) fn test(&self, condition: &Condition) -> String {
        self.value(test(condition))
    }

    /// Which streams a condition watches: `source web*`.
    pub(super) fn watched(&self, condition: &Condition) -> String {
        self.value(watched(condition))
    }

    /// Which condition is meant, by its place in the files: `conditions[0] (web.ms)`.
    pub(super) fn label(&self, index: usize, condition: &Condition) -> String {
        if self.hidden {
            return format!("conditions[{index}]");
        }
        format!("conditions[{index}] ({})", condition.metric_name)
    }
}

/// A name in quotes, so that blanks in it cannot be mistaken.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn test(condition: &Condition) -> String {
    match (&condition.condition_type, condition.threshold) {
        (Word::Known(ConditionType::Absent), _) => "silent".to_owned(),
        (word, Some(threshold)) => format!("{word} {threshold}"),
        (Word::Known(word), None) => format!("{} nothing", Word::Known(*word)),
        (Word::Other(word), None) => word.clone(),
    }
}

fn is_narrowed(condition: &Condition) -> bool {
    has_source(condition) || condition.tags.as_ref().is_some_and(|tags| !tags.is_empty())
}

fn has_source(condition: &Condition) -> bool {
    condition.source.as_deref().is_some_and(|source| !matches!(source, "" | "*"))
}

fn watched(condition: &Condition) -> String {
    match (&condition.source, condition.tags.as_deref()) {
        (_, Some(tags)) if !tags.is_empty() => format!("tags {}", listed(tags.iter().map(tag), ", ")),
        (Some(source), _) if has_source(condition) => format!("source {source}"),
        _ => "every source".to_owned(),
    }
}

fn tag(tag: &Tag) -> String {
    let values = match tag.values.as_deref() {
        Some(values) if !values.is_empty() => values.join("|"),
        _ => "*".to_owned(),
    };
    let grouped = if tag.grouped == Some(true) { " grouped" } else { "" };
    let dynamic = if tag.dynamic == Some(true) { " dynamic" } else { "" };
    format!("{}={values}{grouped}{dynamic}", tag.name)
}

/// Words in a list as people say them.
pub(super) fn listed(items: impl IntoIterator<Item = impl Display>, last: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(", ")),
        _ => items.concat(),
    }
}
