//! An answer as a JSON document with a committed schema, and as CSV.

use std::collections::{BTreeMap, BTreeSet};

use librato_apply::composite::eval::Step;
use librato_apply::render::FORMAT_VERSION;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{Answer, Line};
use super::time::Clock;

/// An answer to `query`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct QueryDocument {
    /// The version of this form: 1.
    pub format_version: u32,
    /// The service that was asked.
    pub target: String,
    /// The metric or the composite that was asked for.
    pub query: String,
    /// The first second, since the epoch.
    pub start: i64,
    /// The last second, since the epoch.
    pub end: i64,
    /// Seconds from point to point, unless a series has a longer period.
    pub resolution: u64,
    /// Those that have points, in the order of the answer.
    pub series: Vec<SeriesDocument>,
    /// With `--explain`: how the answer came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<StepDocument>,
}

/// One series.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SeriesDocument {
    /// The metric, where all of it comes from a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Its tags; its source under `source`.
    pub tags: BTreeMap<String, String>,
    /// Seconds from point to point.
    pub period: u64,
    /// What it is measured in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// In order of time.
    pub points: Vec<PointDocument>,
}

/// A value at a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PointDocument {
    /// Seconds since the epoch: the start of the period.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// One step of an evaluation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepDocument {
    /// A function, or a `series` call as it is written.
    pub what: String,
    /// How many series came out.
    pub series: usize,
    /// How many points they have together.
    pub points: usize,
    /// Of a `series` call: what it matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<MatchedDocument>,
    /// What is worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The steps before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<StepDocument>,
}

/// A series that a call matched.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MatchedDocument {
    /// The metric.
    pub metric: String,
    /// Its tags; its source under `source`.
    pub tags: BTreeMap<String, String>,
    /// How many samples there are in the time that was asked for.
    pub samples: usize,
    /// The period they were brought to, in seconds.
    pub period: u64,
}

/// The document of an answer.
pub fn document(answer: &Answer, target: String) -> QueryDocument {
    QueryDocument {
        format_version: FORMAT_VERSION,
        target,
        query: answer.title.clone(),
        start: answer.span.start,
        end: answer.span.end,
        resolution: answer.resolution,
        series: answer.lines.iter().map(series).collect(),
        explain: answer.explain.as_ref().map(step),
    }
}

fn series(line: &Line) -> SeriesDocument {
    let points = line.points.iter().map(|point| PointDocument { time: point.time, value: point.value });
    SeriesDocument {
        metric: line.metric.clone(),
        tags: line.labels.clone(),
        period: line.period,
        units: line.units.clone(),
        points: points.collect(),
    }
}

fn step(step: &Step) -> StepDocument {
    let matched = step.matched.iter().map(|matched| MatchedDocument {
        metric: matched.metric.clone(),
        tags: (*matched.labels).clone(),
        samples: matched.samples,
        period: matched.period,
    });
    StepDocument {
        what: step.what.clone(),
        series: step.series,
        points: step.points,
        matched: matched.collect(),
        notes: step.notes.clone(),
        inputs: step.inputs.iter().map(self::step).collect(),
    }
}

/// One row a point: its time, the metric, a column for each tag that any series has, the value.
pub fn csv(answer: &Answer, clock: &Clock) -> String {
    let tags: BTreeSet<&String> = answer.lines.iter().flat_map(|line| line.labels.keys()).collect();
    let mut out = String::new();
    let mut row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    let mut head = vec!["time".to_owned(), "metric".to_owned()];
    head.extend(tags.iter().map(|tag| (*tag).clone()));
    head.push("value".to_owned());
    row(&head);
    for line in &answer.lines {
        for point in &line.points {
            let mut cells = vec![clock.rfc3339(point.time), line.metric.clone().unwrap_or_default()];
            cells.extend(tags.iter().map(|tag| line.labels.get(*tag).cloned().unwrap_or_default()));
            cells.push(point.value.to_string());
            row(&cells);
        }
    }
    out
}

/// As RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
