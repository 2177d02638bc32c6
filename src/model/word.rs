//! Words of lists of which a service may know more than we do: the known ones are variants, any other is kept as it is.
//! Knows nothing of which words there are.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<T> {
    /// One that we know the meaning of.
    Known(T),
    /// One that we do not: kept, compared and written back as it is.
    Other(String),
}

impl<T: Copy> Word<T> {
    /// The meaning, where we know it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for Word<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl<T: Serialize> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Enums without content serialise as the name of their variant, which a formatter takes.
            Self::Known(known) => known.serialize(f),
            Self::Other(word) => f.write_str(word),
        }
    }
}

impl<T: Serialize> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(known) => known.serialize(serializer),
            Self::Other(word) => serializer.serialize_str(word),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = T::deserialize(StrDeserializer::<Error>::new(&word)).map(Self::Known);
        Ok(known.unwrap_or(Self::Other(word)))
    }
}

impl<T: JsonSchema> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    /// The known words for those who complete and check, any text for those that come.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut known = T::json_schema(generator);
        let description = known.remove("description");
        let mut schema = json_schema!({ "anyOf": [known, { "type": "string" }] });
        if let Some(description) = description {
            schema.insert("description".into(), description);
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConditionType;

    #[test]
    fn unknown_words_survive() {
        for (text, known) in [("above", Some(ConditionType::Above)), ("outside", None), ("", None)] {
            let word: Word<ConditionType> = serde_json::from_value(text.into()).unwrap();
            assert_eq!(word.known(), known);
            assert_eq!(word.to_string(), text);
            assert_eq!(serde_json::to_value(&word).unwrap(), text);
        }
        assert!(serde_json::from_value::<Word<ConditionType>>(5.into()).is_err());
    }
}
