//! One stream of a chart or instrument: what of it is checked, and how it is kept. Nothing is filled in: clients
//! compare what they read with what they wrote. Pure.

use serde_json::{Map, Value, json};

use crate::serve::catalog::metrics::attributes;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::fields::{self, Object, Reader, float};
use crate::serve::names::is_name;
use crate::serve::refusal::Errors;

/// The type of a stream of events, which stand over what a chart shows of metrics.
const ANNOTATION: &str = "annotation";
const TYPES: &[&str] = &["gauge", "counter", "composite", ANNOTATION];
const GROUPS: &[&str] = &["average", "sum", "min", "max", "breakout"];
const FUNCTIONS: &[&str] =
    &["average", "max", "min", "sum", "count", "derivative", "absolute_value", "mean", "stddev"];

/// Reads a list of streams; what is wrong goes to `errors`. `kind_of` tells the type of a metric that exists.
pub fn read_all(sent: &[&Value], kind_of: &dyn Fn(&str) -> Option<Kind>, errors: &mut Errors) -> Vec<Object> {
    let mut streams = Vec::with_capacity(sent.len());
    for item in sent {
        match item.as_object() {
            Some(item) => streams.push(read(item, kind_of, errors)),
            None => errors.add("metric", "is not present"),
        }
    }
    streams
}

fn read(item: &Object, kind_of: &dyn Fn(&str) -> Option<Kind>, errors: &mut Errors) -> Object {
    let mut read = Reader::new(item);
    let present = |text: &String| !text.is_empty();
    let metric = read.text("metric").value().filter(present);
    let composite = read.text("composite").value().filter(present);
    match (&metric, &composite) {
        (None, None) => read.errors.add("metric", "is not present"),
        (Some(_), Some(_)) => read.errors.add("composite", "cannot be used together with metric"),
        (Some(name), None) if !is_name(name) => read.errors.add("metric", "is not a valid metric name"),
        _ => {}
    }
    let mut stream = Map::new();
    for (name, value) in item {
        let is_ours = matches!(name.as_str(), "id" | "type");
        let is_empty = value.is_null() || (matches!(name.as_str(), "metric" | "composite") && *value == "");
        if is_ours || is_empty {
            continue;
        }
        match kept(name, value) {
            Ok(value) => _ = stream.insert(name.clone(), value),
            Err(message) => read.errors.add(name, message),
        }
    }
    let sent = read.text("type").value().filter(present);
    if sent.as_ref().is_some_and(|sent| !TYPES.contains(&sent.as_str())) {
        read.errors.add("type", format!("is not one of: {}", TYPES.join(", ")));
    }
    stream.insert("type".to_owned(), shown_type(metric.as_deref(), sent.as_deref(), kind_of).into());
    errors.merge(read.errors);
    stream
}

/// What a stream shows. A stream of annotations is one because it says so; else the metric knows better than who sent it.
fn shown_type(
    metric: Option<&str>,
    sent: Option<&str>,
    kind_of: &dyn Fn(&str) -> Option<Kind>,
) -> &'static str {
    match (metric, sent) {
        (Some(_), Some(ANNOTATION)) => ANNOTATION,
        (Some(name), sent) => kind_of(name).or_else(|| Kind::of(sent?)).unwrap_or(Kind::Gauge).name(),
        (None, _) => Kind::Composite.name(),
    }
}

/// The form in which the value of a key is kept. Keys no one knows are kept as they are.
fn kept(name: &str, value: &Value) -> Result<Value, String> {
    let one_of = |known: &[&str]| {
        let fits = value.as_str().is_some_and(|text| text.is_empty() || known.contains(&text));
        if fits { Ok(value.clone()) } else { Err(format!("is not one of: {}", known.join(", "))) }
    };
    let checked = match name {
        "group_function" => return one_of(GROUPS),
        "summary_function" | "downsample_function" => return one_of(FUNCTIONS),
        "min" | "max" => fields::number(value).map(float),
        "period" | "position" => fields::integer(value).map(|whole| json!(whole)),
        "split_axis" | "gap_detection" => fields::boolean(value).map(|flag| json!(flag)),
        "color" => attributes::check("color", value),
        "transform_function" => attributes::check("display_transform", value),
        "metric" | "composite" | "source" | "name" | "units_short" | "units_long" => {
            fields::text(value).map(|text| json!(text))
        }
        "tags" => fields::list(value).map(|list| list.into_iter().cloned().collect()),
        _ => Ok(value.clone()),
    };
    checked.map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(item: &Value) -> Option<Value> {
        let mut errors = Errors::default();
        let kind = |name: &str| (name == "hits").then_some(Kind::Counter);
        let streams = read_all(&[item], &kind, &mut errors);
        errors.is_empty().then(|| streams.into_iter().map(Value::Object).collect::<Vec<_>>().remove(0))
    }

    #[test]
    fn what_was_sent_comes_back_and_nothing_else() {
        for (sent, kept) in [
            (json!({"metric": "a"}), json!({"metric": "a", "type": "gauge"})),
            (
                json!({"metric": "hits", "id": 7, "type": "gauge"}),
                json!({"metric": "hits", "type": "counter"}),
            ),
            (
                json!({"metric": "hits", "type": "annotation", "source": "*"}),
                json!({"metric": "hits", "source": "*", "type": "annotation"}),
            ),
            (
                json!({"composite": "s(\"a\",\"*\")", "metric": null, "source": "*"}),
                json!({"composite": "s(\"a\",\"*\")", "source": "*", "type": "composite"}),
            ),
            (
                json!({"metric": "a", "min": "1", "period": 60.0, "tags": {"0": {"name": "x"}}, "odd": [1]}),
                json!({"metric": "a", "min": 1.0, "period": 60, "tags": [{"name": "x"}], "odd": [1], "type": "gauge"}),
            ),
        ] {
            assert_eq!(one(&sent), Some(kept), "{sent}");
        }
        for bad in [
            json!({}),
            json!(5),
            json!({"metric": "a", "composite": "s(\"a\",\"*\")"}),
            json!({"metric": "a b"}),
            json!({"metric": "a", "group_function": "median"}),
            json!({"metric": "a", "min": "low"}),
            json!({"metric": "a", "color": "red"}),
            json!({"metric": "a", "transform_function": "rm x"}),
            json!({"metric": "a", "source": []}),
            json!({"metric": "a", "type": "heatmap"}),
            json!({"metric": "a", "type": 5}),
        ] {
            assert_eq!(one(&bad), None, "{bad}");
        }
    }
}
