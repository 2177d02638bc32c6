//! Values as other tools' files give them, each with its place, and with what only those tools could work out left open.
//! Knows none of the tools, and no kind of object.

use serde_json::{Number, Value};

use crate::diag::Place;

/// Stands in the sketch of a text for what is not known of it.
pub(super) const GAP: char = '\u{fffc}';

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub value: Val,
    pub place: Place,
}

/// A value, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Fields),
    /// The text that this value is as JSON.
    Json(Box<Node>),
    /// The identity of another object, by the address it has in its configuration.
    Reference(String),
    /// What would have to be worked out.
    Unknown {
        /// What it depends on, as it is written.
        why: String,
        /// The text it is, with a [`GAP`] for each unknown part, where that is known.
        sketch: Option<String>,
    },
}

/// Values by name, in the order of the file.
pub(super) type Fields = Vec<(String, Node)>;

impl Node {
    pub fn new(value: Val, place: Place) -> Self {
        Self { value, place }
    }

    pub fn text(text: impl Into<String>, place: Place) -> Self {
        Self::new(Val::Text(text.into()), place)
    }

    pub fn unknown(why: impl Into<String>, place: Place) -> Self {
        Self::new(Val::unknown(why), place)
    }

    /// A value of a JSON document, all of it at one place.
    pub fn of_json(value: &Value, place: &Place) -> Self {
        let value = match value {
            Value::Null => Val::Null,
            Value::Bool(flag) => Val::Bool(*flag),
            Value::Number(number) => Val::Number(number.clone()),
            Value::String(text) => Val::Text(text.clone()),
            Value::Array(items) => Val::List(items.iter().map(|item| Self::of_json(item, place)).collect()),
            Value::Object(map) => {
                Val::Map(map.iter().map(|(key, value)| (key.clone(), Self::of_json(value, place))).collect())
            }
        };
        Self::new(value, place.clone())
    }

    /// The text, where it is one and not empty.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Val::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

impl Val {
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into(), sketch: None }
    }

    /// How much it holds: values and characters.
    pub fn size(&self) -> usize {
        1 + match self {
            Self::Text(text) | Self::Reference(text) => text.len(),
            Self::List(items) => items.iter().map(|node| node.value.size()).sum(),
            Self::Map(fields) => fields.iter().map(|(key, node)| key.len() + node.value.size()).sum(),
            Self::Json(node) => node.value.size(),
            Self::Unknown { why, sketch } => why.len() + sketch.as_ref().map_or(0, String::len),
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        }
    }

    /// Whether it is what providers write for a field that no one set: null, zero, false, or empty.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => number.as_f64() == Some(0.0),
            Self::List(items) => items.is_empty(),
            Self::Map(fields) => fields.is_empty(),
            Self::Bool(true) | Self::Json(_) | Self::Reference(_) | Self::Unknown { .. } => false,
        }
    }

    /// What it is, in words.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Json(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Reference(_) => "the id of another object",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// True or false, also as older tools write it: 1 and 0, as numbers or as texts, and the words that Go reads as booleans.
pub(super) fn truth(value: &Val) -> Option<bool> {
    match value {
        Val::Bool(flag) => Some(*flag),
        Val::Text(text) if matches!(text.as_str(), "true" | "True" | "TRUE" | "t" | "T" | "1") => Some(true),
        Val::Text(text) if matches!(text.as_str(), "false" | "False" | "FALSE" | "f" | "F" | "0") => {
            Some(false)
        }
        Val::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Val::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        _ => None,
    }
}

/// A whole number where it is one, since people write `5` and not `5.0`.
pub(super) fn number(float: f64) -> Option<Number> {
    #[allow(clippy::cast_possible_truncation)]
    if float.fract() == 0.0 && float.abs() < 9e15 {
        Some((float as i64).into())
    } else {
        Number::from_f64(float)
    }
}

/// Takes a field out of a list of fields; of one written twice the first.
pub(super) fn take(fields: &mut Fields, name: &str) -> Option<Node> {
    let at = fields.iter().position(|(key, _)| key == name)?;
    Some(fields.remove(at).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_that_old_tools_write() {
        let of = |text: &str| truth(&Val::Text(text.to_owned()));
        for text in ["false", "False", "FALSE", "f", "F", "0"] {
            assert_eq!(of(text), Some(false), "{text}");
        }
        for text in ["true", "True", "TRUE", "t", "T", "1"] {
            assert_eq!(of(text), Some(true), "{text}");
        }
        assert_eq!((of("yes"), of("")), (None, None));
    }
}
