//! What to write instead, where a value has the wrong type. Never repeats a value, which may be a secret.

use serde_json::Value;

/// The form that is meant by a value under `key` that has none of these types.
pub(super) fn of_type(value: &Value, types: &[&str], key: &str) -> Option<String> {
    let takes_number = types.iter().any(|name| matches!(*name, "number" | "integer"));
    match value {
        Value::String(text) if text.parse::<f64>().is_ok() && takes_number => Some(
            "a number has neither quotes nor a leading zero, here or where the value comes from".to_owned(),
        ),
        Value::Number(_) | Value::Bool(_) if types.contains(&"integer") && types.contains(&"string") => {
            Some("write whole seconds, or a duration such as `90s`, `5m` or `1h`".to_owned())
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
