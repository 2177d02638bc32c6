//! The table of metrics. Names are unique without regard to case and keep their first spelling.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::metric::{Kind, Metric};
use crate::serve::changes::Entity;
use crate::serve::names::{Choice, fold};
use crate::serve::refusal::Refusal;
use crate::serve::series;
use crate::serve::store::TimeSlice;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Many, Param, Row, Tx, params};

impl Entity for Metric {
    const KIND: &'static str = "metric";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        json!(self)
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        match self.id {
            0 => Ok(insert(tx, self)?),
            _ => Ok(update(tx, self)?),
        }
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(id_of(tx, &self.name)?)
    }
}

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> Result<Metric, StoreError> {
    Ok(Metric {
        id: row.get("id")?,
        name: row.get("name")?,
        kind: row.word("metrics", "type", Kind::of)?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        period: row.get("period")?,
        source_lag: row.get("source_lag")?,
        composite: row.get("composite")?,
        attributes: row.json("metrics", "attributes")?,
    })
}

/// The id of the metric, also when the rest of it cannot be read.
pub fn id_of(tx: &Tx<'_>, name: &str) -> Result<Option<i64>, StoreError> {
    tx.one("SELECT id FROM metrics WHERE key = ?1", params![fold(name)], |row| row.get("id"))
}

/// The name of the metric with this id, also when the rest of it cannot be read.
pub fn name_of(tx: &Tx<'_>, id: i64) -> Result<Option<String>, StoreError> {
    tx.one("SELECT name FROM metrics WHERE id = ?1", params![id], |row| row.get("name"))
}

/// The metric with this id, unless it was deleted meanwhile.
pub fn get(tx: &Tx<'_>, id: i64) -> Result<Option<Metric>, StoreError> {
    rows::find(tx, "metrics", id, from_row)
}

pub fn find(tx: &Tx<'_>, name: &str) -> Result<Option<Metric>, StoreError> {
    tx.one("SELECT * FROM metrics WHERE key = ?1", params![fold(name)], from_row)
}

/// The types of those metrics that exist, by their folded names.
pub fn kinds(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashMap<String, Kind>, StoreError> {
    let sql = format!("SELECT id, key, type FROM metrics WHERE {}", tx.any("key", 1));
    let found =
        tx.all(&sql, params![keys], |row| Ok((row.get("key")?, row.word("metrics", "type", Kind::of)?)))?;
    Ok(found.into_iter().collect())
}

/// Gives `each` those metrics of these folded names that exist.
pub fn each_of(tx: &Tx<'_>, keys: &Vec<String>, mut each: impl FnMut(&Metric)) -> Result<(), StoreError> {
    let sql = format!("SELECT * FROM metrics WHERE {}", tx.any("key", 1));
    tx.each(&sql, params![keys], |row| {
        each(&from_row(row)?);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}

/// Those metrics of these folded names that exist, by these.
pub fn of_keys(tx: &Tx<'_>, keys: &Vec<String>) -> Result<BTreeMap<String, Metric>, StoreError> {
    let sql = format!("SELECT * FROM metrics WHERE {}", tx.any("key", 1));
    let found = tx.all(&sql, params![keys], |row| Ok((row.get("key")?, from_row(row)?)))?;
    Ok(found.into_iter().collect())
}

/// All composites: their names and definitions.
pub fn composites(tx: &Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT name, composite FROM metrics WHERE composite IS NOT NULL ORDER BY key";
    tx.all(sql, params![], |row| Ok((row.get("name")?, row.get("composite")?)))
}

/// Gives `each` the id, name and type of all metrics that have measurements of their own, by name.
pub fn each_stored<E: From<StoreError>>(
    tx: &Tx<'_>,
    mut each: impl FnMut(i64, &str, Kind) -> Result<(), E>,
) -> Result<(), E> {
    let sql = "SELECT id, name, type FROM metrics WHERE composite IS NULL ORDER BY key";
    tx.each(sql, params![], |row| {
        each(row.get("id")?, row.get("name")?, row.word("metrics", "type", Kind::of)?)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// The folded names of metrics, by their ids.
pub fn keys(tx: &Tx<'_>, ids: &Vec<i64>) -> Result<HashMap<i64, String>, StoreError> {
    let sql = format!("SELECT id, key FROM metrics WHERE {}", tx.any("id", 1));
    let found = tx.all(&sql, params![ids], |row| Ok((row.get("id")?, row.get("key")?)))?;
    Ok(found.into_iter().collect())
}

const INSERT: &str = "INSERT INTO metrics
    (key, name, type, display_name, description, period, source_lag, composite, attributes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Inserts and sets the id.
pub fn insert(tx: &Tx<'_>, metric: &mut Metric) -> Result<(), StoreError> {
    let sql = format!("{INSERT} RETURNING id");
    metric.id = with_values(metric, |values| tx.id(&sql, values))?;
    Ok(())
}

/// Inserts those of these metrics that are not there. They come in order of their folded names, or servers that make the same ones
/// would wait for each other.
pub fn make(tx: &Tx<'_>, metrics: &[Metric]) -> Result<(), StoreError> {
    let sql = format!("{INSERT} ON CONFLICT (key) DO NOTHING");
    let all =
        |many: &mut Many<'_>| metrics.iter().try_for_each(|one| with_values(one, |values| many.run(values)));
    tx.many(&sql, all).map(drop)
}

fn with_values<T>(metric: &Metric, run: impl FnOnce(&[&dyn Param]) -> T) -> T {
    let (key, kind, attributes) =
        (fold(&metric.name), metric.kind.name(), json!(metric.attributes).to_string());
    let Metric { name, display_name, description, period, source_lag, composite, .. } = metric;
    run(params![key, name, kind, display_name, description, period, source_lag, composite, attributes])
}

pub fn update(tx: &Tx<'_>, metric: &Metric) -> Result<(), StoreError> {
    let Metric { id, display_name, description, period, source_lag, composite, .. } = metric;
    let attributes = json!(metric.attributes).to_string();
    let sql = "UPDATE metrics SET display_name = ?2, description = ?3, period = ?4, source_lag = ?5, composite = ?6,
        attributes = ?7 WHERE id = ?1";
    tx.execute(sql, params![id, display_name, description, period, source_lag, composite, attributes])
        .map(drop)
}

/// Deletes the metric and its series.
pub fn delete(tx: &Tx<'_>, id: i64) -> Result<(), StoreError> {
    rows::delete(tx, "metrics", id).map(drop)
}

/// Deletes metrics, the last of `ids` first, until the turn is over; `note` is told of each before it goes. How many are gone.
pub fn delete_many<E: From<StoreError>>(
    tx: &Tx<'_>,
    ids: &[i64],
    slice: TimeSlice,
    note: impl Fn(i64) -> Result<(), E>,
) -> Result<usize, E> {
    // A metric may have tens of thousands of series with thousands of blocks each.
    const SERIES: usize = 100;
    let points = series::of(tx);
    let mut gone = 0;
    for id in ids.iter().rev() {
        while !points.forget(*id, SERIES)? {
            if slice.is_over() {
                return Ok(gone);
            }
        }
        note(*id)?;
        delete(tx, *id)?;
        gone += 1;
        if slice.is_over() {
            break;
        }
    }
    Ok(gone)
}

/// The ids of the metrics in `chosen` but not in `excluded`. Names that do not exist are no error.
pub fn choose(tx: &Tx<'_>, chosen: &Choice, excluded: &Choice) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    tx.each("SELECT id, key FROM metrics ORDER BY id DESC", params![], |row| {
        let key = row.get("key")?;
        if chosen.has(key) && !excluded.has(key) {
            found.push(row.get("id")?);
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
