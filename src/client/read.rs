//! Reading fields the way services really send them, through [`lenient`]: numbers in strings, booleans as words.
//! What is neither is an error that names the place and never repeats the value, which may be a secret.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::remote::ApiError;
use crate::wire::lenient;

/// What the API says of an object beyond the fields that have names here.
pub type More = Map<String, Value>;

/// Reads an object out of the answer to `path`.
pub fn decode<T: DeserializeOwned>(path: &str, raw: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(raw).map_err(|error| {
        let place = error.path().to_string();
        let said = error.inner().to_string();
        // serde repeats what it found, and only what it expected is safe to show.
        let expected = match said.rsplit_once("expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if said.starts_with("missing field") => said,
            None => "not of a form that is known".to_owned(),
        };
        ApiError::Decode { path: path.to_owned(), detail: format!("`{place}`: {expected}") }
    })
}

fn optional<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl Fn(&Value) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    read(&value).map(Some).ok_or_else(|| D::Error::custom(format!("expected {expected}")))
}

/// A number, or none.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    optional(deserializer, lenient::f64, "a number")
}

/// A whole number that is not negative, or none.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    optional(deserializer, lenient::u64, "a whole number")
}

/// A whole number that must be there.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole(deserializer)?.ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// A truth, or none.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    optional(deserializer, lenient::bool, "true or false")
}

/// A truth that is `true` where nothing is said.
pub fn unless_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(truth(deserializer)?.unwrap_or(true))
}

/// Whatever has a default, `null` being the same as absent.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list; `null` and the empty map that some clients write count as an empty one.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Object(map) if map.is_empty() => Ok(Vec::new()),
        value => serde_json::from_value(value).map_err(D::Error::custom),
    }
}

/// The id of something: bare, or in an object.
pub fn reference(value: &Value) -> Option<u64> {
    lenient::id(value).or_else(|| lenient::id(value.get("id")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Thing {
        name: String,
        #[serde(default, deserialize_with = "whole")]
        period: Option<u64>,
    }

    #[test]
    fn errors_name_the_place_and_not_the_value() {
        for (raw, detail) in [
            (json!({"name": "m", "period": "canary"}), "`period`: expected a whole number"),
            (json!({"name": {"canary": 1}}), "`name`: expected a string"),
            (json!({"period": 3}), "`.`: missing field `name`"),
            (json!("canary"), "`.`: expected struct Thing"),
        ] {
            let Err(ApiError::Decode { detail: found, .. }) = decode::<Thing>("/x", raw) else { panic!() };
            assert_eq!(found, detail);
        }
        let thing = decode::<Thing>("/x", json!({"name": "m", "period": "60"})).unwrap();
        assert_eq!(thing, Thing { name: "m".into(), period: Some(60) });
    }
}
