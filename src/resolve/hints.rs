//! What to write instead, where a value has the wrong type. Never repeats a value, which may be a secret.

use serde_json::Value;

/// Words of other tools and other habits, and the fields that they most likely mean.
const MEANT: &[(&[&str], &str)] = &[
    (&["enabled", "enable", "disabled", "muted", "paused", "state"], "active"),
    (
        &[
            "notify",
            "notifications",
            "notification",
            "notifiers",
            "channels",
            "receivers",
            "contacts",
            "actions",
        ],
        "services",
    ),
    (&["metric", "metrics", "metric_names"], "metric_name"),
    (&["metric_name", "metrics", "metric_names"], "metric"),
    (&["title", "label"], "name"),
    (&["name"], "metric_name"),
    (&["name"], "metric"),
    (&["value", "limit", "above", "below"], "threshold"),
    (&["for", "window", "during", "time"], "duration"),
    (&["function", "aggregation", "aggregate", "statistic"], "summary_function"),
    (&["labels", "dimensions", "filters", "filter", "where"], "tags"),
    (&["sources", "host", "hosts", "instance"], "source"),
    (&["condition", "rules", "rule", "when"], "conditions"),
    (&["rearm", "repeat_interval", "cooldown"], "rearm_seconds"),
    (&["runbook"], "runbook_url"),
    (&["interval", "resolution", "frequency", "step"], "period"),
    (&["query", "expr", "expression", "formula", "definition"], "composite"),
    (&["unit", "units"], "display_units_short"),
    (&["panels", "widgets", "graphs", "instruments"], "charts"),
    (&["series", "lines", "queries"], "streams"),
    (&["title", "label"], "display_name"),
    (
        &["url", "addresses", "address", "email", "service_key", "token", "room", "config", "options"],
        "settings",
    ),
];

/// The fields that a word may mean, the likeliest first.
pub(super) fn meant(word: &str) -> impl Iterator<Item = &'static str> {
    MEANT.iter().filter(move |(words, _)| words.contains(&word)).map(|(_, field)| *field)
}

/// The form that is meant by a value under `key` that has none of these types.
pub(super) fn of_type(value: &Value, types: &[&str], key: &str) -> Option<String> {
    let takes_number = types.iter().any(|name| matches!(*name, "number" | "integer"));
    match value {
        Value::String(text) if text.parse::<f64>().is_ok() && takes_number => Some(
            "a number has neither quotes nor a leading zero, here or where the value comes from".to_owned(),
        ),
        Value::Number(_) | Value::Bool(_) if types.contains(&"integer") && types.contains(&"string") => {
            Some("write whole seconds, or a duration such as `60s`, `5m` or `1h`".to_owned())
        }
        Value::String(_) if types.contains(&"boolean") && !types.contains(&"string") => {
            Some("`yes`, `no`, `on` and `off` are text: write `true` or `false`, without quotes".to_owned())
        }
        Value::Number(_) | Value::Bool(_) if types.contains(&"string") => Some("put it in quotes".to_owned()),
        Value::Null if types.contains(&"array") => Some("write `[]` for an empty list".to_owned()),
        Value::Null if types.contains(&"object") => Some("write `{}` for an empty map".to_owned()),
        Value::Array(_) if key == "addresses" => {
            Some("write one text, with commas between: \"a@example.org, b@example.org\"".to_owned())
        }
        Value::Array(_) => None,
        Value::Object(map) if key == "tags" && types.contains(&"array") => {
            let name = map.keys().next().map_or("host", String::as_str);
            Some(format!("write `tags: [{{ name: {name}, values: [ … ] }}]`"))
        }
        _ if types.contains(&"array") => {
            Some("write a list: `[ … ]`, or items that begin with `- `".to_owned())
        }
        _ => None,
    }
}
