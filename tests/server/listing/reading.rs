//! What is read of a metric: how it is asked for, how an answer is understood, and what values come to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model::Tags;

/// Streams by label: time since the base, value in thousandths and, where it is shown, the number of values.
pub type Seen = BTreeMap<String, Vec<(i64, i64, Option<i64>)>>;
/// The values of streams by interval.
pub type Streams = BTreeMap<String, BTreeMap<i64, Vec<i64>>>;

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

pub fn by_source(streams: Streams, group: &str, take: Option<(bool, usize)>, whole: bool) -> Seen {
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

pub fn by_tags(streams: Streams, group: &str, by: &str) -> Seen {
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
