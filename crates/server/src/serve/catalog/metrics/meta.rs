//! What a measurement needs to know of its metric.

use super::metric::{Kind, Metric};

/// Seconds over which measurements are aggregated when the metric has no period.
const AGGREGATED: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricMeta {
    pub id: i64,
    pub kind: Kind,
    /// Seconds over which the service itself aggregates the measurements of one series.
    pub aggregates: Option<i64>,
}

impl MetricMeta {
    pub fn of(metric: &Metric) -> MetricMeta {
        let aggregate = metric.attributes.get("aggregate").is_some_and(|flag| *flag == true);
        let aggregates = aggregate.then(|| metric.period.unwrap_or(AGGREGATED));
        MetricMeta { id: metric.id, kind: metric.kind, aggregates }
    }

    /// Measurements of one time are merged when they are read, so a common time is all that aggregation takes.
    pub fn time(self, time: i64) -> i64 {
        self.aggregates.map_or(time, |period| time - time.rem_euclid(period))
    }
}
