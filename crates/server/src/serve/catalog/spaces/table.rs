//! The tables of spaces, charts, and the streams of charts and instruments.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::chart::Chart;
use crate::serve::changes::Entity;
use crate::serve::changes::by_id;
use crate::serve::http::fields::Object;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

/// A space, without its charts. Names need not be unique.
#[derive(Default)]
pub struct Space {
    pub id: i64,
    pub name: String,
    /// Whether it is for tagged metrics, as far as its maker said.
    pub tags: Option<bool>,
    /// The ids of its charts, for those who look at the space alone.
    pub charts: Vec<i64>,
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
    pub fn from_row(row: &Row<'_>) -> Result<Space, StoreError> {
        Ok(Space { id: row.get("id")?, name: row.get("name")?, tags: row.get("tags")?, charts: Vec::new() })
    }
}

impl Entity for Space {
    const KIND: &'static str = "space";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        Ok(save(tx, self)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::titled(tx, "spaces", "name", &fold(&self.name), &self.name)?)
    }
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Space, Refusal> {
    by_id::find(tx, "spaces", id, Space::from_row)
}

/// Writes the space, inserting it when it has no id yet.
pub fn save(tx: &Tx<'_>, space: &mut Space) -> Result<(), StoreError> {
    let (key, Space { id, name, tags, .. }) = (fold(&space.name), space);
    if *id == 0 {
        let sql = "INSERT INTO spaces (key, name, tags) VALUES (?1, ?2, ?3) RETURNING id";
        *id = tx.id(sql, params![key, name, tags])?;
        return Ok(());
    }
    let sql = "UPDATE spaces SET key = ?1, name = ?2, tags = ?3 WHERE id = ?4";
    tx.execute(sql, params![key, name, tags, id]).map(drop)
}

/// The charts of a space in the order they were made.
pub fn charts(tx: &Tx<'_>, space: i64) -> Result<Vec<Placed>, StoreError> {
    let sql = "SELECT * FROM charts WHERE space_id = ?1 ORDER BY id";
    let mut charts = tx.all(sql, params![space], chart_from_row)?;
    let ids: Vec<i64> = charts.iter().map(|chart| chart.id).collect();
    let mut streams = streams(tx, Owner::Chart, &ids)?;
    for chart in &mut charts {
        chart.streams = streams.remove(&chart.id).unwrap_or_default();
    }
    Ok(charts.into_iter().map(|chart| Placed { space, chart, has_streams: false }).collect())
}

/// The ids of the charts of a space in the order they were made.
pub fn chart_ids(tx: &Tx<'_>, space: i64) -> Result<Vec<i64>, StoreError> {
    tx.all("SELECT id FROM charts WHERE space_id = ?1 ORDER BY id", params![space], |row| row.get("id"))
}

pub fn find_chart(tx: &Tx<'_>, space: i64, id: i64) -> Result<Placed, Refusal> {
    let sql = "SELECT * FROM charts WHERE space_id = ?1 AND id = ?2";
    let found = tx.one(sql, params![space, id], chart_from_row)?;
    let mut chart = found.ok_or(Refusal::Missing)?;
    chart.streams = streams(tx, Owner::Chart, &[id])?.remove(&id).unwrap_or_default();
    Ok(Placed { space, chart, has_streams: false })
}

/// A chart in its space.
pub struct Placed {
    pub space: i64,
    pub chart: Chart,
    /// Whether a change brought streams, which then take the place of those that were there.
    pub has_streams: bool,
}

impl Placed {
    fn key(chart: &Chart) -> &str {
        chart.body.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Entity for Placed {
    const KIND: &'static str = "chart";

    fn id(&self) -> i64 {
        self.chart.id
    }

    fn name(&self) -> String {
        self.chart.body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn whole(&self) -> Value {
        let mut whole = json!(self.chart.shown());
        whole["space_id"] = json!(self.space);
        whole
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        match self.chart.id {
            0 => Ok(insert_chart(tx, self.space, &mut self.chart)?),
            _ => Ok(update_chart(tx, &mut self.chart, self.has_streams)?),
        }
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        let sql = "SELECT * FROM charts WHERE space_id = ?1 ORDER BY id";
        let charts = tx.all(sql, params![self.space], chart_from_row)?;
        let key = Placed::key(&self.chart);
        Ok(charts.iter().find(|chart| Placed::key(chart) == key).map(|chart| chart.id))
    }
}

/// A chart that is named elsewhere.
pub struct Used {
    pub space: i64,
    pub space_name: String,
    pub chart: i64,
    pub chart_name: String,
}

/// The charts that have a stream which is `wanted`. Looks at the streams of all charts.
pub fn charts_with(tx: &Tx<'_>, wanted: &dyn Fn(&Object) -> bool) -> Result<Vec<Used>, StoreError> {
    let mut ids: Vec<i64> = Vec::new();
    let sql = "SELECT id, chart_id, body FROM streams_of_charts WHERE chart_id IS NOT NULL ORDER BY chart_id";
    tx.each(sql, params![], |row| {
        let (chart, body): (i64, Object) = (row.get("chart_id")?, row.json("streams_of_charts", "body")?);
        if ids.last() != Some(&chart) && wanted(&body) {
            ids.push(chart);
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    let any = tx.any("charts.id", 1);
    let sql = format!(
        "SELECT charts.id AS id, charts.body AS body, spaces.id AS space, spaces.name AS space_name
        FROM charts JOIN spaces ON spaces.id = charts.space_id WHERE {any} ORDER BY spaces.key, charts.id"
    );
    tx.all(&sql, params![ids], |row| {
        let body: Object = row.json("charts", "body")?;
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (space, space_name) = (row.get("space")?, row.get("space_name")?);
        Ok(Used { space, space_name, chart: row.get("id")?, chart_name: name })
    })
}

/// Whether any space has this chart.
pub fn chart_exists(tx: &Tx<'_>, id: i64) -> Result<bool, StoreError> {
    rows::exists(tx, "charts", id)
}

fn chart_from_row(row: &Row<'_>) -> Result<Chart, StoreError> {
    Ok(Chart { id: row.get("id")?, body: row.json("charts", "body")?, streams: Vec::new() })
}

/// Inserts the chart with its streams and sets their ids.
fn insert_chart(tx: &Tx<'_>, space: i64, chart: &mut Chart) -> Result<(), StoreError> {
    let sql = "INSERT INTO charts (space_id, body) VALUES (?1, ?2) RETURNING id";
    chart.id = tx.id(sql, params![space, json!(chart.body).to_string()])?;
    save_streams(tx, Owner::Chart, chart.id, &mut chart.streams)
}

fn update_chart(tx: &Tx<'_>, chart: &mut Chart, has_streams: bool) -> Result<(), StoreError> {
    let sql = "UPDATE charts SET body = ?2 WHERE id = ?1";
    tx.execute(sql, params![chart.id, json!(chart.body).to_string()])?;
    if has_streams {
        save_streams(tx, Owner::Chart, chart.id, &mut chart.streams)?;
    }
    Ok(())
}

pub fn delete_chart(tx: &Tx<'_>, space: i64, id: i64) -> Result<(), Refusal> {
    match tx.execute("DELETE FROM charts WHERE space_id = ?1 AND id = ?2", params![space, id])? {
        0 => Err(Refusal::Missing),
        _ => Ok(()),
    }
}

/// What streams belong to.
#[derive(Clone, Copy)]
pub enum Owner {
    Chart,
    Instrument,
}

impl Owner {
    fn column(self) -> &'static str {
        match self {
            Owner::Chart => "chart_id",
            Owner::Instrument => "instrument_id",
        }
    }
}

/// The streams of any number of owners, in their order, each beginning with its id.
pub fn streams(tx: &Tx<'_>, owner: Owner, ids: &[i64]) -> Result<HashMap<i64, Vec<Object>>, StoreError> {
    let column = owner.column();
    let sql =
        format!("SELECT id, {column}, body FROM streams_of_charts WHERE {} ORDER BY id", tx.any(column, 1));
    let found = tx.all(&sql, params![ids], |row| {
        let body: Object = row.json("streams_of_charts", "body")?;
        let mut stream = Object::from_iter([("id".to_owned(), json!(row.get::<i64>("id")?))]);
        stream.extend(body);
        Ok((row.get(column)?, stream))
    })?;
    let mut streams: HashMap<i64, Vec<Object>> = HashMap::new();
    for (id, stream) in found {
        streams.entry(id).or_default().push(stream);
    }
    Ok(streams)
}

/// Replaces the streams of one owner; every one gets a new id, put in front.
pub fn save_streams(tx: &Tx<'_>, owner: Owner, id: i64, streams: &mut [Object]) -> Result<(), StoreError> {
    let column = owner.column();
    tx.execute(&format!("DELETE FROM streams_of_charts WHERE {column} = ?1"), params![id])?;
    let sql = format!("INSERT INTO streams_of_charts ({column}, body) VALUES (?1, ?2) RETURNING id");
    let ids = tx.many(&sql, |rows| {
        streams.iter().try_for_each(|stream| rows.run(params![id, json!(stream).to_string()]))
    })?;
    for (stream, made) in streams.iter_mut().zip(ids) {
        let body = std::mem::take(stream);
        *stream = Object::from_iter([("id".to_owned(), json!(made))]);
        stream.extend(body);
    }
    Ok(())
}
