//! Writes samples to the journal: finds or makes their metrics and series, then appends one packed row.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::block::{Point, encode};
use super::sample::{Labels, Sample};
use crate::serve::http::problem::Problem;
use crate::serve::metrics::metric::{Changes, Kind};
use crate::serve::metrics::{self, table};
use crate::serve::names::fold;

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
        let series = resolved.series(connection, sample, agent)?;
        points.push(Point { series, time: sample.time, stats: sample.stats });
    }
    connection
        .prepare_cached("INSERT INTO journal (received_at, block) VALUES (?1, ?2)")?
        .execute(params![now, encode(&points)])?;
    Ok(())
}

/// The ids met so far in this request.
struct Resolved<'a> {
    metrics: HashMap<&'a str, (i64, Kind)>,
    series: HashMap<(i64, &'a Labels), i64>,
}

impl<'a> Resolved<'a> {
    fn series(
        &mut self,
        connection: &Connection,
        sample: &'a Sample,
        agent: Option<&str>,
    ) -> Result<i64, Problem> {
        let metric = self.metric(connection, sample, agent)?;
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
    ) -> Result<i64, Problem> {
        if let Some((id, kind)) = self.metrics.get(sample.metric.as_str())
            && *kind == sample.kind
        {
            return Ok(*id);
        }
        let metric = match table::find(connection, &sample.metric)? {
            Some(metric) if metric.kind != sample.kind => return Err(metric.wrong_type()),
            Some(metric) => metric,
            None => {
                let changes = Changes::read(&sample.properties)?;
                metrics::create(connection, &sample.metric, sample.kind, &changes, agent)?
            }
        };
        self.metrics.insert(&sample.metric, (metric.id, metric.kind));
        Ok(metric.id)
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
    Ok(connection.last_insert_rowid())
}
