//! The answer to a query in the dialect of tags: which streams, which statistic of them, grouped how. Knows no
//! SQL.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::interval::Interval;
use super::records::rise;
use super::tags::{Filter, Tags};
use crate::serve::budget;
use crate::serve::catalog::metrics::metric::{Kind, Metric};
use crate::serve::http::fields::{Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::tsdb::aggregate::{Aggregate, Point};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::{Labels, Series, bytes_of_tags, counted_once};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub interval: Interval,
    filter: Filter,
    group: Option<Group>,
    /// `None` for what the metric says of itself.
    summary: Option<Summary>,
}

/// Streams that agree in some tags become one.
#[derive(Debug, Clone)]
struct Group {
    /// The tags that stay; without any, all streams become one.
    tags: Vec<String>,
    function: Summary,
}

/// A statistic of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    Sum,
    Min,
    Max,
    Count,
    Mean,
    Derivative,
    StdDev,
    All,
}

impl Summary {
    fn of(name: &str) -> Option<Summary> {
        Some(match name {
            "sum" => Summary::Sum,
            "min" => Summary::Min,
            "max" => Summary::Max,
            "count" => Summary::Count,
            // The attribute of a metric says `average` where a query says `mean`.
            "mean" | "average" => Summary::Mean,
            "derivative" => Summary::Derivative,
            "stddev" => Summary::StdDev,
            "all" => Summary::All,
            _ => return None,
        })
    }

    fn value(self, stats: &Aggregate) -> Option<f64> {
        match self {
            Summary::Sum => Some(stats.sum),
            Summary::Min => Some(stats.min),
            Summary::Max => Some(stats.max),
            Summary::Count => Some(stats.count as f64),
            Summary::Mean | Summary::All | Summary::Derivative => Some(stats.mean()),
            Summary::StdDev => stats.deviation(),
        }
    }
}

/// The streams of an answer by their tags, each made of the series of one or more sets of tags.
pub type Streams = BTreeMap<Tags, Vec<Vec<i64>>>;

impl Question {
    pub fn read(query: &Object, now: i64, aging: &Aging) -> Result<Question, Problem> {
        let interval = Interval::tagged(query, now, aging)?;
        let filter = Filter::read(query)?;
        let mut read = Reader::new(query);
        let mut named = |name: &str, known: &[&str]| {
            let text = read.text(name).value().filter(|text| !text.is_empty())?;
            if !known.contains(&text.as_str()) {
                read.errors.add(name, format!("is not one of: {}", known.join(", ")));
            }
            Summary::of(&text)
        };
        let summary =
            named("summary_function", &["sum", "min", "max", "count", "mean", "derivative", "stddev", "all"]);
        let function = named("group_by_function", &["sum", "min", "max", "mean"]);
        let tags = read.text("group_by").value().filter(|text| !text.trim().is_empty());
        if tags.is_some() && function.is_none() && read.errors.lacks("group_by_function") {
            read.errors.add("group_by_function", "must be set together with group_by");
        }
        if tags.is_some() && summary == Some(Summary::All) {
            read.errors.add("summary_function", "cannot be all together with group_by");
        }
        read.finish()?;
        let group = tags.zip(function).map(|(tags, function)| {
            let names = tags.split(',').map(|name| name.trim().to_lowercase());
            Group { tags: names.filter(|name| !matches!(name.as_str(), "" | "*")).collect(), function }
        });
        Ok(Question { interval, filter, group, summary })
    }

    /// Sorts the series of a metric that are asked for into streams.
    pub fn streams(&self, series: Vec<Series>) -> Result<Streams, Problem> {
        let mut sets: BTreeMap<Tags, Vec<i64>> = BTreeMap::new();
        for one in counted_once(series) {
            budget::proceed()?;
            let is_source = matches!(one.labels, Labels::Source(_));
            let tags = one.labels.into_tags();
            if is_source {
                budget::hold(bytes_of_tags(&tags))?;
            }
            if self.filter.holds(&tags) {
                sets.entry(tags).or_default().push(one.id);
            }
        }
        let mut streams = Streams::new();
        for (tags, ids) in sets {
            if let Some(key) = self.key(tags) {
                streams.entry(key).or_default().push(ids);
            }
        }
        Ok(streams)
    }

    /// The tags of the stream a set of tags belongs to; none when it lacks one to group by.
    fn key(&self, tags: Tags) -> Option<Tags> {
        let Some(group) = &self.group else { return Some(tags) };
        group.tags.iter().map(|name| Some((name.clone(), tags.get(name)?.clone()))).collect()
    }

    /// A stream of the answer, to be made of its series.
    pub fn stream(&self, metric: &Metric) -> Stream<'_> {
        let summary = self.summary.unwrap_or_else(|| stored(metric));
        Stream {
            question: self,
            kind: metric.kind,
            summary,
            grouped: BTreeMap::new(),
            values: Vec::new(),
            whole: Vec::new(),
        }
    }
}

/// A stream in the making. However many series it is made of, it is no longer than one.
pub struct Stream<'a> {
    question: &'a Question,
    kind: Kind,
    summary: Summary,
    grouped: BTreeMap<i64, Aggregate>,
    values: Vec<(i64, f64)>,
    /// The points themselves, where all their statistics are asked for.
    whole: Vec<Point>,
}

/// Memory of one time of a stream, in a tree with those beside it.
const GROUPED_BYTES: usize = 100;

impl Stream<'_> {
    /// Memory that it takes by now.
    pub fn bytes(&self) -> usize {
        GROUPED_BYTES * self.grouped.len()
            + size_of::<(i64, f64)>() * self.values.capacity()
            + size_of::<Point>() * self.whole.capacity()
    }

    /// Memory that it takes while `points` are taken in.
    pub fn bytes_with(&self, points: &[Point]) -> usize {
        self.bytes() + points.len() * (size_of::<Point>() + GROUPED_BYTES)
    }

    /// Takes in the points of one series at the resolution asked for. Those before the interval only tell where a
    /// difference starts from.
    pub fn add(&mut self, points: &[Point]) {
        let start = self.question.interval.span.start;
        if self.summary == Summary::All {
            self.whole.extend(points.iter().filter(|point| point.time >= start));
            return;
        }
        let values = values(points, self.summary, self.kind).into_iter().filter(|(time, _)| *time >= start);
        if self.question.group.is_none() {
            self.values.extend(values);
            return;
        }
        for (time, value) in values {
            let one = Aggregate::single(value);
            self.grouped.entry(time).and_modify(|all| all.merge(&one)).or_insert(one);
        }
    }

    /// Its measurements from `start` on, as many as there is `room` for, and the time of the next one if there is one.
    pub fn finish(mut self, start: i64, room: usize) -> (Vec<Measurement>, Option<i64>) {
        if let Some(group) = &self.question.group {
            let value = |(time, all): (i64, Aggregate)| Some((time, group.function.value(&all)?));
            self.values.extend(self.grouped.into_iter().filter_map(value));
        }
        // Either is empty.
        let values =
            self.values.iter().map(|(time, value)| Measurement { time: *time, value: *value, rest: None });
        let whole = self.whole.iter().map(Measurement::of);
        let mut rest = values.chain(whole).skip_while(|one| one.time < start);
        let shown = rest.by_ref().take(room).collect();
        (shown, rest.next().map(|one| one.time))
    }
}

/// One measurement as it is shown.
#[derive(Serialize)]
pub struct Measurement {
    time: i64,
    value: f64,
    /// All its statistics, where they are asked for.
    #[serde(flatten)]
    rest: Option<Statistics>,
}

#[derive(Serialize)]
struct Statistics {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stddev: Option<f64>,
}

impl Measurement {
    fn of(point: &Point) -> Measurement {
        let Aggregate { count, sum, min, max, last, .. } = point.stats;
        let rest = Statistics { count, sum, min, max, last, stddev: point.stats.deviation() };
        Measurement { time: point.time, value: point.stats.mean(), rest: Some(rest) }
    }
}

/// What a metric shows when the query does not say.
fn stored(metric: &Metric) -> Summary {
    let named = metric.attributes.get("summarize_function").and_then(Value::as_str).and_then(Summary::of);
    named.unwrap_or(Summary::Mean)
}

fn values(points: &[Point], summary: Summary, kind: Kind) -> Vec<(i64, f64)> {
    if summary != Summary::Derivative {
        return points.iter().filter_map(|point| Some((point.time, summary.value(&point.stats)?))).collect();
    }
    // Within an interval a gauge adds up, a counter goes on.
    let is_counter = kind == Kind::Counter;
    let stood = |point: &Point| if is_counter { point.stats.last } else { point.stats.sum };
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs
        .map(|(before, after)| {
            let (before, now) = (stood(before), stood(after));
            (after.time, if is_counter { rise(before, now) } else { now - before })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_700_000_000;

    fn question(extra: &Value) -> Result<Question, Problem> {
        let mut query = extra.as_object().unwrap().clone();
        query.insert("resolution".to_owned(), json!(1));
        query.insert("duration".to_owned(), json!(100));
        Question::read(&query, NOW, &Aging::default())
    }

    fn tagged(id: i64, tags: &Value) -> Series {
        Series { id, labels: Labels::Tags(serde_json::from_value(tags.clone()).unwrap()) }
    }

    fn all() -> Vec<Series> {
        let source = Series { id: 4, labels: Labels::Source(Some("Web".to_owned())) };
        let tags = [
            json!({"region": "us", "az": "b"}),
            json!({"region": "us", "az": "a"}),
            json!({"region": "eu", "az": "a"}),
        ];
        (1..).zip(&tags).map(|(id, tags)| tagged(id, tags)).chain([source]).collect()
    }

    fn ids(streams: &Streams) -> Vec<Vec<i64>> {
        streams.values().map(|sets| sets.iter().flatten().copied().collect()).collect()
    }

    #[test]
    fn streams_are_sorted_by_tags_and_grouped() {
        let streams = |query: Value| ids(&question(&query).unwrap().streams(all()).unwrap());
        assert_eq!(streams(json!({})), [[3], [2], [1], [4]]);
        assert_eq!(streams(json!({"tags": {"source": "web"}})), [[4]]);
        let grouped = |by| streams(json!({"group_by": by, "group_by_function": "sum"}));
        assert_eq!(grouped("region"), [vec![3], vec![2, 1]], "the one without a region is left out");
        assert_eq!(grouped("az, region"), [[3], [2], [1]]);
        assert_eq!(grouped("*"), [[3, 2, 1, 4]]);
        for bad in [
            json!({"group_by": "az"}),
            json!({"group_by": "az", "group_by_function": "derivative"}),
            json!({"group_by": "az", "group_by_function": "sum", "summary_function": "all"}),
            json!({"summary_function": "median"}),
        ] {
            assert!(question(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_long_stream_is_given_in_parts() {
        let points: Vec<_> =
            (0..10).map(|n| Point { time: NOW - 50 + n, stats: Aggregate::single(n as f64) }).collect();
        for query in [
            json!({}),
            json!({"summary_function": "all"}),
            json!({"group_by": "*", "group_by_function": "sum"}),
        ] {
            let question = question(&query).unwrap();
            let part = |start, room| {
                let mut stream = question.stream(&Metric::new("a", Kind::Gauge, None));
                stream.add(&points);
                let (shown, next) = stream.finish(start, room);
                (shown.iter().map(|one| one.value).collect::<Vec<_>>(), next)
            };
            assert_eq!(part(0, 4), (vec![0.0, 1.0, 2.0, 3.0], Some(NOW - 46)), "{query}");
            assert_eq!(part(NOW - 46, 100), (vec![4.0, 5.0, 6.0, 7.0, 8.0, 9.0], None), "{query}");
        }
    }

    fn measured(query: &Value, kind: Kind, series: &[&[(i64, f64)]]) -> Vec<(i64, f64)> {
        let points = |values: &&[(i64, f64)]| {
            let point =
                |(ago, value): &(i64, f64)| Point { time: NOW - ago, stats: Aggregate::single(*value) };
            values.iter().map(point).collect()
        };
        let metric = Metric::new("a", kind, None);
        let question = question(query).unwrap();
        let mut stream = question.stream(&metric);
        series.iter().map(points).for_each(|points: Vec<Point>| stream.add(&points));
        let (shown, _) = stream.finish(0, usize::MAX);
        shown.iter().map(|one| (NOW - one.time, one.value)).collect()
    }

    #[test]
    fn functions() {
        let values: &[(i64, f64)] = &[(200, 1.0), (50, 5.0), (40, 3.0)];
        let derived = json!({"summary_function": "derivative"});
        assert_eq!(measured(&derived, Kind::Gauge, &[values]), [(50, 4.0), (40, -2.0)]);
        assert_eq!(measured(&derived, Kind::Counter, &[values]), [(50, 4.0), (40, 3.0)]);
        assert_eq!(measured(&json!({}), Kind::Gauge, &[values]), [(50, 5.0), (40, 3.0)]);
        assert_eq!(
            measured(&json!({"summary_function": "stddev"}), Kind::Gauge, &[values]),
            [(50, 0.0), (40, 0.0)]
        );
        let other: &[(i64, f64)] = &[(50, 7.0)];
        for (function, value) in [("sum", 12.0), ("mean", 6.0), ("min", 5.0), ("max", 7.0)] {
            let query = json!({"group_by": "*", "group_by_function": function});
            assert_eq!(measured(&query, Kind::Gauge, &[values, other]), [(50, value), (40, 3.0)]);
        }
    }

    #[test]
    fn a_metric_has_a_function_of_its_own() {
        let mut metric = Metric::new("a", Kind::Gauge, None);
        metric.attributes.insert("summarize_function".to_owned(), json!("sum"));
        let mut stats = Aggregate::single(2.0);
        stats.merge(&Aggregate::single(4.0));
        let points = vec![Point { time: NOW, stats }];
        let one = |query: &Value| {
            let question = question(query).unwrap();
            let mut stream = question.stream(&metric);
            stream.add(&points);
            json!(stream.finish(0, usize::MAX).0.remove(0))
        };
        assert_eq!(one(&json!({}))["value"], 6.0);
        let expected = json!({"time": NOW, "value": 3.0, "count": 2, "sum": 6.0, "min": 2.0, "max": 4.0, "last": 4.0,
            "stddev": 1.0});
        assert_eq!(one(&json!({"summary_function": "all"})), expected);
    }
}
