//! The naive model: everything that was accepted in plain lists, gone through for every answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::objects::{Made, Objects};
use super::reading::{Reading, Seen, Streams, by_source, by_tags};

pub const SOURCES: &[Option<&str>] = &[None, Some("Web-1"), Some("web-1"), Some("web2"), Some("db")];
pub const TAGS: &[&[(&str, &str)]] = &[
    &[("az", "a"), ("region", "eu")],
    &[("az", "b"), ("region", "eu")],
    &[("region", "us")],
    &[("AZ", "A")],
    &[("source", "web-1"), ("az", "b")],
];

pub type Tags = BTreeMap<String, String>;
/// Titles by source, each in order of time.
pub type Events = BTreeMap<String, Vec<String>>;

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
    id: i64,
    stream: String,
    source: Option<String>,
    start: i64,
    title: String,
}

/// Which events are asked for.
#[derive(Debug, Clone)]
pub struct Window {
    pub stream: &'static str,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub count: Option<usize>,
    pub sources: &'static str,
}

#[derive(Default)]
pub struct Model {
    /// Epoch seconds that all times count from.
    pub base: i64,
    /// In order of creation, with their first spelling.
    metrics: Vec<String>,
    sources: Vec<String>,
    streams: Vec<String>,
    pub objects: Objects,
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
        self.events.push(Event { id: 0, stream: stream.to_owned(), source, start, title });
        body
    }

    /// The id of the last event.
    pub fn annotated(&mut self, id: i64) {
        self.events.last_mut().unwrap().id = id;
    }

    pub fn delete_stream(&mut self, stream: &str) -> bool {
        let before = self.streams.len();
        self.streams.retain(|known| !same(known, stream));
        self.events.retain(|event| !same(&event.stream, stream));
        self.streams.len() < before
    }

    pub fn delete_event(&mut self, stream: &str, at: usize) -> Option<i64> {
        let ids: Vec<i64> =
            self.events.iter().filter(|event| same(&event.stream, stream)).map(|event| event.id).collect();
        let id = *ids.get(at % ids.len().max(1))?;
        self.events.retain(|event| event.id != id);
        Some(id)
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
        // By what it is sorted first; duplicates stay in order of creation, whichever way the names go.
        let by_name = |name: &String| (name.to_lowercase(), name.clone());
        let mut all: Vec<(String, String)> = match kind {
            "metrics" => self.metrics.iter().map(by_name).collect(),
            "sources" => self.sources.iter().map(by_name).collect(),
            "annotations" => self.streams.iter().map(by_name).collect(),
            _ => {
                let own = self.objects.all.iter().filter(|one| one.kind == kind);
                let sorted = |one: &Made| match kind {
                    "alerts" => (format!("{:020}", one.updated_at), one.name.clone()),
                    "instruments" | "api_tokens" => (format!("{:0>20}", one.id), one.name.clone()),
                    _ => by_name(&one.name),
                };
                own.map(sorted).collect()
            }
        };
        let total = all.len();
        all.retain(|(_, name)| match kind {
            // Neither has a filter.
            "services" | "instruments" => true,
            "api_tokens" => filter.is_empty() || like(filter, name),
            _ => name.to_lowercase().contains(&filter.to_lowercase()),
        });
        all.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
        let found = all.len();
        (all.into_iter().map(|(_, name)| name).skip(offset).take(length).collect(), found, total)
    }

    /// `None` without such a stream, `Some(None)` when no time was asked for.
    pub fn events(&self, window: &Window) -> Option<Option<Events>> {
        let Window { stream, start, end, count, sources } = *window;
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
            .filter(|event| {
                sources.is_empty() || like(sources, event.source.as_deref().unwrap_or("unassigned"))
            })
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
                    let counts = chosen(tags, &found) && !self.repeats(metric, labels);
                    counts.then(|| json!(found).to_string())
                });
                Some(by_tags(streams, group, by))
            }
        }
    }

    /// Whether something with tags of the same metric carries the source as its tag, or no such tag where there is no
    /// source.
    fn repeats(&self, metric: &str, labels: &Labels) -> bool {
        let Labels::Source(source) = labels else { return false };
        let source = source.as_deref().map(str::to_lowercase);
        self.points.iter().filter(|point| same(&point.metric, metric)).any(|point| match &point.labels {
            Labels::Tags(tags) => tags.get("source") == source.as_ref(),
            Labels::Source(_) => false,
        })
    }

    /// The values of the metric by stream and interval.
    fn streams_of(
        &self,
        metric: &str,
        resolution: i64,
        span: (i64, i64),
        label: impl Fn(&Labels) -> Option<String>,
    ) -> Streams {
        let floor = |time: i64| time - time.rem_euclid(resolution);
        let mut streams = Streams::new();
        for point in self.points.iter().filter(|point| same(&point.metric, metric)) {
            let inside = point.time >= floor(self.base + span.0) && point.time <= self.base + span.1;
            if let Some(label) = label(&point.labels).filter(|_| inside) {
                streams.entry(label).or_default().entry(floor(point.time)).or_default().push(point.value);
            }
        }
        streams
    }
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

pub fn same(a: &str, b: &str) -> bool {
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
