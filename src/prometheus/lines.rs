//! The series that stand at one place of a composite: how several become one set, one series, or their change.
//! Knows nothing of definitions and metrics.

use std::collections::BTreeMap;

use crate::composite::Windowed;

use super::points::{Points, change, reach};
use super::promql::{Expr, Reach, Sign};

/// The label that keeps series apart that have nothing else to tell them by.
pub const SET: &str = "librato_set";

/// Series that stand at one place of a set.
#[derive(Debug, Clone)]
pub struct Line {
    pub expr: Expr,
    /// Its points, for functions over time.
    pub points: Points,
    /// Whether it is one series at most, for each value of what the scope goes by.
    pub single: bool,
    /// Labels that all its series have, and their values.
    pub fixed: BTreeMap<String, String>,
    /// The labels that are left, where some were left out.
    pub labels: Option<Vec<String>>,
    /// Seconds of one point.
    pub period: i64,
}

impl Line {
    /// The same series with what was made of their points.
    pub fn worked(expr: Expr, like: &Self) -> Self {
        Self { points: Points::Worked(expr.clone()), expr, ..like.clone() }
    }
}

/// One set of several, each series with the place it comes from: names do not tell them apart.
pub fn union(lines: Vec<Line>) -> Option<Line> {
    if lines.len() <= 1 {
        return lines.into_iter().next();
    }
    let fixed = common(&lines);
    let period = lines.iter().map(|line| line.period).max()?;
    let text = |text: &str| Expr::Text(text.to_owned());
    let mut marked = lines.into_iter().enumerate().map(|(place, line)| {
        let place = Expr::Text(place.to_string());
        Expr::Call("label_replace", vec![line.expr, text(SET), place, text(""), text("")])
    });
    let first = marked.next()?;
    let expr = marked.fold(first, |left, right| left.binary(Sign::Or, right));
    Some(Line { points: Points::Worked(expr.clone()), expr, single: false, fixed, labels: None, period })
}

/// One series out of all of them, for each value of some labels.
pub fn aggregated(function: &'static str, lines: Vec<Line>, by: &[String]) -> Option<Line> {
    let line = union(lines)?;
    let by = with(by, &line.fixed);
    let expr = Expr::aggregate(function, &by, line.expr.clone());
    Some(Line { single: true, labels: Some(by), ..Line::worked(expr, &line) })
}

/// What was done once for each value of a label is several series for who looks at all of them.
pub fn opened(lines: Vec<Line>) -> Vec<Line> {
    lines.into_iter().map(|line| Line { single: false, fixed: BTreeMap::new(), ..line }).collect()
}

/// The labels that all of them have with the same value.
pub fn common(lines: &[Line]) -> BTreeMap<String, String> {
    let Some((first, rest)) = lines.split_first() else { return BTreeMap::new() };
    let shared =
        |(label, value): &(&String, &String)| rest.iter().all(|line| line.fixed.get(*label) == Some(value));
    first.fixed.iter().filter(shared).map(|(label, value)| (label.clone(), value.clone())).collect()
}

/// Some labels and those that are fixed, in order.
pub fn with(by: &[String], fixed: &BTreeMap<String, String>) -> Vec<String> {
    let mut all: Vec<String> = by.iter().chain(fixed.keys()).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// The change from point to point; a reset counts as growth from zero.
pub fn derived(points: &Points, period: i64, detect_reset: bool) -> Expr {
    let changed = change(points, period, 0);
    if !detect_reset {
        return changed;
    }
    let newest = points.over("last_over_time", period, 0, period).binary(Sign::Plus, Expr::Number(0.0));
    let before = points.over("last_over_time", reach(period), period, period);
    changed.compared(Sign::AtLeast, 0.0).binary(Sign::Or, newest.binary(Sign::And, before))
}

/// A function over a length of time.
pub fn windowed(function: Windowed, of: Expr, length: i64, step: i64) -> Expr {
    let function = match function {
        Windowed::Mean => "avg_over_time",
        Windowed::Sum => "sum_over_time",
        Windowed::Min => "min_over_time",
        Windowed::Max => "max_over_time",
        Windowed::Median => {
            let reach = Reach { length, offset: 0, step };
            return Expr::Over { function: "quantile_over_time", first: Some(0.5), of: Box::new(of), reach };
        }
    };
    Expr::over(function, of, length, 0, step)
}
