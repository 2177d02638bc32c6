//! Objects as documents: JSON and YAML with everything that the service says.
//! What could steer a terminal is escaped or replaced.

use librato_apply::diag::printable;
use librato_apply::model::Seconds;
use serde_json::{Value, json};

use crate::cli::args::kind::Kind;

/// One document: its version, and the objects under the word for their kind.
pub fn json(kind: Kind, objects: &[Value]) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(&document(kind, objects))?;
    Ok(harmless(&text, |c| format!("\\u{:04x}", u32::from(c))) + "\n")
}

/// The same as YAML, with times and durations as people write them.
pub fn yaml(kind: Kind, objects: &[Value]) -> anyhow::Result<String> {
    text(&document(kind, objects))
}

/// The objects themselves, for people.
pub fn details(objects: &[Value]) -> anyhow::Result<String> {
    objects.iter().map(text).collect()
}

fn document(kind: Kind, objects: &[Value]) -> Value {
    json!({"format_version": 1, (kind.plural()): objects})
}

fn text(value: &Value) -> anyhow::Result<String> {
    let text = serde_yaml::to_string(&in_words(value))?;
    let text = harmless(&text, |c| printable(&c.to_string()));
    Ok(if text.ends_with('\n') { text } else { text + "\n" })
}

/// Times in ISO form and durations as the files have them, by the names of their fields.
fn in_words(value: &Value) -> Value {
    let field = |(name, value): (&String, &Value)| {
        let shown = match (name.as_str(), value.as_i64()) {
            ("duration" | "period" | "rearm_seconds" | "source_lag" | "resolution", Some(seconds)) => {
                u64::try_from(seconds).ok().map(|seconds| Seconds(seconds).to_string().into())
            }
            (name, Some(seconds)) if name == "time" || name.ends_with("_at") || name.ends_with("_time") => {
                jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string().into())
            }
            _ => None,
        };
        (name.clone(), shown.unwrap_or_else(|| in_words(value)))
    };
    match value {
        Value::Array(items) => items.iter().map(in_words).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}

/// Every character that does something to a terminal, but the ends of lines, in another form.
fn harmless(text: &str, form: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let mut bytes = [0; 4];
        if c == '\n' || printable(c.encode_utf8(&mut bytes)) == *c.encode_utf8(&mut [0; 4]) {
            out.push(c);
        } else {
            out.push_str(&form(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_times_and_durations_and_machines_numbers() {
        let alert = json!({"created_at": 1_700_000_000, "rearm_seconds": 600, "conditions": [{"duration": 90}], "id": 7});
        let yaml = details(std::slice::from_ref(&alert)).unwrap();
        for shown in ["2023-11-14T22:13:20Z", "rearm_seconds: 10m", "duration: 90s", "id: 7"] {
            assert!(yaml.contains(shown), "{yaml}");
        }
        assert!(json(Kind::Alerts, &[alert]).unwrap().contains("1700000000"));
    }

    #[test]
    fn documents_hold_what_they_are_given_and_nothing_that_steers() {
        let name = "a\u{1b}[2J\u{202e}\u{9b}b\nc";
        let written = json(Kind::Spaces, &[json!({"id": 1, "name": name})]).unwrap();
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read, json!({"format_version": 1, "spaces": [{"id": 1, "name": name}]}));
        for text in [written, yaml(Kind::Spaces, &[json!({"name": name})]).unwrap()] {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
        }
    }
}
