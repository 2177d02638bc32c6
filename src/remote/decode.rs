//! Lifts remote objects into the vocabulary of the files: an alert lists its services by title, a chart names a space.
//! Reads whatever the service says; what we cannot understand stays in the raw object and is never compared.

mod chart;
mod known;
mod unmapped;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diag::Seg;
use crate::model::{Attributes, Collection, Condition, Field, Kind, Resource, Stream, Threshold, keys_of};
use crate::wire::lenient;
use chart::lift_chart;
pub use chart::{lift_stream, lift_threshold, streams};
pub use known::fitting;
use known::{lift_tags, reword};
pub use unmapped::unmapped;

/// A raw object as a definition. `titles` are the names of what it refers to by id: services, for charts spaces.
///
/// # Errors
/// Where it cannot be one, whatever is left out of it.
pub fn decode(
    collection: Collection,
    raw: &Value,
    titles: &BTreeMap<u64, String>,
) -> Result<Resource, Unfit> {
    let mut decoded = lift_whole(collection, raw.clone(), titles)?;
    if let Resource::Alert(alert) = &mut decoded {
        alert.services = Field::Set(called(notified(raw), titles));
    }
    Ok(decoded)
}

/// Something that is no object of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is listed as {kind} is none: {why}")]
pub struct Unfit {
    kind: Kind,
    why: String,
}

/// The same of an object that is not needed any more, but for the services of an alert. `names` are those of spaces.
pub(super) fn lift_whole(
    collection: Collection,
    raw: Value,
    names: &BTreeMap<u64, String>,
) -> Result<Resource, Unfit> {
    if !raw.is_object() {
        return Err(Unfit { kind: collection.kind(), why: "it is no JSON object".into() });
    }
    let (kind, fields) = match collection {
        Collection::Metrics => lift_metric(raw),
        Collection::Alerts => (Kind::Alert, lift_alert(raw)),
        Collection::Charts => (Kind::Chart, lift_chart(&raw, names)),
        Collection::Spaces => {
            let mut fields = only(raw, Resource::keys(Kind::Space));
            // These are objects of their own.
            fields.shift_remove("charts");
            (Kind::Space, fields)
        }
        Collection::Services | Collection::Annotations => {
            (collection.kind(), only(raw, Resource::keys(collection.kind())))
        }
    };
    understood(kind, fields)
}

/// A service as an alert names it: by its id, and by a title that may be older than that of the service.
pub(super) type Notified = (Option<u64>, Option<String>);

/// The services an alert notifies.
pub(super) fn notified(alert: &Value) -> Vec<Notified> {
    let services = alert["services"].as_array().into_iter().flatten();
    let one = |service: &Value| {
        let id = lenient::id(service).or_else(|| lenient::id(&service["id"]));
        (id, lenient::text(&service["title"]).map(str::to_owned))
    };
    services.map(one).collect()
}

/// Their titles, sorted.
pub(super) fn called(services: Vec<Notified>, titles: &BTreeMap<u64, String>) -> Vec<String> {
    let title = |(id, own): Notified| {
        let by_id = id.and_then(|id| titles.get(&id).cloned());
        by_id.or(own).or_else(|| Some(format!("#{}", id?)))
    };
    let mut services: Vec<String> = services.into_iter().filter_map(title).collect();
    services.sort();
    services
}

fn lift_metric(mut raw: Value) -> (Kind, Map<String, Value>) {
    let kind = if raw["type"] == "composite" { Kind::Composite } else { Kind::Metric };
    let attributes = only(take(&mut raw, "attributes"), keys_of::<Attributes>());
    let mut fields = only(raw, Resource::keys(kind));
    fields.insert("attributes".into(), Value::Object(attributes));
    (kind, fields)
}

fn lift_alert(mut raw: Value) -> Map<String, Value> {
    let mut conditions = match take(&mut raw, "conditions") {
        Value::Array(conditions) => conditions,
        _ => Vec::new(),
    };
    conditions.sort_by(in_order);
    let conditions: Vec<Value> = conditions.into_iter().map(lift_whole_condition).collect();
    let mut attributes = match take(&mut raw, "attributes") {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    };
    attributes.retain(|_, value| !value.is_null());
    let mut fields = only(raw, Resource::keys(Kind::Alert));
    // Told by their ids; see `notified`.
    fields.shift_remove("services");
    fields.insert("conditions".into(), conditions.into());
    fields.insert("attributes".into(), Value::Object(attributes));
    fields
}

fn take(raw: &mut Value, key: &str) -> Value {
    raw.get_mut(key).map(Value::take).unwrap_or_default()
}

/// The raw conditions of an alert in the order they were made: services give them in any order, and a plan must
/// look the same each time.
pub fn conditions_in_order(alert: &Value) -> Vec<&Value> {
    let mut conditions: Vec<&Value> = alert["conditions"].as_array().into_iter().flatten().collect();
    conditions.sort_by(|a, b| in_order(a, b));
    conditions
}

fn in_order(a: &Value, b: &Value) -> Ordering {
    let by_text = || a.to_string().cmp(&b.to_string());
    lenient::id(&a["id"]).cmp(&lenient::id(&b["id"])).then_with(by_text)
}

/// A raw condition with the keys we know.
pub fn lift_condition(raw: &Value) -> Value {
    lift_whole_condition(raw.clone())
}

fn lift_whole_condition(mut raw: Value) -> Value {
    let alias = raw.get_mut("condition_type").map(Value::take);
    let mut fields = only(raw, keys_of::<Condition>());
    if let (None, Some(alias)) = (fields.get("type"), alias) {
        fields.insert("type".into(), alias);
    }
    lift_tags(&mut fields);
    Value::Object(fields)
}

/// Nothing but the keys we know, null being the same as absent.
fn only(raw: Value, keys: &[&str]) -> Map<String, Value> {
    let Value::Object(mut fields) = raw else { return Map::new() };
    fields.retain(|key, value| !value.is_null() && keys.contains(&key.as_str()));
    fields
}

/// Reads the fields in whatever form they are written, leaving out what does not fit: the service may say things that we do not
/// understand.
fn understood(kind: Kind, mut fields: Map<String, Value>) -> Result<Resource, Unfit> {
    loop {
        let error = match Resource::from_fields(kind, &fields) {
            Ok(resource) => return Ok(resource),
            Err(error) => error,
        };
        let wrong =
            |fields: &Map<String, Value>| Resource::from_fields(kind, fields).err().map(|error| error.route);
        if !reword(&mut fields, &error.route, &wrong) && !leave_out(kind, &mut fields, error.route.segs()) {
            return Err(Unfit { kind, why: error.message });
        }
    }
}

/// Removes what does not fit at a place: a key inside a field, what is wrong with the items of a list, or the whole field. False
/// where nothing stands there.
fn leave_out(kind: Kind, fields: &mut Map<String, Value>, place: &[Seg]) -> bool {
    let Some(Seg::Key(key)) = place.first() else { return false };
    let inside = match place.get(1) {
        Some(Seg::Key(inner)) => {
            fields.get_mut(key).and_then(Value::as_object_mut).and_then(|map| map.shift_remove(inner))
        }
        Some(Seg::Index(_)) => fields
            .get(key)
            .and_then(|items| fitting_items(kind, key, items).filter(|fitting| fitting != items))
            .and_then(|items| fields.insert(key.clone(), items)),
        None => None,
    };
    inside.or_else(|| fields.shift_remove(key)).is_some()
}

/// The items of a list without what does not fit; `None` where of one of them nothing is left that means anything.
fn fitting_items(kind: Kind, field: &str, items: &Value) -> Option<Value> {
    let fitting: fn(&Value) -> Option<Value> = match (kind, field) {
        (Kind::Alert, "conditions") => fitting::<Condition>,
        (Kind::Chart, "streams") => fitting::<Stream>,
        (Kind::Chart, "thresholds") => fitting::<Threshold>,
        _ => return None,
    };
    let items: Option<Vec<Value>> = items.as_array()?.iter().map(fitting).collect();
    items.map(Value::Array)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_is_lifted_whatever_form_its_values_have() {
        let raw = json!({"id": 7, "name": "a", "active": "false", "rearm_seconds": "600", "md": null, "version": 2,
            "services": [{"id": "3", "title": "old title"}, 4, "5"], "attributes": {"runbook_url": "u", "x": null},
            "conditions": [{"id": 1, "type": "above", "metric_name": "m", "threshold": "5", "duration": 60.0,
                            "tags": {}, "source": null, "created_at": 3}]});
        let titles = BTreeMap::from([(3, "ops".to_owned()), (4, "mail".to_owned())]);
        let alert = decode(Collection::Alerts, &raw, &titles).unwrap();
        assert_eq!(
            Value::Object(alert.fields()),
            json!({"conditions": [{"type": "above", "metric_name": "m", "threshold": 5.0, "duration": 60}],
                   "services": ["#5", "mail", "ops"], "attributes": {"runbook_url": "u"}, "active": false,
                   "rearm_seconds": 600})
        );
    }

    #[test]
    fn what_is_no_object_of_its_kind_is_none_of_another_kind_either() {
        for raw in [json!(7), json!(null), json!(["a"]), json!("a")] {
            for collection in [Collection::Alerts, Collection::Services, Collection::Charts] {
                let unfit = decode(collection, &raw, &BTreeMap::new()).unwrap_err();
                assert_eq!(unfit.kind, collection.kind());
            }
        }
        let mut fields = Map::from_iter([("a".to_owned(), json!({"b": 1}))]);
        assert!(!leave_out(Kind::Metric, &mut fields, &[]));
        assert!(!leave_out(Kind::Metric, &mut fields, &[Seg::Key("c".into())]));
        assert!(leave_out(Kind::Metric, &mut fields, &[Seg::Key("a".into()), Seg::Key("b".into())]));
        assert!(leave_out(Kind::Metric, &mut fields, &[Seg::Key("a".into()), Seg::Key("b".into())]));
        assert!(fields.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_left_out_and_the_rest_kept() {
        let raw = json!({"name": "m", "type": "gauge", "period": "often", "display_name": "M", "unheard_of": 1,
                         "attributes": {"color": 7, "display_max": "5", "aggregate": "true", "created_by_ua": "x"}});
        let metric = decode(Collection::Metrics, &raw, &BTreeMap::new()).unwrap();
        assert_eq!(
            Value::Object(metric.fields()),
            json!({"type": "gauge", "display_name": "M", "attributes": {"display_max": "5", "aggregate": true}})
        );
    }
}
