//! What of a raw object its definition does not say: keys we do not know, values that do not fit theirs.
//! What services make themselves is not counted; whoever writes the object again gets it again.

use serde_json::{Map, Value};

use super::{conditions_in_order, streams};
use crate::model::Resource;

/// What every service makes itself, of objects and of their items.
const MADE: &[&str] =
    &["id", "name", "title", "version", "created_at", "updated_at", "space_id", "created_by_ua"];

/// The keys of `raw` that say something which `decoded` does not, as people would look for them: `streams[0].odd`.
pub fn unmapped(raw: &Value, decoded: &Resource) -> Vec<String> {
    let fields = decoded.fields();
    let mut found = Vec::new();
    for (key, value) in raw.as_object().into_iter().flatten() {
        match (decoded, key.as_str()) {
            (Resource::Space(_), "charts") | (Resource::Annotation(_), "events") => {}
            (Resource::Composite(_), "type") => {}
            (Resource::Chart(_), "streams") => {
                items(key, &streams(raw), fields.get(key), &["type"], &mut found);
            }
            // Named by their titles.
            (Resource::Alert(_), "services") => {}
            (Resource::Chart(_), "chart_type") => {}
            (Resource::Chart(_), "related_space") if !is_dangling(&fields) => {}
            (Resource::Alert(_), "conditions") => {
                items(key, &conditions_in_order(raw), fields.get(key), &["condition_type"], &mut found);
            }
            (Resource::Metric(_) | Resource::Composite(_) | Resource::Alert(_), "attributes") => {
                object("attributes.", value, fields.get(key), &[], &mut found);
            }
            (Resource::Chart(_), "related_space") => found.push(key.clone()),
            (_, key) if MADE.contains(&key) => {}
            (_, key) => inside(key.to_owned(), value, fields.get(key), &mut found),
        }
    }
    found
}

/// A space that does not exist is decoded as `#77`.
fn is_dangling(fields: &Map<String, Value>) -> bool {
    fields.get("related_space").and_then(Value::as_str).is_some_and(|name| name.starts_with('#'))
}

/// What is lost of the items of a list, which are in the same order on both sides. Keys of `made` say nothing of their own.
fn items(key: &str, raw: &[&Value], decoded: Option<&Value>, made: &[&str], found: &mut Vec<String>) {
    let Some(decoded) = decoded.and_then(Value::as_array) else {
        return found.extend((!raw.is_empty()).then(|| key.to_owned()));
    };
    for (i, raw) in raw.iter().enumerate() {
        let here = format!("{key}[{i}]");
        match raw {
            Value::Object(_) => object(&format!("{here}."), raw, decoded.get(i), made, found),
            other => inside(here, other, decoded.get(i), found),
        }
    }
}

fn object(prefix: &str, raw: &Value, decoded: Option<&Value>, made: &[&str], found: &mut Vec<String>) {
    for (key, value) in raw.as_object().into_iter().flatten() {
        // Items have names of their own, which are no identity.
        let made = made.contains(&key.as_str()) || MADE.contains(&key.as_str()) && key != "name";
        if !made {
            inside(format!("{prefix}{key}"), value, decoded.and_then(|decoded| decoded.get(key)), found);
        }
    }
}

/// What is lost of a value, at whatever depth.
fn inside(here: String, raw: &Value, decoded: Option<&Value>, found: &mut Vec<String>) {
    match (raw, decoded) {
        _ if says_nothing(raw) => {}
        (_, None) => found.push(here),
        (Value::Object(_), Some(Value::Object(_))) => object(&format!("{here}."), raw, decoded, &[], found),
        (Value::Array(list), Some(Value::Array(_))) => {
            items(&here, &list.iter().collect::<Vec<_>>(), decoded, &[], found);
        }
        // The same in another form, such as a number that was sent as text.
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::model::Collection;
    use crate::remote::fetch::decode;

    #[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
    fn lost_of(collection: Collection, raw: Value) -> Vec<String> {
        unmapped(&raw, &decode(collection, &raw, &BTreeMap::from([(1, "Shop".into())])).unwrap())
    }

    #[test]
    fn what_a_definition_cannot_say_is_named() {
        let metric = json!({"name": "m", "type": "gauge", "period": "often", "x": null, "odd": 1,
            "attributes": {"color": 7, "aggregate": "true", "created_by_ua": "u", "mark": 1}});
        assert_eq!(
            lost_of(Collection::Metrics, metric),
            ["period", "odd", "attributes.color", "attributes.mark"]
        );
        let chart = json!({"id": 1, "name": "c", "type": "line", "related_space": 77, "space_id": 3, "thresholds": null,
            "streams": [{"id": 4, "type": "gauge", "metric": "m", "odd": [1], "group_function": 5, "summary_function": "p95"},
                        {"id": 5, "type": "composite", "composite": "s(\"a\", \"*\")", "source": "*"}]});
        assert_eq!(
            lost_of(Collection::Charts, chart),
            ["related_space", "streams[0].odd", "streams[0].group_function", "streams[1].source"]
        );
        let chart = json!({"id": 1, "name": "c", "thresholds": [{"operator": ">", "value": 1, "type": "red", "odd": 1}],
            "streams": [{"metric": "m", "tags": [{"name": "a", "odd": 1, "values": ["x"]}, {"name": "b", "odd": null}]}]});
        assert_eq!(lost_of(Collection::Charts, chart), ["thresholds[0].odd", "streams[0].tags[0].odd"]);
        let chart = json!({"id": 1, "name": "c", "thresholds": [{"operator": ">", "value": 1, "type": "red"}, {"operator": ">"}]});
        assert_eq!(lost_of(Collection::Charts, chart), ["thresholds"]);
        let service =
            json!({"id": 1, "title": "s", "type": "pigeon", "settings": {"a": 1, "deep": {"b": [1]}}});
        assert_eq!(lost_of(Collection::Services, service), ["settings.deep"]);
        let alert = json!({"id": 1, "name": "a", "version": 2, "services": [], "active": "true", "folder": 3,
            "conditions": [{"id": 1, "type": "absent", "metric_name": "m", "duration": 60, "source": null, "odd": 0}]});
        assert_eq!(lost_of(Collection::Alerts, alert), ["folder", "conditions[0].odd"]);
        let alert = json!({"id": 1, "name": "a", "attributes": {"team": {"x": [1, null, {}]}, "runbook_url": 5}, "conditions": [
            {"id": 2, "type": "above", "metric_name": "m", "threshold": 1, "duration": "often", "tags": [{"name": "a", "odd": 1}]},
            {"id": 3, "type": "above", "metric_name": "m", "threshold": 1, "tags": [{"name": "a", "values": [1]}]}]});
        assert_eq!(
            lost_of(Collection::Alerts, alert),
            [
                "attributes.runbook_url",
                "conditions[0].duration",
                "conditions[0].tags[0].odd",
                "conditions[1].tags"
            ]
        );
        assert_eq!(
            lost_of(Collection::Charts, json!({"id": 2, "name": "d", "related_space": 1, "streams": []})),
            [""; 0]
        );
    }
}
