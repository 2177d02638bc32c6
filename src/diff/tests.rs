//! What is compared in short must be what is compared at length.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::changes;
use crate::model::{Kind, Resource};

fn alert() -> Value {
    json!({"description": "d", "services": ["b", "a"], "active": false, "rearm_seconds": 60, "rearm_per_signal": true, "md": false,
        "conditions": [{"type": "above", "metric_name": "m", "threshold": 1, "duration": "5m", "tags": [{"name": "t", "values": ["v"]}]},
                       {"type": "absent", "metric_name": "n", "duration": 600}],
        "attributes": {"runbook_url": "u", "other": {"x": [1]}}})
}

fn metric() -> Value {
    json!({"type": "gauge", "display_name": "n", "description": "d", "period": 60, "source_lag": 10,
        "attributes": {"color": "#52D74C", "display_max": "5", "display_min": 0, "display_units_long": "l", "display_units_short": "s",
            "display_stacked": true, "display_transform": "x/p", "summarize_function": "sum", "aggregate": true, "gap_detection": true}})
}

fn object(kind: Kind, fields: &Map<String, Value>) -> Resource {
    Resource::from_fields(kind, fields).unwrap()
}

/// The fields with one of them, also one inside the attributes, left out, cleared or said otherwise.
fn altered(fields: &Map<String, Value>, alter: fn(&mut Map<String, Value>, &str)) -> Vec<Map<String, Value>> {
    let inside = fields["attributes"].as_object().unwrap().keys().map(|key| ("attributes", key));
    let all = fields.keys().map(|key| ("", key)).chain(inside);
    let one = |(outer, key): (&str, &String)| {
        let mut fields = fields.clone();
        let map = if outer.is_empty() { &mut fields } else { fields[outer].as_object_mut().unwrap() };
        alter(map, key);
        fields
    };
    all.map(one).collect()
}

#[test]
fn what_stands_there_in_the_same_words_is_no_change_and_all_else_is_looked_at() {
    for (kind, whole) in [(Kind::Alert, alert()), (Kind::Metric, metric())] {
        let whole = whole.as_object().unwrap();
        let have = object(kind, whole);
        assert!(have.is_within(&have));
        for less in altered(whole, |map, key| _ = map.shift_remove(key)) {
            // These mean their default where they are not written.
            let means_default =
                kind == Kind::Alert && !["active", "rearm_seconds"].iter().all(|key| less.contains_key(*key));
            let less = object(kind, &less);
            assert_eq!(less.is_within(&have), !means_default, "{less:?}");
            assert_eq!(changes(&less, &have, &BTreeMap::new()), []);
            assert!(!have.is_within(&less), "more than there is: {less:?}");
        }
        let otherwise = |map: &mut Map<String, Value>, key: &str| {
            let other = match &map[key] {
                Value::Bool(value) => (!value).into(),
                Value::Number(_) => 120.into(),
                Value::String(text) if text == "gauge" => "counter".into(),
                Value::String(text) if text == "sum" => "min".into(),
                Value::String(text) => format!("{text}1").into(),
                Value::Array(_) => json!([]),
                _ => json!({"color": "#000000"}),
            };
            map.insert(key.to_owned(), other);
        };
        for other in altered(whole, otherwise) {
            let other = object(kind, &other);
            assert!(!other.is_within(&have), "{other:?}");
            assert_ne!(changes(&other, &have, &BTreeMap::new()), []);
        }
    }
}
