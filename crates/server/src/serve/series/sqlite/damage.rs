//! Packed values and labels that cannot be trusted: how they are set aside by name so that everything else goes on. What is set
//! aside is kept as it was, in the table `damaged`.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::origin::Origin;
use super::pages;
use crate::serve::store::damage::Damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::labels::{Labels, Stored};
use crate::serve::tsdb::{Error, block, journal};

/// The dialect of a series whose labels were set aside: its points stay until they age, under no name.
pub const DAMAGED: &str = "damaged";

/// The labels of a row of series, which may be damaged.
pub fn stored_labels<'a>(row: &'a Row<'_>) -> rusqlite::Result<Stored<'a>> {
    Ok(Stored {
        dialect: bytes(row, "dialect")?,
        labels: bytes(row, "labels")?,
        checksum: row.get("checksum")?,
    })
}

/// The bytes of a text that may be none any more.
fn bytes<'a>(row: &'a Row<'_>, column: &str) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(column)?.as_bytes_or_null()?.unwrap_or_default())
}

/// A damaged value with what is known of it.
struct Found {
    /// The name of its series, when it has one.
    name: Option<String>,
    series: Option<i64>,
    resolution: Option<i64>,
    start: Option<i64>,
    reason: Error,
    bytes: Vec<u8>,
}

/// Moves the value to where it harms no one; what is then to be logged. Nothing when it is gone, or whole after all.
pub fn set_aside(damage: Damage, connection: &Connection, now: i64) -> Result<Option<String>, StoreError> {
    let Damage { table, row } = damage;
    let Some(origin) = Origin::of(table) else { return Ok(None) };
    let found = match origin {
        Origin::Blocks => block_in(connection, row)?,
        Origin::Pages => page_in(connection, row)?,
        Origin::Journal => row_of_journal(connection, row)?,
        Origin::Series => labels(connection, row)?,
    };
    let Some(found) = found else { return Ok(None) };
    let sql = "INSERT INTO damaged
        (found_at, origin, origin_row, series_id, series, resolution, start, reason, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let Found { name, series, resolution, start, reason, bytes } = found;
    let reason = reason.to_string();
    let values = params![now, table, row, series, name, resolution, start, reason, bytes];
    connection.execute(sql, values)?;
    let sql = match origin {
        Origin::Pages => {
            pages::delete(connection, row)?;
            return Ok(Some(told(table, row, name.as_deref(), resolution, start, &reason)));
        }
        Origin::Blocks | Origin::Journal => format!("DELETE FROM {table} WHERE id = ?1"),
        // Its points would go with it. Whoever sends for these labels again gets a new series.
        Origin::Series => format!("UPDATE series SET dialect = '{DAMAGED}', key = id WHERE id = ?1"),
    };
    connection.execute(&sql, [row])?;
    Ok(Some(told(table, row, name.as_deref(), resolution, start, &reason)))
}

fn block_in(connection: &Connection, id: i64) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT blocks.series_id, resolution, start, block, series.id AS known, metrics.name, labels
        FROM blocks LEFT JOIN series ON series.id = series_id LEFT JOIN metrics ON metrics.id = metric_id
        WHERE blocks.id = ?1";
    let read = |row: &Row<'_>| {
        let (series, resolution, start): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let bytes: Vec<u8> = row.get(3)?;
        let Err(reason) = block::open(series, resolution, start, &bytes) else { return Ok(None) };
        let metric: Option<String> = row.get("name")?;
        let labels = String::from_utf8_lossy(self::bytes(row, "labels")?);
        Ok(Some(Found {
            name: metric.map(|metric| series_name(&metric, &labels)),
            series: row.get("known")?,
            resolution: Some(resolution),
            start: Some(start),
            reason,
            bytes,
        }))
    };
    Ok(connection.query_row(sql, [id], read).optional()?.flatten())
}

/// A page holds many series: it is known of which metrics.
fn page_in(connection: &Connection, id: i64) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT tier, start, block, first, last,
            (SELECT name FROM metrics WHERE id >= first ORDER BY id LIMIT 1) AS from_name,
            (SELECT name FROM metrics WHERE id <= last ORDER BY id DESC LIMIT 1) AS to_name
        FROM pages WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let (resolution, start): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes: Vec<u8> = row.get(2)?;
        let Err(reason) = pages::count(resolution, start, &bytes) else { return Ok(None) };
        let (first, last): (Option<String>, Option<String>) = (row.get("from_name")?, row.get("to_name")?);
        let name = first.zip(last).map(|(first, last)| match first == last {
            true => format!("series of {first}"),
            false => format!("series of {first} to {last}"),
        });
        Ok(Some(Found {
            name,
            series: None,
            resolution: Some(resolution),
            start: Some(start),
            reason,
            bytes,
        }))
    };
    Ok(connection.query_row(sql, [id], read).optional()?.flatten())
}

/// What it was called is known all the same, as it is looked up by: without regard to case.
fn labels(connection: &Connection, id: i64) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT series.id, metric_id, dialect, series.key, labels, checksum, metrics.name
        FROM series JOIN metrics ON metrics.id = metric_id WHERE series.id = ?1";
    let read = |row: &Row<'_>| {
        let stored = stored_labels(row)?;
        if stored.dialect == DAMAGED.as_bytes() {
            return Ok(None);
        }
        let Err(reason) = Labels::read(row.get("metric_id")?, &stored) else { return Ok(None) };
        let name = series_name(&row.get::<_, String>("name")?, &String::from_utf8_lossy(bytes(row, "key")?));
        Ok(Some(Found {
            name: Some(name),
            series: row.get("id")?,
            resolution: None,
            start: None,
            reason,
            bytes: bytes(row, "labels")?.to_owned(),
        }))
    };
    Ok(connection.query_row(sql, [id], read).optional()?.flatten())
}

/// A row holds many series; which ones lies in what is damaged.
fn row_of_journal(connection: &Connection, id: i64) -> Result<Option<Found>, StoreError> {
    let read = |row: &Row<'_>| {
        let bytes: Vec<u8> = row.get(0)?;
        let Err(reason) = journal::open(&bytes) else { return Ok(None) };
        Ok(Some(Found { name: None, series: None, resolution: None, start: row.get(1)?, reason, bytes }))
    };
    let sql = "SELECT block, received_at FROM journal WHERE id = ?1";
    Ok(connection.query_row(sql, [id], read).optional()?.flatten())
}

/// A series as people name it.
fn series_name(metric: &str, labels: &str) -> String {
    match labels {
        "" => metric.to_owned(),
        labels => format!("{metric} {labels}"),
    }
}

/// What was set aside, in a line. `start` is when a block begins or when a row was received.
fn told(
    table: &str,
    row: i64,
    series: Option<&str>,
    resolution: Option<i64>,
    start: Option<i64>,
    reason: &str,
) -> String {
    let time =
        |start: i64| jiff::Timestamp::from_second(start).map_or(start.to_string(), |time| time.to_string());
    let start = start.map_or_else(|| "an unknown time".to_owned(), time);
    match resolution {
        _ if table == Origin::Series.table() => {
            format!("row {row} of {table}, {}, {reason}", series.unwrap_or("of no metric"))
        }
        Some(resolution) => {
            let series = series.unwrap_or("a series that is not known");
            format!("row {row} of {table}, {series} from {start} on at {resolution} s, {reason}")
        }
        None => format!("row {row} of {table}, measurements received at {start}, {reason}"),
    }
}

/// What stands in the table `damaged`, each in a line.
pub fn all_set_aside(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT origin, origin_row, series, resolution, start, reason FROM damaged ORDER BY id";
    let mut select = connection.prepare(sql)?;
    let lines = select.query_map([], |row| {
        let (table, series, reason): (String, Option<String>, String) =
            (row.get(0)?, row.get(2)?, row.get(5)?);
        Ok(told(&table, row.get(1)?, series.as_deref(), row.get(3)?, row.get(4)?, &reason))
    })?;
    lines.collect()
}

/// How many there are.
pub fn count_set_aside(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM damaged", [], |row| row.get(0))
}
