//! What one point of a metric is, as an expression, and what lies between two points.
//! Knows nothing of thresholds and of how points are put together.

use crate::model::{PrometheusKind, SummaryFunction};

use super::mapping::{Companion, Mapped};
use super::promql::{Expr, Selector, Sign};

/// What points are made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Points {
    /// Each sample is one.
    Samples(Selector),
    /// They are worked out, one a period.
    Worked(Expr),
}

impl Points {
    /// A function over those of a stretch of time.
    pub fn over(&self, function: &'static str, length: i64, offset: i64, period: i64) -> Expr {
        let of = match self {
            Self::Samples(selector) => Expr::Series(selector.clone()),
            Self::Worked(expr) => expr.clone(),
        };
        Expr::over(function, of, length, offset, period)
    }

    /// The point of the last period, worked out.
    pub fn newest(&self, period: i64) -> Expr {
        match self {
            Self::Samples(_) => self.over("last_over_time", period, 0, period),
            Self::Worked(expr) => expr.clone(),
        }
    }
}

/// How far back the point before the newest one is looked for.
pub fn reach(period: i64) -> i64 {
    period.saturating_mul(3).max(900)
}

/// The newest point less the one before it, some time ago.
pub fn change(points: &Points, period: i64, offset: i64) -> Expr {
    let newest = points.over("last_over_time", period, offset, period);
    let before = points.over("last_over_time", reach(period), offset.saturating_add(period), period);
    newest.binary(Sign::Minus, before)
}

/// The same where a decrease is none.
pub fn growth(points: &Points, period: i64, offset: i64) -> Expr {
    Expr::Call("clamp_min", vec![change(points, period, offset), Expr::Number(0.0)])
}

/// The points of some series of a metric by a statistic, and whether they have its scale; `None` where there are none.
pub fn points(
    metric: &Mapped,
    series: &Selector,
    function: SummaryFunction,
    detect_reset: bool,
) -> Option<(Points, bool)> {
    use PrometheusKind::{Counter, Delta, Gauge, Stats, Summary};
    use SummaryFunction::{AbsoluteValue, Average, Count, Derivative, Max, Min, Sum};
    let period = metric.period;
    let samples = Points::Samples(series.clone());
    let over = |function| Points::Worked(samples.over(function, period, 0, period));
    let several = metric.samples < period;
    let difference = |points: &Points| {
        Points::Worked(if detect_reset { growth(points, period, 0) } else { change(points, period, 0) })
    };
    let part = |what| Some(growth(&Points::Samples(metric.companion(series, what)?), period, 0));
    if let Some(own) = of_companion(metric, series, function, several) {
        return Some((own, function != Count));
    }
    let points = match (metric.kind, function) {
        (Stats, Average) if several => {
            let total = |what| Some(in_total(metric.companion(series, what)?, period, 0));
            Points::Worked(total(Companion::Sum)?.binary(Sign::By, total(Companion::Count)?))
        }
        (Stats, Average) => samples,
        (Stats, Derivative) => difference(&samples),
        (Gauge, Average) if several => over("avg_over_time"),
        (Gauge, Min) if several => over("min_over_time"),
        (Gauge, Max) if several => over("max_over_time"),
        (Gauge, Sum) if several => over("sum_over_time"),
        (Gauge, Average | Min | Max | Sum) | (Counter, AbsoluteValue) => samples,
        (Gauge, Count) => return Some((over("count_over_time"), false)),
        (Gauge | Counter, Derivative) => difference(&samples),
        (Delta, Average | Min | Max | Sum) => Points::Worked(growth(&samples, period, 0)),
        (Summary, Average) => {
            let count = part(Companion::Count)?.compared(Sign::IsNot, 0.0);
            Points::Worked(part(Companion::Sum)?.binary(Sign::By, count))
        }
        (Summary, Sum) => Points::Worked(part(Companion::Sum)?),
        (Summary, Count) => return Some((Points::Worked(part(Companion::Count)?), false)),
        (Gauge, AbsoluteValue)
        | (Counter, Average | Min | Max | Sum | Count)
        | (Delta, Count | Derivative | AbsoluteValue)
        | (Summary, Min | Max | Derivative | AbsoluteValue)
        | (Stats, Min | Max | Sum | Count | AbsoluteValue) => return None,
    };
    Some((points, true))
}

/// How much was counted in each of some stretches of time.
pub fn in_total(series: Selector, period: i64, offset: i64) -> Expr {
    Points::Samples(series).over("sum_over_time", period, offset, period)
}

/// The points of a statistic that has series of its own.
fn of_companion(
    metric: &Mapped,
    series: &Selector,
    function: SummaryFunction,
    several: bool,
) -> Option<Points> {
    let (what, over) = match function {
        SummaryFunction::Sum => (Companion::Sum, "sum_over_time"),
        SummaryFunction::Count => (Companion::Count, "sum_over_time"),
        SummaryFunction::Min => (Companion::Min, "min_over_time"),
        SummaryFunction::Max => (Companion::Max, "max_over_time"),
        _ => return None,
    };
    // the totals of a summary only grow
    if metric.kind == PrometheusKind::Summary && matches!(what, Companion::Sum | Companion::Count) {
        return None;
    }
    let own = Points::Samples(metric.companion(series, what)?);
    Some(if several { Points::Worked(own.over(over, metric.period, 0, metric.period)) } else { own })
}
