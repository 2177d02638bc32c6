//! Composites over measurements that are all at hand, evaluated as a service does: each period again, over the last quarter of an
//! hour, and what is new and complete of the answer counts. For a picture of the past, once over all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::{History, Span, Stretch};
use super::series::Given;
use super::subject::{Metric, Subject, Worked};
use crate::composite::eval::{EvalError, Limits, Request, Sample, Stored, Window, evaluate};
use crate::composite::{Labels, SOURCE, Statistic, matches};
use crate::watch::{self, Series};

/// How far back each evaluation looks.
const BACK: i64 = 900;

/// A point of a composite's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub place: usize,
    pub series: Series,
    pub t: i64,
    pub value: f64,
}

/// Every point of a composite's answers from a second up to another one, in order of time.
///
/// # Errors
/// Why it has no answer.
pub(super) fn points(
    worked: &Worked,
    given: &[Given],
    start: i64,
    end: i64,
) -> Result<Vec<Point>, EvalError> {
    let stored: Vec<Stored> = given.iter().map(stored).collect();
    let mut fetch = |request: &Request<'_>| Ok(fetch(&stored, request));
    let mut newest: BTreeMap<Series, i64> = BTreeMap::new();
    let mut points = Vec::new();
    // At multiples of the period, as services do; the first whole one is the first that counts.
    let mut now =
        (start.saturating_add(worked.period - 1)).div_euclid(worked.period).saturating_add(1) * worked.period;
    while now <= end.saturating_add(worked.period) {
        let window = Window {
            start: now - BACK,
            end: now,
            resolution: u64::try_from(worked.period).unwrap_or(1),
            summarize: Statistic::Mean,
            source: None,
        };
        for line in evaluate(&worked.query, &mut fetch, &window, Limits::default())?.series {
            let series = Series::of_labels(&line.labels);
            let period = i64::try_from(line.period).unwrap_or(i64::MAX);
            let newest = newest.entry(series.clone()).or_insert(start.saturating_sub(1));
            for point in line.points.iter().filter(|point| point.time.saturating_add(period) <= now) {
                if point.time > *newest {
                    *newest = point.time;
                    let (series, t, value) = (series.clone(), point.time, point.value);
                    points.push(Point { place: worked.place, series, t, value });
                }
            }
        }
        now += worked.period;
    }
    points.sort_by(|a, b| (a.t, &a.series).cmp(&(b.t, &b.series)));
    Ok(points)
}

/// The past of the composite that the condition at a place watches, a value a period; nothing where it watches none, or where what it reads
/// is too much.
#[must_use]
pub fn worked_out(subject: &Subject, place: usize, histories: &[History], span: Span) -> Option<History> {
    let worked = subject.composites.iter().find(|worked| worked.place == place)?;
    let condition = subject.alert.conditions.get(place)?;
    let given = histories.iter().flat_map(|history| history.given(span.start.saturating_sub(BACK), span.end));
    let stored: Vec<Stored> = given.map(|given| stored(&given)).collect();
    let mut fetch = |request: &Request<'_>| Ok(fetch(&stored, request));
    let window = Window {
        start: span.start,
        end: span.end,
        resolution: u64::try_from(worked.period).unwrap_or(1),
        summarize: Statistic::Mean,
        source: None,
    };
    let found = evaluate(&worked.query, &mut fetch, &window, Limits::default()).ok()?;
    let single = |time: i64, value: f64| (time, watch::Sample::single(value));
    let series = found.series.iter().map(|line| {
        let points = line.points.iter().map(|point| single(point.time, point.value));
        (Series::of_labels(&line.labels), points.collect())
    });
    Some(History {
        metric: condition.metric.clone(),
        known: Metric { period: Some(worked.period), ..Metric::default() },
        stretches: vec![Stretch { start: span.start, end: span.end, resolution: worked.period }],
        series: series.collect(),
    })
}

fn stored(given: &Given) -> Stored {
    let labels = match &given.series {
        Series::Source(None) => Labels::new(),
        Series::Source(Some(source)) => Labels::from([(SOURCE.to_owned(), source.clone())]),
        Series::Tags(tags) => tags.clone(),
    };
    let samples = given.samples.iter().map(|(time, sample)| Sample {
        time: *time,
        count: sample.count,
        sum: sample.sum,
        min: sample.min,
        max: sample.max,
    });
    Stored {
        metric: given.metric.clone(),
        labels: Arc::new(labels),
        period: given.known.period.and_then(|period| u64::try_from(period).ok()),
        interval: 1,
        samples: samples.collect(),
    }
}

fn fetch(stored: &[Stored], request: &Request<'_>) -> Vec<Stored> {
    let meant = |one: &&Stored| matches(request.metric, &one.metric) && request.selector.matches(&one.labels);
    // The period that the first second lies in is wanted whole.
    let period = request.period.and_then(|period| i64::try_from(period).ok()).unwrap_or(3_600);
    let from = request.start.saturating_sub(period);
    let cut = |one: &Stored| {
        let first = one.samples.partition_point(|sample| sample.time < from);
        let inside = one.samples[first..].iter().take_while(|sample| sample.time <= request.end);
        Stored {
            metric: one.metric.clone(),
            labels: Arc::clone(&one.labels),
            period: one.period,
            interval: one.interval,
            samples: inside.copied().collect(),
        }
    };
    stored.iter().filter(meant).map(cut).collect()
}
