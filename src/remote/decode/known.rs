//! The keys we know of what the service says, in the forms in which our structs read them, and what of an item fits.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::diag::{Route, Seg};
use crate::model::{Tag, keys_of, read};
use crate::wire::lenient;

/// A copy of the keys we know, null being the same as absent.
pub(super) fn pick(raw: &Value, keys: &[&str]) -> Map<String, Value> {
    let known = keys.iter().filter_map(|key| Some(((*key).to_owned(), raw.get(*key)?.clone())));
    known.filter(|(_, value)| !value.is_null()).collect()
}

/// The tags of a condition or a stream; a list that some clients send as `{}` counts as none.
pub(super) fn lift_tags(fields: &mut Map<String, Value>) {
    if fields.get("tags").is_some_and(|tags| tags.as_array().is_none_or(Vec::is_empty)) {
        fields.shift_remove("tags");
    }
    for tag in fields.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        *tag = Value::Object(pick(tag, keys_of::<Tag>()));
    }
}

/// An item of a list, such as a condition, as a file would say it, without what does not fit.
pub fn fitting<T: DeserializeOwned + Serialize>(item: &Value) -> Option<Value> {
    let Value::Object(mut fields) = item.clone() else { return None };
    loop {
        let place = match read::<T>(&fields) {
            Ok(item) => return serde_json::to_value(item).ok(),
            Err(error) => error.route,
        };
        let wrong = |fields: &Map<String, Value>| read::<T>(fields).err().map(|error| error.route);
        if !reword(&mut fields, &place, &wrong) {
            let Some(Seg::Key(key)) = place.segs().first() else { return None };
            fields.shift_remove(key)?;
        }
    }
}

/// Gives what does not fit at a place another form in which it does, if there is one; `wrong` tells where something does not fit.
pub(super) fn reword(
    fields: &mut Map<String, Value>,
    place: &Route,
    wrong: &dyn Fn(&Map<String, Value>) -> Option<Route>,
) -> bool {
    let Some(said) = at(fields, place).cloned() else { return false };
    for form in other_forms(&said) {
        let Some(value) = at(fields, place) else { return false };
        *value = form;
        if wrong(fields).is_none_or(|other| other != *place) {
            return true;
        }
    }
    if let Some(value) = at(fields, place) {
        *value = said;
    }
    false
}

/// What else a value can mean: services and clients write numbers as texts, and what is true or false as words or digits.
fn other_forms(value: &Value) -> Vec<Value> {
    let truth = lenient::bool(value).map(Value::from);
    let forms = [truth, lenient::u64(value).map(Value::from), lenient::f64(value).map(Value::from)];
    forms.into_iter().flatten().filter(|form| form != value).collect()
}

fn at<'v>(fields: &'v mut Map<String, Value>, place: &Route) -> Option<&'v mut Value> {
    let (Seg::Key(first), inside) = place.segs().split_first()? else { return None };
    inside.iter().try_fold(fields.get_mut(first)?, |value, seg| match seg {
        Seg::Key(key) => value.get_mut(key),
        Seg::Index(i) => value.get_mut(*i),
    })
}
