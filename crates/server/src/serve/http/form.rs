//! `application/x-www-form-urlencoded` text to a JSON object, with the bracket nesting of the API's form bodies.
//! Pure. All leaves are strings; giving them types is left to [`super::fields`].

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// Deeper keys than `a[b][c]…` of this many parts are refused.
const DEEPEST: usize = 16;

/// Why a form could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Percent-decoded text that is not UTF-8.
    #[error("form field {0} is not valid UTF-8")]
    NotUtf8(usize),
    /// More brackets than [`DEEPEST`].
    #[error("form field {0} is nested too deeply")]
    TooDeep(usize),
    /// `a=1&a[b]=2`, or the same leaf given as text and as list.
    #[error("form field {0} contradicts an earlier one")]
    Conflict(usize),
}

/// Reads a form or query. Field numbers in errors count from 1.
///
/// `a[b]=x` nests, `a[]=x` appends, `a=x&a=y` becomes a list, `a[][b]=x` starts a new item when the last one has a
/// `b` already, and `a[0][b]=x` stays an object keyed by `"0"`, since a metric may be called `0`.
pub fn decode(text: &[u8]) -> Result<Map<String, Value>, FormError> {
    let mut root = Value::Object(Map::new());
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        let number = index + 1;
        let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let key = unescape(&pair[..split]).ok_or(FormError::NotUtf8(number))?;
        let value = unescape(pair.get(split + 1..).unwrap_or_default()).ok_or(FormError::NotUtf8(number))?;
        let route = route(&key);
        if route.len() > DEEPEST {
            return Err(FormError::TooDeep(number));
        }
        insert(&mut root, &route, value).ok_or(FormError::Conflict(number))?;
    }
    match root {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// `a[b][]` to `["a", "b", ""]`. Brackets that do not pair up belong to the name.
fn route(key: &str) -> Vec<&str> {
    let Some((name, rest)) = key.split_once('[').filter(|(name, _)| !name.is_empty()) else {
        return vec![key];
    };
    let Some(inner) = rest.strip_suffix(']') else { return vec![key] };
    let mut route = vec![name];
    route.extend(inner.split("]["));
    route
}

fn insert(place: &mut Value, route: &[&str], value: String) -> Option<()> {
    let Some((step, rest)) = route.split_first() else { return set(place, value) };
    if step.is_empty() && !matches!(place, Value::Object(_)) {
        return append(place, rest, value);
    }
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    insert(place.as_object_mut()?.entry(*step).or_insert(Value::Null), rest, value)
}

fn set(place: &mut Value, value: String) -> Option<()> {
    match place {
        Value::Null => *place = Value::String(value),
        Value::String(first) => {
            let first = std::mem::take(first);
            *place = Value::Array(vec![Value::String(first), Value::String(value)]);
        }
        Value::Array(items) => items.push(Value::String(value)),
        Value::Object(_) | Value::Bool(_) | Value::Number(_) => return None,
    }
    Some(())
}

fn append(place: &mut Value, rest: &[&str], value: String) -> Option<()> {
    if place.is_null() {
        *place = Value::Array(Vec::new());
    }
    let items = place.as_array_mut()?;
    let fills_last = |last: &Value| {
        rest.first().is_some_and(|key| last.as_object().is_some_and(|o| !o.contains_key(*key)))
    };
    if !items.last().is_some_and(fills_last) {
        items.push(Value::Null);
    }
    insert(items.last_mut()?, rest, value)
}

fn unescape(text: &[u8]) -> Option<String> {
    let blanks: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8(percent_decode(&blanks).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        Value::Object(decode(text.as_bytes()).unwrap())
    }

    #[test]
    fn brackets_nest() {
        assert_eq!(
            read("gauges[0][name]=temp&gauges[0][value]=88.4&gauges[1][name]=x&source=eu"),
            json!({"gauges": {"0": {"name": "temp", "value": "88.4"}, "1": {"name": "x"}}, "source": "eu"})
        );
        assert_eq!(
            read("settings%5Burl%5D=https%3A%2F%2Fx%2F%3Fa%3D1"),
            json!({"settings": {"url": "https://x/?a=1"}})
        );
    }

    #[test]
    fn lists_in_every_spelling() {
        assert_eq!(read("names[]=a&names[]=b"), json!({"names": ["a", "b"]}));
        assert_eq!(read("names=a&names=b&names=c"), json!({"names": ["a", "b", "c"]}));
        assert_eq!(read("names=cpu*.90"), json!({"names": "cpu*.90"}));
        assert_eq!(
            read("conditions[][type]=above&conditions[][threshold]=1&conditions[][type]=below"),
            json!({"conditions": [{"type": "above", "threshold": "1"}, {"type": "below"}]})
        );
    }

    #[test]
    fn escapes_blanks_and_odd_brackets() {
        assert_eq!(read("a=x+y%20z&b&=c&&d=%zz"), json!({"a": "x y z", "b": "", "": "c", "d": "%zz"}));
        assert_eq!(read("a[b=1&[c]=2"), json!({"a[b": "1", "[c]": "2"}));
    }

    #[test]
    fn hostile_forms_are_errors() {
        assert_eq!(decode(b"a=%ff"), Err(FormError::NotUtf8(1)));
        assert_eq!(decode(b"b=1&a=1&a[b]=2"), Err(FormError::Conflict(3)));
        assert_eq!(decode(b"a[b]=1&a=2"), Err(FormError::Conflict(2)));
        assert_eq!(decode(format!("a{}=1", "[b]".repeat(1000)).as_bytes()), Err(FormError::TooDeep(1)));
    }
}
