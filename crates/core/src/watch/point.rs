//! Samples, points and readings: what is known of one second of a series, and what a condition makes of it.

use super::matching::Stream;

/// What is known of one measurement, or of several put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How many measurements.
    pub count: f64,
    /// Their total.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The one that came last: the reading of a counter.
    pub last: f64,
}

impl Sample {
    /// One measurement.
    pub fn single(value: f64) -> Self {
        Self { count: 1.0, sum: value, min: value, max: value, last: value }
    }

    /// Adds what came later.
    pub fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.sum += later.sum;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
    }

    /// The average; `None` without measurements.
    pub fn average(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// The point before another one of the same series, for differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Before {
    /// Its event time.
    pub u: i64,
    /// Its time.
    pub t: i64,
    /// What differences are made of: the average of a gauge, the last reading of a counter.
    pub x: f64,
}

/// One series at one second, closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Event time, the only time transitions know.
    pub u: i64,
    /// The time it is stored under; durations are measured in it.
    pub t: i64,
    pub sample: Sample,
    /// The closed point before it, if there is one.
    pub before: Option<Before>,
}

/// What a condition sees of one of its streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Event time.
    pub u: i64,
    /// The time of the point.
    pub t: i64,
    /// The place of the condition in its alert.
    pub condition: usize,
    /// Which of its streams.
    pub stream: Stream,
    /// Always finite. `None` where the point has no such value, as the first one has no difference: it is seen, but neither violates
    /// nor is normal.
    pub value: Option<f64>,
}

impl Reading {
    /// The order in which readings are applied.
    pub(super) fn order(&self) -> (i64, i64, usize, &Stream) {
        (self.u, self.t, self.condition, &self.stream)
    }
}
