//! Series of points, and the one thing done to them all over: several points of a longer period become one.
//! Keeps to what makes a series sound: points in order of time, at multiples of the period, finite.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::super::query::Statistic;
use super::super::selector::Labels;
use super::super::selector::Selector;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Epoch seconds, the start of its period.
    pub time: i64,
    /// Always finite.
    pub value: f64,
}

/// What is known of a measurement, or of several put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Epoch seconds.
    pub time: i64,
    /// How many measurements; none make no point.
    pub count: f64,
    /// Their total.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Sample {
    /// One measurement.
    pub fn single(time: i64, value: f64) -> Self {
        Self { time, count: 1.0, sum: value, min: value, max: value }
    }
}

/// A `series` call, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name or pattern.
    pub metric: String,
    /// Which sources or tags.
    pub selector: Selector,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric all of it comes from, if it is one.
    pub metric: Option<String>,
    /// The source (as `source`) and the tags that all of its inputs have in common.
    pub labels: Arc<Labels>,
    /// Seconds from one point to the next.
    pub period: u64,
    /// In order of time.
    pub points: Vec<Point>,
    /// The call all of it comes from, if it is one.
    pub call: Option<Arc<Call>>,
    /// Whether all of it comes from a single stored series.
    pub single: bool,
    /// Whether the period was given with the series or by the metric, rather than taken from the query.
    pub(super) known_period: bool,
    /// How its points become points of a longer period.
    pub(super) rollup: Statistic,
}

/// The start of the period a time is in.
pub(super) fn floor(time: i64, period: u64) -> i64 {
    let period = i64::try_from(period).unwrap_or(i64::MAX).max(1);
    time.div_euclid(period).saturating_mul(period)
}

/// Several samples or points on their way to becoming one.
#[derive(Clone, Copy)]
pub(super) struct Bucket {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Bucket {
    /// Of nothing.
    pub(super) const EMPTY: Self = Self { count: 0.0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    pub(super) fn of(value: f64) -> Self {
        Self { count: 1.0, sum: value, min: value, max: value }
    }

    pub(super) fn add(&mut self, other: Self) {
        // The sum of nothing and a zero would lose its sign.
        if self.is_empty() {
            *self = other;
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Samples of no measurement add nothing.
    fn add_sample(&mut self, &Sample { count, sum, min, max, .. }: &Sample) {
        if count > 0.0 {
            self.add(Self { count, sum, min, max });
        }
    }

    pub(super) fn value(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Min => self.min,
            Statistic::Max => self.max,
            Statistic::Mean => self.sum / self.count,
            Statistic::Sum => self.sum,
            Statistic::Count => self.count,
        }
    }
}

/// Points from buckets in order of time.
pub(super) fn bucketed(
    items: impl Iterator<Item = (i64, Bucket)>,
    period: u64,
    statistic: Statistic,
) -> Vec<Point> {
    let mut points = Vec::new();
    let mut put = |(time, bucket): (i64, Bucket)| points.extend(finite_point(time, bucket.value(statistic)));
    let length = i64::try_from(period).unwrap_or(i64::MAX).max(1);
    let mut open: Option<(i64, Bucket)> = None;
    for (time, bucket) in items {
        // Most are in the same period or the next one, which needs no division.
        let start = match &mut open {
            Some((start, open)) => {
                let behind = time.saturating_sub(*start);
                if (0..length).contains(&behind) {
                    open.add(bucket);
                    continue;
                }
                if (length..length.saturating_mul(2)).contains(&behind) {
                    *start + length
                } else {
                    floor(time, period)
                }
            }
            None => floor(time, period),
        };
        open.replace((start, bucket)).into_iter().for_each(&mut put);
    }
    open.into_iter().for_each(put);
    points
}

/// Only what JSON can hold becomes a point.
pub(super) fn finite(values: impl Iterator<Item = (i64, f64)>) -> Vec<Point> {
    values.filter_map(|(time, value)| finite_point(time, value)).collect()
}

fn finite_point(time: i64, value: f64) -> Option<Point> {
    value.is_finite().then_some(Point { time, value })
}

/// One point for each period that has measurements, and how many samples these were made of.
pub(super) fn from_samples(
    samples: &[Sample],
    times: &RangeInclusive<i64>,
    period: u64,
    statistic: Statistic,
) -> (Vec<Point>, usize) {
    if samples.is_sorted_by_key(|sample| sample.time) {
        let before = samples.partition_point(|sample| sample.time < *times.start());
        let inside = samples.partition_point(|sample| sample.time <= *times.end());
        let samples = samples.get(before..inside).unwrap_or_default();
        return (in_order(samples, period, statistic), samples.len());
    }
    let mut inside: Vec<Sample> =
        samples.iter().filter(|sample| times.contains(&sample.time)).copied().collect();
    inside.sort_by_key(|sample| sample.time);
    (in_order(&inside, period, statistic), inside.len())
}

/// The same for samples in order of time. Mostly there is one in a period, and one in the next.
fn in_order(mut samples: &[Sample], period: u64, statistic: Statistic) -> Vec<Point> {
    let length = i64::try_from(period).unwrap_or(i64::MAX).max(1);
    let ends = samples.first().zip(samples.last());
    let periods = ends.map_or(0, |(first, last)| last.time.saturating_sub(first.time) / length);
    let most = usize::try_from(periods).unwrap_or(usize::MAX).saturating_add(2);
    let mut points = Vec::with_capacity(samples.len().min(most));
    let mut next = None;
    while let Some((first, rest)) = samples.split_first() {
        let start = next.filter(|next| *next == first.time).unwrap_or_else(|| floor(first.time, period));
        let end = start.saturating_add(length);
        let mut bucket = Bucket::EMPTY;
        bucket.add_sample(first);
        samples = rest;
        while let Some((more, rest)) = samples.split_first().filter(|(more, _)| more.time < end) {
            bucket.add_sample(more);
            samples = rest;
        }
        if !bucket.is_empty() {
            points.extend(finite_point(start, bucket.value(statistic)));
        }
        next = Some(end);
    }
    points
}

impl Series {
    /// The same series in longer periods; one whose periods are as long already stays as it is.
    pub(super) fn at_period(mut self, period: u64, statistic: Statistic) -> Self {
        if self.period < period {
            let points = self.points.iter().map(|point| (point.time, Bucket::of(point.value)));
            self.points = bucketed(points, period, statistic);
            self.period = period;
        }
        self
    }

    /// The same series with other points; what is not finite is left out.
    pub(super) fn with(mut self, values: impl Iterator<Item = (i64, f64)>) -> Self {
        self.points = finite(values);
        self
    }

    /// One number for all points; `None` without any.
    pub(super) fn overall(&self, statistic: Statistic) -> Option<f64> {
        let mut points = self.points.iter().map(|point| Bucket::of(point.value));
        let mut all = points.next()?;
        points.for_each(|point| all.add(point));
        Some(all.value(statistic))
    }
}
