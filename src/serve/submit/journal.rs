//! Writes samples to the journal: finds or makes their metrics and series, then appends one packed row.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::block::{Point, encode};
use super::sample::{Labels, Sample};
use crate::serve::http::problem::Problem;
use crate::serve::metrics::metric::{Changes, Kind, Metric};
use crate::serve::metrics::{self, table};
use crate::serve::names::fold;

/// Seconds over which measurements are aggregated when the metric has no period.
const AGGREGATED: i64 = 60;

/// Stores all of `samples` or none. `agent` is remembered by the metrics that come into being.
pub fn append(
    connection: &Connection,
    samples: &[Sample],
    agent: Option<&str>,
    now: i64,
) -> Result<(), Problem> {
    let mut resolved = Resolved { metrics: HashMap::new(), series: HashMap::new() };
    let mut points = Vec::with_capacity(samples.len());
    for sample in samples {
        let metric = resolved.metric(connection, sample, agent)?;
        let series = resolved.series(connection, metric.id, sample)?;
        points.push(Point { series, time: metric.time(sample.time), stats: sample.stats });
    }
    connection
        .prepare_cached("INSERT INTO journal (received_at, block) VALUES (?1, ?2)")?
        .execute(params![now, encode(&points)])?;
    Ok(())
}

/// What a measurement needs to know of its metric.
#[derive(Clone, Copy)]
struct Known {
    id: i64,
    kind: Kind,
    /// Seconds over which the service itself aggregates the measurements of one series.
    aggregates: Option<i64>,
}

impl Known {
    fn of(metric: &Metric) -> Known {
        let aggregate = metric.attributes.get("aggregate").is_some_and(|flag| *flag == true);
        let aggregates = aggregate.then(|| metric.period.unwrap_or(AGGREGATED));
        Known { id: metric.id, kind: metric.kind, aggregates }
    }

    /// Measurements of one time are merged when they are read, so a common time is all that aggregation takes.
    fn time(self, time: i64) -> i64 {
        self.aggregates.map_or(time, |period| time - time.rem_euclid(period))
    }
}

/// The ids met so far in this request.
struct Resolved<'a> {
    metrics: HashMap<&'a str, Known>,
    series: HashMap<(i64, &'a Labels), i64>,
}

impl<'a> Resolved<'a> {
    fn series(&mut self, connection: &Connection, metric: i64, sample: &'a Sample) -> Result<i64, Problem> {
        if let Some(id) = self.series.get(&(metric, &sample.labels)) {
            return Ok(*id);
        }
        let id = series(connection, metric, &sample.labels)?;
        self.series.insert((metric, &sample.labels), id);
        Ok(id)
    }

    fn metric(
        &mut self,
        connection: &Connection,
        sample: &'a Sample,
        agent: Option<&str>,
    ) -> Result<Known, Problem> {
        if let Some(known) = self.metrics.get(sample.metric.as_str())
            && known.kind == sample.kind
        {
            return Ok(*known);
        }
        let metric = match table::find(connection, &sample.metric)? {
            Some(metric) if metric.kind != sample.kind => return Err(metric.wrong_type()),
            Some(metric) => metric,
            None => {
                let changes = Changes::read(&sample.properties)?;
                metrics::create(connection, &sample.metric, sample.kind, &changes, agent)?
            }
        };
        let known = Known::of(&metric);
        self.metrics.insert(&sample.metric, known);
        Ok(known)
    }
}

fn series(connection: &Connection, metric: i64, labels: &Labels) -> Result<i64, Problem> {
    let text = labels.text();
    let key = fold(&text);
    let mut select = connection
        .prepare_cached("SELECT id FROM series WHERE metric_id = ?1 AND dialect = ?2 AND key = ?3")?;
    if let Some(id) = select.query_row(params![metric, labels.dialect(), key], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO series (metric_id, dialect, key, labels) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![metric, labels.dialect(), key, text])?;
    let id = connection.last_insert_rowid();
    if let Labels::Source(Some(name)) = labels {
        connection
            .prepare_cached("INSERT INTO sources (key, name) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?
            .execute([&key, name])?;
    }
    Ok(id)
}
