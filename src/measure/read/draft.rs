//! The fields of a measurement as a line gives them, under the API's names, and what must hold between them. Knows no format.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::{Map, Value};

use crate::measure::{Labels, Measurement, MetricType, Properties, Reading, Summary, Tags};

/// What a line says. A field that is not known is an error: it is more likely misspelt than without meaning.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Draft {
    pub name: Option<String>,
    pub value: Option<Number>,
    #[serde(alias = "time")]
    pub measure_time: Option<Time>,
    pub source: Option<String>,
    pub tags: Option<std::collections::BTreeMap<String, Text>>,
    #[serde(rename = "type")]
    pub metric_type: Option<MetricType>,
    pub count: Option<u64>,
    pub sum: Option<Number>,
    pub min: Option<Number>,
    pub max: Option<Number>,
    pub sum_squares: Option<Number>,
    pub last: Option<Number>,
    pub stddev: Option<Number>,
    pub period: Option<u64>,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub attributes: Option<Map<String, Value>>,
}

impl Draft {
    /// The measurement, or what is missing for one.
    pub fn finish(self) -> Result<Measurement, String> {
        let name = self.name.filter(|name| !name.is_empty()).ok_or("there is no name")?;
        let number = |number: Option<Number>| number.map(|Number(value)| value);
        let reading = match (self.count, self.sum, self.value) {
            (Some(count), Some(Number(sum)), _) => Reading::Summary(Summary {
                min: number(self.min),
                max: number(self.max),
                sum_squares: number(self.sum_squares),
                last: number(self.last),
                stddev: number(self.stddev),
                ..Summary::new(count, sum)
            }),
            (Some(_), None, _) => return Err("there is a count without a sum".to_owned()),
            (None, Some(_), _) => return Err("there is a sum without a count".to_owned()),
            (None, None, Some(Number(value))) => Reading::Value(value),
            (None, None, None) => return Err("there is no value".to_owned()),
        };
        let tags = self.tags.unwrap_or_default().into_iter();
        let tags: Tags = tags.map(|(name, Text(value))| (name, value)).collect();
        let labels = match (self.source.filter(|source| !source.is_empty()), tags.is_empty()) {
            (Some(_), false) => return Err("there are a source and tags: only one can be".to_owned()),
            (source, true) => Labels::Source(source),
            (None, false) => Labels::Tags(tags),
        };
        let properties = Properties {
            period: self.period,
            display_name: self.display_name,
            description: self.description,
            attributes: self.attributes.unwrap_or_default(),
        };
        let metric_type = self.metric_type.unwrap_or_default();
        let measurement = Measurement {
            labels,
            time: self.measure_time.map(|Time(time)| time),
            properties: (properties != Properties::default()).then(|| Box::new(properties)),
            ..Measurement::new(name, metric_type, reading)
        };
        match measurement.unspeakable() {
            Some(problem) => Err(problem.to_owned()),
            None => Ok(measurement),
        }
    }
}

/// A finite number, also as a text: the API takes both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub f64);

impl Number {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().parse() {
            Ok(value) if f64::is_finite(value) => Ok(Self(value)),
            Ok(_) => Err(format!("`{}` is not a finite number, and JSON has no others", shown(text))),
            Err(_) => Err(format!("`{}` is not a number", shown(text))),
        }
    }
}

/// Epoch seconds, as a number whose fraction is dropped, as a text, or as an RFC 3339 time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub i64);

impl Time {
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        if let Ok(seconds) = text.parse::<f64>() {
            return Self::of(seconds).ok_or_else(|| format!("`{}` is not a time", shown(text)));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_second())),
            Err(_) => Err(format!("`{}` is not a time: write epoch seconds or RFC 3339", shown(text))),
        }
    }

    /// Floored; `None` outside of what a whole number of seconds can be.
    fn of(seconds: f64) -> Option<Self> {
        (seconds.abs() < 1e15).then(|| Self(seconds.floor() as i64))
    }
}

/// The value of a tag, which services keep as text.
#[derive(Debug)]
pub(super) struct Text(pub String);

/// The beginning of a text from outside, fit to be shown.
pub(super) fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().take(40).map(visible).collect()
}

/// A visitor for one of the types above: from texts by one function, from numbers by another.
struct Lenient<T>(&'static str, fn(&str) -> Result<T, String>, fn(f64) -> Option<T>);

impl<T> Visitor<'_> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        (self.2)(number).ok_or_else(|| E::custom(format!("`{number}` is not {}", self.0)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient("a number", Number::parse, |value| Some(Number(value))))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient("a time", Time::parse, Time::of))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |text: &str| Ok(Text(text.to_owned()));
        deserializer.deserialize_any(Lenient("a text", text, |number| Some(Text(number.to_string()))))
    }
}
