//! An answer of series, wherever it was made: what is shown in every format.

use std::collections::{BTreeMap, BTreeSet};

use librato_apply::composite::Labels;
use librato_apply::composite::eval::{Point, Sample, Step};

use super::time::Span;

/// Series with what is known about the whole.
pub struct Answer {
    /// The name or the definition that was asked for.
    pub title: String,
    pub span: Span,
    /// Seconds from point to point, unless a series has a longer period.
    pub resolution: u64,
    /// Those without points are left out.
    pub lines: Vec<Line>,
    /// How it came about, where that was asked for.
    pub explain: Option<Step>,
}

/// One series. Its texts can be printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The metric, where it is a single one.
    pub metric: Option<String>,
    /// Its tags; its source under `source`.
    pub labels: Labels,
    /// Seconds from point to point.
    pub period: u64,
    /// What it is measured in: `ms`.
    pub units: Option<String>,
    /// In order of time.
    pub points: Vec<Point>,
    /// What lies behind each point, where that was asked for and is known; else nothing.
    pub samples: Vec<Sample>,
}

impl Answer {
    /// Every time at which any series has a point.
    pub fn times(&self) -> Vec<i64> {
        let times: BTreeSet<i64> =
            self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.time)).collect();
        times.into_iter().collect()
    }

    /// The units, where all series that have any agree.
    pub fn units(&self) -> Option<&str> {
        let mut units = self.lines.iter().filter_map(|line| line.units.as_deref());
        let first = units.next()?;
        units.all(|other| other == first).then_some(first)
    }

    /// What tells each series from the others, as one text.
    pub fn names(&self) -> Vec<String> {
        let metrics: BTreeSet<_> = self.lines.iter().map(|line| &line.metric).collect();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut name = |line: &Line| {
            let mut parts: Vec<String> = Vec::new();
            if metrics.len() > 1 || line.labels.is_empty() {
                parts.extend(line.metric.clone());
            }
            parts.extend(line.labels.iter().map(|(label, value)| format!("{label}={value}")));
            let name = if parts.is_empty() { "all".to_owned() } else { parts.join(" ") };
            let times = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(1);
            // Such as the same series at another time.
            if *times > 1 { format!("{name} ({times})") } else { name }
        };
        self.lines.iter().map(&mut name).collect()
    }
}
