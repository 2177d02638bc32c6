//! One measurement, whichever dialect it came in: what was measured, where, when, and its statistics. Pure.

use crate::serve::catalog::cache::Wanted;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::NewMetric;
use crate::serve::http::fields::{Given, Reader};
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::{Spread, Stats};

/// What a request says was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    pub metric: String,
    pub kind: Kind,
    pub labels: Labels,
    /// Epoch seconds.
    pub time: i64,
    pub stats: Stats,
    /// Its metric, for the case that it does not exist yet.
    pub new: NewMetric,
}

impl Measurement {
    /// As it is looked for among the series that are known.
    pub fn wanted(&self) -> Wanted<'_> {
        let Measurement { metric, kind, labels, time, stats, .. } = self;
        Wanted { metric, kind: *kind, labels: labels.text(), time: *time, stats: *stats }
    }
}

/// Reads `value`, or `count` and `sum` with their companions. A summary wins over a value beside it.
pub fn stats(read: &mut Reader<'_>) -> Stats {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(item: &Value) -> Option<Stats> {
        let mut read = Reader::new(item.as_object().unwrap());
        let stats = stats(&mut read);
        read.errors.is_empty().then_some(stats)
    }

    #[test]
    fn values_and_summaries() {
        assert_eq!(read(&json!({"value": "1.5"})), Some(Stats::Single(1.5)));
        let summary = read(&json!({"value": null, "count": 3, "sum": 6, "min": 1, "sum_squares": 14}));
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
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
