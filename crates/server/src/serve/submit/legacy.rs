//! The body of `POST /v1/metrics`: gauges and counters with sources, in the three documented shapes. Pure.

use serde_json::Value;

use super::measurement::{self, Measurement};
use super::refusals::{Arrival, Refusals, named};
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::Shared;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::names::{NAME_RULE, is_name};
use crate::serve::refusal::Errors;
use crate::serve::tsdb::labels::Labels;

/// Reads every measurement of the request or tells everything that is wrong with it.
pub fn read(body: &Object, arrival: Arrival) -> Result<Vec<Measurement>, Problem> {
    let mut top = Reader::new(body);
    let mut refusals = Refusals::new(arrival);
    let source = source(&mut top);
    let time = top.time("measure_time").value();
    refusals.errors = std::mem::take(&mut top.errors);
    let shared_metric = Shared::read(body);
    let mut samples = Vec::new();
    for (collection, kind) in [("gauges", Kind::Gauge), ("counters", Kind::Counter)] {
        let items = items(body.get(collection), collection, &mut refusals.errors);
        for (place, (key, item)) in items.into_iter().enumerate() {
            let mut read = Reader::new(item);
            let metric = read.text("name").value().or_else(|| key.map(str::to_owned)).unwrap_or_default();
            if metric.is_empty() {
                read.errors.add("name", "is not present");
            } else if !is_name(&metric) {
                read.errors.add("name", NAME_RULE);
            }
            let own = self::source(&mut read);
            let time = read.time("measure_time").value().or(time).unwrap_or(arrival.now);
            let stats = measurement::stats(&mut read);
            refusals.judge(read.errors, ("measure_time", time), || named(&metric, collection, place));
            samples.push(Measurement {
                metric,
                kind,
                labels: Labels::Source(if own == Given::Absent { source.clone() } else { own }.value()),
                time,
                stats,
                new: shared_metric.with(item),
            });
        }
    }
    refusals.finish()?;
    Ok(samples)
}

/// `null`, blank and `unassigned` mean no source, except that `null` leaves room for the default.
fn source(read: &mut Reader<'_>) -> Given<String> {
    match read.text("source") {
        Given::Absent | Given::Null => Given::Absent,
        Given::Value(text) if text.is_empty() || text == "unassigned" => Given::Null,
        Given::Value(text) => {
            if text.eq_ignore_ascii_case("all") {
                read.errors.add("source", "is reserved");
            } else if !is_name(&text) {
                read.errors.add("source", NAME_RULE);
            }
            Given::Value(text)
        }
    }
}

/// The measurements of one collection, each with the key it stood under, if any.
fn items<'a>(
    collection: Option<&'a Value>,
    name: &str,
    errors: &mut Errors,
) -> Vec<(Option<&'a str>, &'a Object)> {
    let entries: Vec<(Option<&str>, &Value)> = match collection {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(|item| (None, item)).collect(),
        Some(Value::Object(map)) => map.iter().map(|(key, item)| (Some(key.as_str()), item)).collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            errors.add(name, "is not a list");
            Vec::new()
        }
    };
    let mut items = Vec::with_capacity(entries.len());
    for (key, item) in entries {
        match item.as_object() {
            Some(item) => items.push((key, item)),
            None => errors.add(name, "must contain objects"),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::form;
    use serde_json::json;

    const NOW: i64 = 1_234_568_000;

    #[test]
    fn form_and_json_twins_agree() {
        let form = form::decode(
            b"measure_time=1234567950&source=eu&counters[0][name]=conn&counters[0][value]=5\
              &gauges[0][name]=temp&gauges[0][value]=88.4&gauges[0][source]=us",
        )
        .unwrap();
        let array = json!({"measure_time": 1_234_567_950, "source": "eu",
            "counters": [{"name": "conn", "value": 5}], "gauges": [{"name": "temp", "value": 88.4, "source": "us"}]});
        let keyed = json!({"measure_time": 1_234_567_950.7, "source": "eu",
            "counters": {"conn": {"value": 5}}, "gauges": {"temp": {"value": 88.4, "source": "us"}}});
        let expected = read(array.as_object().unwrap(), Arrival::at(NOW)).unwrap();
        assert_eq!(expected.len(), 2);
        assert_eq!(expected[0].labels, Labels::Source(Some("us".to_owned())));
        assert_eq!(expected[1].labels, Labels::Source(Some("eu".to_owned())));
        assert_eq!(read(&form, Arrival::at(NOW)).unwrap(), expected);
        assert_eq!(read(keyed.as_object().unwrap(), Arrival::at(NOW)).unwrap(), expected);
    }

    #[test]
    fn bad_measurements_spoil_the_request() {
        let bad = [
            json!({"gauges": [{"value": 1}]}),
            json!({"gauges": [{"name": "a b", "value": 1}]}),
            json!({"gauges": [{"name": "a", "value": 1, "source": "all"}]}),
            json!({"gauges": [{"name": "a", "value": 1, "measure_time": 5}]}),
            json!({"gauges": [{"name": "a"}]}),
            json!({"gauges": [7]}),
            json!({"gauges": true}),
        ];
        for body in bad {
            assert!(read(body.as_object().unwrap(), Arrival::at(NOW)).is_err(), "{body}");
        }
    }
}
