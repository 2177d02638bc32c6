//! Functions that make one series of many, point by point.
//! Inputs of unequal periods are brought to the longest first, so that equal times mean the same stretch of time.

use crate::composite::words::in_words;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::query::{Combine, Statistic};
use super::grid::Grid;
use super::series::{Bucket, Point, Series, bucketed, finite};

/// The result, and what is worth knowing about how it came about.
pub(super) fn combine(how: Combine, inputs: Vec<Series>, notes: &mut Vec<String>) -> Vec<Series> {
    if matches!(how, Combine::Divide | Combine::Subtract) && inputs.len() != 2 {
        notes.push(format!("wants exactly two series and got {}, so the result is empty", inputs.len()));
        return Vec::new();
    }
    let inputs = aligned(inputs, notes);
    let Some(frame) = frame(&inputs, how) else { return Vec::new() };
    let values = match (how, inputs.as_slice()) {
        (Combine::Divide, [a, b]) => pairwise(a, b, |a, b| a / b),
        (Combine::Subtract, [a, b]) => pairwise(a, b, |a, b| a - b),
        (Combine::Multiply, inputs) => multiply(inputs),
        (how, inputs) => aggregate(how, inputs),
    };
    vec![frame.with(values.into_iter())]
}

/// All inputs at the longest of their periods.
fn aligned(inputs: Vec<Series>, notes: &mut Vec<String>) -> Vec<Series> {
    let longest = inputs.iter().map(|series| series.period).max().unwrap_or(1);
    let shorter = inputs.iter().filter(|series| series.period < longest).count();
    if shorter > 0 {
        notes.push(format!(
            "{shorter} of {} series brought to periods of {}",
            inputs.len(),
            in_words(longest)
        ));
    }
    inputs
        .into_iter()
        .map(|series| {
            let rollup = series.rollup;
            series.at_period(longest, rollup)
        })
        .collect()
}

/// What the result has in common with all inputs, still without points; `None` without inputs.
fn frame(inputs: &[Series], how: Combine) -> Option<Series> {
    let (first, others) = inputs.split_first()?;
    let mut frame = framed(first, how);
    others.iter().for_each(|other| narrow(&mut frame, other));
    Some(frame)
}

/// What the result has in common with the first of its inputs.
pub(super) fn framed(first: &Series, how: Combine) -> Series {
    let rollup = if how == Combine::Count { Statistic::Mean } else { first.rollup };
    let (metric, labels, call) = (first.metric.clone(), first.labels.clone(), first.call.clone());
    let Series { period, single, known_period, .. } = *first;
    Series { metric, labels, period, points: Vec::new(), call, single, known_period, rollup }
}

/// What of it another input has, too.
pub(super) fn narrow(frame: &mut Series, other: &Series) {
    if frame.metric != other.metric {
        frame.metric = None;
    }
    if frame.labels.iter().any(|(label, value)| other.labels.get(label) != Some(value)) {
        Arc::make_mut(&mut frame.labels).retain(|label, value| other.labels.get(label) == Some(value));
    }
    if frame.call != other.call {
        frame.call = None;
    }
    if frame.rollup != other.rollup {
        frame.rollup = Statistic::Mean;
    }
    frame.single = false;
    frame.known_period &= other.known_period;
}

/// All points in order of time, those of equal times in the order of the inputs.
fn by_time(inputs: &[Series]) -> Vec<&Point> {
    let mut points: Vec<&Point> = inputs.iter().flat_map(|series| &series.points).collect();
    // A stable sort finds the runs, which are the inputs, and merges them.
    points.sort_by_key(|point| point.time);
    points
}

/// How points of equal times become one.
pub(super) fn statistic(how: Combine) -> Statistic {
    match how {
        Combine::Mean => Statistic::Mean,
        Combine::Min => Statistic::Min,
        Combine::Max => Statistic::Max,
        Combine::Count => Statistic::Count,
        Combine::Sum | Combine::Multiply | Combine::Divide | Combine::Subtract => Statistic::Sum,
    }
}

/// Wherever at least one input has a point; absent ones are skipped.
fn aggregate(how: Combine, inputs: &[Series]) -> Vec<(i64, f64)> {
    let points = match Grid::filled(inputs) {
        Some(grid) => grid.points(statistic(how)),
        None => {
            let points = by_time(inputs).into_iter().map(|point| (point.time, Bucket::of(point.value)));
            bucketed(points, 1, statistic(how))
        }
    };
    points.into_iter().map(|point| (point.time, point.value)).collect()
}

/// Only where every input has a point.
fn multiply(inputs: &[Series]) -> Vec<(i64, f64)> {
    let points = by_time(inputs);
    let all = points.chunk_by(|a, b| a.time == b.time).filter(|same| same.len() == inputs.len());
    all.filter_map(|same| Some((same.first()?.time, same.iter().map(|point| point.value).product())))
        .collect()
}

/// Only where both have a point. What is divided by zero is not finite and makes none.
fn pairwise(a: &Series, b: &Series, value: fn(f64, f64) -> f64) -> Vec<(i64, f64)> {
    let other: BTreeMap<i64, f64> =
        finite(b.points.iter().map(|p| (p.time, p.value))).iter().map(|p| (p.time, p.value)).collect();
    let both = a.points.iter().filter_map(|p| Some((p.time, value(p.value, *other.get(&p.time)?))));
    both.collect()
}
