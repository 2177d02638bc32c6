//! The keys we know of what the service says, in the types we know them in, and what of an item fits.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::wire::lenient;

/// A copy of the keys we know, null being the same as absent.
pub(super) fn pick(raw: &Value, keys: &[&str]) -> Map<String, Value> {
    let known = keys.iter().filter_map(|key| Some(((*key).to_owned(), raw.get(*key)?.clone())));
    known.filter(|(_, value)| !value.is_null()).collect()
}

pub(super) fn booleans(fields: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(boolean) = fields.get(*key).and_then(lenient::bool) {
            fields.insert((*key).to_owned(), boolean.into());
        }
    }
}

pub(super) fn numbers(fields: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(number) = fields.get(*key).and_then(lenient::u64) {
            fields.insert((*key).to_owned(), number.into());
        }
    }
}

/// The tags of a condition or a stream; a list that some clients send as `{}` counts as none.
pub(super) fn lift_tags(fields: &mut Map<String, Value>) {
    if fields.get("tags").is_some_and(|tags| tags.as_array().is_none_or(Vec::is_empty)) {
        fields.shift_remove("tags");
    }
    for tag in fields.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        let mut known = pick(tag, &["name", "values", "grouped", "dynamic"]);
        booleans(&mut known, &["grouped", "dynamic"]);
        *tag = Value::Object(known);
    }
}

/// An item of a list, such as a condition, as a file would say it, without what does not fit.
pub fn fitting<T: DeserializeOwned + Serialize>(item: &Value) -> Option<Value> {
    let Value::Object(mut fields) = item.clone() else { return None };
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(Value::Object(fields.clone())) {
            Ok(item) => return serde_json::to_value(item).ok(),
            Err(error) => error,
        };
        let Some(serde_path_to_error::Segment::Map { key }) = error.path().iter().next() else { return None };
        fields.shift_remove(key)?;
    }
}
