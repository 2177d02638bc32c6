//! How two objects of one kind differ, field by field, and what the remote one becomes.
//! The rule: what is not written is not managed; attributes are managed key by key; lists and settings as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::items::{keys, pair_items, settle};
use super::lists::Pair;
use crate::diag::Route;
use crate::model::{Resource, Shape, Spec, TypeOf, compare};

/// One difference. Values are as written and as the service has them, not in canonical form.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where in the object; indices count in the written list, for what is removed in the remote one.
    #[serde(with = "route_as_text")]
    pub route: Route,
    /// What the service has; none if nothing.
    pub before: Option<Value>,
    /// What it will have; none if nothing.
    pub after: Option<Value>,
    /// Whether neither may be shown.
    pub sensitive: bool,
}

impl std::fmt::Debug for FieldChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("FieldChange");
        shown.field("route", &self.route.to_string());
        if self.sensitive {
            return shown.finish_non_exhaustive();
        }
        shown.field("before", &self.before).field("after", &self.after).finish()
    }
}

/// How `want` differs from `have`, in the order in which it is written.
pub fn changes(want: &Resource, have: &Resource, secrets: &BTreeMap<Route, String>) -> Vec<FieldChange> {
    let (want_fields, have_fields) = (want.fields(), have.fields());
    let mut found = Vec::new();
    for (field, value) in &want_fields {
        let route = Route::root().key(field);
        if field == "attributes" {
            let remote = have_fields.get(field).and_then(Value::as_object);
            for (key, value) in value.as_object().into_iter().flatten() {
                let before = remote.and_then(|remote| remote.get(key));
                plain(&format!("attributes.{key}"), route.key(key), value, before, have.spec(), &mut found);
            }
            continue;
        }
        let before = have_fields.get(field);
        // Most fields are as they were written, and the same value has the same form.
        if before == Some(value) {
            continue;
        }
        match have.spec().shape(field) {
            Shape::Plain => plain(field, route, value, before, have.spec(), &mut found),
            Shape::OwnedMap => owned_map(&route, value, before, &mut found),
            Shape::Set => set(&route, value, before, &mut found),
            Shape::Items | Shape::Sequence => items(field, value, before, have.spec(), &mut found),
        }
    }
    hide(&mut found, &[want, have], secrets);
    found
}

/// The fields of an object that does not exist yet: attributes and settings key by key, lists item by item.
pub fn creation(want: &Resource, secrets: &BTreeMap<Route, String>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    for (field, value) in want.fields() {
        let route = Route::root().key(&field);
        match value {
            Value::Object(map) if !map.is_empty() => {
                found.extend(map.iter().map(|(key, value)| change(route.key(key), None, Some(value))));
            }
            Value::Array(list) if !list.is_empty() => {
                found.extend(
                    list.iter().enumerate().map(|(i, item)| change(route.index(i), None, Some(item))),
                );
            }
            value => found.push(change(route, None, Some(&value))),
        }
    }
    found.retain(|change| change.after.is_some());
    hide(&mut found, &[want], secrets);
    found
}

/// Marks what must not be shown: what a kind says is sensitive, and whatever holds a secret.
fn hide(found: &mut [FieldChange], sides: &[&Resource], secrets: &BTreeMap<Route, String>) {
    for change in found {
        let name = change.route.to_string();
        let secret =
            |secret: &Route| secret.0.starts_with(&change.route.0) || change.route.0.starts_with(&secret.0);
        change.sensitive =
            sides.iter().any(|side| side.spec().is_sensitive(&name)) || secrets.keys().any(secret);
    }
}

/// Everything that is known of an object, in a form in which two readings of the same object are equal.
pub fn canonical_form(object: &Resource) -> Value {
    let spec = object.spec();
    let sorted = |list: &Value, one: &dyn Fn(&Value) -> Value| {
        let mut items: Vec<Value> = list.as_array().into_iter().flatten().map(one).collect();
        items.sort_by_key(Value::to_string);
        Value::Array(items)
    };
    let item = |value: &Value| {
        let map = value.as_object().into_iter().flatten();
        Value::Object(map.map(|(key, value)| (key.clone(), compare::plain(value))).collect())
    };
    let field = |(field, value): (String, Value)| {
        let form = match (spec.shape(&field), &value) {
            (Shape::Set, list) => sorted(list, &Value::clone),
            (Shape::Items, list) => sorted(list, &item),
            (Shape::Sequence, Value::Array(list)) => list.iter().map(item).collect(),
            (Shape::Plain, Value::Object(map)) => {
                let of = |(key, value): (&String, &Value)| {
                    (key.clone(), spec.canonical(&format!("{field}.{key}"), value))
                };
                // Sorted, since a map says the same in any order.
                Value::Object(map.iter().map(of).collect::<BTreeMap<_, _>>().into_iter().collect())
            }
            (Shape::OwnedMap, Value::Object(map)) => {
                Value::Object(map.clone().into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
            }
            (_, value) => spec.canonical(&field, value),
        };
        (field, form)
    };
    Value::Object(object.fields().into_iter().map(field).collect())
}

/// The remote object with the written fields laid over it. What of an item of a list means the same stays in the words of the
/// service, and what it does not say stays unsaid; `types` tells what is meant then.
pub fn overlay(want: &Resource, have: &Resource, types: &TypeOf<'_>) -> Resource {
    let mut fields = have.fields();
    let spec = have.spec();
    let assumed = [want, have].map(|side| side.with_default_functions(types).fields());
    for (field, value) in want.fields() {
        match (fields.get_mut(&field), value) {
            (Some(Value::Array(found)), Value::Array(mut items)) => {
                let [want, assumed] = [&assumed[0], &assumed[1]].map(|side| list(side.get(&field)));
                let pairs = match spec.shape(&field) {
                    Shape::Items | Shape::Sequence => pair_items(&field, want, assumed, spec),
                    _ => Vec::new(),
                };
                settle(&mut items, found, &pairs, &|key, w, h| {
                    // What is written, and not known to be meant by silence, is sent.
                    let (want, have) = (&want[w], &assumed[h]);
                    let told = have.get(key).is_some() || want.get(key).is_none();
                    told && spec.same_in_item(key, want, have)
                });
                *found = items;
            }
            (Some(Value::Object(attributes)), Value::Object(written)) if field == "attributes" => {
                lay_over(attributes, written);
            }
            (_, Value::Null) => {
                fields.shift_remove(&field);
            }
            (_, Value::Object(written)) if field == "attributes" => {
                let mut attributes = Map::new();
                lay_over(&mut attributes, written);
                fields.insert(field, Value::Object(attributes));
            }
            (_, value) => {
                fields.insert(field, value);
            }
        }
    }
    // Both sides were of this kind, and no field was given a value of another type.
    Resource::from_fields(have.kind(), &fields).unwrap_or_else(|_| want.clone())
}

/// What takes the place of an object of another type: the written fields, and of the old one all that the new can have.
pub fn carry_over(want: &Resource, have: &Resource) -> Resource {
    let mut kept = have.fields();
    have.spec().identity().iter().for_each(|identity| _ = kept.shift_remove(*identity));
    Resource::from_fields(want.kind(), &kept)
        .map_or_else(|_| want.clone(), |kept| overlay(want, &kept, &|_| None))
}

fn lay_over(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        if value.is_null() {
            base.shift_remove(&key);
        } else {
            base.insert(key, value);
        }
    }
}

fn plain(
    field: &str,
    route: Route,
    want: &Value,
    have: Option<&Value>,
    spec: &dyn Spec,
    found: &mut Vec<FieldChange>,
) {
    let have = have.unwrap_or(&Value::Null);
    if spec.canonical(field, want) != spec.canonical(field, have) {
        found.push(change(route, Some(have), Some(want)));
    }
}

fn owned_map(route: &Route, want: &Value, have: Option<&Value>, found: &mut Vec<FieldChange>) {
    let empty = Map::new();
    let (want, have) =
        (want.as_object().unwrap_or(&empty), have.and_then(Value::as_object).unwrap_or(&empty));
    for (key, value) in want {
        if have.get(key) != Some(value) {
            found.push(change(route.key(key), have.get(key), Some(value)));
        }
    }
    for (key, value) in have.iter().filter(|(key, _)| !want.contains_key(*key)) {
        found.push(change(route.key(key), Some(value), None));
    }
}

fn set(route: &Route, want: &Value, have: Option<&Value>, found: &mut Vec<FieldChange>) {
    let (want, have) = (list(Some(want)), list(have));
    for (i, value) in want.iter().enumerate().filter(|(_, value)| !have.contains(value)) {
        found.push(change(route.index(i), None, Some(value)));
    }
    for (i, value) in have.iter().enumerate().filter(|(_, value)| !want.contains(value)) {
        found.push(change(route.index(i), Some(value), None));
    }
}

fn items(field: &str, want: &Value, have: Option<&Value>, spec: &dyn Spec, found: &mut Vec<FieldChange>) {
    let route = Route::root().key(field);
    let (want, have) = (list(Some(want)), list(have));
    for Pair { want: w, have: h, same } in pair_items(field, want, have, spec) {
        match (w, h) {
            _ if same => {}
            (Some(w), Some(h)) => {
                for key in keys(&want[w], &have[h]) {
                    if !spec.same_in_item(&key, &want[w], &have[h]) {
                        found.push(change(route.index(w).key(&key), have[h].get(&key), want[w].get(&key)));
                    }
                }
            }
            (Some(w), None) => found.push(change(route.index(w), None, Some(&want[w]))),
            (None, Some(h)) => found.push(change(route.index(h), Some(&have[h]), None)),
            (None, None) => {}
        }
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn change(route: Route, before: Option<&Value>, after: Option<&Value>) -> FieldChange {
    let present = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
    FieldChange { route, before: present(before), after: present(after), sensitive: false }
}

mod route_as_text {
    //! Routes of fields are written as people read them; reading back splits them again.

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::diag::{Route, Seg};

    pub fn serialize<S: Serializer>(route: &Route, serializer: S) -> Result<S::Ok, S::Error> {
        let segs: Vec<serde_json::Value> = route
            .segs()
            .iter()
            .map(|seg| match seg {
                Seg::Key(key) => key.as_str().into(),
                Seg::Index(i) => (*i).into(),
            })
            .collect();
        segs.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Route, D::Error> {
        let segs = Vec::<serde_json::Value>::deserialize(deserializer)?;
        let seg = |value: serde_json::Value| match value {
            serde_json::Value::String(key) => Ok(Seg::Key(key)),
            other => other
                .as_u64()
                .and_then(|i| usize::try_from(i).ok())
                .map(Seg::Index)
                .ok_or_else(|| serde::de::Error::custom("a route holds keys and indices")),
        };
        segs.into_iter().map(seg).collect::<Result<_, _>>().map(Route)
    }
}
