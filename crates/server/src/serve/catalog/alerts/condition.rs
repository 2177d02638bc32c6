//! One condition of an alert: reading with all the spellings of its clients, defaults, showing. Pure.

use serde::Serialize;
use serde_json::{Value, json};

use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::fields::{Given, Object, Reader, list, texts};
use crate::serve::names::is_name;
use crate::serve::refusal::Errors;

const GAUGE_FUNCTIONS: &[&str] = &["min", "max", "average", "sum", "count", "derivative"];
const COUNTER_FUNCTIONS: &[&str] = &["derivative", "absolute_value"];
/// For a metric no one has made yet.
const ALL_FUNCTIONS: &[&str] = &["min", "max", "average", "sum", "count", "derivative", "absolute_value"];

#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Given by the store; one the client sends back keeps the condition's identity.
    pub id: Option<i64>,
    pub test: Test,
    pub metric_name: String,
    /// A pattern, kept as it was sent; `None` and `*` both mean every source.
    pub source: Option<String>,
    /// Objects with `name`, `grouped`, `values` and, when true, `dynamic`.
    pub tags: Vec<Value>,
    /// The second after which it counts what is received; 0 where no one has said.
    pub since: i64,
}

/// What is asked of the metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Threshold {
        above: bool,
        threshold: f64,
        /// As it was sent: Terraform expects none where it sent none. Without one, the default of the metric's type counts.
        function: Option<String>,
        duration: Option<i64>,
        detect_reset: Option<bool>,
    },
    Absent {
        duration: i64,
    },
}

impl Test {
    pub fn name(&self) -> &'static str {
        match self {
            Test::Threshold { above: true, .. } => "above",
            Test::Threshold { above: false, .. } => "below",
            Test::Absent { .. } => "absent",
        }
    }
}

/// Reads one condition; what is wrong goes to `errors`. `kind_of` tells the type of a metric that exists.
pub fn read(body: &Object, kind_of: &dyn Fn(&str) -> Option<Kind>, errors: &mut Errors) -> Option<Condition> {
    let mut read = Reader::new(body);
    // python-librato 0.8.6 writes `condition_type` and reads `type`.
    let name = read.text("type").value().or_else(|| read.text("condition_type").value());
    read.require("metric_name");
    let metric_name = read.text("metric_name").value().unwrap_or_default();
    if !metric_name.is_empty() && !is_name(&metric_name) {
        read.errors.add("metric_name", "is not a valid metric name");
    }
    let test = match name.as_deref() {
        Some("above") => threshold(&mut read, true, kind_of(&metric_name)),
        Some("below") => threshold(&mut read, false, kind_of(&metric_name)),
        Some("absent") => Test::Absent { duration: absence(&mut read) },
        Some(_) => {
            read.errors.add("type", "is not one of: above, below, absent");
            Test::Absent { duration: 0 }
        }
        None => {
            read.errors.add("type", "is not present");
            Test::Absent { duration: 0 }
        }
    };
    let condition = Condition {
        id: read.integer("id").value(),
        test,
        metric_name,
        source: read.text("source").value().filter(|source| !source.is_empty()),
        tags: tags(&mut read),
        since: 0,
    };
    let valid = read.errors.is_empty();
    errors.merge(read.errors);
    valid.then_some(condition)
}

fn threshold(read: &mut Reader<'_>, above: bool, kind: Option<Kind>) -> Test {
    let threshold = read.number("threshold");
    if threshold == Given::Null || (threshold == Given::Absent && read.errors.lacks("threshold")) {
        read.errors.add("threshold", "must be set");
    }
    let (known, default) = match kind {
        Some(Kind::Counter) => (COUNTER_FUNCTIONS, "derivative"),
        Some(Kind::Gauge | Kind::Composite) => (GAUGE_FUNCTIONS, "average"),
        None => (ALL_FUNCTIONS, "average"),
    };
    let function = read.text("summary_function").value().filter(|text| !text.is_empty());
    let counts = function.as_deref().unwrap_or(default);
    if !known.contains(&counts) {
        read.errors.add("summary_function", format!("is not one of: {}", known.join(", ")));
    }
    let duration = duration(read);
    // terraform sends `false` for every condition and breaks when it comes back where it has no meaning.
    let detect_reset = read.boolean("detect_reset").value().filter(|_| counts == "derivative");
    Test::Threshold {
        above,
        threshold: threshold.value().unwrap_or_default(),
        function,
        duration,
        detect_reset,
    }
}

/// Zero, which terraform sends for unset, means none.
fn duration(read: &mut Reader<'_>) -> Option<i64> {
    let duration = read.integer("duration").value().filter(|duration| *duration != 0);
    if duration.is_some_and(|duration| !(60..=3600).contains(&duration)) {
        read.errors.add("duration", "must be between 60 and 3600 seconds");
    }
    duration
}

fn absence(read: &mut Reader<'_>) -> i64 {
    let duration = duration(read);
    if duration.is_none() && read.errors.lacks("duration") {
        read.errors.add("duration", "must be set");
    }
    duration.unwrap_or_default()
}

/// `{}`, which python-librato 3 sends for no tags, is an empty list.
fn tags(read: &mut Reader<'_>) -> Vec<Value> {
    let Given::Value(sent) = read.list("tags") else { return Vec::new() };
    sent.into_iter().filter_map(|tag| tag_of(tag, &mut read.errors)).collect()
}

fn tag_of(tag: &Value, errors: &mut Errors) -> Option<Value> {
    let Some(tag) = tag.as_object() else {
        errors.add("tags", "must contain objects");
        return None;
    };
    let mut read = Reader::new(tag);
    read.require("name");
    let name = read.text("name").value();
    let values =
        read.get("values", |value| list(value).and_then(|_| texts(value))).value().unwrap_or_default();
    let grouped = read.boolean("grouped").value().unwrap_or(false);
    let dynamic = read.boolean("dynamic").value().unwrap_or(false);
    if !read.errors.is_empty() {
        errors.add("tags", "must have a name, a list of values, and true or false for grouped and dynamic");
        return None;
    }
    let mut shown = json!({ "name": name, "grouped": grouped, "values": values });
    if dynamic {
        shown["dynamic"] = json!(true);
    }
    Some(shown)
}

/// The read form. Only the keys that carry a value, besides the four that are always there: any other breaks either
/// lbrt, which compares all of them, or terraform.
#[derive(Serialize)]
pub struct Shown<'a> {
    id: Option<i64>,
    r#type: &'static str,
    metric_name: &'a str,
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detect_reset: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    tags: &'a [Value],
}

impl Condition {
    /// Whether it asks the same as another one, letter by letter.
    pub fn asks_as(&self, other: &Condition) -> bool {
        self.test == other.test
            && self.metric_name == other.metric_name
            && self.source == other.source
            && self.tags == other.tags
    }

    pub fn shown(&self) -> Shown<'_> {
        let (threshold, summary_function, detect_reset, duration) = match &self.test {
            Test::Threshold { threshold, function, duration, detect_reset, .. } => {
                (Some(*threshold), function.as_deref(), *detect_reset, *duration)
            }
            Test::Absent { duration } => (None, None, None, Some(*duration)),
        };
        Shown {
            id: self.id,
            r#type: self.test.name(),
            metric_name: &self.metric_name,
            source: self.source.as_deref(),
            threshold,
            summary_function,
            detect_reset,
            duration,
            tags: &self.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &Value) -> Option<Value> {
        let kinds = |name: &str| match name {
            "c" => Some(Kind::Counter),
            "g" => Some(Kind::Gauge),
            _ => None,
        };
        let mut errors = Errors::default();
        read(body.as_object().unwrap(), &kinds, &mut errors).map(|condition| json!(condition.shown()))
    }

    #[test]
    fn clients_spellings_and_defaults() {
        let cases = [
            (
                json!({"condition_type": "above", "metric_name": "g", "threshold": "200", "duration": 0, "detect_reset": false}),
                json!({"id": null, "type": "above", "metric_name": "g", "source": null, "threshold": 200.0}),
            ),
            (
                json!({"type": "below", "metric_name": "c", "source": "*", "threshold": 1, "duration": "300", "detect_reset": "false", "tags": {}}),
                json!({"id": null, "type": "below", "metric_name": "c", "source": "*", "threshold": 1.0, "detect_reset": false, "duration": 300}),
            ),
            (
                json!({"id": "7", "type": "absent", "metric_name": "x", "threshold": 0, "duration": 600, "summary_function": "average"}),
                json!({"id": 7, "type": "absent", "metric_name": "x", "source": null, "duration": 600}),
            ),
            (
                json!({"type": "above", "metric_name": "x", "threshold": 1, "tags": [{"name": "env", "values": ["prod"]}]}),
                json!({"id": null, "type": "above", "metric_name": "x", "source": null, "threshold": 1.0,
                       "tags": [{"name": "env", "grouped": false, "values": ["prod"]}]}),
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(shown(&body), Some(expected), "{body}");
        }
    }

    #[test]
    fn bad_conditions_are_refused() {
        for bad in [
            json!({"metric_name": "g", "threshold": 1}),
            json!({"type": "near", "metric_name": "g", "threshold": 1}),
            json!({"type": "above", "threshold": 1}),
            json!({"type": "above", "metric_name": "g"}),
            json!({"type": "above", "metric_name": "g", "threshold": null}),
            json!({"type": "above", "metric_name": "g", "threshold": "high"}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "duration": 59}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "duration": 3601}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "summary_function": "mean"}),
            json!({"type": "above", "metric_name": "c", "threshold": 1, "summary_function": "average"}),
            json!({"type": "absent", "metric_name": "g"}),
            json!({"type": "absent", "metric_name": "g", "duration": 0}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "tags": [{"values": []}]}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "tags": [{"name": "a", "values": "x"}]}),
            json!({"type": "above", "metric_name": "g", "threshold": 1, "source": 5}),
        ] {
            assert_eq!(shown(&bad), None, "{bad}");
        }
    }
}
