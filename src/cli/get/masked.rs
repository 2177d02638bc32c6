//! Objects without their secrets: settings of services wherever they stand, and tokens.
//! Done before an object is formatted, so that no format can show what another one hides.

use librato_apply::model::is_harmless;
use serde_json::Value;

/// What stands in the place of a secret.
const HIDDEN: &str = "(sensitive)";

/// What the audit of a server has in the place of a secret.
const MARKS: &[&str] = &["[hidden]", "[changed]"];

/// Replaces every secret in an object by a word.
pub fn mask(object: &mut Value) {
    match object {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            let service_type = fields.get("type").and_then(Value::as_str).map(str::to_owned);
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), value) {
                    ("settings", Value::Object(settings)) => {
                        for (setting, value) in settings.iter_mut() {
                            if !is_harmless(service_type.as_deref(), setting)
                                || value.is_object()
                                || value.is_array()
                            {
                                *value = HIDDEN.into();
                            }
                        }
                    }
                    // Of a secret that the service itself leaves out of its audit, this is all that is known.
                    (_, Value::String(word)) if MARKS.contains(&word.as_str()) => {}
                    // Whatever these are, they are no words for people.
                    ("token" | "api_token" | "settings", value) if !value.is_null() => {
                        *value = HIDDEN.into();
                    }
                    (_, value) => mask(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        let mut objects = json!([
            {"id": 1, "type": "mail", "settings": {"addresses": "ops@example.org", "later": "canary"}},
            {"name": "alert", "services": [{"type": "slack", "settings": {"url": "canary", "n": {"x": "canary"}}}]},
            {"name": "t", "token": "canary", "role": "viewer"},
            {"type": "odd", "settings": ["canary"], "api_token": 4242},
            {"type": "mail", "settings": {"addresses": {"x": "canary"}}},
        ]);
        mask(&mut objects);
        assert!(
            !objects.to_string().contains("canary") && !objects.to_string().contains("4242"),
            "{objects}"
        );
        assert_eq!(objects[0]["settings"]["addresses"], "ops@example.org");
        assert_eq!(objects[1]["services"][0]["settings"]["url"], HIDDEN);
    }
}
