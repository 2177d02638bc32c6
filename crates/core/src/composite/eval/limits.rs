//! What an evaluation costs, in work and in memory, and where that ends. Counts; evaluates nothing.

use super::series::{Point, Series};

/// What evaluating a call costs beside its points, in points: it leaves a step in the explanation.
pub(super) const NODE: u64 = 100;

/// What a series costs beside its points.
pub(super) const SERIES: u64 = 20;

/// Bytes of a series, and of its mention in the explanation, beside its points and the name of its metric.
const SERIES_BYTES: u64 = 200;
pub(super) const MATCHED_BYTES: u64 = 100;

/// Bytes of a step of the explanation, beside its text.
pub(super) const STEP_BYTES: u64 = 200;

/// Bytes of a point.
pub(super) const POINT_BYTES: u64 = size_of::<Point>() as u64;

/// Bytes for each point of the inputs while they become one series: their order, and what has been summed up.
const COMBINING: u64 = 40;

/// How much work an evaluation may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Samples read and points made, at all steps together, and what calls and series cost beside them.
    pub work: u64,
    /// Bytes held at one time beside the samples.
    pub memory: u64,
}

impl Default for Limits {
    /// A thousand series of a day's minutes pass through a definition of ordinary depth ten times over.
    fn default() -> Self {
        Self { work: 50_000_000, memory: 1_000_000_000 }
    }
}

/// Points, and what each series takes by itself.
pub(super) fn points(series: &[Series]) -> u64 {
    series.iter().map(|series| series.points.len() as u64 + SERIES).sum()
}

/// Bytes that putting them together takes beside them.
pub(super) fn combining(series: &[Series]) -> u64 {
    series.iter().map(|series| COMBINING * series.points.len() as u64).sum()
}

pub(super) fn bytes(series: &[Series]) -> u64 {
    let bytes = |one: &Series| series_bytes(one.metric.as_deref().unwrap_or_default(), one.points.len());
    series.iter().map(bytes).sum()
}

pub(super) fn series_bytes(metric: &str, points: usize) -> u64 {
    SERIES_BYTES + metric.len() as u64 + POINT_BYTES * points as u64
}
