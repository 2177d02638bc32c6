//! Writes samples to the journal: finds or makes their metrics and series, then appends packed rows. Large requests
//! do the first in turns with others; the rows come in one transaction, so measurements are stored whole or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension as _, params};

use super::block::{Point, encode};
use super::known::{Facts, Found, Known};
use super::sample::{Labels, Sample};
use crate::serve::http::problem::Problem;
use crate::serve::metrics::metric::{Changes, Metric};
use crate::serve::metrics::{self, table};
use crate::serve::names::fold;
use crate::serve::series::damage::{seal_row, sum_labels};
use crate::serve::store::Turn;
use crate::serve::store::tx::Tx;

/// Points in one row: what reads some series goes through all of a row that has any of them.
const AT_MOST: usize = 1000;

/// Stores all of `samples` or none. `agent` is remembered by the metrics that come into being. Returns what was not known.
pub fn append(
    connection: &Tx<'_>,
    samples: &[Sample],
    agent: Option<&str>,
    known: &Known,
    now: i64,
) -> Result<Found, Problem> {
    let resolved = resolve(connection, samples, agent, known, Turn::whole())?;
    insert(connection, &rows(&resolved.points), now)?;
    Ok(resolved.found)
}

/// A row of the journal that does not stand there yet.
pub struct Row {
    /// The smallest and the largest id of a series in it.
    first: i64,
    last: i64,
    block: Vec<u8>,
}

/// As many rows as it takes for points, in their order.
pub fn rows(points: &[Point]) -> Vec<Row> {
    points.chunks(AT_MOST).map(Row::of).collect()
}

impl Row {
    fn of(points: &[Point]) -> Row {
        let series = || points.iter().map(|point| point.series);
        let (first, last) = (series().min().unwrap_or_default(), series().max().unwrap_or_default());
        Row { first, last, block: seal_row(&encode(points)) }
    }

    fn insert(&self, connection: &Tx<'_>, now: i64) -> Result<(), Problem> {
        let sql =
            "INSERT INTO journal (received_at, first_series, last_series, block) VALUES (?1, ?2, ?3, ?4)";
        connection.prepare_cached(sql)?.execute(params![now, self.first, self.last, self.block])?;
        Ok(())
    }
}

/// Appends all of them.
pub fn insert(connection: &Tx<'_>, rows: &[Row], now: i64) -> Result<(), Problem> {
    rows.iter().try_for_each(|row| row.insert(connection, now))
}

/// Refuses what [`resolve`] would refuse, without making anything.
pub fn check(connection: &Tx<'_>, samples: &[Sample]) -> Result<(), Problem> {
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

/// What the first of some samples became.
pub struct Resolved {
    pub points: Vec<Point>,
    pub found: Found,
}

impl Resolved {
    pub fn new(known: &Known) -> Resolved {
        Resolved { points: Vec::new(), found: known.found() }
    }

    /// Adds what came of the samples that follow.
    pub fn add(&mut self, more: Resolved) {
        self.points.extend(more.points);
        self.found.add(more.found);
    }
}

/// Resolves `samples`, with their metrics and series, until the turn is over: all of them or the first ones.
pub fn resolve(
    connection: &Tx<'_>,
    samples: &[Sample],
    agent: Option<&str>,
    known: &Known,
    turn: Turn,
) -> Result<Resolved, Problem> {
    let Resolved { mut points, mut found } = Resolved::new(known);
    points.reserve(samples.len());
    let (metrics, series) = (HashMap::new(), HashMap::new());
    let mut look_up = LookUp { connection, agent, known, found: &mut found, metrics, series };
    for sample in samples {
        let metric = look_up.metric(sample)?;
        let series = look_up.series(metric.id, &sample.labels)?;
        points.push(Point { series, time: metric.time(sample.time), stats: sample.stats });
        if turn.is_over() {
            break;
        }
    }
    Ok(Resolved { points, found })
}

/// Finds metrics and series, or makes them: in what is known, among those met in this turn, in the tables.
struct LookUp<'a> {
    connection: &'a Tx<'a>,
    agent: Option<&'a str>,
    known: &'a Known,
    found: &'a mut Found,
    metrics: HashMap<&'a str, Facts>,
    series: HashMap<(i64, &'a Labels), i64>,
}

impl<'a> LookUp<'a> {
    fn metric(&mut self, sample: &'a Sample) -> Result<Facts, Problem> {
        let known = self.metrics.get(sample.metric.as_str()).copied();
        if let Some(facts) = known.or_else(|| self.known.metric(&sample.metric))
            && facts.kind == sample.kind
        {
            return Ok(facts);
        }
        let metric = match table::find(self.connection, &sample.metric)? {
            Some(metric) if metric.kind != sample.kind => return Err(metric.wrong_type()),
            Some(metric) => metric,
            None => {
                let changes = Changes::read(&sample.properties)?;
                metrics::create(self.connection, &sample.metric, sample.kind, &changes, self.agent)?
            }
        };
        let facts = Facts::of(&metric);
        self.metrics.insert(&sample.metric, facts);
        self.found.metric(&sample.metric, facts);
        Ok(facts)
    }

    fn series(&mut self, metric: i64, labels: &'a Labels) -> Result<i64, Problem> {
        let met = self.series.get(&(metric, labels)).copied();
        if let Some(id) = met.or_else(|| self.known.series(metric, labels)) {
            return Ok(id);
        }
        let id = series(self.connection, metric, labels)?;
        self.series.insert((metric, labels), id);
        self.found.series(metric, labels, id);
        Ok(id)
    }
}

fn series(connection: &Tx<'_>, metric: i64, labels: &Labels) -> Result<i64, Problem> {
    let text = labels.text();
    let key = fold(&text);
    let mut select = connection
        .prepare_cached("SELECT id FROM series WHERE metric_id = ?1 AND dialect = ?2 AND key = ?3")?;
    if let Some(id) = select.query_row(params![metric, labels.dialect(), key], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    connection
        .prepare_cached(
            "INSERT INTO series (metric_id, dialect, key, labels, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            metric,
            labels.dialect(),
            key,
            &*text,
            sum_labels(metric, labels.dialect().as_bytes(), text.as_bytes())
        ])?;
    let id = connection.last_insert_rowid();
    if let Labels::Source(Some(name)) = labels {
        connection
            .prepare_cached("INSERT INTO sources (key, name) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?
            .execute([&key, name])?;
    }
    Ok(id)
}
