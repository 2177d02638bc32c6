//! A chart and the metrics it shows, as the API says them: read leniently, since services keep what clients wrote. What is empty is unset.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::pattern::fold;

/// A chart of a space; an instrument is one of lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// In its head.
    pub name: String,
    /// `line`, `stacked`, `bignumber`, or what only the service knows.
    pub kind: String,
    /// Where the axis begins.
    pub min: Option<f64>,
    /// Where it ends.
    pub max: Option<f64>,
    /// Above the axis.
    pub label: String,
    /// Decades.
    pub log: bool,
    /// Of a big number: the last value instead of a statistic of the whole time.
    pub last_value: bool,
    /// Of a big number: operator, value, colour.
    pub thresholds: Vec<(char, f64, String)>,
    /// What it shows, in the order of the definition.
    pub streams: Vec<Stream>,
}

/// One stream of a chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stream {
    /// The metric, or the annotation stream where `is_events`.
    pub metric: String,
    /// A definition in the composite language.
    pub composite: String,
    /// It shows events instead of values.
    pub is_events: bool,
    /// A source or a pattern; nothing for every one.
    pub source: String,
    /// Instead of a source.
    pub tags: Vec<Tag>,
    /// How sources become one line.
    pub group: String,
    /// Which statistic.
    pub summary: String,
    /// How points of a composite become one.
    pub downsample: String,
    /// Its place in the legend.
    pub position: Option<i64>,
    /// Has an axis of its own.
    pub split_axis: bool,
    /// What it shares with attributes of metrics.
    pub looks: Looks,
}

/// A tag that a stream selects or groups by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tag {
    pub name: String,
    /// Values or patterns, `!` before one that is not meant.
    pub values: Vec<String>,
    /// A line for each value.
    pub grouped: bool,
    /// Its values are chosen by who looks.
    pub dynamic: bool,
}

/// What a stream may say, and its metric else.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looks {
    /// In the legend.
    pub name: String,
    /// `#RRGGBB`.
    pub color: String,
    /// Of the value.
    pub units_short: String,
    /// Of the axis.
    pub units_long: String,
    /// The axis begins here at the latest.
    pub min: Option<f64>,
    /// The axis ends here at the earliest.
    pub max: Option<f64>,
    /// A formula of `x` and `p`.
    pub transform: String,
    /// Seconds from point to point.
    pub period: Option<i64>,
    /// Whether gaps are shown as gaps.
    pub gap_detection: Option<bool>,
}

/// A metric that a chart shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metric {
    /// Only its rises mean something.
    pub is_counter: bool,
    /// The definition of a composite metric.
    pub composite: String,
    /// The statistic it shows where nothing else is said.
    pub summary: String,
    /// What streams inherit.
    pub looks: Looks,
}

/// Metrics by their folded names.
#[derive(Debug, Clone, Default)]
pub struct Metrics(BTreeMap<String, Metric>);

impl Metrics {
    /// The metric of this name, whatever its case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.0.get(&fold(name))
    }
}

impl FromIterator<(String, Metric)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (String, Metric)>>(metrics: I) -> Self {
        Self(metrics.into_iter().map(|(name, metric)| (fold(&name), metric)).collect())
    }
}

impl Definition {
    /// From the JSON of a chart or an instrument.
    #[must_use]
    pub fn read(chart: &Value) -> Self {
        let threshold = |one: &Value| {
            let operator = one["operator"].as_str().and_then(|text| text.chars().next());
            Some((operator?, number(&one["value"])?, text(&one["type"])))
        };
        Self {
            name: text(&chart["name"]),
            kind: text(&chart["type"]),
            min: number(&chart["min"]),
            max: number(&chart["max"]),
            label: text(&chart["label"]),
            log: flag(&chart["use_log_yaxis"]).unwrap_or(false),
            last_value: flag(&chart["use_last_value"]).unwrap_or(false),
            thresholds: items(&chart["thresholds"]).filter_map(threshold).collect(),
            streams: items(&chart["streams"]).map(Stream::read).collect(),
        }
    }

    /// The metrics that have to be known before it can be drawn, each once.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for stream in self.streams.iter().filter(|stream| !stream.is_events) {
            let tree = crate::composite::parse(&stream.composite).ok();
            let read = tree.iter().flat_map(crate::composite::Expr::metrics);
            for name in read.chain([stream.metric.clone()]).filter(|name| !name.is_empty()) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The streams of events it names itself.
    #[must_use]
    pub fn event_streams(&self) -> Vec<&str> {
        let events = self.streams.iter().filter(|stream| stream.is_events);
        events.map(|stream| stream.metric.as_str()).collect()
    }
}

impl Tag {
    /// From the JSON of a tag.
    #[must_use]
    pub fn read(tag: &Value) -> Self {
        Self {
            name: text(&tag["name"]),
            values: items(&tag["values"]).map(text).filter(|value| !value.is_empty()).collect(),
            grouped: flag(&tag["grouped"]).unwrap_or(false),
            dynamic: flag(&tag["dynamic"]).unwrap_or(false),
        }
    }
}

impl Stream {
    fn read(stream: &Value) -> Self {
        Self {
            metric: text(&stream["metric"]),
            composite: text(&stream["composite"]),
            is_events: stream["type"] == "annotation",
            source: text(&stream["source"]),
            tags: items(&stream["tags"]).map(Tag::read).filter(|tag| !tag.name.is_empty()).collect(),
            group: text(&stream["group_function"]),
            summary: text(&stream["summary_function"]),
            downsample: text(&stream["downsample_function"]),
            position: number(&stream["position"]).map(|place| place as i64),
            split_axis: flag(&stream["split_axis"]).unwrap_or(false),
            looks: Looks {
                name: text(&stream["name"]),
                color: text(&stream["color"]),
                units_short: text(&stream["units_short"]),
                units_long: text(&stream["units_long"]),
                min: number(&stream["min"]),
                max: number(&stream["max"]),
                transform: text(&stream["transform_function"]),
                period: seconds(&stream["period"]),
                gap_detection: flag(&stream["gap_detection"]),
            },
        }
    }
}

impl Metric {
    /// From the JSON of a metric.
    #[must_use]
    pub fn read(metric: &Value) -> Self {
        let attributes = &metric["attributes"];
        Self {
            is_counter: metric["type"] == "counter",
            composite: text(&metric["composite"]),
            summary: text(&attributes["summarize_function"]),
            looks: Looks {
                name: text(&metric["display_name"]),
                color: text(&attributes["color"]),
                units_short: text(&attributes["display_units_short"]),
                units_long: text(&attributes["display_units_long"]),
                min: number(&attributes["display_min"]),
                max: number(&attributes["display_max"]),
                transform: text(&attributes["display_transform"]),
                period: seconds(&metric["period"]),
                gap_detection: flag(&attributes["gap_detection"]),
            },
        }
    }
}

impl Looks {
    /// What is said here holds in this chart only; what is not comes from the metric.
    #[must_use]
    pub fn over(&self, metric: &Self) -> Self {
        let text = |own: &String, else_: &String| if own.is_empty() { else_ } else { own }.clone();
        Self {
            name: text(&self.name, &metric.name),
            color: text(&self.color, &metric.color),
            units_short: text(&self.units_short, &metric.units_short),
            units_long: text(&self.units_long, &metric.units_long),
            min: self.min.or(metric.min),
            max: self.max.or(metric.max),
            transform: text(&self.transform, &metric.transform),
            period: self.period.or(metric.period),
            gap_detection: self.gap_detection.or(metric.gap_detection),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Also one that is written as a text.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite())
}

fn seconds(value: &Value) -> Option<i64> {
    number(value).filter(|seconds| (1.0..1e10).contains(seconds)).map(|seconds| seconds as i64)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_stream_does_not_say_its_metric_does() {
        let metric = Metric::read(&json!({"name": "a", "type": "gauge", "display_name": "A", "period": "60",
            "attributes": {"color": "#112233", "display_min": "0", "display_max": "", "gap_detection": false}}));
        let chart = Definition::read(&json!({"name": "c", "streams": [
            {"metric": "a", "min": -5, "color": "", "name": "own", "gap_detection": "true"}]}));
        let looks = chart.streams[0].looks.over(&metric.looks);
        assert_eq!((looks.name.as_str(), looks.color.as_str()), ("own", "#112233"));
        assert_eq!((looks.min, looks.max, looks.period), (Some(-5.0), None, Some(60)));
        assert_eq!(looks.gap_detection, Some(true));
        let metrics: Metrics = [("A".to_owned(), metric)].into_iter().collect();
        assert!(metrics.get("a").is_some());
    }

    #[test]
    fn composites_name_what_they_read() {
        let chart = Definition::read(&json!({"streams": [
            {"composite": "divide([sum(s(\"e\",\"%\")), s(\"r*\",\"*\")])"}, {"metric": "e"},
            {"metric": "deploys", "type": "annotation"}, {"composite": "sum("}]}));
        assert_eq!(chart.metrics(), ["e"]);
        assert_eq!(chart.event_streams(), ["deploys"]);
    }
}
