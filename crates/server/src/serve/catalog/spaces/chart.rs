//! A chart and the changes a request makes to it: reading, merging, showing. Pure; knows no SQL.

use serde_json::{Value, json};

use super::stream;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader, float};
use crate::serve::refusal::{Errors, Refusal};

const TYPES: &[&str] = &["line", "stacked", "bignumber"];

/// A chart of a space.
#[derive(Debug)]
pub struct Chart {
    pub id: i64,
    /// Everything but id and streams, as it is shown. What is unset is absent.
    pub body: Object,
    /// Each with the id the store gave it, once it has one.
    pub streams: Vec<Object>,
}

impl Chart {
    /// A new chart from the body of a POST.
    pub fn new(body: &Object, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Result<Chart, Refusal> {
        let start = Object::from_iter([("name".to_owned(), json!("")), ("type".to_owned(), json!("line"))]);
        let mut chart = Chart { id: 0, body: start, streams: Vec::new() };
        chart.merge(body, kind_of)?;
        Ok(chart)
    }

    /// Lays a body over the chart: what is absent stays, `null` clears, streams are replaced when they are sent.
    /// lbrt calls the type `chart_type`, appoptics-api-go the thresholds `threshold`. Tells whether streams came.
    pub fn merge(&mut self, body: &Object, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Result<bool, Refusal> {
        bounds::check(body, &["name"])?;
        let mut read = Reader::new(body);
        // A name may be blank, but never null: lbrt asks whether it is empty.
        self.put("name", read.text("name").map(Value::String), Some(json!("")));
        let kind = match read.text("type") {
            Given::Absent => read.text("chart_type"),
            given => given,
        };
        if matches!(&kind, Given::Value(kind) if !TYPES.contains(&kind.as_str())) {
            read.errors.add("type", format!("is not one of: {}", TYPES.join(", ")));
        }
        self.put("type", kind.map(Value::String), Some(json!("line")));
        for name in ["min", "max"] {
            self.put(name, read.number(name).map(float), None);
        }
        self.put("label", read.text("label").map(Value::String), None);
        self.put("related_space", read.integer("related_space").map(Value::from), None);
        let thresholds = match read.list("thresholds") {
            Given::Absent => read.list("threshold"),
            given => given,
        };
        let mut in_thresholds = Errors::default();
        self.put("thresholds", thresholds.map(|list| read_thresholds(&list, &mut in_thresholds)), None);
        read.errors.nest("thresholds", in_thresholds);
        for name in ["use_log_yaxis", "use_last_value"] {
            self.put(name, read.boolean(name).map(Value::Bool), None);
        }
        let sent = read.list("streams");
        let has_streams = sent != Given::Absent;
        if has_streams {
            let mut in_streams = Errors::default();
            self.streams = stream::read_all(&sent.value().unwrap_or_default(), kind_of, &mut in_streams);
            read.errors.nest("streams", in_streams);
        }
        read.finish()?;
        bounds::whole(&self.shown())?;
        Ok(has_streams)
    }

    fn put(&mut self, name: &str, given: Given<Value>, default: Option<Value>) {
        let value = match given {
            Given::Absent => return,
            Given::Null => default,
            Given::Value(value) => Some(value),
        };
        match value {
            Some(value) => _ = self.body.insert(name.to_owned(), value),
            None => _ = self.body.shift_remove(name),
        }
    }

    pub fn shown(&self) -> Value {
        let mut shown = Object::from_iter([("id".to_owned(), json!(self.id))]);
        shown.extend(self.body.clone());
        shown.insert("streams".to_owned(), json!(self.streams));
        Value::Object(shown)
    }
}

fn read_thresholds(sent: &[&Value], errors: &mut Errors) -> Value {
    let mut thresholds = Vec::with_capacity(sent.len());
    for item in sent {
        let empty = Object::new();
        let mut read = Reader::new(item.as_object().unwrap_or(&empty));
        let mut one_of = |name: &str, known: &[&str]| {
            let text = read.text(name).value().unwrap_or_default();
            if !known.contains(&text.as_str()) {
                read.errors.add(name, format!("is not one of: {}", known.join(", ")));
            }
            text
        };
        let (operator, color) = (one_of("operator", &[">", "<", "="]), one_of("type", &["red", "yellow"]));
        read.require("value");
        let value = read.number("value").value().unwrap_or_default();
        errors.merge(read.errors);
        thresholds.push(json!({ "operator": operator, "value": float(value), "type": color }));
    }
    Value::Array(thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(_: &str) -> Option<Kind> {
        None
    }

    fn chart(body: &Value) -> Result<Chart, Refusal> {
        Chart::new(body.as_object().unwrap(), &unknown)
    }

    #[test]
    fn nothing_is_filled_in() {
        let shown = |body: &Value| chart(body).unwrap().shown();
        assert_eq!(shown(&json!({})), json!({"id": 0, "name": "", "type": "line", "streams": []}));
        let sent = json!({"name": "C", "type": "bignumber", "min": 0, "max": null, "label": "ms", "space_id": 5,
            "thresholds": [{"operator": ">", "value": 5, "type": "red"}], "use_last_value": "true",
            "streams": [{"metric": "a", "source": "*"}]});
        let expected = json!({"id": 0, "name": "C", "type": "bignumber", "min": 0.0, "label": "ms",
            "thresholds": [{"operator": ">", "value": 5.0, "type": "red"}], "use_last_value": true,
            "streams": [{"metric": "a", "source": "*", "type": "gauge"}]});
        assert_eq!(shown(&sent), expected);
    }

    #[test]
    fn a_change_keeps_what_it_does_not_mention() {
        let mut made =
            chart(&json!({"name": "C", "min": 1, "label": "x", "streams": [{"metric": "a"}]})).unwrap();
        let lbrt = json!({"id": 3, "chart_type": "stacked", "min": null, "max": 9, "label": null});
        assert!(!made.merge(lbrt.as_object().unwrap(), &unknown).unwrap());
        let expected = json!({"id": 0, "name": "C", "type": "stacked", "max": 9.0,
            "streams": [{"metric": "a", "type": "gauge"}]});
        assert_eq!(made.shown(), expected);
        assert!(made.merge(json!({"streams": []}).as_object().unwrap(), &unknown).unwrap());
        assert!(made.streams.is_empty());
    }

    #[test]
    fn bad_charts_are_refused() {
        for bad in [
            json!({"name": 5}),
            json!({"type": "pie"}),
            json!({"min": "low"}),
            json!({"streams": "none"}),
            json!({"streams": [{}]}),
            json!({"thresholds": [{"operator": "!", "value": 1, "type": "red"}]}),
            json!({"threshold": [{"operator": ">", "type": "red"}]}),
            json!({"thresholds": [5]}),
        ] {
            assert!(chart(&bad).is_err(), "{bad}");
        }
    }
}
