//! The tables of spaces, charts, and the streams of charts and instruments.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::chart::Chart;
use crate::serve::http::by_id;
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::names::fold;
use crate::serve::store::column;

/// A space, without its charts. Names need not be unique.
#[derive(Default)]
pub struct Space {
    pub id: i64,
    pub name: String,
    /// Whether it is for tagged metrics, as far as its maker said.
    pub tags: Option<bool>,
}

impl Space {
    pub fn shown(&self) -> Value {
        let mut shown = json!({ "id": self.id, "name": self.name });
        if let Some(tags) = self.tags {
            shown["tags"] = json!(tags);
        }
        shown
    }

    /// From a row that has the columns of the table.
    pub fn from_row(row: &Row<'_>) -> rusqlite::Result<Space> {
        Ok(Space { id: row.get("id")?, name: row.get("name")?, tags: row.get("tags")? })
    }
}

pub fn find(connection: &Connection, id: i64) -> Result<Space, Problem> {
    by_id::find(connection, "spaces", id, Space::from_row)
}

/// Writes the space, inserting it when it has no id yet.
pub fn save(connection: &Connection, space: &mut Space) -> Result<(), Problem> {
    let sql = "INSERT INTO spaces (id, key, name, tags) VALUES (nullif(?1, 0), ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name, tags = excluded.tags
        RETURNING id";
    let values = params![space.id, fold(&space.name), space.name, space.tags];
    space.id = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    Ok(())
}

/// The charts of a space in the order they were made.
pub fn charts(connection: &Connection, space: i64) -> Result<Vec<Chart>, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM charts WHERE space_id = ?1 ORDER BY id")?;
    let charts = by_id::rows(select.query([space])?, chart_from_row)?;
    charts.into_iter().map(|chart| with_streams(connection, chart)).collect()
}

pub fn find_chart(connection: &Connection, space: i64, id: i64) -> Result<Chart, Problem> {
    let mut select = connection.prepare_cached("SELECT * FROM charts WHERE space_id = ?1 AND id = ?2")?;
    let found = select.query_row([space, id], chart_from_row).optional()?;
    with_streams(connection, found.ok_or_else(Problem::not_found)?)
}

/// Whether any space has this chart.
pub fn chart_exists(connection: &Connection, id: i64) -> Result<bool, Problem> {
    Ok(connection.prepare_cached("SELECT 1 FROM charts WHERE id = ?1")?.exists([id])?)
}

fn chart_from_row(row: &Row<'_>) -> rusqlite::Result<Chart> {
    let body = column::json(row, "charts", "body")?;
    Ok(Chart { id: row.get("id")?, body, streams: Vec::new() })
}

fn with_streams(connection: &Connection, chart: Chart) -> Result<Chart, Problem> {
    let streams = streams(connection, Owner::Chart(chart.id))?;
    Ok(Chart { streams, ..chart })
}

/// Inserts the chart with its streams and sets their ids.
pub fn insert_chart(connection: &Connection, space: i64, chart: &mut Chart) -> Result<(), Problem> {
    let sql = "INSERT INTO charts (space_id, body) VALUES (?1, ?2)";
    connection.execute(sql, params![space, json!(chart.body).to_string()])?;
    chart.id = connection.last_insert_rowid();
    save_streams(connection, Owner::Chart(chart.id), &mut chart.streams)
}

pub fn update_chart(connection: &Connection, chart: &mut Chart, has_streams: bool) -> Result<(), Problem> {
    let sql = "UPDATE charts SET body = ?2 WHERE id = ?1";
    connection.execute(sql, params![chart.id, json!(chart.body).to_string()])?;
    if has_streams {
        save_streams(connection, Owner::Chart(chart.id), &mut chart.streams)?;
    }
    Ok(())
}

pub fn delete_chart(connection: &Connection, space: i64, id: i64) -> Result<(), Problem> {
    match connection.execute("DELETE FROM charts WHERE space_id = ?1 AND id = ?2", [space, id])? {
        0 => Err(Problem::not_found()),
        _ => Ok(()),
    }
}

/// What streams belong to.
#[derive(Clone, Copy)]
pub enum Owner {
    Chart(i64),
    Instrument(i64),
}

impl Owner {
    fn column(self) -> (&'static str, i64) {
        match self {
            Owner::Chart(id) => ("chart_id", id),
            Owner::Instrument(id) => ("instrument_id", id),
        }
    }
}

/// The streams in their order, each beginning with its id.
pub fn streams(connection: &Connection, owner: Owner) -> Result<Vec<Object>, Problem> {
    let (column, id) = owner.column();
    let sql = format!("SELECT id, body FROM streams_of_charts WHERE {column} = ?1 ORDER BY id");
    let mut select = connection.prepare_cached(&sql)?;
    let stream = |row: &Row<'_>| {
        let body: Object = column::json(row, "streams_of_charts", "body")?;
        let mut stream = Object::from_iter([("id".to_owned(), json!(row.get::<_, i64>("id")?))]);
        stream.extend(body);
        Ok(stream)
    };
    by_id::rows(select.query([id])?, stream)
}

/// Replaces the streams; every one gets a new id, put in front.
pub fn save_streams(connection: &Connection, owner: Owner, streams: &mut [Object]) -> Result<(), Problem> {
    let (column, id) = owner.column();
    connection
        .prepare_cached(&format!("DELETE FROM streams_of_charts WHERE {column} = ?1"))?
        .execute([id])?;
    let sql = format!("INSERT INTO streams_of_charts ({column}, body) VALUES (?1, ?2)");
    let mut insert = connection.prepare_cached(&sql)?;
    for stream in streams {
        insert.execute(params![id, json!(stream).to_string()])?;
        let body = std::mem::take(stream);
        *stream = Object::from_iter([("id".to_owned(), json!(connection.last_insert_rowid()))]);
        stream.extend(body);
    }
    Ok(())
}
