//! One condition: what it asks, of which streams, and the value that it holds against its threshold.

use super::matching::{Stream, Streams};
use super::point::{Point, Reading};
use crate::pattern::same;

/// The kind of a metric, as far as values depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Differences are between averages.
    Gauge,
    /// Differences are between last readings.
    Counter,
    /// Someone else evaluates it; its points come in as readings.
    Composite {
        /// Seconds that its evaluation stays behind.
        lag: i64,
    },
}

/// What is to be known of a condition's metric. A change of it is no change of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub kind: Kind,
    /// Its period in seconds.
    pub period: Option<i64>,
    /// Whether the server aggregates its samples to periods.
    pub aggregate: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self { kind: Kind::Gauge, period: None, aggregate: false }
    }
}

/// The period where a metric has none.
const PERIOD: i64 = 60;

impl Shape {
    /// Seconds that one point of a series spans.
    pub fn width(&self) -> i64 {
        match self.kind {
            Kind::Composite { lag } => self.period.unwrap_or(PERIOD).max(PERIOD).saturating_add(lag),
            _ if self.aggregate => self.period.unwrap_or(PERIOD),
            _ => 0,
        }
    }
}

/// Which number of a point counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Function {
    Average,
    Sum,
    Count,
    Min,
    Max,
    /// The last reading of a counter.
    AbsoluteValue,
    /// The difference to the point before, not per second.
    Derivative {
        /// Whether a decrease counts as no change.
        detect_reset: bool,
    },
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// A value beyond a threshold; equal is normal.
    Threshold {
        /// Whether larger values violate, else smaller ones do.
        above: bool,
        /// What values are held against.
        threshold: f64,
        /// Seconds that all values must violate; without it one is enough.
        duration: Option<i64>,
        /// Which value.
        function: Function,
    },
    /// A stream that was seen is silent.
    Absent {
        /// For so many seconds.
        duration: i64,
    },
}

/// One condition of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What the writer of an edit may know it by.
    pub id: Option<i64>,
    /// The name of the metric.
    pub metric: String,
    /// Which of its series.
    pub streams: Streams,
    /// What is asked of them.
    pub test: Test,
    /// What the metric is like.
    pub shape: Shape,
}

impl Condition {
    /// Seconds that one reading spans.
    pub fn width(&self) -> i64 {
        let width = self.shape.width();
        if self.streams.is_grouped() { width.max(self.shape.period.unwrap_or(PERIOD)) } else { width }
    }

    /// Whether it asks the same of the same streams.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.watches_same(other) && self.test == other.test
    }

    /// Whether it asks something of the same type of the same streams.
    pub(super) fn watches_same(&self, other: &Self) -> bool {
        let kind = |test: &Test| match test {
            Test::Threshold { above, .. } => (*above, false),
            Test::Absent { .. } => (false, true),
        };
        same(&self.metric, &other.metric)
            && self.streams == other.streams
            && kind(&self.test) == kind(&other.test)
    }

    /// Whether a value violates it; for `absent` none does.
    pub fn is_violated_by(&self, value: f64) -> bool {
        match self.test {
            Test::Threshold { above: true, threshold, .. } => value > threshold,
            Test::Threshold { above: false, threshold, .. } => value < threshold,
            Test::Absent { .. } => false,
        }
    }

    /// Seconds that must pass, 0 where one value is enough.
    pub(super) fn duration(&self) -> i64 {
        match self.test {
            Test::Threshold { duration, .. } => duration.unwrap_or(0),
            Test::Absent { duration } => duration,
        }
    }

    /// Whether it asks for silence.
    pub fn is_absent(&self) -> bool {
        matches!(self.test, Test::Absent { .. })
    }

    /// Whether the difference to the point before counts.
    pub(super) fn is_derivative(&self) -> bool {
        matches!(self.test, Test::Threshold { function: Function::Derivative { .. }, .. })
    }

    /// The value of a point. A difference needs a predecessor after `since`, when the condition began to watch, and not too long ago.
    pub fn value(&self, point: &Point, since: i64) -> Option<f64> {
        let sample = &point.sample;
        let shown = match self.shape.kind {
            Kind::Counter => Some(sample.last),
            Kind::Gauge | Kind::Composite { .. } => sample.average(),
        };
        let Test::Threshold { function, .. } = self.test else { return shown.filter(|x| x.is_finite()) };
        let value = match function {
            Function::Average => sample.average(),
            Function::Sum => Some(sample.sum),
            Function::Count => Some(sample.count),
            Function::Min => Some(sample.min),
            Function::Max => Some(sample.max),
            Function::AbsoluteValue => Some(sample.last),
            Function::Derivative { detect_reset } => {
                let oldest = point.t - self.shape.period.unwrap_or(0).saturating_mul(3).max(900);
                let before = point.before.filter(|before| before.u > since && before.t >= oldest);
                let change = before.and_then(|before| shown.map(|x| x - before.x));
                change.map(|change| if detect_reset && change < 0.0 { 0.0 } else { change })
            }
        };
        value.filter(|value| value.is_finite())
    }

    /// The reading of a point of a series that is watched as `stream`; `place` is that of the condition in its alert.
    pub fn reading(&self, place: usize, stream: &Stream, point: &Point, since: i64) -> Reading {
        let value = self.value(point, since);
        Reading { u: point.u, t: point.t, condition: place, stream: stream.clone(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::point::{Before, Sample};
    use crate::watch::{Series, Tag};

    fn above(function: Function, shape: Shape) -> Condition {
        let test = Test::Threshold { above: true, threshold: 1.0, duration: None, function };
        Condition { id: None, metric: "m".into(), streams: Streams::All, test, shape }
    }

    #[test]
    fn every_function_has_its_value() {
        let sample = Sample { count: 4.0, sum: 10.0, min: 1.0, max: 5.0, last: 3.0 };
        let point = |before| Point { u: 1_000, t: 1_000, sample, before };
        let (gauge, counter) =
            (Shape::default(), Shape { kind: Kind::Counter, period: Some(600), ..Shape::default() });
        let before = |t, x| Some(Before { u: t, t, x });
        let raw = Function::Derivative { detect_reset: false };
        let reset = Function::Derivative { detect_reset: true };
        for (function, shape, before, expected) in [
            (Function::Average, gauge, None, Some(2.5)),
            (Function::Sum, gauge, None, Some(10.0)),
            (Function::Count, gauge, None, Some(4.0)),
            (Function::Min, gauge, None, Some(1.0)),
            (Function::Max, gauge, None, Some(5.0)),
            (Function::AbsoluteValue, counter, None, Some(3.0)),
            (reset, gauge, before(940, 2.0), Some(0.5)),
            (reset, counter, before(940, 2.0), Some(1.0)),
            (reset, counter, before(940, 7.0), Some(0.0)),
            (raw, counter, before(940, 7.0), Some(-4.0)),
            (reset, gauge, None, None),
            (reset, gauge, before(100, 2.0), Some(0.5)),
            (reset, gauge, before(99, 2.0), None),
            (reset, counter, before(-800, 2.0), Some(1.0)),
            (reset, counter, before(-801, 2.0), None),
            // Nothing before the condition was made counts.
            (reset, gauge, before(940, f64::MIN), Some(f64::MAX)),
            (reset, gauge, before(940, f64::NAN), None),
        ] {
            let found = above(function, shape).value(&point(before), -10_000);
            assert_eq!(found, expected, "{function:?} {before:?}");
        }
        assert_eq!(above(reset, gauge).value(&point(before(940, 2.0)), 940), None, "made at 940");
        let empty = Sample { count: 0.0, sum: 0.0, min: 0.0, max: 0.0, last: 0.0 };
        assert_eq!(above(Function::Average, gauge).value(&Point { sample: empty, ..point(None) }, 0), None);
    }

    #[test]
    fn equal_is_normal() {
        let mut condition = above(Function::Sum, Shape::default());
        assert!(!condition.is_violated_by(1.0) && condition.is_violated_by(1.1));
        condition.test =
            Test::Threshold { above: false, threshold: 1.0, duration: None, function: Function::Sum };
        assert!(!condition.is_violated_by(1.0) && condition.is_violated_by(0.9));
        condition.test = Test::Absent { duration: 60 };
        assert!(!condition.is_violated_by(0.0));
    }

    #[test]
    fn widths_are_those_of_the_widest_thing_that_is_waited_for() {
        let grouped = Streams::Tags(vec![Tag { name: "az".into(), grouped: true, ..Tag::default() }]);
        let shape = |kind, period, aggregate| Shape { kind, period, aggregate };
        for (shape, raw, group) in [
            (shape(Kind::Gauge, None, false), 0, 60),
            (shape(Kind::Gauge, Some(300), false), 0, 300),
            (shape(Kind::Gauge, Some(10), true), 10, 10),
            (shape(Kind::Gauge, None, true), 60, 60),
            (shape(Kind::Composite { lag: 120 }, None, false), 180, 180),
            (shape(Kind::Composite { lag: 120 }, Some(10), false), 180, 180),
            (shape(Kind::Composite { lag: 0 }, Some(300), false), 300, 300),
        ] {
            let mut condition = above(Function::Sum, shape);
            assert_eq!(condition.width(), raw, "{shape:?}");
            condition.streams = grouped.clone();
            assert_eq!(condition.width(), group, "{shape:?}");
        }
        assert!(grouped.stream_of(&Series::Source(None)).is_none());
    }
}
