//! The keys we know of what the service says, in the types we know them in.

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
