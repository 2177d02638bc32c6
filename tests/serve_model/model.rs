//! The naive model: everything that was accepted in plain lists, gone through for every answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub const SOURCES: &[Option<&str>] = &[None, Some("Web-1"), Some("web-1"), Some("web2"), Some("db")];
pub const TAGS: &[&[(&str, &str)]] = &[
    &[("az", "a"), ("region", "eu")],
    &[("az", "b"), ("region", "eu")],
    &[("region", "us")],
    &[("AZ", "A")],
];

type Tags = BTreeMap<String, String>;
/// Titles by source, each in order of time.
pub type Events = BTreeMap<String, Vec<String>>;
/// Streams by label: time since the base, value in thousandths and, where it is shown, the number of values.
pub type Seen = BTreeMap<String, Vec<(i64, i64, Option<i64>)>>;

struct Point {
    metric: String,
    labels: Labels,
    time: i64,
    value: i64,
}

#[derive(Clone, PartialEq)]
enum Labels {
    Source(Option<String>),
    Tags(Tags),
}

struct Event {
    stream: String,
    source: Option<String>,
    start: i64,
    title: String,
}

/// What is read of one metric.
#[derive(Debug, Clone)]
pub enum Reading {
    Sources {
        metric: &'static str,
        resolution: i64,
        span: (i64, i64),
        sources: &'static str,
        group: &'static str,
        /// Whether from the start, and how many.
        take: Option<(bool, usize)>,
        whole: bool,
    },
    Tags {
        metric: &'static str,
        resolution: i64,
        span: (i64, i64),
        tags: &'static str,
        group: &'static str,
        by: &'static str,
    },
}

impl Reading {
    pub fn path(&self, base: i64) -> String {
        match self {
            Reading::Sources { metric, resolution, span, sources, group, take, whole } => {
                let (start, end) =
                    (format!("&start_time={}", base + span.0), format!("&end_time={}", base + span.1));
                let bounds = match take {
                    None => start + &end,
                    Some((true, count)) => format!("{start}&count={count}"),
                    Some((false, count)) => format!("{end}&count={count}"),
                };
                format!(
                    "/v1/metrics/{metric}?resolution={resolution}{bounds}&sources[]={sources}&group_by={group}&summarize_time={whole}"
                )
            }
            Reading::Tags { metric, resolution, span, tags, group, by } => {
                let tags: String = tags
                    .split('&')
                    .filter(|tag| !tag.is_empty())
                    .map(|tag| match tag.split_once('=') {
                        Some((name, pattern)) => format!("&tags[{name}]={pattern}"),
                        None => format!("&tags[{tag}]=1"),
                    })
                    .collect();
                let by = if group.is_empty() {
                    String::new()
                } else {
                    format!("&group_by={by}&group_by_function={group}")
                };
                let (start, end) = (base + span.0, base + span.1);
                format!(
                    "/v1/measurements/{metric}?resolution={resolution}&start_time={start}&end_time={end}{tags}{by}"
                )
            }
        }
    }

    /// What an answer shows, in the terms of the model.
    pub fn seen(&self, answer: &Value) -> Seen {
        let thousandths = |value: &Value| (value.as_f64().unwrap() * 1000.0).round() as i64;
        let records = |list: &Value, time: &str| {
            let record = |one: &Value| {
                (one[time].as_i64().unwrap(), thousandths(&one["value"]), one["count"].as_i64())
            };
            list.as_array().unwrap().iter().map(record).collect()
        };
        match self {
            Reading::Sources { .. } => {
                let sources = answer["measurements"].as_object().unwrap();
                sources.iter().map(|(name, list)| (name.clone(), records(list, "measure_time"))).collect()
            }
            Reading::Tags { .. } => {
                let series = answer["series"].as_array().unwrap();
                let labels: Vec<_> = series.iter().map(|one| one["tags"].to_string()).collect();
                assert!(
                    series.windows(2).all(|two| tags(&two[0]["tags"]) < tags(&two[1]["tags"])),
                    "{labels:?}"
                );
                series
                    .iter()
                    .map(|one| (one["tags"].to_string(), records(&one["measurements"], "time")))
                    .collect()
            }
        }
    }
}

fn tags(value: &Value) -> Tags {
    serde_json::from_value(value.clone()).unwrap()
}

#[derive(Default)]
pub struct Model {
    /// Epoch seconds that all times count from.
    pub base: i64,
    /// In order of creation, with their first spelling.
    metrics: Vec<String>,
    sources: Vec<String>,
    streams: Vec<String>,
    pub spaces: Vec<(i64, String)>,
    pub services: Vec<String>,
    points: Vec<Point>,
    events: Vec<Event>,
}

impl Model {
    pub fn new(now: i64) -> Model {
        Model { base: now - 3600, ..Model::default() }
    }

    pub fn put_metric(&mut self, name: &str) -> bool {
        remember(&mut self.metrics, name)
    }

    pub fn delete_metric(&mut self, name: &str) -> bool {
        let before = self.metrics.len();
        self.metrics.retain(|metric| !same(metric, name));
        self.points.retain(|point| !same(&point.metric, name));
        self.metrics.len() < before
    }

    pub fn delete_metrics(&mut self, names: &str, but: &str) {
        for metric in self.metrics.clone() {
            if like(names, &metric) && !like(but, &metric) {
                self.delete_metric(&metric);
            }
        }
    }

    /// Takes in a measurement; tells how to send it and what it is answered with.
    pub fn submit(
        &mut self,
        metric: &str,
        labels: usize,
        offset: i64,
        value: i64,
    ) -> (&'static str, Value, u16) {
        self.put_metric(metric);
        let time = self.base + offset;
        let mut item = json!({ "name": metric, "value": value });
        let (path, body, status, labels) = match SOURCES.get(labels) {
            Some(source) => {
                item["source"] = json!(source);
                item["measure_time"] = json!(time);
                if let Some(source) = source {
                    remember(&mut self.sources, source);
                }
                let labels = Labels::Source(source.map(str::to_owned));
                ("/v1/metrics", json!({ "gauges": [item] }), 200, labels)
            }
            None => {
                let tags = TAGS[labels - SOURCES.len()];
                item["tags"] = tags.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                item["time"] = json!(time);
                let tags = tags.iter().map(|(name, value)| (name.to_lowercase(), value.to_lowercase()));
                ("/v1/measurements", json!({ "measurements": [item] }), 202, Labels::Tags(tags.collect()))
            }
        };
        // A series keeps the first spelling of its source.
        let first = self
            .points
            .iter()
            .find(|point| same(&point.metric, metric) && same_labels(&point.labels, &labels));
        let labels = first.map_or(labels, |point| point.labels.clone());
        self.points.push(Point { metric: metric.to_owned(), labels, time, value });
        (path, body, status)
    }

    pub fn annotate(&mut self, stream: &str, source: usize, offset: i64) -> Value {
        remember(&mut self.streams, stream);
        let title = format!("e{}", self.events.len());
        let (source, start) = (SOURCES[source].map(str::to_owned), self.base + offset);
        let body = json!({ "title": title, "source": source, "start_time": start });
        self.events.push(Event { stream: stream.to_owned(), source, start, title });
        body
    }

    /// A page of names, how many the filter finds and how many there are.
    pub fn list(
        &self,
        kind: &str,
        filter: &str,
        offset: usize,
        length: usize,
        descending: bool,
    ) -> (Vec<String>, usize, usize) {
        let mut all: Vec<String> = match kind {
            "metrics" => self.metrics.clone(),
            "sources" => self.sources.clone(),
            "annotations" => self.streams.clone(),
            "services" => self.services.clone(),
            _ => {
                let mut spaces = self.spaces.clone();
                spaces.sort();
                spaces.into_iter().map(|(_, name)| name).collect()
            }
        };
        let total = all.len();
        // Services have no filter.
        all.retain(|name| kind == "services" || name.to_lowercase().contains(&filter.to_lowercase()));
        // Twins stay in order of creation, whichever way the names go.
        all.sort_by(|a, b| {
            let order = a.to_lowercase().cmp(&b.to_lowercase());
            if descending { order.reverse() } else { order }
        });
        let found = all.len();
        (all.into_iter().skip(offset).take(length).collect(), found, total)
    }

    /// `None` without such a stream, `Some(None)` when no time was asked for.
    pub fn events(
        &self,
        stream: &str,
        start: Option<i64>,
        end: Option<i64>,
        count: Option<usize>,
    ) -> Option<Option<Events>> {
        self.streams.iter().find(|name| same(name, stream))?;
        if start.is_none() && end.is_none() && count.is_none() {
            return Some(None);
        }
        let mut events: Vec<&Event> = self
            .events
            .iter()
            .filter(|event| same(&event.stream, stream))
            .filter(|event| start.is_none_or(|start| event.start >= self.base + start))
            .filter(|event| end.is_none_or(|end| event.start <= self.base + end))
            .collect();
        events.sort_by_key(|event| event.start);
        if let Some(count) = count {
            let skip = if start.is_some() && end.is_none() { 0 } else { events.len().saturating_sub(count) };
            events = events.into_iter().skip(skip).take(count).collect();
        }
        let mut found = Events::new();
        for event in events {
            let source = event.source.as_deref().unwrap_or("unassigned");
            found.entry(source.to_owned()).or_default().push(event.title.clone());
        }
        Some(Some(found))
    }

    pub fn read(&self, reading: &Reading) -> Option<Seen> {
        match reading {
            Reading::Sources { metric, resolution, span, sources, group, take, whole } => {
                self.metrics.iter().find(|name| same(name, metric))?;
                let span = match take {
                    None => *span,
                    Some((true, _)) => (span.0, 3600),
                    Some((false, _)) => (i64::MIN / 2, span.1),
                };
                let streams = self.streams_of(metric, *resolution, span, |labels| match labels {
                    Labels::Source(source) => {
                        let name = source.as_deref().unwrap_or("unassigned");
                        (sources.is_empty() || like(sources, name)).then(|| name.to_owned())
                    }
                    Labels::Tags(_) => None,
                });
                Some(by_source(streams, group, *take, *whole))
            }
            Reading::Tags { metric, resolution, span, tags, group, by } => {
                self.metrics.iter().find(|name| same(name, metric))?;
                let streams = self.streams_of(metric, *resolution, *span, |labels| {
                    let found = tags_of(labels);
                    chosen(tags, &found).then(|| json!(found).to_string())
                });
                Some(by_tags(streams, group, by))
            }
        }
    }

    /// The values of the metric by stream and interval.
    fn streams_of(
        &self,
        metric: &str,
        resolution: i64,
        span: (i64, i64),
        label: impl Fn(&Labels) -> Option<String>,
    ) -> BTreeMap<String, BTreeMap<i64, Vec<i64>>> {
        let floor = |time: i64| time - time.rem_euclid(resolution);
        let mut streams: BTreeMap<String, BTreeMap<i64, Vec<i64>>> = BTreeMap::new();
        for point in self.points.iter().filter(|point| same(&point.metric, metric)) {
            let inside = point.time >= floor(self.base + span.0) && point.time <= self.base + span.1;
            if let Some(label) = label(&point.labels).filter(|_| inside) {
                streams.entry(label).or_default().entry(floor(point.time)).or_default().push(point.value);
            }
        }
        streams
    }
}

fn mean(values: &[i64]) -> f64 {
    values.iter().sum::<i64>() as f64 / values.len() as f64
}

fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

fn combined(function: &str, values: &[f64]) -> i64 {
    let sum: f64 = values.iter().sum();
    thousandths(match function {
        "sum" => sum,
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => sum / values.len() as f64,
    })
}

fn by_source(
    streams: BTreeMap<String, BTreeMap<i64, Vec<i64>>>,
    group: &str,
    take: Option<(bool, usize)>,
    whole: bool,
) -> Seen {
    let mut seen = Seen::new();
    let mut all: BTreeMap<i64, Vec<Vec<i64>>> = BTreeMap::new();
    for (source, times) in streams {
        let mut times: Vec<(i64, Vec<i64>)> = times.into_iter().collect();
        match take {
            Some((true, count)) => times.truncate(count),
            Some((false, count)) => drop(times.drain(..times.len().saturating_sub(count))),
            None => {}
        }
        if whole && !times.is_empty() {
            times = vec![(times[0].0, times.into_iter().flat_map(|(_, values)| values).collect())];
        }
        for (time, values) in &times {
            all.entry(*time).or_default().push(values.clone());
        }
        let record =
            |(time, values): (i64, Vec<i64>)| (time, thousandths(mean(&values)), Some(values.len() as i64));
        if group.is_empty() && !times.is_empty() {
            seen.insert(source, times.into_iter().map(record).collect());
        }
    }
    if !group.is_empty() && !all.is_empty() {
        let record = |(time, sources): (i64, Vec<Vec<i64>>)| {
            let means: Vec<f64> = sources.iter().map(|values| mean(values)).collect();
            (time, combined(group, &means), Some(sources.iter().map(Vec::len).sum::<usize>() as i64))
        };
        seen.insert("all".to_owned(), all.into_iter().map(record).collect());
    }
    seen
}

fn by_tags(streams: BTreeMap<String, BTreeMap<i64, Vec<i64>>>, group: &str, by: &str) -> Seen {
    let names: BTreeSet<&str> = by.split(',').filter(|name| *name != "*").collect();
    let mut grouped: BTreeMap<String, BTreeMap<i64, Vec<f64>>> = BTreeMap::new();
    for (label, times) in streams {
        let all: Tags = serde_json::from_str(&label).unwrap();
        let kept: Tags =
            all.into_iter().filter(|(name, _)| group.is_empty() || names.contains(name.as_str())).collect();
        if !group.is_empty() && kept.len() < names.len() {
            continue;
        }
        let stream = grouped.entry(json!(kept).to_string()).or_default();
        for (time, values) in times {
            stream.entry(time).or_default().push(mean(&values));
        }
    }
    let records = |times: BTreeMap<i64, Vec<f64>>| {
        times.into_iter().map(|(time, values)| (time, combined(group, &values), None)).collect()
    };
    grouped.into_iter().map(|(label, times)| (label, records(times))).collect()
}

fn tags_of(labels: &Labels) -> Tags {
    match labels {
        Labels::Tags(tags) => tags.clone(),
        Labels::Source(source) => source.iter().map(|name| ("source".to_owned(), name.clone())).collect(),
    }
}

fn chosen(tests: &str, tags: &Tags) -> bool {
    tests.split('&').filter(|test| !test.is_empty()).all(|test| match test.split_once('=') {
        None => !tags.contains_key(test.trim_start_matches('!')),
        Some((name, pattern)) => tags.get(name).is_some_and(|value| match pattern.strip_prefix('!') {
            Some(pattern) => !like(pattern, value),
            None => like(pattern, value),
        }),
    })
}

fn remember(names: &mut Vec<String>, name: &str) -> bool {
    let is_new = !names.iter().any(|known| same(known, name));
    if is_new {
        names.push(name.to_owned());
    }
    is_new
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn same_labels(a: &Labels, b: &Labels) -> bool {
    match (a, b) {
        (Labels::Source(a), Labels::Source(b)) => {
            a.as_deref().map(str::to_lowercase) == b.as_deref().map(str::to_lowercase)
        }
        _ => a == b,
    }
}

/// `*` stands for any run of characters.
fn like(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| go(rest, &text[skip..])),
            ([a, pattern @ ..], [b, text @ ..]) => a.eq_ignore_ascii_case(b) && go(pattern, text),
            (pattern, text) => pattern.is_empty() && text.is_empty(),
        }
    }
    go(pattern.as_bytes(), text.as_bytes())
}
