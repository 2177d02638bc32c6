//! What must be so, worked out a second time from the files, the plan as printed and what the service keeps.
//! Follows the API's description; uses nothing of how the program compares or sends.

use std::collections::{BTreeMap, BTreeSet};

use librato_apply::model::{Address, Collection, Declared, Desired, Intent, Kind};
use serde_json::{Map, Value, json};

use super::world::Logged;

pub type Truth = BTreeMap<String, Value>;

/// The kept object behind an address, with its key; several under one name are a mistake.
pub fn kept<'t>(truth: &'t Truth, address: &Address) -> Option<(&'t str, &'t Value)> {
    let (prefix, field) = match address.collection {
        Collection::Metrics => ("metrics/", "name"),
        Collection::Annotations => ("annotations/", "name"),
        Collection::Services => ("services/", "title"),
        Collection::Spaces => ("spaces/", "name"),
        Collection::Charts => ("charts/", "name"),
        Collection::Alerts => ("alerts/", "name"),
    };
    let same = |name: &str| match address.collection {
        Collection::Metrics | Collection::Annotations | Collection::Alerts => {
            name.eq_ignore_ascii_case(&address.name)
        }
        _ => name == address.name,
    };
    let space = address.container().map(|space| kept(truth, &space).map(|(_, space)| &space["id"]));
    let inside = |object: &Value| space.is_none_or(|space| space == Some(&object["space_id"]));
    let mut found = truth.iter().filter(|(key, object)| {
        key.starts_with(prefix) && object[field].as_str().is_some_and(same) && inside(object)
    });
    let first = found.next().map(|(key, object)| (key.as_str(), object));
    assert!(found.next().is_none(), "several objects are called {address}: {truth:#?}");
    first
}

/// What an object means in one field, whichever way it is kept (API §15.2).
fn meaning(field: &str, value: &Value) -> Value {
    let default = match field {
        "active" => json!(true),
        "rearm_seconds" => json!(600),
        "rearm_per_signal" | "md" | "aggregate" | "gap_detection" | "use_log_yaxis" => json!(false),
        "summarize_function" => json!("average"),
        _ => Value::Null,
    };
    match value {
        Value::Null => default,
        Value::String(text) if text.is_empty() => default,
        Value::Number(number) => json!(number.as_f64()),
        Value::String(text) if matches!(field, "display_max" | "display_min") => {
            json!(text.parse::<f64>().ok())
        }
        Value::String(text) if field == "color" => text.to_lowercase().into(),
        Value::String(text) if field == "composite" => text.replace(' ', "").into(),
        other => other.clone(),
    }
}

/// An attribute as it is kept; a gauge is not stacked unless it says so, a counter is.
fn attribute(object: &Value, key: &str) -> Value {
    match (key, &object["attributes"][key], object["type"].as_str()) {
        ("display_stacked", Value::Null, Some("gauge")) => json!(false),
        ("display_stacked", Value::Null, Some("counter")) => json!(true),
        (_, value, _) => value.clone(),
    }
}

/// What a condition watches and compares, without the function it does that with, as text.
fn watches(condition: &Value) -> String {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase).filter(|text| !text.is_empty());
    let number = |key: &str| condition[key].as_f64().filter(|number| key != "duration" || *number != 0.0);
    let tags = condition["tags"].as_array().into_iter().flatten().map(|tag| {
        let values: BTreeSet<_> = tag["values"].as_array().into_iter().flatten().map(lower).collect();
        format!("{:?} {values:?} {}", lower(&tag["name"]), tag["grouped"].as_bool().unwrap_or_default())
    });
    let parts = [
        condition["type"].to_string(),
        format!("{:?}", lower(&condition["metric_name"])),
        format!("{:?}", lower(&condition["source"]).filter(|source| source != "*")),
        format!("{:?}", number("duration")),
        format!("{:?}", tags.collect::<BTreeSet<_>>()),
        format!("{:?}", number("threshold").filter(|_| condition["type"] != "absent")),
    ];
    parts.join(" ")
}

/// A condition as what it asks, as text to sort by. Where the files say no function it is the default of its metric's type that is
/// asked for; of a metric that does not exist nobody knows the type, and so either default will do.
fn asks(truth: &Truth, condition: &Value, written: &Value) -> String {
    let watched = watches(condition);
    if condition["type"] == "absent" {
        return watched;
    }
    let name = |of: &Value| of.as_str().map(str::to_lowercase);
    let named = |metric: &&Value| name(&metric["name"]) == name(&condition["metric_name"]);
    let metrics = truth.iter().filter(|(key, _)| key.starts_with("metrics/")).map(|(_, metric)| metric);
    let defaults: &[&str] = match metrics.into_iter().find(named).map(|metric| &metric["type"]) {
        None => &["average", "derivative"],
        Some(counter) if counter == "counter" => &["derivative"],
        Some(_) => &["average"],
    };
    let written = written.as_array().into_iter().flatten().filter(|want| watches(want) == watched);
    let said: Vec<_> = written.map(|want| want["summary_function"].as_str()).collect();
    let unsaid = said.contains(&None);
    let function = match condition["summary_function"].as_str() {
        // A default that is written need not be stored: without a function the service takes it anyway.
        None if !unsaid => {
            said.into_iter().flatten().find(|said| defaults.contains(said)).unwrap_or("by default")
        }
        None => "by default",
        Some(function) if unsaid && defaults.contains(&function) => "by default",
        Some(function) => function,
    };
    format!("{watched} {function}")
}

/// The fields that the files manage: those that are written, and of alerts those that mean their default where they are not.
fn managed(declared: &Declared) -> Map<String, Value> {
    let mut fields = declared.resource.fields();
    if declared.resource.kind() == Kind::Alert {
        ["active", "rearm_seconds"].iter().for_each(|field| _ = fields.entry(*field).or_insert(Value::Null));
    }
    fields
}

/// What the service keeps of the fields that the files mention, by address; of services in use their titles.
pub fn mentioned(truth: &Truth, desired: &Desired) -> BTreeMap<Address, Value> {
    let present = desired.objects.iter().filter(|(_, declared)| declared.intent == Intent::Present);
    let shown = present.map(|(address, declared)| {
        let Some((_, object)) = kept(truth, address) else { return (address.clone(), Value::Null) };
        let mut shown = Map::new();
        for (field, written) in managed(declared) {
            let value = match field.as_str() {
                "attributes" => {
                    let keys = written.as_object().unwrap().keys();
                    keys.map(|key| (key.clone(), meaning(key, &attribute(object, key))))
                        .collect::<Map<_, _>>()
                        .into()
                }
                "conditions" => {
                    let mut all: Vec<String> = object[&field]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|condition| asks(truth, condition, &written))
                        .collect();
                    all.sort();
                    json!(all)
                }
                "services" => {
                    let title = |id: &Value| truth[&format!("services/{id}")]["title"].as_str().unwrap();
                    json!(object[&field].as_array().unwrap().iter().map(title).collect::<BTreeSet<_>>())
                }
                // The API shows no thresholds as null or as an empty list.
                "thresholds" if object[&field].is_null() => json!([]),
                "streams" => {
                    let without_id = |stream: &Value| {
                        let mut stream = stream.as_object().unwrap().clone();
                        stream.retain(|key, _| key != "id");
                        Value::Object(stream)
                    };
                    object[&field].as_array().unwrap().iter().map(without_id).collect()
                }
                "related_space" if !object[&field].is_null() => {
                    truth[&format!("spaces/{}", object[&field])]["name"].clone()
                }
                field => meaning(field, &object[field]),
            };
            shown.insert(field, value);
        }
        (address.clone(), Value::Object(shown))
    });
    shown.collect()
}

/// What `truth` holds of declared objects that the files do not mention; `after` tells which objects these are, since
/// they may have had another name before. Times are the service's own affair.
pub fn unmentioned(truth: &Truth, desired: &Desired, after: &Truth) -> BTreeMap<String, Value> {
    let mut rest = BTreeMap::new();
    for (address, declared) in
        desired.objects.iter().filter(|(_, declared)| declared.intent == Intent::Present)
    {
        let Some((key, _)) = kept(after, address) else { continue };
        let Some(object) = truth.get(key) else { continue };
        let written = managed(declared);
        let mut left = object.as_object().unwrap().clone();
        left.retain(|field, _| !matches!(field.as_str(), "updated_at" | "name" | "title"));
        left.retain(|field, _| field == "attributes" || !written.contains_key(field));
        if let Some(attributes) = left.get_mut("attributes").and_then(Value::as_object_mut) {
            attributes.retain(|key, _| written.get("attributes").and_then(|keys| keys.get(key)).is_none());
        }
        rest.insert(key.to_owned(), left.into());
    }
    rest
}

/// What is kept of alerts that no file declares; of services in use their titles, since ids may come to change.
pub fn undeclared_alerts(truth: &Truth, desired: &Desired) -> BTreeMap<String, Value> {
    let alerts = truth.iter().filter(|(key, alert)| {
        let name = alert["name"].as_str().unwrap_or_default();
        key.starts_with("alerts/") && !desired.objects.contains_key(&Address::new(Collection::Alerts, name))
    });
    let shown = alerts.map(|(key, alert)| {
        let mut alert = alert.clone();
        let ids = alert["services"].as_array().unwrap().iter();
        let titles: BTreeSet<_> = ids.map(|id| truth[&format!("services/{id}")]["title"].as_str()).collect();
        alert["services"] = json!(titles);
        alert
            .as_object_mut()
            .unwrap()
            .retain(|field, _| !matches!(field.as_str(), "created_at" | "updated_at"));
        (key.clone(), alert)
    });
    shown.collect()
}

/// A write by method, path and what its body speaks of.
pub type Write = (String, String, BTreeSet<String>);

/// The writes of a log. Annotation streams come into being by detours, so of these only the last PUT counts.
pub fn writes(log: &[Logged]) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for request in log.iter().filter(|request| request.method != "GET") {
        if request.path.starts_with("/annotations/")
            && request.method != "PUT"
            && request.path.matches('/').count() > 2
        {
            continue;
        }
        if request.path.starts_with("/annotations/") && request.method == "POST" {
            continue;
        }
        let write = (request.method.clone(), request.path.clone(), speaks_of(&request.body));
        if !(write.1.starts_with("/annotations/") && writes.contains(&write)) {
            writes.push(write);
        }
    }
    writes.sort();
    writes
}

/// Keys of a body; of `attributes` key by key.
fn speaks_of(body: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        match (key.as_str(), value.as_object()) {
            ("attributes", Some(inner)) => {
                keys.extend(inner.keys().map(|inner| format!("attributes.{inner}")));
            }
            _ => _ = keys.insert(key.clone()),
        }
    }
    keys
}

/// The writes that a printed plan promises. `before` is what the service kept when it was printed.
pub fn promised(document: &Value, before: &Truth) -> Vec<Write> {
    let mut writes = Vec::new();
    // Which object has which name by then.
    let mut held: BTreeMap<(Collection, String), &str> = BTreeMap::new();
    for change in document["changes"].as_array().unwrap() {
        let text = |key: &str| change[key].as_str().unwrap_or_default();
        let (collection, by_name) = match text("kind") {
            "metric" | "composite" => (Collection::Metrics, true),
            "annotation" => (Collection::Annotations, true),
            "service" => (Collection::Services, false),
            _ => (Collection::Alerts, false),
        };
        let root = serde_json::to_value(collection).unwrap().as_str().unwrap().to_owned();
        let old = if text("renamed_from").is_empty() { text("name") } else { text("renamed_from") };
        let parked = held.remove(&(collection, old.to_owned()));
        let existing = match parked {
            Some(key) => Some((key, &before[key])),
            None => kept(before, &Address::new(collection, old)),
        };
        if let (Some((key, _)), "rename") = (existing, text("action")) {
            held.insert((collection, text("name").to_owned()), key);
        }
        let path = match existing {
            _ if by_name => format!("/{root}/{}", text("name")),
            Some((key, _)) => format!("/{key}"),
            None => format!("/{root}"),
        };
        let mut keys: BTreeSet<String> = change["fields"].as_array().unwrap().iter().map(key_of).collect();
        match (text("kind"), text("action")) {
            ("alert", "create" | "update" | "rename") => keys.extend(["name".into(), "conditions".into()]),
            ("service", "create" | "rename") => _ = keys.insert("title".into()),
            ("composite", "create" | "replace") => _ = keys.insert("type".into()),
            _ => {}
        }
        // An alert's attributes are replaced as a whole, so those that stay are sent as well.
        if text("kind") == "alert" && keys.iter().any(|key| key.starts_with("attributes.")) {
            let staying = existing.and_then(|(_, object)| object["attributes"].as_object());
            keys.extend(staying.into_iter().flatten().map(|(key, _)| format!("attributes.{key}")));
            let gone =
                change["fields"].as_array().unwrap().iter().filter(|field| field.get("after").is_none());
            let gone = gone.map(key_of).filter(|key| key.starts_with("attributes."));
            gone.for_each(|key| _ = keys.remove(&key));
        }
        match text("action") {
            "delete" => writes.push(("DELETE".into(), path, BTreeSet::new())),
            "replace" => {
                writes.push(("DELETE".into(), path.clone(), BTreeSet::new()));
                writes.push(("PUT".into(), path, keys));
            }
            "create" if !by_name => writes.push(("POST".into(), path, keys)),
            _ => writes.push(("PUT".into(), path, keys)),
        }
    }
    writes.sort();
    writes
}

fn key_of(field: &Value) -> String {
    let path = field["path"].as_str().unwrap();
    if path.starts_with("attributes.") {
        return path.to_owned();
    }
    path.split(['.', '[']).next().unwrap().to_owned()
}
