//! The leaves of a composite: what one point of a metric is, by the statistic that is asked for.
//! Knows nothing of what is made of them.

use crate::composite::{self, Leaf, Statistic};
use crate::model::PrometheusKind;

use super::mapping::Mapped;
use super::points::{Points, growth};
use super::promql::{Selector, Sign};

/// Whether a leaf inside `map` is that of each source in turn.
pub fn asks_for_each(selector: &composite::Selector) -> bool {
    match selector {
        composite::Selector::Source(source) => source == "&",
        composite::Selector::Tags(tags) => tags.iter().any(|(_, wanted)| wanted == "&"),
    }
}

/// The period of its points where nothing makes them longer.
pub fn own_period(leaf: &Leaf, metric: &Mapped) -> i64 {
    let said = leaf.period.and_then(|period| i64::try_from(period).ok());
    said.unwrap_or(metric.period).max(metric.samples)
}

/// The function of a statistic.
pub fn over_time(function: Statistic) -> &'static str {
    match function {
        Statistic::Min => "min_over_time",
        Statistic::Max => "max_over_time",
        Statistic::Mean => "avg_over_time",
        Statistic::Sum => "sum_over_time",
        Statistic::Count => "count_over_time",
    }
}

/// The points of a leaf, and whether they have the scale of the metric.
pub fn leaf_points(
    function: Statistic,
    metric: &Mapped,
    selector: &Selector,
    period: i64,
    offset: i64,
) -> Option<(Points, bool)> {
    let samples = Points::Samples(selector.clone());
    let total = |suffix| growth(&Points::Samples(selector.with_suffix(suffix)), period, offset);
    let worked = match (metric.kind, function) {
        (PrometheusKind::Gauge, Statistic::Count) => return Some((samples, false)),
        (PrometheusKind::Gauge | PrometheusKind::Counter, _) => return Some((samples, true)),
        (PrometheusKind::Delta, Statistic::Sum) => growth(&samples, period, offset),
        (PrometheusKind::Delta, Statistic::Mean) if metric.period == period => {
            growth(&samples, period, offset)
        }
        (PrometheusKind::Summary, Statistic::Mean) => {
            total("_sum").binary(Sign::By, total("_count").compared(Sign::IsNot, 0.0))
        }
        (PrometheusKind::Summary, Statistic::Sum) => total("_sum"),
        (PrometheusKind::Summary, Statistic::Count) => return Some((Points::Worked(total("_count")), false)),
        (PrometheusKind::Delta | PrometheusKind::Summary, _) => return None,
    };
    Some((Points::Worked(worked), true))
}
