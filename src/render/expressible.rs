//! Which remote objects can be written as definitions that this program would accept, and what stands in the way of the
//! others. What means nothing and would be refused is left out silently. Knows nothing of ids, but to name duplicates.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diag::{Route, Seg, Severity};
use crate::diff::fields;
use crate::model::check::{Checker, Finding};
use crate::model::{
    Address, Chart, ChartOrder, Collection, Field, Kind, Resource, Space, State, UNCLEAN,
    belongs_to_the_service,
};

/// Something that cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The kind of the object.
    pub kind: Kind,
    pub name: String,
    /// What of it is lost; `None` for all of it.
    pub part: Option<String>,
    /// Why.
    pub reason: String,
}

/// The objects that can be written down, as far as they can, and what cannot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expressible {
    /// The definitions.
    pub objects: State,
    /// What is missing in them.
    pub losses: Vec<Loss>,
}

/// Takes from `state` what `wanted` and can be written down. `duplicates` are names that several objects have, with their ids.
pub fn expressible(
    state: &State,
    duplicates: &BTreeMap<Address, Vec<u64>>,
    wanted: &dyn Fn(Kind, &Address) -> bool,
) -> Expressible {
    let mut found = Expressible::default();
    for (address, object) in state.iter().filter(|(address, object)| wanted(object.kind(), address)) {
        if is_made_by_the_service(address, object) {
            continue;
        }
        match written(address, object, state, duplicates) {
            Ok((object, parts)) => {
                found.losses.extend(parts.into_iter().map(|(part, reason)| Loss {
                    kind: object.kind(),
                    name: address.to_string(),
                    part: Some(part),
                    reason,
                }));
                found.objects.insert(address.clone(), object);
            }
            Err(reason) => {
                let (kind, name) = (object.kind(), address.to_string());
                found.losses.push(Loss { kind, name, part: None, reason });
            }
        }
    }
    found
}

/// What is about to be lost, as a file that brings it back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restorable {
    /// What a file can hold.
    pub objects: State,
    /// What no file can hold, as it is.
    pub refused: State,
    /// The charts of whole spaces in their order.
    pub order: ChartOrder,
    /// What is missing in `objects`, and why.
    pub losses: Vec<Loss>,
}

/// Divides what is about to be lost into what a file can bring back and what it would be refused for.
pub fn restorable<'a>(lost: impl IntoIterator<Item = (&'a Address, &'a Resource)>) -> Restorable {
    let mut found = Restorable::default();
    for (address, object) in lost {
        found.add(address, object);
    }
    found
}

impl Restorable {
    fn add(&mut self, address: &Address, object: &Resource) {
        if let Resource::Space(space) = object {
            for inner in space.charts.value().into_iter().flatten() {
                self.order.entry(address.name.clone()).or_default().push(inner.name.clone());
                self.add(&Address::chart(&address.name, &inner.name), &Resource::Chart(inner.chart.clone()));
            }
        }
        let object = match object {
            Resource::Space(space) => Resource::Space(Space { charts: Field::Unset, ..space.clone() }),
            other => other.clone(),
        };
        let (kind, name) = (object.kind(), address.to_string());
        let loss = |(part, reason)| Loss { kind, name: name.clone(), part, reason };
        match sound(address, object.clone(), Vec::new()) {
            Ok((object, parts)) => {
                self.losses.extend(parts.into_iter().map(|(part, reason)| loss((Some(part), reason))));
                self.objects.insert(address.clone(), object);
            }
            Err(reason) => {
                self.losses.push(loss((None, reason)));
                self.refused.insert(address.clone(), object);
            }
        }
    }
}

/// The stream of firing alerts comes by itself.
fn is_made_by_the_service(address: &Address, object: &Resource) -> bool {
    belongs_to_the_service(address) && object.fields().values().all(|value| *value == "" || value.is_null())
}

/// A part that is lost, and why.
type Part = (String, String);

fn written(
    address: &Address,
    object: &Resource,
    state: &State,
    duplicates: &BTreeMap<Address, Vec<u64>>,
) -> Result<(Resource, Vec<Part>), String> {
    for name in [Some(address.clone()), address.container()].into_iter().flatten() {
        if let Some(ids) = duplicates.get(&name) {
            let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
            return Err(format!(
                "{} {} have the name \"{name}\": ids {}; delete or rename all but one",
                ids.len(),
                name.collection.kind().section(),
                ids.join(", ")
            ));
        }
    }
    if object.is_masked() {
        return Err(
            "its secret settings are hidden from this token; one of the role `admin` sees them".into()
        );
    }
    if let Some(problem) = misfit(address, object, state) {
        return Err(problem.message);
    }
    let (object, parts) = without_unusable_references(object, state, duplicates)?;
    sound(address, object, parts)
}

/// A statistic that the type of a metric does not have, which someone changed since. Without it the alert would be another one.
fn misfit(address: &Address, object: &Resource, state: &State) -> Option<Finding> {
    let mut found = Checker::new(&address.name);
    object.spec().check_functions(&|metric| state.get(&Address::metric(metric))?.metric_type(), &mut found);
    found.into_findings().into_iter().next()
}

/// The object as far as a file could hold it, with what is lost; or why it cannot be written at all.
fn sound(address: &Address, object: Resource, mut parts: Vec<Part>) -> Result<(Resource, Vec<Part>), String> {
    if let Some(space) = address.container()
        && let Some(problem) = first_error(&space, &Resource::Space(Space::default()))
    {
        return Err(format!("its space \"{space}\" cannot be written: {}", problem.message));
    }
    let object = without_misfits(address, object, &mut parts)?;
    let fields = object.fields();
    if let Some(need) = object.spec().creation_needs().iter().find(|need| !fields.contains_key(**need)) {
        let refused = parts.into_iter().find(|(part, _)| part == need).map(|(_, reason)| reason);
        return Err(refused.unwrap_or_else(|| format!("it has no `{need}`")));
    }
    Ok((object, parts))
}

/// Alerts without the services they notify would be worse than none; charts do without a space to lead to.
fn without_unusable_references(
    object: &Resource,
    state: &State,
    duplicates: &BTreeMap<Address, Vec<u64>>,
) -> Result<(Resource, Vec<Part>), String> {
    let why = |to: &Address| match (state.contains_key(to), duplicates.contains_key(to)) {
        (_, true) => Some(format!("several {} have the name \"{to}\"", to.collection.kind().section())),
        (false, _) => Some(format!("the {} \"{to}\" does not exist", to.collection.kind())),
        _ => None,
    };
    let named = object.spec().references().into_iter().map(|reference| reference.to);
    // Data may come later.
    let data = |to: &Address| matches!(to.collection, Collection::Metrics | Collection::Annotations);
    let mut unusable = named.filter(|to| !data(to)).filter_map(|to| why(&to));
    match (unusable.next(), object) {
        (None, _) => Ok((object.clone(), Vec::new())),
        (Some(reason), Resource::Chart(chart)) => {
            let object = Resource::Chart(Chart { related_space: Field::Unset, ..chart.clone() });
            Ok((object, vec![("related_space".to_owned(), reason)]))
        }
        (Some(reason), _) => Err(reason),
    }
}

/// The object without the fields that would be refused in a file. One that meant something is a loss.
fn without_misfits(address: &Address, object: Resource, parts: &mut Vec<Part>) -> Result<Resource, String> {
    let (mut object, mut gone) = (object, Vec::new());
    // Every round takes something away.
    while let Some(problem) = first_error(address, &object) {
        let Some(shorter) = shortened(&object, &problem.route) else {
            // What was taken away before may be what is missing now.
            return Err(gone.into_iter().map(|(_, reason)| reason).next().unwrap_or(problem.message));
        };
        let inside_a_list = problem.route.segs().iter().any(|seg| matches!(seg, Seg::Index(_)));
        let same = inside_a_list && fields::changes(&shorter, &object, &BTreeMap::new()).is_empty();
        if !same {
            gone.push((problem.route.to_string(), problem.message));
        }
        object = shorter;
    }
    parts.extend(gone);
    Ok(object)
}

fn shortened(object: &Resource, route: &Route) -> Option<Resource> {
    let mut value = Value::Object(object.fields());
    let Value::Object(fields) = remove(&mut value, route).then_some(value)? else { return None };
    Resource::from_fields(object.kind(), &fields).ok()
}

fn first_error(address: &Address, object: &Resource) -> Option<Finding> {
    let mut checker = Checker::new(&address.name);
    object.spec().check(&mut checker);
    // A secret becomes a reference, and is looked at when it is set.
    let elsewhere =
        |found: &Finding| found.code == UNCLEAN && object.spec().is_sensitive(&found.route.to_string());
    checker.into_findings().into_iter().find(|found| found.severity == Severity::Error && !elsewhere(found))
}

/// Takes out one key; `false` where the route leads to an item of a list or to the whole.
fn remove(value: &mut Value, route: &Route) -> bool {
    let Some((Seg::Key(last), parents)) = route.segs().split_last() else { return false };
    let parent = parents.iter().try_fold(value, |value, seg| match seg {
        Seg::Key(key) => value.get_mut(key),
        Seg::Index(i) => value.get_mut(*i),
    });
    parent.and_then(Value::as_object_mut).is_some_and(|map| map.shift_remove(last).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ALERT_STREAM;

    #[allow(clippy::needless_pass_by_value)] // Literals read better without a borrow.
    fn object(kind: Kind, fields: Value) -> Resource {
        Resource::from_fields(kind, fields.as_object().unwrap()).unwrap()
    }

    fn alert(name: &str, fields: Value) -> (Address, Resource) {
        (Address::new(Collection::Alerts, name), object(Kind::Alert, fields))
    }

    #[test]
    fn what_means_nothing_goes_silently_and_what_means_something_is_named() {
        let absent = json!({"type": "absent", "metric_name": "m", "duration": 600});
        let mut sent = absent.clone();
        sent["threshold"] = json!(0);
        sent["detect_reset"] = json!(false);
        let state = State::from([
            alert("fine", json!({"conditions": [sent]})),
            alert("a/b", json!({"conditions": [absent]})),
            alert("odd", json!({"conditions": [absent], "rearm_seconds": 70})),
            alert("nobody", json!({"conditions": [absent], "services": ["#5"]})),
            (Address::metric("old"), object(Kind::Composite, json!({"composite": "s('a', '*')"}))),
            alert("brief", json!({"conditions": [{"type": "absent", "metric_name": "m", "duration": 7}]})),
            (Address::chart("S", "c"), object(Kind::Chart, json!({"related_space": "#7", "label": "ms"}))),
            (Address::chart("T", "d"), object(Kind::Chart, json!({}))),
            (Address::new(Collection::Annotations, ALERT_STREAM), object(Kind::Annotation, json!({}))),
        ]);
        let duplicates = BTreeMap::from([(Address::space("T"), vec![1, 2])]);
        let found = expressible(&state, &duplicates, &|_, _| true);
        let said: Vec<String> = found
            .losses
            .iter()
            .map(|l| format!("{} {}: {}: {}", l.kind, l.name, l.part.as_deref().unwrap_or("all"), l.reason))
            .collect();
        assert_eq!(
            said,
            [
                "composite old: all: texts stand in double quotes, not in `'`",
                "alert a/b: all: the name holds '/', which the API does not take",
                "alert brief: all: a duration lies between 1m and 1h, this one is 7s",
                "alert nobody: all: the service \"#5\" does not exist",
                "alert odd: rearm_seconds: 70s is not a multiple of one minute",
                "chart S/c: related_space: the space \"#7\" does not exist",
                "chart T/d: all: 2 spaces have the name \"T\": ids 1, 2; delete or rename all but one",
            ]
        );
        let fine = &found.objects[&Address::new(Collection::Alerts, "fine")];
        assert_eq!(fine.fields()["conditions"], json!([absent]));
        assert_eq!(found.objects.len(), 3);
    }
}
