//! One stream of a chart: a metric with its sources or tags, or a composite, and how it is drawn.
//! Order means something between streams, so nothing here sorts them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::composite::{self, Use};
use crate::diag::{Code, Part, Route};
use crate::model::alert::{canonical_tags, check_tags};
use crate::model::check::{Checker, is_color, is_name, is_transform};
use crate::model::{MetricType, Reference, Seconds, Tag, Word, compare};

/// Keys of which some services make a value themselves: unwritten they are not managed.
pub const UNMANAGED_STREAM_KEYS: &[&str] = &["split_axis", "gap_detection", "position"];

/// One stream of a chart: a `metric` or a `composite`. What is not written has the API's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// `annotation` for a stream of events, whose name stands under `metric`. Any other type the service works out by itself.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub stream_type: Option<Word<StreamType>>,
    /// The metric to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// A definition in the composite language, instead of a metric; `%` stands for the source chosen in the space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composite: Option<String>,
    /// A source, a pattern with `*`, or `%` for the source chosen in the space; without one every source is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Tagged streams to show, instead of a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// How the sources become one line; `breakout` draws each of them. Default `average`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_function: Option<Word<GroupFunction>>,
    /// The statistic; default `average` for gauges, `derivative` for counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_function: Option<Word<StreamFunction>>,
    /// How a composite is thinned out; default `average`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsample_function: Option<Word<StreamFunction>>,
    /// A linear formula of `x` (the value) and `p` (the period).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform_function: Option<String>,
    /// The name in the legend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The colour, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// The unit in short (`ms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_short: Option<String>,
    /// The unit in full; streams with the same one share an axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_long: Option<String>,
    /// The axis begins here at the latest, for perspective; values below are shown all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The axis ends here at the earliest, for perspective; values above are shown all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How often the metric reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Seconds>,
    /// Whether it has an axis of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_axis: Option<bool>,
    /// Whether gaps in the data are shown as gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_detection: Option<bool>,
    /// Its place in the legend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// What a stream shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum StreamType {
    Gauge,
    Counter,
    Composite,
    Annotation,
}

/// How the sources of a stream become one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum GroupFunction {
    Average,
    Sum,
    Min,
    Max,
    Breakout,
}

/// A statistic of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum StreamFunction {
    Average,
    Max,
    Min,
    Sum,
    Count,
    Derivative,
    AbsoluteValue,
    Mean,
    Stddev,
}

impl Stream {
    /// Fills in the summary function a metric of a known type has.
    pub(super) fn assume_function(&mut self, type_of: &dyn Fn(&str) -> Option<MetricType>) {
        if let (Some(metric), None, false) = (&self.metric, &self.summary_function, self.shows_events()) {
            self.summary_function = type_of(metric).map(|metric_type| match metric_type {
                MetricType::Gauge => StreamFunction::Average.into(),
                MetricType::Counter => StreamFunction::Derivative.into(),
            });
        }
    }

    fn shows_events(&self) -> bool {
        self.stream_type.as_ref().is_some_and(|stream_type| *stream_type == StreamType::Annotation)
    }

    pub(super) fn check(&self, here: &Route, found: &mut Checker<'_>) {
        match (&self.metric, &self.composite) {
            (None, None) => {
                found.error(here.clone(), Code::MissingField, "a stream shows a `metric` or a `composite`");
            }
            (Some(_), Some(_)) => {
                found
                    .error(
                        here.key("composite"),
                        Code::FieldDoesNotFit,
                        "a stream has a `metric` or a `composite`, not both",
                    )
                    .on_key();
            }
            (Some(metric), None) => self.check_metric(metric, here, found),
            (None, Some(composite)) => self.check_composite(composite, here, found),
        }
        if self.composite.is_some() && self.shows_events() {
            found
                .error(here.key("type"), Code::FieldDoesNotFit, "a composite is no stream of annotations")
                .on_key()
                .help("name the annotation stream under `metric`");
        }
        check_tags(self.tags.as_deref(), here, found);
        self.check_looks(here, found);
    }

    fn check_metric(&self, metric: &str, here: &Route, found: &mut Checker<'_>) {
        if !is_name(metric) {
            found
                .error(here.key("metric"), Code::InvalidName, "this is not the name of a metric")
                .help("names are made of letters, digits, `.`, `:`, `-` and `_`; a definition goes under `composite`");
        }
        if self.source.is_some() && self.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            found
                .error(
                    here.key("tags"),
                    Code::FieldDoesNotFit,
                    "a stream shows a `source` or `tags`, not both",
                )
                .on_key();
        }
        if self.downsample_function.is_some() {
            found
                .warning(
                    here.key("downsample_function"),
                    Code::FieldDoesNotFit,
                    "`downsample_function` only has an effect on composites",
                )
                .on_key()
                .help("a metric has a `summary_function`");
        }
    }

    fn check_composite(&self, composite: &str, here: &Route, found: &mut Checker<'_>) {
        let selects = [
            ("source", self.source.is_some()),
            ("tags", self.tags.is_some()),
            ("group_function", self.group_function.is_some()),
        ];
        for (field, _) in selects.into_iter().filter(|(_, written)| *written) {
            found
                .error(
                    here.key(field),
                    Code::FieldDoesNotFit,
                    format!("`{field}` does not fit a composite, which selects and groups by itself"),
                )
                .on_key()
                .help("remove it");
        }
        for problem in composite::check(composite, Use::Chart) {
            found.composite(here.key("composite"), problem);
        }
    }

    fn check_looks(&self, here: &Route, found: &mut Checker<'_>) {
        found.number(here.key("min"), self.min.as_ref());
        found.number(here.key("max"), self.max.as_ref());
        if self.color.as_ref().is_some_and(|color| !is_color(color)) {
            found
                .error(here.key("color"), Code::InvalidColor, "a colour is `#` and six hexadecimal digits")
                .help("write it quoted, since `#` starts a comment in YAML: color: \"#52D74C\"");
        }
        if self.transform_function.as_ref().is_some_and(|formula| !is_transform(formula)) {
            found
                .error(here.key("transform_function"), Code::InvalidTransform, "not a transform formula")
                .help("a linear formula of x (the value) and p (the period in seconds), such as x/p or x*8");
        }
        if self.period == Some(Seconds(0)) {
            found
                .error(here.key("period"), Code::InvalidPeriod, "a period is at least one second")
                .help("leave it out for the period of the metric");
        }
    }

    pub(super) fn references(&self, here: &Route) -> Vec<Reference> {
        let metric = self.metric.iter().map(|name| match &self.stream_type {
            Some(Word::Known(StreamType::Annotation)) => {
                Some(Reference::annotation(name, here.key("metric")))
            }
            // Who knows what stands there.
            Some(Word::Other(_)) => None,
            _ => Some(Reference::metric(name, here.key("metric"))),
        });
        let metric = metric.flatten();
        let tree = self.composite.as_ref().and_then(|text| composite::parse(text).ok());
        let reads = tree.iter().flat_map(|tree| tree.reads()).filter(|read| !read.is_pattern());
        let mut uses: Vec<Reference> = metric.collect();
        for read in reads {
            let part = Part::Text { start: read.start, end: read.end };
            let found = Reference { part, ..Reference::metric(read.metric, here.key("composite")) };
            if !uses.iter().any(|known| known.to == found.to) {
                uses.push(found);
            }
        }
        uses
    }
}

/// Whether one key of a written stream (or threshold) says the same as that of a remote one; both are whole items.
pub(super) fn same_in_stream(key: &str, want: &Value, have: &Value) -> bool {
    let (wanted, found) = (&want[key], &have[key]);
    let both = |form: fn(&Value) -> Value| form(wanted) == form(found);
    match key {
        "type" => {
            is_worked_out(wanted) && is_worked_out(found) || compare::plain(wanted) == compare::plain(found)
        }
        "metric" | "color" => both(compare::lower_case),
        "composite" => {
            both(|value| value.as_str().map_or(Value::Null, |text| composite::canonical(text).into()))
        }
        "source" => both(compare::source),
        "tags" => canonical_tags(&without_dynamic(wanted)) == canonical_tags(&without_dynamic(found)),
        "group_function" | "downsample_function" => both(|value| compare::default_to(value, "average")),
        // A null is left only where the type of the metric is unknown: then either default will do.
        "summary_function" if compare::plain(wanted).is_null() || compare::plain(found).is_null() => {
            [wanted, found]
                .into_iter()
                .all(|f| compare::plain(f).is_null() || f == "average" || f == "derivative")
        }
        "min" | "max" | "value" | "period" => both(compare::number),
        key if UNMANAGED_STREAM_KEYS.contains(&key) && wanted.is_null() => true,
        "split_axis" | "gap_detection" => both(|value| compare::default_to(value, false)),
        _ => both(compare::plain),
    }
}

/// Whether the service works a type out from what the stream names, so that it makes no difference.
pub fn is_worked_out(stream_type: &Value) -> bool {
    compare::plain(stream_type).is_null()
        || ["gauge", "counter", "composite"].iter().any(|name| stream_type == name)
}

/// A dynamic tag has the values that were chosen in the space when it was read, which no one wrote.
fn without_dynamic(tags: &Value) -> Value {
    let mut tags = tags.clone();
    for tag in tags.as_array_mut().into_iter().flatten() {
        if compare::default_to(&tag["dynamic"], false) == true {
            tag["values"] = Value::Null;
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_that_mean_the_same_are_the_same() {
        for (key, one, other, same) in [
            ("source", json!("*"), json!(null), true),
            ("source", json!("%"), json!(null), false),
            ("group_function", json!("average"), json!(null), true),
            ("summary_function", json!("derivative"), json!(null), true),
            ("summary_function", json!("max"), json!(null), false),
            ("composite", json!("s(\"a\",\"*\")"), json!("series( \"a\" , \"*\" )"), true),
            ("metric", json!("A.b"), json!("a.B"), true),
            ("type", json!(null), json!("counter"), true),
            ("type", json!(null), json!("annotation"), false),
            ("type", json!("heatmap"), json!("heatmap"), true),
            ("min", json!(1), json!("1.0"), true),
            ("gap_detection", json!(null), json!(true), true),
            ("gap_detection", json!(false), json!(true), false),
            ("name", json!(""), json!(null), true),
            (
                "tags",
                json!([{"name": "a", "dynamic": true, "values": ["x"]}]),
                json!([{"name": "A", "dynamic": true}]),
                true,
            ),
            ("tags", json!([{"name": "a", "values": ["x"]}]), json!([{"name": "A"}]), false),
        ] {
            let found = same_in_stream(key, &json!({ (key): one }), &json!({ (key): other }));
            assert_eq!(found, same, "{key}: {one} and {other}");
        }
    }
}
