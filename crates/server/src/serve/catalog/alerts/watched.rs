//! An alert as it is evaluated: its definition, completed by what its metrics are. Whoever follows metrics converts it again when one of
//! them is made, changed or deleted; that is no edit of the alert.

use std::collections::HashMap;

use serde_json::Value;

use super::alert::Alert;
use super::condition::{Condition, Test};
use crate::serve::catalog::metrics::metric::{Kind, Metric};
use crate::serve::catalog::metrics::table as metrics;
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::watch;
use crate::watch::{Function, Shape, Streams, Tag};

/// Seconds that a composite stays behind where its metric does not say.
const LAG: i64 = 120;

/// The metrics that alerts name, as far as evaluation needs them.
#[derive(Debug, Clone, Default)]
pub struct Watched(HashMap<String, Known>);

/// A metric that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub id: i64,
    pub shape: Shape,
    /// The definition of a composite.
    pub composite: Option<String>,
}

impl Watched {
    /// Those that these alerts name, looked up together.
    pub fn of<'a>(tx: &Tx<'_>, alerts: impl IntoIterator<Item = &'a Alert>) -> Result<Watched, StoreError> {
        let conditions = alerts.into_iter().flat_map(|alert| &alert.conditions);
        let mut keys: Vec<String> = conditions.map(|condition| fold(&condition.metric_name)).collect();
        keys.sort_unstable();
        keys.dedup();
        Watched::of_names(tx, &keys)
    }

    /// Those with these names in small letters.
    pub fn of_names(tx: &Tx<'_>, keys: &Vec<String>) -> Result<Watched, StoreError> {
        let mut known = Watched::default();
        if !keys.is_empty() {
            metrics::each_of(tx, keys, |metric| known.note(metric))?;
        }
        Ok(known)
    }

    /// Takes over what a metric is now.
    pub fn note(&mut self, metric: &Metric) {
        self.0.insert(fold(&metric.name), Known::of(metric));
    }

    /// The metric of that name, if it exists.
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.0.get(&fold(name))
    }

    /// The alert as it is evaluated.
    pub fn watch(&self, alert: &Alert) -> watch::Alert {
        watch::Alert {
            id: alert.id,
            name: alert.name.clone(),
            conditions: alert.conditions.iter().map(|condition| self.condition(condition)).collect(),
            active: alert.active,
            rearm: alert.rearm_seconds,
            per_signal: alert.rearm_per_signal,
            services: alert.services.clone(),
        }
    }

    fn condition(&self, condition: &Condition) -> watch::Condition {
        let shape = self.get(&condition.metric_name).map_or_else(Shape::default, |known| known.shape);
        let tags = condition.tags.iter().map(tag).collect();
        let test = match &condition.test {
            Test::Absent { duration } => watch::Test::Absent { duration: *duration },
            Test::Threshold { above, threshold, function, duration, detect_reset } => {
                watch::Test::Threshold {
                    above: *above,
                    threshold: *threshold,
                    duration: *duration,
                    function: function_of(function.as_deref(), shape.kind, detect_reset.unwrap_or(true)),
                }
            }
        };
        watch::Condition {
            id: condition.id,
            metric: condition.metric_name.clone(),
            streams: Streams::new(condition.source.as_deref(), tags),
            test,
            shape,
        }
    }
}

impl Known {
    fn of(metric: &Metric) -> Known {
        let kind = match metric.kind {
            Kind::Gauge => watch::Kind::Gauge,
            Kind::Counter => watch::Kind::Counter,
            Kind::Composite => watch::Kind::Composite { lag: metric.source_lag.unwrap_or(LAG) },
        };
        let aggregate =
            metric.kind == Kind::Gauge && metric.attributes.get("aggregate") == Some(&true.into());
        let shape = Shape { kind, period: metric.period, aggregate };
        Known { id: metric.id, shape, composite: metric.composite.clone() }
    }
}

/// What was written, or the default of the metric's type.
fn function_of(written: Option<&str>, kind: watch::Kind, detect_reset: bool) -> Function {
    match written {
        Some("sum") => Function::Sum,
        Some("count") => Function::Count,
        Some("min") => Function::Min,
        Some("max") => Function::Max,
        Some("average") => Function::Average,
        Some("absolute_value") => Function::AbsoluteValue,
        Some("derivative") => Function::Derivative { detect_reset },
        // Whoever reads a condition refuses any other.
        _ if kind == watch::Kind::Counter => Function::Derivative { detect_reset },
        _ => Function::Average,
    }
}

/// A tag as conditions keep it.
fn tag(kept: &Value) -> Tag {
    let is = |name: &str| kept[name].as_bool().unwrap_or_default();
    let values = kept["values"].as_array().into_iter().flatten();
    Tag {
        name: kept["name"].as_str().unwrap_or_default().to_owned(),
        values: values.filter_map(Value::as_str).map(str::to_owned).collect(),
        grouped: is("grouped"),
        dynamic: is("dynamic"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(conditions: &Value) -> Alert {
        let body =
            json!({ "name": "a", "rearm_seconds": 120, "rearm_per_signal": true, "conditions": conditions });
        Alert::new(body.as_object().unwrap(), &|_: &str| None, 0).unwrap()
    }

    fn metrics() -> Watched {
        let mut all = Watched::default();
        for (name, kind, period, lag, aggregate) in [
            ("Gauge", Kind::Gauge, Some(10), None, true),
            ("counter", Kind::Counter, Some(60), None, true),
            ("composite", Kind::Composite, None, None, false),
            ("lagging", Kind::Composite, Some(300), Some(30), false),
        ] {
            let mut metric = Metric::new(name, kind, None);
            (metric.period, metric.source_lag) = (period, lag);
            metric.composite = (kind == Kind::Composite).then(|| "s(\"a\", \"*\")".to_owned());
            if aggregate {
                metric.attributes.insert("aggregate".to_owned(), json!(true));
            }
            all.note(&metric);
        }
        all
    }

    #[test]
    fn metrics_decide_what_is_not_written() {
        let of = |name: &str, more: Value| {
            let mut condition = json!({ "type": "above", "metric_name": name, "threshold": 1 });
            condition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let watch = metrics().watch(&alert(&json!([condition])));
            let watch::Test::Threshold { function, .. } = watch.conditions[0].test else { panic!() };
            (function, watch.conditions[0].shape)
        };
        let shape = |kind, period, aggregate| Shape { kind, period, aggregate };
        let gauge = shape(watch::Kind::Gauge, Some(10), true);
        let counter = shape(watch::Kind::Counter, Some(60), false);
        let derivative = |detect_reset| Function::Derivative { detect_reset };
        for (name, more, function, shape) in [
            ("gauge", json!({}), Function::Average, gauge),
            ("GAUGE", json!({ "summary_function": "max" }), Function::Max, gauge),
            ("gauge", json!({ "summary_function": "derivative" }), derivative(true), gauge),
            ("counter", json!({}), derivative(true), counter),
            (
                "counter",
                json!({ "summary_function": "derivative", "detect_reset": false }),
                derivative(false),
                counter,
            ),
            ("counter", json!({ "summary_function": "absolute_value" }), Function::AbsoluteValue, counter),
            ("nobody", json!({}), Function::Average, Shape::default()),
            (
                "composite",
                json!({}),
                Function::Average,
                shape(watch::Kind::Composite { lag: 120 }, None, false),
            ),
            (
                "lagging",
                json!({ "summary_function": "sum" }),
                Function::Sum,
                shape(watch::Kind::Composite { lag: 30 }, Some(300), false),
            ),
        ] {
            assert_eq!(of(name, more.clone()), (function, shape), "{name} {more}");
        }
    }

    #[test]
    fn streams_are_as_they_were_written() {
        let condition = |more: Value| {
            let mut condition = json!({ "type": "absent", "metric_name": "gauge", "duration": 60 });
            condition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            condition
        };
        let tags = json!([{ "name": "az", "grouped": true }, { "name": "region", "values": ["eu*"], "dynamic": true }]);
        let all = [json!({}), json!({ "source": "*" }), json!({ "source": "web*" }), json!({ "tags": tags })];
        let watch = metrics().watch(&alert(&all.into_iter().map(condition).collect()));
        let found: Vec<_> = watch.conditions.iter().map(|condition| condition.streams.clone()).collect();
        let az = Tag { name: "az".into(), grouped: true, ..Tag::default() };
        let region =
            Tag { name: "region".into(), values: vec!["eu*".into()], dynamic: true, ..Tag::default() };
        let expected =
            [Streams::All, Streams::All, Streams::Source("web*".into()), Streams::Tags(vec![az, region])];
        assert_eq!(found, expected);
        assert_eq!((watch.rearm, watch.per_signal, watch.active), (120, true, true));
    }
}
