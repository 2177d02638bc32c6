//! Measurements that make an alert fire in the shortest time, and those that stop one value short of it.
//! Knows nothing of how tests are written.

use std::collections::BTreeSet;

use crate::composite::Labels;
use crate::offline::{Given, Metric, Subject};
use crate::watch::{Condition, Function, Kind, Sample, Series, Streams, Test};

/// Measurements of one alert, and the moments at which it is looked at.
pub struct Probe {
    /// What is measured.
    pub given: Vec<Given>,
    /// When somebody looks.
    pub moments: BTreeSet<i64>,
}

/// How long it is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As long as it must be.
    Enough,
    /// One value less.
    Short,
}

/// A probe; `None` where values alone do not decide. `known` tells of metrics, `period` how long their points are.
pub fn probe(
    subject: &Subject,
    length: Length,
    known: &dyn Fn(&str) -> Metric,
    period: &dyn Fn(&str) -> i64,
    interval: i64,
) -> Option<Probe> {
    let conditions = &subject.alert.conditions;
    let longest = conditions.iter().map(lasts).max()?;
    let width = conditions.iter().map(|condition| period(&condition.metric)).max()?;
    let begin = width;
    let cut = if length == Length::Enough { 0 } else { width };
    let last = begin + longest - cut;
    let end = (begin + longest + 2 * width + interval) / interval * interval;
    if last < begin {
        return None;
    }
    let one = |condition: &Condition| {
        let step = period(&condition.metric);
        let samples = samples(condition, step, begin, last, end)?;
        let series = series(&condition.streams);
        Some(Given {
            metric: condition.metric.clone(),
            series,
            known: known(&condition.metric),
            samples,
            end,
        })
    };
    let given = conditions.iter().map(one).collect::<Option<Vec<_>>>()?;
    // Two conditions on one series would each want their own values.
    let distinct: BTreeSet<_> =
        given.iter().map(|given| (crate::pattern::fold(&given.metric), &given.series)).collect();
    if distinct.len() < given.len() {
        return None;
    }
    let mut moments = BTreeSet::new();
    let mut at = 0;
    while at <= end {
        moments.insert(at);
        at += interval;
    }
    Some(Probe { given, moments })
}

/// How long it must hold, or be silent.
fn lasts(condition: &Condition) -> i64 {
    match condition.test {
        Test::Threshold { duration, .. } => duration.unwrap_or(0),
        Test::Absent { duration } => duration,
    }
}

fn samples(condition: &Condition, step: i64, begin: i64, last: i64, end: i64) -> Option<Vec<(i64, Sample)>> {
    let times = || (0..).map(|n: i64| n * step).take_while(move |at| *at <= end);
    let Test::Threshold { above, threshold, function, .. } = condition.test else {
        return Some(times().take_while(|at| *at < begin).map(|at| (at, Sample::single(1.0))).collect());
    };
    if matches!(condition.shape.kind, Kind::Composite { .. }) || function == Function::Count {
        return None;
    }
    let beyond = match threshold.abs() {
        size if size >= 100.0 => 1.0,
        0.0 => 1.0,
        size => size / 100.0,
    };
    let wrong = if above { threshold + beyond } else { threshold - beyond };
    let value = |at: i64| if (begin..=last).contains(&at) { wrong } else { threshold };
    if !matches!(function, Function::Derivative { .. }) {
        return Some(times().map(|at| (at, Sample::single(value(at)))).collect());
    }
    // A decrease may count as none, and sums of fractions are not exact.
    if wrong < 0.0 || threshold < 0.0 || wrong.fract() != 0.0 || threshold.fract() != 0.0 {
        return None;
    }
    let mut total = 0.0;
    let grown = times().map(|at| {
        total += value(at);
        (at, Sample::single(total))
    });
    Some(grown.collect())
}

/// A series that is watched.
fn series(streams: &Streams) -> Series {
    let value = |pattern: &str| if pattern == "%" { "1".to_owned() } else { pattern.replace('*', "1") };
    match streams {
        Streams::All => Series::Source(Some("probe".to_owned())),
        Streams::Source(source) if source == "unassigned" => Series::Source(None),
        Streams::Source(source) => Series::Source(Some(value(source))),
        Streams::Tags(tags) => {
            let tags = tags.iter().map(|tag| {
                (tag.name.clone(), tag.values.first().map_or_else(|| "1".to_owned(), |one| value(one)))
            });
            Series::Tags(tags.collect::<Labels>())
        }
    }
}
