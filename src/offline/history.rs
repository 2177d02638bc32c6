//! What a service still knows of the past: measurements by series, as finely as each stretch of time has them.

use super::series::Given;
use super::subject::Metric;
use crate::pattern::matches;
use crate::watch::{Sample, Series};

/// A stretch of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first second.
    pub start: i64,
    /// Its last one.
    pub end: i64,
}

impl Span {
    /// How many seconds.
    pub fn seconds(&self) -> i64 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }
}

/// A stretch of time that is known in one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first second.
    pub start: i64,
    /// Its last one.
    pub end: i64,
    /// Seconds that one value stands for; 1 where nothing was rolled up.
    pub resolution: i64,
}

/// The past of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Its name.
    pub metric: String,
    /// What is known of it.
    pub known: Metric,
    /// What was read, in order of time. Of what lies between two of them nothing is known.
    pub stretches: Vec<Stretch>,
    /// Its series, each with its values in order of time, under the first second that a value stands for.
    pub series: Vec<(Series, Vec<(i64, Sample)>)>,
}

impl History {
    /// The resolution of a second; `None` where it was not read.
    pub(super) fn resolution(&self, at: i64) -> Option<i64> {
        let found = self.stretches.iter().find(|one| (one.start..=one.end).contains(&at));
        found.map(|one| one.resolution)
    }

    /// Its series from a second up to another one.
    pub(super) fn given(&self, from: i64, to: i64) -> impl Iterator<Item = Given> {
        self.series.iter().map(move |(series, samples)| Given {
            metric: self.metric.clone(),
            series: series.clone(),
            known: self.known.clone(),
            samples: samples.iter().filter(|(time, _)| (from..=to).contains(time)).copied().collect(),
            end: to,
        })
    }
}

/// How finely what these patterns mean is known from a second up to another one, without gaps: nothing where it was not read. What
/// never was measured is known.
pub(super) fn stretches(
    histories: &[History],
    patterns: &[String],
    from: i64,
    to: i64,
) -> Vec<(Stretch, bool)> {
    let meant: Vec<&History> =
        histories.iter().filter(|one| patterns.iter().any(|pattern| matches(pattern, &one.metric))).collect();
    let edges = meant.iter().flat_map(|one| &one.stretches).flat_map(|one| [one.start, one.end + 1]);
    let mut edges: Vec<i64> = edges.filter(|edge| (from + 1..=to).contains(edge)).chain([from]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut found: Vec<(Stretch, bool)> = Vec::new();
    for (i, start) in edges.iter().enumerate() {
        let end = edges.get(i + 1).map_or(to, |next| next - 1);
        let all: Option<Vec<i64>> = meant.iter().map(|one| one.resolution(*start)).collect();
        let (resolution, read) = (all.iter().flatten().copied().max().unwrap_or(1), all.is_some());
        match found.last_mut() {
            Some((last, same)) if last.resolution == resolution && *same == read => last.end = end,
            _ => found.push((Stretch { start: *start, end, resolution }, read)),
        }
    }
    found
}
