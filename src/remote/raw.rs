//! One remote object with all that the service says of it, kept for the few that are written.
//! Knows nothing of what stands in it.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

/// An object as the service gave it. Kept as text, which takes a fraction of the memory of a tree, since few objects are looked at
/// again.
#[derive(Clone)]
pub struct Raw(Box<str>);

impl Raw {
    /// The object.
    ///
    /// # Errors
    /// Where the text cannot be read: too deep, or with a number that none of ours holds. Nothing may be written over it.
    pub fn read(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.0)
    }

    /// The object for those who only look at it: text that cannot be read stands for itself.
    pub fn value(&self) -> Value {
        self.read().unwrap_or_else(|_| Value::String(self.0.to_string()))
    }
}

impl From<&RawValue> for Raw {
    fn from(text: &RawValue) -> Self {
        Self(text.get().into())
    }
}

impl From<&Value> for Raw {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl fmt::Debug for Raw {
    /// Without the values: settings of services are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw {..}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        for text in [format!("{}{}", "[".repeat(200), "]".repeat(200)), r#"{"threshold": 1e999}"#.to_owned()]
        {
            let raw = Raw::from(&*RawValue::from_string(text.clone()).unwrap());
            assert!(raw.read().is_err());
            assert_eq!(raw.value(), Value::String(text));
            assert_ne!(raw, Raw::from(&Value::Null));
        }
    }
}
