//! The table of metrics. Names are unique without regard to case and keep their first spelling.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;

use super::metric::{Kind, Metric};
use crate::serve::budget;
use crate::serve::http::problem::Problem;
use crate::serve::names::{Choice, fold};
use crate::serve::store::{Turn, column};

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Metric> {
    Ok(Metric {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: column::word(row, "metrics", "type", Kind::of)?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        period: row.get("period")?,
        source_lag: row.get("source_lag")?,
        composite: row.get("composite")?,
        attributes: column::json(row, "metrics", "attributes")?,
    })
}

/// The id of the metric, also when the rest of it cannot be read.
pub fn id_of(connection: &Connection, name: &str) -> Result<Option<i64>, Problem> {
    let mut select = connection.prepare_cached("SELECT id FROM metrics WHERE key = ?1")?;
    Ok(select.query_row([fold(name)], |row| row.get(0)).optional()?)
}

/// The metric with this id, unless it was deleted meanwhile.
pub fn get(connection: &Connection, id: i64) -> Result<Option<Metric>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM metrics WHERE id = ?1")?;
    Ok(select.query_row([id], from_row).optional()?)
}

pub fn find(connection: &Connection, name: &str) -> Result<Option<Metric>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM metrics WHERE key = ?1")?;
    Ok(select.query_row([fold(name)], from_row).optional()?)
}

/// Inserts and sets the id.
pub fn insert(connection: &Connection, metric: &mut Metric) -> Result<(), Problem> {
    let sql = "INSERT INTO metrics
        (key, name, type, display_name, description, period, source_lag, composite, attributes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    connection.prepare_cached(sql)?.execute(params![
        fold(&metric.name),
        metric.name,
        metric.kind.name(),
        metric.display_name,
        metric.description,
        metric.period,
        metric.source_lag,
        metric.composite,
        json!(metric.attributes).to_string(),
    ])?;
    metric.id = connection.last_insert_rowid();
    Ok(())
}

pub fn update(connection: &Connection, metric: &Metric) -> Result<(), Problem> {
    let sql = "UPDATE metrics SET display_name = ?2, description = ?3, period = ?4, source_lag = ?5, composite = ?6,
        attributes = ?7 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        metric.id,
        metric.display_name,
        metric.description,
        metric.period,
        metric.source_lag,
        metric.composite,
        json!(metric.attributes).to_string(),
    ])?;
    Ok(())
}

/// Deletes the metric and its series.
pub fn delete(connection: &Connection, id: i64) -> Result<(), Problem> {
    connection.prepare_cached("DELETE FROM metrics WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Deletes metrics, the last of `ids` first, until the turn is over. Whether all are gone.
pub fn delete_many(connection: &Connection, ids: &mut Vec<i64>, turn: Turn) -> Result<bool, Problem> {
    // A metric may have tens of thousands of series with thousands of blocks each.
    const SERIES: usize = 100;
    let sql =
        format!("DELETE FROM series WHERE id IN (SELECT id FROM series WHERE metric_id = ?1 LIMIT {SERIES})");
    while let Some(id) = ids.last() {
        if connection.prepare_cached(&sql)?.execute([id])? < SERIES {
            delete(connection, *id)?;
            ids.pop();
        }
        if turn.is_over() {
            break;
        }
    }
    Ok(ids.is_empty())
}

/// The ids of the metrics in `chosen` but not in `excluded`. Names that do not exist are no error.
pub fn choose(connection: &Connection, chosen: &Choice, excluded: &Choice) -> Result<Vec<i64>, Problem> {
    let mut select = connection.prepare_cached("SELECT id, key FROM metrics ORDER BY id DESC")?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        budget::proceed()?;
        let key = row.get_ref("key")?.as_str().map_err(Problem::internal)?;
        if chosen.has(key) && !excluded.has(key) {
            found.push(row.get("id")?);
        }
    }
    Ok(found)
}
