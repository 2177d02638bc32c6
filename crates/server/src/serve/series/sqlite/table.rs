//! The tables of series and the journal, which can be read as soon as something was accepted.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::damage::{DAMAGED, stored_labels};
use super::origin::Origin;
use crate::pattern::fold;
use crate::serve::budget;
use crate::serve::series::points::{Owned, Recent};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::journal;
use crate::serve::tsdb::labels::{Labels, Series};
use crate::serve::tsdb::range::TimeRange;

/// Every series of the metric, of both dialects, in order of creation.
pub fn of_metric(connection: &Connection, metric: i64) -> Result<Vec<Series>, StoreError> {
    let sql = "SELECT id, dialect, labels, checksum FROM series
        WHERE metric_id = ?1 AND dialect <> ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let (mut rows, mut series) = (select.query(params![metric, DAMAGED])?, Vec::new());
    while let Some(row) = rows.next()? {
        budget::proceed()?;
        let id = row.get("id")?;
        let Ok(labels) = Labels::read(metric, &stored_labels(row)?) else {
            damage::note(Origin::Series.table(), id);
            continue;
        };
        let one = Series { id, labels };
        budget::hold(one.bytes())?;
        series.push(one);
    }
    Ok(series)
}

/// Those of these series that exist and can be read.
pub fn of_ids(connection: &Connection, ids: &[i64]) -> Result<Vec<Owned>, StoreError> {
    let sql = "SELECT id, metric_id, dialect, labels, checksum FROM series WHERE id = ?1 AND dialect <> ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        budget::proceed()?;
        let mut rows = select.query(params![id, DAMAGED])?;
        let Some(row) = rows.next()? else { continue };
        let metric = row.get("metric_id")?;
        match Labels::read(metric, &stored_labels(row)?) {
            Ok(labels) => found.push((metric, Series { id: *id, labels })),
            Err(_) => damage::note(Origin::Series.table(), *id),
        }
    }
    Ok(found)
}

/// Whether most ids from one to another are among so many.
pub fn is_dense(first: i64, last: i64, count: usize) -> bool {
    last.saturating_sub(first) < 4 * count as i64
}

/// The metric of each of these series, which are in order, as far as they exist.
pub fn metrics_of(connection: &Connection, series: &[i64]) -> Result<Vec<Option<i64>>, StoreError> {
    let Some((first, last)) = series.first().zip(series.last()) else { return Ok(Vec::new()) };
    // Where most of those that lie next to each other are among them they are sooner read one after the other.
    if is_dense(*first, *last, series.len()) {
        let mut metrics = vec![None; series.len()];
        let sql = "SELECT id, metric_id FROM series WHERE id BETWEEN ?1 AND ?2";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([first, last])?;
        while let Some(row) = rows.next()? {
            budget::proceed()?;
            if let Ok(at) = series.binary_search(&row.get(0)?) {
                metrics[at] = Some(row.get(1)?);
            }
        }
        return Ok(metrics);
    }
    let mut select = connection.prepare_cached("SELECT metric_id FROM series WHERE id = ?1")?;
    let one = |id: &i64| {
        budget::proceed()?;
        Ok(select.query_row([id], |row| row.get(0)).optional()?)
    };
    series.iter().map(one).collect()
}

/// Goes through the journal once, for the series that are `wanted`, all of them in `range`.
pub fn recent(
    connection: &Connection,
    range: RangeInclusive<i64>,
    wanted: impl Fn(i64) -> bool,
    time: TimeRange,
) -> Result<Recent, StoreError> {
    let mut recent = Recent::new();
    // Left to itself, SQLite goes through the whole table, which is in order already.
    let sql = "SELECT id, block FROM journal INDEXED BY journal_by_series
        WHERE first_series <= ?2 AND last_series >= ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([range.start(), range.end()])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get("id")?;
        budget::proceed()?;
        let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
        let Ok(samples) = journal::open(packed) else {
            damage::note(Origin::Journal.table(), id);
            continue;
        };
        for sample in &samples {
            if time.contains(sample.time) && wanted(sample.series) {
                let points = recent.entry(sample.series).or_default();
                if points.len() == points.capacity() {
                    // It is about to double, or to have its first four.
                    budget::hold(size_of::<Point>() * points.capacity().max(5))?;
                }
                points.push(sample.into());
            }
        }
    }
    Ok(recent)
}

/// Appends rows to the journal.
pub fn append(connection: &Connection, rows: &[journal::Row], received: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO journal (received_at, first_series, last_series, block) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    for row in rows {
        insert.execute(params![received, row.first, row.last, row.block])?;
    }
    Ok(())
}

/// The series of `metric` with these labels; made where there is none.
pub fn series(connection: &Connection, metric: i64, labels: &Labels) -> Result<i64, StoreError> {
    let text = labels.text();
    let key = fold(&text);
    let mut select = connection
        .prepare_cached("SELECT id FROM series WHERE metric_id = ?1 AND dialect = ?2 AND key = ?3")?;
    if let Some(id) = select.query_row(params![metric, labels.dialect(), key], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let sql = "INSERT INTO series (metric_id, dialect, key, labels, checksum) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        metric,
        labels.dialect(),
        key,
        &*text,
        labels.checksum(metric)
    ])?;
    let id = connection.last_insert_rowid();
    if let Labels::Source(Some(name)) = labels {
        connection
            .prepare_cached("INSERT INTO sources (key, name) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?
            .execute([&key, name])?;
    }
    Ok(id)
}

/// Deletes about `most` series of a metric, after which no one reads their points. Whether that was the last of them.
pub fn forget(connection: &Connection, metric: i64, most: usize) -> Result<bool, StoreError> {
    let sql = "DELETE FROM series WHERE id IN (SELECT id FROM series WHERE metric_id = ?1 LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![metric, most as i64])? < most)
}
