//! The answer to a query in the dialect of sources. Pure; is fed the points of one source after the other and keeps a
//! bounded number of them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use super::interval::Take;
use super::legacy::{Group, Question, UNASSIGNED};
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::problem::Problem;
use crate::serve::tsdb::aggregate::{Aggregate, Point};

/// The pseudo source that stands for all of them together.
const ALL: &str = "all";
/// Records in one answer; the rest is found at its `next_time`.
const MOST: usize = 10_000;

/// One measurement of the answer, and by how much a counter rose since the one before.
#[derive(Clone, Copy)]
struct Record {
    point: Point,
    delta: Option<f64>,
}

/// All sources together.
struct Merged {
    whole: Aggregate,
    /// Of one value for each source.
    across: Aggregate,
}

/// What there is at one time.
#[derive(Default)]
struct Moment {
    /// With the number of their source.
    records: Vec<(usize, Record)>,
    merged: Option<Merged>,
}

/// An answer in the making. It lies in order of time, so that its end can be cut off without a look at the rest.
pub struct Answer<'a> {
    question: &'a Question,
    kind: Kind,
    sources: Vec<String>,
    moments: BTreeMap<i64, Moment>,
    /// Records in `moments`, and how many of these have all sources merged.
    held: usize,
    merged: usize,
    /// Where the answer is cut off.
    next_time: Option<i64>,
    /// Records put in or taken out so far.
    #[cfg(test)]
    moved: usize,
}

/// Memory that one record takes as it is kept and as it is shown, without its text.
const RECORD_BYTES: usize = 350;

/// What a time takes beside its records: a place in the tree, and room for more of them.
const MOMENT_BYTES: usize = 200;

impl<'a> Answer<'a> {
    pub fn new(question: &'a Question, kind: Kind) -> Answer<'a> {
        Answer {
            question,
            kind,
            sources: Vec::new(),
            moments: BTreeMap::new(),
            held: 0,
            merged: 0,
            next_time: None,
            #[cfg(test)]
            moved: 0,
        }
    }

    /// Memory that it takes by now.
    pub fn bytes(&self) -> usize {
        RECORD_BYTES * (self.held + self.merged + self.sources.len()) + MOMENT_BYTES * self.moments.len()
    }

    /// Memory that it takes while `points` are taken in.
    pub fn bytes_with(&self, points: &[Point]) -> usize {
        self.bytes() + points.len() * (size_of::<Point>() + size_of::<Record>())
    }

    /// Takes in the points of one source at the resolution asked for. Those before the interval only tell where a
    /// counter stood.
    ///
    /// # Errors
    /// When `count`, which is for each source, asks for more than can be held.
    pub fn add(&mut self, source: Option<&str>, points: Vec<Point>) -> Result<(), Problem> {
        let mut records = records(points, self.kind);
        records.retain(|record| record.point.time >= self.question.interval.span.start);
        take(&mut records, self.question.interval.take);
        if self.question.summarize_time {
            records = summed_up(&records, self.kind).into_iter().collect();
        } else {
            if let Some(limit) = self.next_time {
                records.retain(|record| record.point.time < limit);
            }
            // With these alone the answer is cut before what comes after them.
            if self.question.interval.take == Take::All {
                records.truncate(MOST + 1);
            }
        }
        if self.question.summarize_sources {
            let as_is = self.kind != Kind::Counter || self.question.summarize_time;
            for point in
                records.iter().filter_map(|record| if as_is { Some(record.point) } else { rose(record) })
            {
                self.merge(point);
            }
        }
        if self.question.breakout_sources && !records.is_empty() {
            let number = self.sources.len();
            self.sources.push(source.unwrap_or(UNASSIGNED).to_owned());
            self.held += records.len();
            #[cfg(test)]
            (self.moved += records.len());
            for record in records {
                self.moments.entry(record.point.time).or_default().records.push((number, record));
            }
        }
        match self.question.interval.take {
            Take::All => self.cut(),
            Take::First(_) | Take::Last(_) if self.held > 4 * MOST => {
                return Err(Problem::param("count", "asks for too many measurements at once"));
            }
            Take::First(_) | Take::Last(_) => {}
        }
        Ok(())
    }

    fn merge(&mut self, Point { time, stats }: Point) {
        let one = Aggregate::single(stats.mean());
        match &mut self.moments.entry(time).or_default().merged {
            Some(merged) => {
                merged.whole.merge(&stats);
                merged.across.merge(&one);
            }
            none => {
                *none = Some(Merged { whole: stats, across: one });
                self.merged += 1;
            }
        }
    }

    /// Drops the end of what is too long, at the same time for every source. The first time always stays, however much
    /// there is at it: a request could not go on in the middle of one.
    fn cut(&mut self) {
        while !self.question.summarize_time
            && self.held + self.merged > MOST
            && self.moments.len() > 1
            && let Some((time, moment)) = self.moments.pop_last()
        {
            self.held -= moment.records.len();
            self.merged -= usize::from(moment.merged.is_some());
            self.next_time = Some(time);
            #[cfg(test)]
            (self.moved += moment.records.len());
        }
    }

    /// The measurements by source, and the time at which to go on when there are more.
    pub fn finish(mut self) -> (Measurements, Option<i64>) {
        let as_counter = self.kind == Kind::Counter && !self.question.summarize_time;
        let show = if as_counter { Measurement::of_counter } else { Measurement::of_gauge };
        let mut by_source: Vec<Vec<Measurement>> = Vec::new();
        by_source.resize_with(self.sources.len(), Vec::new);
        let mut all = Vec::new();
        while let Some((time, moment)) = self.moments.pop_first() {
            for (number, record) in moment.records {
                by_source[number].push(show(&record));
            }
            all.extend(moment.merged.map(|merged| self.shown_merged(time, &merged)));
        }
        let mut sources: Vec<_> = std::mem::take(&mut self.sources).into_iter().zip(by_source).collect();
        sources.retain(|(_, records)| !records.is_empty());
        sources.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut shown: Measurements = sources.into_iter().collect();
        if !all.is_empty() {
            shown.insert(ALL.to_owned(), all);
        }
        (shown, self.next_time)
    }

    fn shown_merged(&self, time: i64, merged: &Merged) -> Measurement {
        let whole = Record { point: Point { time, stats: merged.whole }, delta: None };
        let mut shown = Measurement::of_gauge(&whole);
        if let Some(group) = self.question.group_by {
            let across = &merged.across;
            shown.value = match group {
                Group::Min => across.min,
                Group::Max => across.max,
                Group::Mean => across.mean(),
                Group::Sum => across.sum,
                Group::Count => merged.whole.count as f64,
            };
            shown.summarized = Some(across.count);
        }
        shown
    }
}

fn records(points: Vec<Point>, kind: Kind) -> Vec<Record> {
    let mut before: Option<f64> = None;
    let record = |point: Point| {
        let stood = before.replace(point.stats.last).filter(|_| kind == Kind::Counter);
        Record { point, delta: stood.map(|stood| rise(stood, point.stats.last)) }
    };
    points.into_iter().map(record).collect()
}

/// By how much a counter rose; one that fell began again at zero.
pub fn rise(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}

/// A counter summed up is a gauge of how much it rose.
fn rose(record: &Record) -> Option<Point> {
    record.delta.map(|delta| Point { time: record.point.time, stats: Aggregate::single(delta) })
}

fn take(records: &mut Vec<Record>, take: Take) {
    match take {
        Take::All => {}
        Take::First(count) => records.truncate(count),
        Take::Last(count) => drop(records.drain(..records.len().saturating_sub(count))),
    }
}

/// One record for the whole interval, stamped with the first time.
fn summed_up(records: &[Record], kind: Kind) -> Option<Record> {
    let time = records.first()?.point.time;
    let points = records.iter().filter_map(|record| match kind {
        Kind::Counter => rose(record),
        Kind::Gauge | Kind::Composite => Some(record.point),
    });
    let merged = points.map(|point| point.stats).reduce(|mut sum, next| {
        sum.merge(&next);
        sum
    });
    merged.map(|stats| Record { point: Point { time, stats }, delta: None })
}

/// Measurements by source, as they are shown.
pub type Measurements = IndexMap<String, Vec<Measurement>>;

/// One measurement as it is shown: of a gauge everything but `delta`, of a counter `delta` unless it is the first.
#[derive(Serialize)]
pub struct Measurement {
    measure_time: i64,
    value: f64,
    #[serde(flatten)]
    gauge: Option<OfGauge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    /// Of how many sources, where they are grouped.
    #[serde(skip_serializing_if = "Option::is_none")]
    summarized: Option<u64>,
}

#[derive(Serialize)]
struct OfGauge {
    count: u64,
    min: f64,
    max: f64,
    sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum_squares: Option<f64>,
}

impl Measurement {
    fn of_gauge(record: &Record) -> Measurement {
        let Point { time, stats } = &record.point;
        let Aggregate { count, min, max, sum, .. } = *stats;
        let gauge = Some(OfGauge { count, min, max, sum, sum_squares: stats.sum_of_squares() });
        Measurement { measure_time: *time, value: stats.mean(), gauge, delta: None, summarized: None }
    }

    fn of_counter(record: &Record) -> Measurement {
        let Record { point: Point { time, stats }, delta } = *record;
        Measurement { measure_time: time, value: stats.last, gauge: None, delta, summarized: None }
    }
}

#[cfg(test)]
mod tests;
