//! Sources: `/v1/sources`. They appear with their first measurement; what can be said about one is its display name.

use axum::extract::State;
use axum::response::Response;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::http::answer;
use super::http::body::{Body, Query, Segments};
use super::http::bounds;
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::names::{NAME_RULE, fold, is_name};
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

struct Source {
    name: String,
    display_name: Option<String>,
}

impl Source {
    fn shown(&self) -> Value {
        json!({ "name": self.name, "display_name": self.display_name })
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Source> {
        Ok(Source { name: row.get("name")?, display_name: row.get("display_name")? })
    }

    fn find(connection: &Connection, name: &str) -> Result<Option<Source>, Problem> {
        let mut select = connection.prepare_cached("SELECT * FROM sources WHERE key = ?1")?;
        Ok(select.query_row([fold(name)], Source::from_row).optional()?)
    }
}

/// What is shown for a source in its place, if anything was said about it.
pub fn display_name(connection: &Connection, name: &str) -> Result<Option<String>, Problem> {
    Ok(Source::find(connection, name)?.and_then(|source| source.display_name))
}

/// The filter `name` looks at display names as well.
pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let filter = "instr(key, ?1) > 0 OR instr(lower(ifnull(display_name, '')), ?1) > 0";
    let page = Page::read(&query, ORDERS)?.filtered(filter);
    let listed = store.read(move |connection| page.cut(connection, "sources", Source::from_row)).await?;
    Ok(answer::ok(&listed.envelope("sources", Source::shown)))
}

pub async fn show(State(store): State<Store>, Segments(name): Segments<String>) -> Result<Response, Problem> {
    let found = store.read(move |connection| Source::find(connection, &name)).await?;
    Ok(answer::ok(&found.ok_or_else(Problem::not_found)?.shown()))
}

/// Upsert: 201 with the source when it is new, 204 when it was there.
pub async fn put(
    State(store): State<Store>,
    Segments(name): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    bounds::check(&body, &["display_name"])?;
    let mut read = Reader::new(&body);
    let display_name = read.text("display_name");
    if !is_name(&name) {
        read.errors.add("name", NAME_RULE);
    } else if matches!(fold(&name).as_str(), "all" | "unassigned") {
        read.errors.add("name", "is reserved");
    }
    read.finish()?;
    let write = move |connection: &Tx| -> Result<_, Problem> {
        let connection: &Connection = connection;
        let found = Source::find(connection, &name)?;
        let is_new = found.is_none();
        let mut source = found.unwrap_or(Source { name, display_name: None });
        display_name.put(&mut source.display_name);
        let sql = "INSERT INTO sources (key, name, display_name) VALUES (?1, ?2, ?3)
            ON CONFLICT (key) DO UPDATE SET display_name = excluded.display_name";
        connection.execute(sql, params![fold(&source.name), source.name, source.display_name])?;
        Ok(is_new.then_some(source))
    };
    match store.write(write).await? {
        Some(source) => {
            let location = format!("/v1/sources/{}", answer::segment(&source.name));
            Ok(answer::created(&location, &source.shown()))
        }
        None => Ok(answer::no_content()),
    }
}

/// Forgets what was said about the source. What it measured stays: that this route exists is known from the method
/// table of one client only, and nobody there expects it to destroy measurements.
pub async fn delete(
    State(store): State<Store>,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let write = move |connection: &Tx| match (connection as &Connection)
        .execute("DELETE FROM sources WHERE key = ?1", [fold(&name)])?
    {
        0 => Err(Problem::not_found()),
        _ => Ok(()),
    };
    store.write(write).await?;
    Ok(answer::no_content())
}
