//! A field that may be unwritten, cleared or set, and durations as people write them.
//! Knows nothing of which fields exist.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::diag::seconds_in;

/// The three states of a field in a definition: not written (not managed), `null` (cleared), or a value.
///
/// Use with `#[serde(default, skip_serializing_if = "Field::is_unset")]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Field<T> {
    /// Not written: whatever the service has stays.
    #[default]
    Unset,
    /// Written as `null`: to be cleared.
    Null,
    /// Written.
    Set(T),
}

impl<T> Field<T> {
    /// Whether the field was not written.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }

    /// Whether nothing is written that `have` does not say in the same words.
    pub fn is_within(&self, have: &Self) -> bool
    where
        T: PartialEq,
    {
        self.is_unset() || self == have
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset | Self::Null => None,
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unset, Self::Set)
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Null, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A span of time in whole seconds; written as a number of seconds or as `90s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Reads `90`, `90s`, `5m` or `1h`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(['s', 'm', 'h']);
        let factor = match &text[digits.len()..] {
            "" => 1,
            unit => seconds_in(unit)?,
        };
        digits.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }

    /// What `5min`, `1h30m` or `2 days` mean to others.
    fn meant(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut sum = 0_u64;
        while !rest.is_empty() {
            let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let behind = behind.trim_start();
            let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
            let unit = match &*behind[..end].to_ascii_lowercase() {
                "s" | "sec" | "secs" | "second" | "seconds" => "s",
                "m" | "min" | "mins" | "minute" | "minutes" => "m",
                "h" | "hr" | "hrs" | "hour" | "hours" => "h",
                "d" | "day" | "days" => "d",
                "w" | "week" | "weeks" => "w",
                _ => return None,
            };
            sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds_in(unit)?)?)?;
            rest = behind[end..].trim_start();
        }
        (sum > 0).then_some(Self(sum))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0s"),
            s if s.is_multiple_of(3600) => write!(f, "{}h", s / 3600),
            s if s.is_multiple_of(60) => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("whole seconds, or a duration such as `60s`, `5m` or `1h`")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Seconds, E> {
                Ok(Seconds(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Seconds, E> {
                u64::try_from(value).map(Seconds).map_err(|_| E::custom("a duration cannot be negative"))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Seconds, E> {
                // Numbers that came through JSON or a form may carry a fraction of zero.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                if value.fract() == 0.0 && (0.0..9e15).contains(&value) {
                    Ok(Seconds(value as u64))
                } else {
                    Err(E::custom("a duration is a whole number of seconds"))
                }
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Seconds, E> {
                let form = "this is not a duration such as `60s`, `5m` or `1h`";
                Seconds::parse(value).ok_or_else(|| match Seconds::meant(value) {
                    Some(meant) => E::custom(format!("{form}: write `{meant}`")),
                    None => E::custom(form),
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whole seconds, or a duration such as `60s`, `5m` or `1h`.",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^[0-9]+[smh]?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Serialize, Debug, PartialEq)]
    struct Holder {
        #[serde(default, skip_serializing_if = "Field::is_unset")]
        period: Field<Seconds>,
    }

    #[test]
    fn the_three_states_survive_a_round_trip() {
        for (json, state) in [
            ("{}", Field::Unset),
            (r#"{"period":null}"#, Field::Null),
            (r#"{"period":60}"#, Field::Set(Seconds(60))),
        ] {
            let holder: Holder = serde_json::from_str(json).unwrap();
            assert_eq!(holder.period, state);
            assert_eq!(serde_json::to_string(&holder).unwrap(), json);
        }
    }

    #[test]
    fn durations_are_read_and_shown_in_their_largest_unit() {
        for (text, seconds, shown) in
            [("90", 90, "90s"), ("90s", 90, "90s"), ("5m", 300, "5m"), ("120m", 7200, "2h"), ("0", 0, "0s")]
        {
            assert_eq!(Seconds::parse(text), Some(Seconds(seconds)));
            assert_eq!(Seconds(seconds).to_string(), shown);
        }
        for wrong in ["", "m", "5d", "-5m", "5mm", "1.5h", "99999999999999999h"] {
            assert_eq!(Seconds::parse(wrong), None, "{wrong}");
        }
    }
}
