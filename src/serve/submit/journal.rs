//! Writes samples to the journal: finds or makes their metrics and series, then appends one packed row. Large requests
//! do the first in turns with others; the row is always one, so measurements are stored whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::block::{Point, encode};
use super::sample::{Labels, Sample};
use crate::serve::http::problem::Problem;
use crate::serve::metrics::metric::{Changes, Kind, Metric};
use crate::serve::metrics::{self, table};
use crate::serve::names::fold;
use crate::serve::store::Turn;

/// Seconds over which measurements are aggregated when the metric has no period.
const AGGREGATED: i64 = 60;

/// Stores all of `samples` or none. `agent` is remembered by the metrics that come into being.
pub fn append(
    connection: &Connection,
    samples: &[Sample],
    agent: Option<&str>,
    now: i64,
) -> Result<(), Problem> {
    let mut points = Vec::with_capacity(samples.len());
    resolve(connection, samples, &mut points, agent, Turn::whole())?;
    insert(connection, &encode(&points), now)
}

/// Appends a row that [`encode`] made.
pub fn insert(connection: &Connection, block: &[u8], now: i64) -> Result<(), Problem> {
    let sql = "INSERT INTO journal (received_at, block) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![now, block])?;
    Ok(())
}

/// Refuses what [`resolve`] would refuse, without making anything.
pub fn check(connection: &Connection, samples: &[Sample]) -> Result<(), Problem> {
    let mut metrics: HashMap<String, Metric> = HashMap::new();
    for sample in samples {
        let metric = match metrics.entry(fold(&sample.metric)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(match table::find(connection, &sample.metric)? {
                Some(metric) => metric,
                None => {
                    let mut metric = Metric::new(&sample.metric, sample.kind, None);
                    Changes::read(&sample.properties)?.apply(&mut metric)?;
                    metric
                }
            }),
        };
        if metric.kind != sample.kind {
            return Err(metric.wrong_type());
        }
    }
    Ok(())
}

/// Goes on making `points` of `samples`, with their metrics and series, until the turn is over. Whether all are made.
pub fn resolve(
    connection: &Connection,
    samples: &[Sample],
    points: &mut Vec<Point>,
    agent: Option<&str>,
    turn: Turn,
) -> Result<bool, Problem> {
    let mut resolved = Resolved { metrics: HashMap::new(), series: HashMap::new() };
    for sample in samples.iter().skip(points.len()) {
        let metric = resolved.metric(connection, sample, agent)?;
        let series = resolved.series(connection, metric.id, sample)?;
        points.push(Point { series, time: metric.time(sample.time), stats: sample.stats });
        if turn.is_over() {
            break;
        }
    }
    Ok(points.len() == samples.len())
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
