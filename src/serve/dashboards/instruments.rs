//! Instruments, the charts of old dashboards: `/v1/instruments`.

use axum::extract::State;
use axum::response::Response;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments};
use crate::serve::http::bounds;
use crate::serve::http::by_id;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::{Errors, Problem};
use crate::serve::metrics;
use crate::serve::spaces::stream;
use crate::serve::spaces::table::{Owner, save_streams, streams};
use crate::serve::store::Store;
use crate::serve::store::column;
use crate::serve::store::tx::Tx;

const ORDERS: Orders = &[("updated_at", "updated_at")];

#[derive(Default)]
struct Instrument {
    id: i64,
    name: String,
    attributes: Object,
    streams: Vec<Object>,
}

impl Instrument {
    fn shown(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "attributes": self.attributes, "streams": self.streams })
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Instrument> {
        Ok(Instrument {
            id: row.get("id")?,
            name: row.get("name")?,
            attributes: column::json(row, "instruments", "attributes")?,
            streams: Vec::new(),
        })
    }

    fn complete(connection: &Connection, instrument: Instrument) -> Result<Instrument, Problem> {
        let streams = streams(connection, Owner::Instrument(instrument.id))?;
        Ok(Instrument { streams, ..instrument })
    }

    fn find(connection: &Connection, id: i64) -> Result<Instrument, Problem> {
        Instrument::complete(connection, by_id::find(connection, "instruments", id, Instrument::from_row)?)
    }

    /// Lays a body over the instrument: attributes and streams are replaced when they are sent.
    fn merge(&mut self, connection: &Connection, body: &Object) -> Result<(), Problem> {
        bounds::check(body, &["name"])?;
        let mut read = Reader::new(body);
        read.name("name", &mut self.name);
        match read.object("attributes") {
            Given::Absent => {}
            Given::Null => self.attributes.clear(),
            Given::Value(sent) => self.attributes = sent.clone(),
        }
        match read.list("streams") {
            Given::Absent => {}
            Given::Null => self.streams.clear(),
            Given::Value(sent) => {
                let mut errors = Errors::default();
                self.streams =
                    stream::read_all(&sent, &|name: &str| metrics::kind_of(connection, name), &mut errors);
                read.errors.nest("streams", errors);
            }
        }
        // An id of a stream the client echoes was given to the stream it replaces.
        self.streams.iter_mut().for_each(|stream| _ = stream.shift_remove("id"));
        read.finish()?;
        bounds::whole(&self.shown())
    }

    /// Writes the instrument, inserting it when it has no id yet.
    fn save(&mut self, connection: &Connection, now: i64) -> Result<(), Problem> {
        let sql =
            "INSERT INTO instruments (id, name, attributes, updated_at) VALUES (nullif(?1, 0), ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE
            SET name = excluded.name, attributes = excluded.attributes, updated_at = excluded.updated_at
            RETURNING id";
        let values = params![self.id, self.name, json!(self.attributes).to_string(), now];
        self.id = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        save_streams(connection, Owner::Instrument(self.id), &mut self.streams)
    }
}

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let read = move |connection: &Tx| {
        page.cut(connection, "instruments", Instrument::from_row)?.try_map(|all| {
            all.into_iter().map(|instrument| Instrument::complete(connection, instrument)).collect()
        })
    };
    Ok(answer::ok(&store.read(read).await?.envelope("instruments", Instrument::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let now = store.now();
    let make = move |connection: &Tx| {
        let mut made = Instrument::default();
        made.merge(connection, &body)?;
        made.save(connection, now)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&store, "/v1/instruments", make).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::show(&store, &id, |connection, id| Ok(Instrument::find(connection, id)?.shown())).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let write = move |connection: &Tx, id| {
        let mut instrument = Instrument::find(connection, id)?;
        instrument.merge(connection, &body)?;
        instrument.save(connection, now)
    };
    by_id::change(&store, &id, write).await
}

/// Deletes, which also takes it off every dashboard.
pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "instruments").await
}
