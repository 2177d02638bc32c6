//! The body of `POST /v1/measurements`: measurements with tags. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::measurement::{self, Measurement};
use super::refusals::{Arrival, Refusals, named};
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::Shared;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::names::{NAME_RULE, TAG_NAME_RULE, is_name, is_tag_name};
use crate::serve::refusal::Errors;
use crate::serve::tsdb::labels::Labels;

/// Tags on one measurement.
pub const MOST_TAGS: usize = 50;

type Tags = BTreeMap<String, String>;

/// Reads every measurement of the request or tells everything that is wrong with it.
pub fn read(body: &Object, arrival: Arrival) -> Result<Vec<Measurement>, Problem> {
    let mut top = Reader::new(body);
    let mut refusals = Refusals::new(arrival);
    let (shared, time) = (tags(&mut top), time(&mut top));
    let items = top.list("measurements").value().unwrap_or_default();
    refusals.errors = std::mem::take(&mut top.errors);
    let shared_metric = Shared::read(body);
    let mut samples = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let Some(item) = item.as_object() else {
            refusals.errors.add("measurements", "must contain objects");
            continue;
        };
        let mut read = Reader::new(item);
        read.require("name");
        let metric = read.text("name").value().unwrap_or_default();
        if !metric.is_empty() && !is_name(&metric) {
            read.errors.add("name", NAME_RULE);
        }
        // A measurement's own tags replace those of the request; the two are never merged.
        let tags = tags(&mut read).or_else(|| shared.clone()).unwrap_or_default();
        if tags.is_empty() {
            read.errors.add("tags", "is not present");
        }
        let time = self::time(&mut read).or(time).unwrap_or(arrival.now);
        let stats = measurement::stats(&mut read);
        refusals.judge(read.errors, ("time", time), || named(&metric, "measurements", place));
        samples.push(Measurement {
            metric,
            kind: Kind::Gauge,
            labels: Labels::Tags(tags),
            time,
            stats,
            new: shared_metric.with(item),
        });
    }
    refusals.finish()?;
    Ok(samples)
}

/// Zero means unset: the batcher of appoptics-api-go sends it.
fn time(read: &mut Reader<'_>) -> Option<i64> {
    read.time("time").value().filter(|time| *time != 0)
}

fn tags(read: &mut Reader<'_>) -> Option<Tags> {
    let Given::Value(sent) = read.object("tags") else { return None };
    let mut tags = Tags::new();
    for (name, value) in sent {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                read.errors.add("tags", "must have strings as values");
                continue;
            }
        };
        check(name, &value, &mut read.errors);
        tags.insert(name.to_lowercase(), value.to_lowercase());
    }
    if tags.len() > MOST_TAGS {
        read.errors.add("tags", format!("must not be more than {MOST_TAGS}"));
    }
    Some(tags).filter(|tags| !tags.is_empty())
}

/// Whether a tag may have this value.
pub fn is_tag_value(value: &str) -> bool {
    (1..=255).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:_?\\/ ".contains(&byte))
}

fn check(name: &str, value: &str, errors: &mut Errors) {
    if !is_tag_name(name) {
        errors.add("tags", TAG_NAME_RULE);
    }
    if !is_tag_value(value) {
        errors.add("tags", "values must be 1 to 255 characters of A-Z a-z 0-9 . : - _ ? / \\ and blank");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_484_613_500;

    fn read_json(body: &Value) -> Result<Vec<Measurement>, Problem> {
        read(body.as_object().unwrap(), Arrival::at(NOW))
    }

    #[test]
    fn own_tags_replace_shared_ones() {
        let body = json!({"time": 0, "tags": {"Region": "EU", "az": 1}, "measurements": [
            {"name": "cpu", "value": 4.5},
            {"name": "mem", "value": 3, "time": 1_484_613_483, "tags": {"db": "Main"}},
            {"name": "disk", "value": 1, "tags": {}}]});
        let samples = read_json(&body).unwrap();
        let labels: Vec<_> = samples.iter().map(|sample| sample.labels.text()).collect();
        assert_eq!(
            labels,
            [r#"{"az":"1","region":"eu"}"#, r#"{"db":"main"}"#, r#"{"az":"1","region":"eu"}"#]
        );
        assert_eq!((samples[0].time, samples[1].time), (NOW, 1_484_613_483));
    }

    #[test]
    fn bad_measurements_spoil_the_request() {
        let many: BTreeMap<String, &str> = (0..51).map(|n| (format!("t{n}"), "x")).collect();
        let bad = [
            json!({"measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": {"a": "é"}, "measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": {"a b": "x"}, "measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": {"a": ["x"]}, "measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": many, "measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": {"a": "x"}, "measurements": [{"value": 1}]}),
            json!({"tags": {"a": "x"}, "measurements": ["a"]}),
            json!({"tags": {"a": "x"}, "time": 1, "measurements": [{"name": "a", "value": 1}]}),
            json!({"tags": "a", "measurements": [{"name": "a", "value": 1}]}),
        ];
        for body in bad {
            assert!(read_json(&body).is_err(), "{body}");
        }
    }
}
