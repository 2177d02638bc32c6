//! One measurement, whichever dialect it came in: what was measured, where, when, and its statistics. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::metrics::metric::Kind;

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub metric: String,
    pub kind: Kind,
    pub labels: Labels,
    /// Epoch seconds.
    pub time: i64,
    pub stats: Stats,
    /// What the measurement says about its metric, for the case that it does not exist yet.
    pub properties: Object,
}

/// What tells the series of one metric apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Labels {
    /// The name of a source; `None` is reported as `unassigned`.
    Source(Option<String>),
    /// Tag names and values, lower case.
    Tags(BTreeMap<String, String>),
}

impl Labels {
    pub fn dialect(&self) -> &'static str {
        match self {
            Labels::Source(_) => "source",
            Labels::Tags(_) => "tags",
        }
    }

    /// As it is stored; folded, it is what series are told apart by.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Labels::Source(source) => Cow::Borrowed(source.as_deref().unwrap_or_default()),
            Labels::Tags(tags) => Cow::Owned(serde_json::json!(tags).to_string()),
        }
    }
}

/// The statistics of one stored point. A single value stands for count 1 and sum, min, max and last of that value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stats {
    Single(f64),
    Summary { count: u64, sum: f64, min: Option<f64>, max: Option<f64>, last: Option<f64>, spread: Spread },
}

/// How far the values of a summary lie apart, in the terms of the dialect it came in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    Unknown,
    SumSquares(f64),
    /// Of the population.
    StdDev(f64),
}

impl Stats {
    /// Reads `value`, or `count` and `sum` with their companions. A summary wins over a value beside it.
    pub fn read(read: &mut Reader<'_>) -> Stats {
        let value = read.number("value").value();
        let (count, sum) = (read.integer("count"), read.number("sum"));
        if !matches!(count, Given::Value(_)) && !matches!(sum, Given::Value(_)) {
            if value.is_none() && read.errors.lacks("value") {
                read.errors.add("value", "is not present");
            }
            return Stats::Single(value.unwrap_or_default());
        }
        let count = count.value().unwrap_or_else(|| {
            read.errors.add("count", "must be set together with sum");
            1
        });
        if count < 1 {
            read.errors.add("count", "must be a positive integer");
        }
        let sum = sum.value().unwrap_or_else(|| {
            read.errors.add("sum", "must be set together with count");
            0.0
        });
        let spread = match (read.number("sum_squares").value(), read.number("stddev").value()) {
            (Some(squares), _) => Spread::SumSquares(squares),
            (None, Some(deviation)) => Spread::StdDev(deviation),
            (None, None) => Spread::Unknown,
        };
        let (min, max, last) =
            (read.number("min").value(), read.number("max").value(), read.number("last").value());
        Stats::Summary { count: count.unsigned_abs(), sum, min, max, last, spread }
    }
}

/// The properties of a metric that stand in a measurement, with the request's `period` as default.
pub fn properties(item: &Object, period: Option<&serde_json::Value>) -> Object {
    let named = ["display_name", "description", "period", "source_lag", "attributes"];
    let mut found: Object = item
        .iter()
        .filter(|(name, _)| named.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    if let Some(period) = period.filter(|_| !found.contains_key("period")) {
        found.insert("period".to_owned(), period.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stats(item: &Value) -> Option<Stats> {
        let mut read = Reader::new(item.as_object().unwrap());
        let stats = Stats::read(&mut read);
        read.errors.is_empty().then_some(stats)
    }

    #[test]
    fn values_and_summaries() {
        assert_eq!(stats(&json!({"value": "1.5"})), Some(Stats::Single(1.5)));
        let summary = stats(&json!({"value": null, "count": 3, "sum": 6, "min": 1, "sum_squares": 14}));
        let spread = Spread::SumSquares(14.0);
        let expected = Stats::Summary { count: 3, sum: 6.0, min: Some(1.0), max: None, last: None, spread };
        assert_eq!(summary, Some(expected));
        for bad in [
            json!({}),
            json!({"count": 1}),
            json!({"sum": 1}),
            json!({"count": 0, "sum": 0}),
            json!({"value": []}),
        ] {
            assert_eq!(stats(&bad), None, "{bad}");
        }
    }
}
