//! How two objects of one kind differ, field by field, and what the remote one becomes.
//! The rule: what is not written is not managed; attributes are managed key by key; lists and settings as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::items::{keys, pair_items, settle};
use super::lists::Pair;
use super::origins::Origins;
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

/// A declared object beside a remote one of its kind: what both say, what they mean by it, and which items of their lists answer
/// to each other. Found out once; differences, the object that comes of the two and the origins of its items are read from it.
pub struct Comparison<'a> {
    want: &'a Resource,
    have: &'a Resource,
    /// The fields as they are written, and as the service has them.
    said: [Map<String, Value>; 2],
    /// The same with what is meant where nothing is said, if that was asked for.
    meant: Option<[Map<String, Value>; 2]>,
    /// The items of lists that do not mean the same, by field.
    pairs: BTreeMap<String, Vec<Pair>>,
}

impl<'a> Comparison<'a> {
    /// Compares what both mean; `types` tells which summary functions are meant where none is written.
    pub fn of(want: &'a Resource, have: &'a Resource, types: &TypeOf<'_>) -> Self {
        let whole = want.with_defaults();
        let meant = [
            whole.with_default_functions(types).fields(),
            have.unmasked_by(want).with_defaults().with_default_functions(types).fields(),
        ];
        Self::new(want, have, [whole.fields(), have.fields()], Some(meant))
    }

    /// Compares what both say, and nothing else.
    pub fn literal(want: &'a Resource, have: &'a Resource) -> Self {
        Self::new(want, have, [want.fields(), have.fields()], None)
    }

    fn new(
        want: &'a Resource,
        have: &'a Resource,
        said: [Map<String, Value>; 2],
        meant: Option<[Map<String, Value>; 2]>,
    ) -> Self {
        let mut comparison = Self { want, have, said, meant, pairs: BTreeMap::new() };
        let [wanted, found] = comparison.meant();
        let spec = have.spec();
        let pairs = wanted.iter().filter(|(field, value)| {
            matches!(spec.shape(field), Shape::Items | Shape::Sequence) && found.get(*field) != Some(*value)
        });
        let pair = |(field, value): (&String, &Value)| {
            (field.clone(), pair_items(field, list(Some(value)), list(found.get(field)), spec))
        };
        comparison.pairs = pairs.map(pair).collect();
        comparison
    }

    fn meant(&self) -> &[Map<String, Value>; 2] {
        self.meant.as_ref().unwrap_or(&self.said)
    }

    /// How the declared object differs, in the order in which it is written.
    pub fn changes(&self, secrets: &BTreeMap<Route, String>) -> Vec<FieldChange> {
        let [want, have] = self.meant();
        let spec = self.have.spec();
        let mut found = Vec::new();
        for (field, value) in want {
            let route = Route::root().key(field);
            if field == "attributes" {
                let remote = have.get(field).and_then(Value::as_object);
                for (key, value) in value.as_object().into_iter().flatten() {
                    let before = remote.and_then(|remote| remote.get(key));
                    plain(&format!("attributes.{key}"), route.key(key), value, before, spec, &mut found);
                }
                continue;
            }
            let before = have.get(field);
            // Most fields are as they were written, and the same value has the same form.
            if before == Some(value) {
                continue;
            }
            match spec.shape(field) {
                Shape::Plain => plain(field, route, value, before, spec, &mut found),
                Shape::OwnedMap => owned_map(&route, value, before, &mut found),
                Shape::Set => set(&route, value, before, &mut found),
                Shape::Items | Shape::Sequence => self.items(field, &route, &mut found),
            }
        }
        hide(&mut found, &[self.want, self.have], secrets);
        found
    }

    /// The differences of a list, item by item. What was assumed of an item for comparing is not shown as if it were written.
    fn items(&self, field: &str, route: &Route, found: &mut Vec<FieldChange>) {
        let spec = self.have.spec();
        let [want, have] = self.meant().each_ref().map(|side| list(side.get(field)));
        let [written, there] = self.said.each_ref().map(|side| list(side.get(field)));
        for pair in self.pairs.get(field).into_iter().flatten().filter(|pair| !pair.same) {
            match (pair.want, pair.have) {
                (Some(w), Some(h)) => {
                    for key in keys(&want[w], &have[h]) {
                        if !spec.same_in_item(&key, &want[w], &have[h]) {
                            found.push(change(
                                route.index(w).key(&key),
                                have[h].get(&key),
                                want[w].get(&key),
                            ));
                        }
                    }
                }
                (Some(w), None) => found.push(change(route.index(w), None, written.get(w))),
                (None, Some(h)) => found.push(change(route.index(h), there.get(h), None)),
                (None, None) => {}
            }
        }
    }

    /// The remote object with the written fields laid over it. What of an item of a list means the same stays in the words of the
    /// service, and what it does not say stays unsaid.
    pub fn overlay(&self) -> Resource {
        let [written, have] = &self.said;
        let mut fields = have.clone();
        for (field, value) in written {
            match (fields.get_mut(field), value) {
                (Some(Value::Array(found)), Value::Array(items)) => {
                    let mut items = items.clone();
                    self.settle(field, &mut items, found);
                    *found = items;
                }
                (Some(Value::Object(attributes)), Value::Object(written)) if field == "attributes" => {
                    lay_over(attributes, written);
                }
                (_, Value::Null) => {
                    fields.shift_remove(field);
                }
                (_, Value::Object(written)) if field == "attributes" => {
                    let mut attributes = Map::new();
                    lay_over(&mut attributes, written);
                    fields.insert(field.clone(), Value::Object(attributes));
                }
                (_, value) => {
                    fields.insert(field.clone(), value.clone());
                }
            }
        }
        // Both sides were of this kind, and no field was given a value of another type.
        Resource::from_fields(self.have.kind(), &fields).unwrap_or_else(|_| self.want.clone())
    }

    fn settle(&self, field: &str, items: &mut [Value], found: &[Value]) {
        let spec = self.have.spec();
        if !matches!(spec.shape(field), Shape::Items | Shape::Sequence) {
            return;
        }
        let [want, have] = self.meant().each_ref().map(|side| list(side.get(field)));
        let same = |key: &str, w: usize, h: usize| {
            // What is written, and not known to be meant by silence, is sent.
            let told = have[h].get(key).is_some() || want[w].get(key).is_none();
            told && spec.same_in_item(key, &want[w], &have[h])
        };
        let pairs: Vec<(usize, usize)> = match self.pairs.get(field) {
            Some(pairs) => pairs.iter().filter_map(|pair| pair.want.zip(pair.have)).collect(),
            None => (0..items.len().min(found.len())).map(|i| (i, i)).collect(),
        };
        settle(items, found, &pairs, &same);
    }

    /// Of which remote items those of the object that comes of the two are made.
    pub fn origins(&self) -> Origins {
        Origins::of(&self.pairs)
    }
}

/// How `want` differs from `have` in what both say.
pub fn changes(want: &Resource, have: &Resource, secrets: &BTreeMap<Route, String>) -> Vec<FieldChange> {
    Comparison::literal(want, have).changes(secrets)
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

/// What takes the place of an object of another type: the written fields, and of the old one all that the new can have.
pub fn carry_over(want: &Resource, have: &Resource) -> Resource {
    let mut kept = have.fields();
    have.spec().identity().iter().for_each(|identity| _ = kept.shift_remove(*identity));
    Resource::from_fields(want.kind(), &kept)
        .map_or_else(|_| want.clone(), |kept| Comparison::literal(want, &kept).overlay())
}

fn lay_over(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        if value.is_null() {
            base.shift_remove(key);
        } else {
            base.insert(key.clone(), value.clone());
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
