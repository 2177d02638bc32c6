//! The table of metrics. Names are unique without regard to case and keep their first spelling.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;

use super::metric::{Kind, Metric};
use crate::serve::http::problem::Problem;
use crate::serve::names::{fold, matches};

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Metric> {
    Ok(Metric {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: Kind::of(row.get_ref("type")?.as_str()?).unwrap_or(Kind::Gauge),
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        period: row.get("period")?,
        source_lag: row.get("source_lag")?,
        composite: row.get("composite")?,
        attributes: serde_json::from_str(row.get_ref("attributes")?.as_str()?).unwrap_or_default(),
    })
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

/// A choice of metrics by names and `*` patterns.
pub struct Choice {
    names: HashSet<String>,
    patterns: Vec<String>,
}

impl Choice {
    pub fn new(texts: &[String]) -> Choice {
        let (patterns, names): (Vec<_>, Vec<_>) =
            texts.iter().map(|text| fold(text)).partition(|text| text.contains('*'));
        Choice { names: names.into_iter().collect(), patterns }
    }

    fn has(&self, key: &str) -> bool {
        self.names.contains(key) || self.patterns.iter().any(|pattern| matches(pattern, key))
    }
}

/// The metrics in `chosen` but not in `excluded`. Names that do not exist are no error.
pub fn choose(connection: &Connection, chosen: &Choice, excluded: &Choice) -> Result<Vec<Metric>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM metrics ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = row.get_ref("key")?.as_str().map_err(Problem::internal)?;
        if chosen.has(key) && !excluded.has(key) {
            found.push(from_row(row)?);
        }
    }
    Ok(found)
}
