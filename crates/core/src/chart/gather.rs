//! Samples of series, put into buckets and together into lines. Nothing is sampled or interpolated: every point is the statistic of
//! exactly one bucket. Of more lines than a picture shows the greatest stay, so memory is bounded however many series there are.

use std::collections::BTreeMap;

use crate::composite::Labels;
use crate::picture::{Point, Totals};

use super::question::{Group, MOST_LINES, Of, Question};
use super::sample::{Sample, Statistic, rise};

/// Memory of a line, with its labels, and of one of its buckets, in a tree with those beside it.
const LINE_BYTES: usize = 1_200;
const BUCKET_BYTES: usize = 200;

/// What there is to draw of a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// By their labels.
    pub lines: Vec<Line>,
    /// How many more there are, none of which is greater.
    pub left_out: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What tells it from others.
    pub labels: Labels,
    /// By time.
    pub points: Vec<Point>,
    /// The statistic of the whole window.
    pub whole: Option<f64>,
    /// Over the samples of the window; over the points where samples have no such statistic.
    pub totals: Option<Totals>,
    /// Whether each sample of a bucket lies from the least to the greatest of its point.
    pub is_spread: bool,
    /// Seconds from sample to sample: as it is said, else as it usually is.
    pub period: Option<i64>,
    /// Whether that is said.
    pub is_period_known: bool,
}

/// An answer in the making.
pub struct Gathering<'a> {
    question: &'a Question,
    lines: BTreeMap<Labels, Building>,
    /// Of all lines.
    buckets: usize,
    left_out: usize,
}

#[derive(Default)]
struct Building {
    buckets: BTreeMap<i64, Cell>,
    whole: Option<Cell>,
    last: Option<Cell>,
    period: Option<i64>,
    known: bool,
    /// It is made of several series.
    merged: bool,
    series: usize,
}

/// What several series have at one time.
struct Cell {
    all: Sample,
    /// Of one statistic for each series.
    total: f64,
    least: f64,
    greatest: f64,
    series: u64,
}

impl Cell {
    fn of(sample: &Sample, value: f64) -> Self {
        Self { all: *sample, total: value, least: value, greatest: value, series: 1 }
    }

    fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.total += other.total;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.series += other.series;
    }

    fn value(&self, question: &Question) -> Option<f64> {
        let value = match (question.group, question.statistic) {
            (Group::Sum, _) => self.total,
            (Group::Min, _) => self.least,
            (Group::Max, _) => self.greatest,
            // What grows with the number of series is no average of them.
            (_, Statistic::Sum | Statistic::Count | Statistic::Last) => self.total / self.series as f64,
            (_, statistic) => return statistic.of(&self.all),
        };
        Some(value).filter(|value| value.is_finite())
    }
}

fn put(cell: &mut Option<Cell>, new: Cell) {
    match cell {
        Some(cell) => cell.merge(&new),
        none => *none = Some(new),
    }
}

impl<'a> Gathering<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(question: &'a Question) -> Self {
        Self { question, lines: BTreeMap::new(), buckets: 0, left_out: 0 }
    }

    /// Memory that it takes by now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        LINE_BYTES * self.lines.len() + BUCKET_BYTES * self.buckets
    }

    /// Takes in the samples of one series, by time and each time once. Those before the first bucket tell where a rise begins.
    /// `period` is the distance of samples that were made, such as those of a composite.
    pub fn add(&mut self, labels: &Labels, samples: &[Sample], period: Option<i64>) {
        let question = self.question;
        // What a composite reads is narrowed before it is evaluated; its results need not bear the labels any more.
        if matches!(question.of, Of::Metric(_)) && !question.choice.takes(labels) {
            return;
        }
        let Some(key) = question.key(labels) else { return };
        let known = question.period.or(period);
        let period = known.or_else(|| usual(samples));
        let derived;
        let samples = match question.statistic {
            Statistic::Rise => {
                derived = rises(samples, period.unwrap_or(1));
                &derived
            }
            Statistic::Difference => {
                derived = differences(samples);
                &derived
            }
            _ => samples,
        };
        let start = samples.partition_point(|sample| sample.time < question.first);
        let end = samples.partition_point(|sample| sample.time <= question.until);
        let Some(samples) = samples.get(start..end).filter(|samples| !samples.is_empty()) else { return };
        let line = self.lines.entry(key).or_default();
        let before = line.buckets.len();
        line.take(question, samples);
        self.buckets += line.buckets.len() - before;
        line.period = line.period.into_iter().chain(period).min();
        line.known |= known.is_some();
        if question.group == Group::Each && self.lines.len() > MOST_LINES {
            self.drop_least();
        }
    }

    fn drop_least(&mut self) {
        let question = self.question;
        let least =
            self.lines.iter().min_by(|a, b| a.1.greatest(question).total_cmp(&b.1.greatest(question)));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            let gone = self.lines.remove(&key);
            self.buckets -= gone.map_or(0, |line| line.buckets.len());
            self.left_out += 1;
        }
    }

    /// The lines.
    #[must_use]
    pub fn finish(mut self) -> Answer {
        while self.lines.len() > MOST_LINES {
            self.drop_least();
        }
        let question = self.question;
        let lines = self.lines.into_iter().map(|(labels, line)| line.finish(question, labels)).collect();
        Answer { lines, left_out: self.left_out }
    }
}

impl Building {
    fn take(&mut self, question: &Question, samples: &[Sample]) {
        self.series += 1;
        self.merged |= self.series > 1;
        let statistic = question.statistic;
        let mut rest = samples;
        while let Some(first) = rest.first() {
            let start = first.time - first.time.rem_euclid(question.resolution);
            let end = start.saturating_add(question.resolution);
            let count = rest.partition_point(|sample| sample.time < end);
            let (bucket, after) = rest.split_at(count);
            rest = after;
            let Some(cell) = together(bucket, statistic).filter(|_| end <= question.whole_until) else {
                continue;
            };
            match self.buckets.get_mut(&start) {
                Some(there) => there.merge(&cell),
                None => _ = self.buckets.insert(start, cell),
            }
        }
        let start = samples.partition_point(|sample| sample.time < question.window.start);
        let end = samples.partition_point(|sample| sample.time <= question.window.end);
        let Some(window) = samples.get(start..end) else { return };
        if let Some(cell) = together(window, statistic) {
            put(&mut self.whole, cell);
        }
        let Some((last, cell)) =
            window.last().and_then(|last| Some((last, Cell::of(last, statistic.of(last)?))))
        else {
            return;
        };
        match &mut self.last {
            Some(there) if there.all.time > last.time => {}
            Some(there) if there.all.time == last.time => there.merge(&cell),
            other => *other = Some(cell),
        }
    }

    fn greatest(&self, question: &Question) -> f64 {
        let values = self.buckets.values().filter_map(|cell| cell.value(question));
        values.fold(f64::NEG_INFINITY, f64::max)
    }

    fn finish(self, question: &Question, labels: Labels) -> Line {
        let is_one = matches!(question.group, Group::Average | Group::Each) || !self.merged;
        let is_spread = question.statistic.is_between() && is_one;
        let point = |(time, cell): (&i64, &Cell)| {
            let value = cell.value(question)?;
            let plain = Point::at(*time, value);
            let Sample { min, max, .. } = cell.all;
            Some(if is_spread { Point { low: min.min(value), high: max.max(value), ..plain } } else { plain })
        };
        let points: Vec<Point> = self.buckets.iter().filter_map(point).collect();
        let whole = self.whole.as_ref().and_then(|cell| cell.value(question));
        let of_samples = || {
            let (whole, last) = (self.whole.as_ref()?, self.last.as_ref()?.value(question)?);
            Some(Totals { last, min: whole.all.min, mean: whole.all.mean(), max: whole.all.max })
        };
        let totals = if is_spread { of_samples() } else { of_points(&points) };
        let (period, is_period_known) = (self.period, self.known);
        Line { labels, points, whole, totals, is_spread, period, is_period_known }
    }
}

fn of_points(points: &[Point]) -> Option<Totals> {
    let values = || points.iter().map(|point| point.value);
    Some(Totals {
        last: values().next_back()?,
        min: values().fold(f64::INFINITY, f64::min),
        mean: values().sum::<f64>() / points.len() as f64,
        max: values().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// Samples of one series put together, with their statistic where they have one.
fn together(samples: &[Sample], statistic: Statistic) -> Option<Cell> {
    let (first, rest) = samples.split_first()?;
    let mut all = *first;
    rest.iter().for_each(|sample| all.merge(sample));
    Some(Cell::of(&all, statistic.of(&all)?))
}

/// The distance that half of all distances do not exceed.
fn usual(samples: &[Sample]) -> Option<i64> {
    let mut distances: Vec<i64> = samples.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
    distances.sort_unstable();
    distances.get(distances.len().checked_sub(1)? / 2).copied()
}

/// What a counter rose from reading to reading, for a period. A rise counts as often as it took seconds, so that the mean of a bucket
/// is its whole rise over its whole time, whatever was late or missing.
fn rises(samples: &[Sample], period: i64) -> Vec<Sample> {
    let rose = |pair: &[Sample]| {
        let seconds = pair[1].time.saturating_sub(pair[0].time).max(1);
        let all = rise(pair[0].last, pair[1].last) * period as f64;
        let each = all / seconds as f64;
        Sample { count: seconds.unsigned_abs(), sum: all, ..Sample::single(pair[1].time, each) }
    };
    samples.windows(2).map(rose).collect()
}

fn differences(samples: &[Sample]) -> Vec<Sample> {
    let changed = |pair: &[Sample]| Sample::single(pair[1].time, pair[1].mean() - pair[0].mean());
    samples.windows(2).map(changed).collect()
}
