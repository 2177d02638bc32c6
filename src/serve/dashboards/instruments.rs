//! Instruments, the charts of old dashboards: `/v1/instruments`.

use axum::extract::State;
use axum::response::Response;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments, numeric};
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::{Errors, Problem};
use crate::serve::router::App;
use crate::serve::spaces::stream;
use crate::serve::spaces::table::{Owner, save_streams, streams};
use crate::serve::{metrics, now};

const ORDERS: Orders = &[("updated_at", "updated_at")];

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
            attributes: serde_json::from_str(row.get_ref("attributes")?.as_str()?).unwrap_or_default(),
            streams: Vec::new(),
        })
    }

    fn complete(connection: &Connection, instrument: Instrument) -> Result<Instrument, Problem> {
        let streams = streams(connection, Owner::Instrument(instrument.id))?;
        Ok(Instrument { streams, ..instrument })
    }

    fn find(connection: &Connection, id: i64) -> Result<Instrument, Problem> {
        let mut select = connection.prepare_cached("SELECT * FROM instruments WHERE id = ?1")?;
        let found = select.query_row([id], Instrument::from_row).optional()?;
        Instrument::complete(connection, found.ok_or_else(Problem::not_found)?)
    }

    /// Lays a body over the instrument: attributes and streams are replaced when they are sent.
    fn merge(&mut self, connection: &Connection, body: &Object) -> Result<(), Problem> {
        let mut read = Reader::new(body);
        if let Some(name) = read.text("name").value() {
            self.name = name;
        }
        if self.name.trim().is_empty() && read.errors.lacks("name") {
            read.errors.add("name", "is not present");
        }
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
        read.finish()
    }

    /// Writes the instrument, inserting it when it has no id yet.
    fn save(&mut self, connection: &Connection) -> Result<(), Problem> {
        let sql =
            "INSERT INTO instruments (id, name, attributes, updated_at) VALUES (nullif(?1, 0), ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE
            SET name = excluded.name, attributes = excluded.attributes, updated_at = excluded.updated_at
            RETURNING id";
        let values = params![self.id, self.name, json!(self.attributes).to_string(), now()];
        self.id = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        save_streams(connection, Owner::Instrument(self.id), &mut self.streams)
    }
}

pub async fn list(State(app): State<App>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let read = move |connection: &_| {
        page.cut(connection, "instruments", Instrument::from_row)?
            .try_map(|instrument| Instrument::complete(connection, instrument))
    };
    Ok(answer::ok(&app.store.read(read).await?.envelope("instruments", Instrument::shown)))
}

pub async fn create(State(app): State<App>, Body(body): Body) -> Result<Response, Problem> {
    let write = move |connection: &_| {
        let mut made =
            Instrument { id: 0, name: String::new(), attributes: Object::new(), streams: Vec::new() };
        made.merge(connection, &body)?;
        made.save(connection)?;
        Ok(made)
    };
    let made = app.store.write(write).await?;
    Ok(answer::created(&format!("/v1/instruments/{}", made.id), &made.shown()))
}

pub async fn show(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let found = app.store.read(move |connection| Instrument::find(connection, id)).await?;
    Ok(answer::ok(&found.shown()))
}

pub async fn put(
    State(app): State<App>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let write = move |connection: &_| {
        let mut instrument = Instrument::find(connection, id)?;
        instrument.merge(connection, &body)?;
        instrument.save(connection)
    };
    app.store.write(write).await?;
    Ok(answer::no_content())
}

pub async fn delete(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let write = move |connection: &Connection| match connection
        .execute("DELETE FROM instruments WHERE id = ?1", [id])?
    {
        0 => Err(Problem::not_found()),
        _ => Ok(()),
    };
    app.store.write(write).await?;
    Ok(answer::no_content())
}
