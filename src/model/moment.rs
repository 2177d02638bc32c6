//! Times after the start of a test of an alert: `90`, `90s`, `5m`, `3m30s`. Shown in the same form.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::diag::seconds_in;

/// Later than this is a mistake: a thousand days.
const LAST: u64 = 86_400_000;

/// Seconds after the start of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// Reads `90`, `90s`, `5m`, `3m30s`, `1d`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut sum, mut rest) = (0_u64, text);
        while !rest.is_empty() {
            let (digits, behind) =
                rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
            let (unit, next) = behind.split_at(behind.chars().next().map_or(0, char::len_utf8));
            // A bare number stands alone.
            let factor = if unit.is_empty() && digits.len() == text.len() { 1 } else { seconds_in(unit)? };
            sum = sum.checked_add(digits.parse::<u64>().ok()?.checked_mul(factor)?)?;
            rest = next;
        }
        Self::of(sum).filter(|_| !text.is_empty())
    }

    fn of(seconds: u64) -> Option<Self> {
        i64::try_from(seconds).ok().filter(|_| seconds <= LAST).map(Self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= 0 {
            return f.write_str("0s");
        }
        for (unit, seconds) in [("h", self.0 / 3_600), ("m", self.0 / 60 % 60), ("s", self.0 % 60)] {
            if seconds > 0 {
                write!(f, "{seconds}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time after the start, such as `60s`, `5m` or `3m30s`")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Moment, E> {
                Moment::of(value).ok_or_else(|| E::custom("a test takes at most a thousand days"))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Moment, E> {
                u64::try_from(value)
                    .map_err(|_| E::custom("a test begins at 0: nothing lies before it"))
                    .and_then(|value| self.visit_u64(value))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Moment, E> {
                let form = "this is not a time after the start, such as `60s`, `5m` or `3m30s`";
                Moment::parse(value).ok_or_else(|| E::custom(form))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time after the start of the test: seconds, or such as `60s`, `5m`, `3m30s`.",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^([0-9]+[smhdw])+$|^[0-9]+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("0", 0, "0s"),
            ("90", 90, "1m30s"),
            ("90s", 90, "1m30s"),
            ("3m30s", 210, "3m30s"),
            ("1h", 3_600, "1h"),
            ("1d1s", 86_401, "24h1s"),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment(seconds)), "{text}");
            assert_eq!(Moment(seconds).to_string(), shown);
            assert_eq!(Moment::parse(shown), Some(Moment(seconds)), "{shown}");
        }
        for wrong in ["", "m", "5x", "-5m", "5m3", "1.5h", "99999999999999999h", "1001d", "5 m", "é"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }
}
