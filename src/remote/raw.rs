//! One remote object with all that the service says of it, kept for the few that are written.
//! Knows nothing of what stands in it.

use std::fmt;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// An object as the service gave it. Kept as text, which takes a fraction of the memory of a tree, since few objects are looked at
/// again.
#[derive(Clone)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// The object.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<&RawValue> for Raw {
    fn from(text: &RawValue) -> Self {
        Self(text.to_owned())
    }
}

impl From<&Value> for Raw {
    fn from(value: &Value) -> Self {
        Self(to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
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
