//! The tables of series and the journal.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use crate::pattern::fold;
use crate::serve::budget;
use crate::serve::series::points::{Owned, Recent, range};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};
use crate::serve::tsdb::Error;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::{Labels, Series, Stored};
use crate::serve::tsdb::range::TimeRange;

/// The tables, as damage is told of them.
const SERIES: &str = "series";
pub const JOURNAL: &str = "journal";

/// What is written down of the time.
const LAST_SEEN: &str = "last_seen_ms";
const CLOCK_HELD: &str = "clock_held_ms";

/// Series with the metrics they belong to, which come first.
pub type Keys = BTreeSet<(i64, i64)>;

/// Every series of the metric, of both dialects, in order of creation.
pub fn of_metric(tx: &Tx<'_>, metric: i64) -> Result<Vec<Series>, StoreError> {
    let sql = "SELECT id, metric_id, dialect, labels, checksum FROM series WHERE metric_id = ?1 ORDER BY id";
    let mut series = Vec::new();
    tx.each(sql, params![metric], |row| {
        if let Some((_, one)) = series_from_row(row)? {
            budget::hold(one.bytes()).map_err(StoreError::from)?;
            series.push(one);
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(series)
}

/// Those of these series that exist and can be read, in the order in which they are asked for.
pub fn of_ids(tx: &Tx<'_>, ids: &[i64]) -> Result<Vec<Owned>, StoreError> {
    let any = tx.any("id", 1);
    let sql = format!("SELECT id, metric_id, dialect, labels, checksum FROM series WHERE {any}");
    let mut found: HashMap<i64, Owned> = HashMap::new();
    tx.each(&sql, params![ids], |row| {
        found.extend(series_from_row(row)?.map(|owned| (owned.1.id, owned)));
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The labels of a series, unless they are damaged.
pub fn labels(row: &Row<'_>) -> Result<Result<Labels, Error>, StoreError> {
    let (dialect, labels): (&str, &str) = (row.get("dialect")?, row.get("labels")?);
    let stored =
        Stored { dialect: dialect.as_bytes(), labels: labels.as_bytes(), checksum: row.get("checksum")? };
    Ok(Labels::read(row.get("metric_id")?, &stored))
}

/// Nothing for one whose labels are damaged, which is noted.
fn series_from_row(row: &Row<'_>) -> Result<Option<Owned>, StoreError> {
    let (id, metric): (i64, i64) = (row.get("id")?, row.get("metric_id")?);
    match labels(row)? {
        Ok(labels) => Ok(Some((metric, Series { id, labels }))),
        Err(_) => {
            damage::note(SERIES, id);
            Ok(None)
        }
    }
}

/// The metrics of those of these series that exist.
pub fn metrics_of(tx: &Tx<'_>, series: &Vec<i64>) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = format!("SELECT id, metric_id FROM series WHERE {}", tx.any("id", 1));
    let mut found = Vec::new();
    tx.each(&sql, params![series], |row| {
        found.push((row.get("id")?, row.get("metric_id")?));
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The series of these metrics with these labels, in order; made where there is none.
pub fn series(tx: &Tx<'_>, wanted: &[(i64, &Labels)]) -> Result<Vec<i64>, StoreError> {
    let all = Wanted::of(wanted.iter().copied());
    let mut found = all.find(tx)?;
    let missing = || wanted.iter().enumerate().filter(|(at, _)| !found.contains_key(at));
    let places: Vec<usize> = missing().map(|(at, _)| at).collect();
    if !places.is_empty() {
        let new = Wanted::of(missing().map(|(_, one)| *one));
        new.make(tx)?;
        let made = new.find(tx)?;
        found.extend(made.into_iter().filter_map(|(at, id)| Some((*places.get(at)?, id))));
    }
    // Others may delete a metric while its series are made.
    (0..wanted.len()).map(|at| found.remove(&at).ok_or(StoreError::Busy)).collect()
}

/// Series that are looked for, column by column.
#[derive(Default)]
struct Wanted {
    metrics: Vec<i64>,
    dialects: Vec<String>,
    keys: Vec<String>,
    labels: Vec<String>,
    checksums: Vec<i64>,
    /// Names of sources, as they are compared and as they are shown.
    sources: (Vec<String>, Vec<String>),
}

impl Wanted {
    fn of<'l>(all: impl Iterator<Item = (i64, &'l Labels)>) -> Wanted {
        let mut wanted = Wanted::default();
        for (metric, labels) in all {
            let text = labels.text();
            wanted.metrics.push(metric);
            wanted.dialects.push(labels.dialect().to_owned());
            wanted.keys.push(fold(&text));
            wanted.checksums.push(labels.checksum(metric));
            if let Labels::Source(Some(name)) = labels {
                wanted.sources.0.push(fold(name));
                wanted.sources.1.push(name.clone());
            }
            wanted.labels.push(text.into_owned());
        }
        wanted
    }

    /// Their ids, by their places among these.
    fn find(&self, tx: &Tx<'_>) -> Result<HashMap<usize, i64>, StoreError> {
        let sql = "SELECT series.id, wanted.place
            FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS TEXT[]), CAST(?3 AS TEXT[]))
                WITH ORDINALITY AS wanted (metric_id, dialect, key, place)
            JOIN series USING (metric_id, dialect, key)";
        let mut found = HashMap::new();
        tx.each(sql, params![self.metrics, self.dialects, self.keys], |row| {
            found.insert(usize::try_from(row.get::<i64>("place")? - 1).unwrap_or(usize::MAX), row.get("id")?);
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Makes those that are not there. All servers do so in one order, or they would wait for each other.
    fn make(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO series (metric_id, dialect, key, labels, checksum)
            SELECT * FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS TEXT[]), CAST(?3 AS TEXT[]), CAST(?4 AS TEXT[]), CAST(?5 AS BIGINT[]))
                AS new (metric_id, dialect, key, labels, checksum)
            ORDER BY metric_id, dialect, key ON CONFLICT (metric_id, dialect, key) DO NOTHING";
        tx.execute(sql, params![self.metrics, self.dialects, self.keys, self.labels, self.checksums])?;
        let (keys, names) = &self.sources;
        if keys.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO sources (key, name)
            SELECT * FROM unnest(CAST(?1 AS TEXT[]), CAST(?2 AS TEXT[])) AS new (key, name)
            ORDER BY key ON CONFLICT (key) DO NOTHING";
        tx.execute(sql, params![keys, names]).map(drop)
    }
}

/// Goes once through the journal of these parts, for the series that are `wanted`. What came later has the larger id, whichever part it is in.
pub fn recent(
    tx: &Tx<'_>,
    parts: &Vec<i64>,
    wanted: &HashSet<i64>,
    time: TimeRange,
) -> Result<Recent, StoreError> {
    let Some(range) = range(wanted) else { return Ok(Recent::new()) };
    let mut recent = Recent::new();
    let sql = "SELECT id, block FROM journal WHERE part = ANY(?3) AND first_series <= ?2 AND last_series >= ?1 ORDER BY id";
    tx.each(sql, params![*range.start(), *range.end(), parts], |row| {
        let Ok(samples) = journal::open(row.get("block")?) else {
            damage::note(JOURNAL, row.get("id")?);
            return Ok(ControlFlow::Continue(()));
        };
        for sample in &samples {
            if time.contains(sample.time) && wanted.contains(&sample.series) {
                let points = recent.entry(sample.series).or_default();
                if points.len() == points.capacity() {
                    // It is about to double, or to have its first four.
                    budget::hold(size_of::<Point>() * points.capacity().max(5)).map_err(StoreError::from)?;
                }
                points.push(sample.into());
            }
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(recent)
}

/// Deletes about `most` series of a metric, after which no one reads their points. Whether that was the last of them.
pub fn forget(tx: &Tx<'_>, metric: i64, most: usize) -> Result<bool, StoreError> {
    let sql = "DELETE FROM series WHERE id IN (SELECT id FROM series WHERE metric_id = ?1 LIMIT ?2)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(tx.execute(sql, params![metric, most])? < most.unsigned_abs())
}

/// Those of these series that exist.
pub fn existing(tx: &Tx<'_>, series: &Vec<i64>) -> Result<HashSet<i64>, StoreError> {
    let sql = format!("SELECT id FROM series WHERE {}", tx.any("id", 1));
    let mut found = HashSet::new();
    tx.each(&sql, params![series], |row| {
        found.insert(row.get("id")?);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Makes the row of a part, unless it is there.
pub fn make_part(tx: &Tx<'_>, part: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO parts (part, seq) VALUES (?1, 0) ON CONFLICT (part) DO NOTHING";
    if tx.exists("SELECT 1 FROM parts WHERE part = ?1", params![part])? {
        return Ok(());
    }
    tx.execute(sql, params![part]).map(drop)
}

/// Locks a part until the transaction ends; whether no one else had.
pub fn lock_part(tx: &Tx<'_>, part: i64) -> Result<bool, StoreError> {
    tx.exists("SELECT seq FROM parts WHERE part = ?1 FOR UPDATE SKIP LOCKED", params![part])
}

/// The number of the next layer of a part that is locked.
pub fn next_seq(tx: &Tx<'_>, part: i64) -> Result<i64, StoreError> {
    let sql = "UPDATE parts SET seq = seq + 1 WHERE part = ?1 RETURNING seq";
    let seq = tx.one(sql, params![part], |row| row.get("seq"))?;
    seq.ok_or_else(|| StoreError::internal("a part that is locked is not there"))
}

/// Keeps bytes that cannot be read, as they are, out of the way of the others.
pub fn set_aside(tx: &Tx<'_>, origin: &str, row: i64, bytes: &[u8], now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO damaged (found_at, origin, origin_row, bytes) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![now, origin, row, bytes])?;
    tracing::error!(target: "librato_apply::serve", "set aside as damaged: row {row} of {origin}; everything else goes on");
    Ok(())
}

/// A part in whose journal something waits.
pub fn part_of_journal(tx: &Tx<'_>) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT part FROM journal WHERE part = ANY(?1) ORDER BY part LIMIT 1";
    tx.one(sql, params![all_parts(tx)], |row| row.get("part"))
}

/// The parts that have been written.
pub fn parts(tx: &Tx<'_>) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT part FROM parts WHERE part = ANY(?1) ORDER BY part";
    tx.all(sql, params![all_parts(tx)], |row| row.get("part"))
}

/// The parts in which these series lie.
pub fn parts_of(tx: &Tx<'_>, series: &Keys) -> Vec<i64> {
    let parts: BTreeSet<i64> = series.iter().map(|(metric, _)| metric.rem_euclid(tx.parts())).collect();
    Vec::from_iter(parts)
}

/// All that there can be. Where the tables lie on several machines, a statement must say which of them it is about, even if that is all.
pub fn all_parts(tx: &Tx<'_>) -> Vec<i64> {
    (0..tx.parts()).collect()
}

/// The last time of day that was believed, and for how long the clock has been too far off to be, both in milliseconds. The
/// first server begins with its clock.
pub fn horizon(tx: &Tx<'_>, wall: i64) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT value FROM file_properties WHERE key = ?1";
    let number = |key: &str| {
        let text: Option<String> = tx.one(sql, params![key], |row| row.get("value"))?;
        Ok::<_, StoreError>(text.and_then(|text| text.parse::<i64>().ok()))
    };
    Ok((number(LAST_SEEN)?.unwrap_or(wall), number(CLOCK_HELD)?.unwrap_or(0)))
}

/// Writes these down. What another server has seen later stays.
pub fn remember(tx: &Tx<'_>, seen: i64, held: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO file_properties (key, value) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, params![LAST_SEEN, seen.to_string()])?;
    tx.execute(sql, params![CLOCK_HELD, held.to_string()]).map(drop)
}
