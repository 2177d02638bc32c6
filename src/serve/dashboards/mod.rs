//! Dashboards, the predecessors of spaces: `/v1/dashboards`. Each is an ordered list of instruments.

pub mod instruments;

use axum::extract::State;
use axum::response::Response;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::http::answer;
use super::http::body::{Body, Query, Segments};
use super::http::bounds;
use super::http::by_id;
use super::http::fields::{Given, Object, Reader, integer};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::names::fold;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

#[derive(Default)]
struct Dashboard {
    id: i64,
    name: String,
    instruments: Vec<i64>,
}

impl Dashboard {
    /// With its instruments even in a list: python-librato indexes them.
    fn shown(&self) -> Value {
        let instruments: Value = self.instruments.iter().map(|id| json!({ "id": id })).collect();
        json!({ "id": self.id, "name": self.name, "instruments": instruments })
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Dashboard> {
        Ok(Dashboard { id: row.get("id")?, name: row.get("name")?, instruments: Vec::new() })
    }

    fn complete(connection: &Connection, mut dashboard: Dashboard) -> Result<Dashboard, Problem> {
        let sql = "SELECT instrument_id FROM dashboard_instruments WHERE dashboard_id = ?1 ORDER BY position";
        let mut select = connection.prepare_cached(sql)?;
        dashboard.instruments =
            select.query_map([dashboard.id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(dashboard)
    }

    fn find(connection: &Connection, id: i64) -> Result<Dashboard, Problem> {
        Dashboard::complete(connection, by_id::find(connection, "dashboards", id, Dashboard::from_row)?)
    }

    /// Instruments come as ids or as objects with an `id`, and replace those there were.
    fn merge(&mut self, body: &Object) -> Result<(), Problem> {
        bounds::check(body, &["name"])?;
        let mut read = Reader::new(body);
        read.name("name", &mut self.name);
        match read.list("instruments") {
            Given::Absent => {}
            Given::Null => self.instruments.clear(),
            Given::Value(sent) => {
                self.instruments.clear();
                for item in sent {
                    match integer(item.get("id").unwrap_or(item)) {
                        Ok(id) => self.instruments.push(id),
                        Err(_) => read.errors.add("instruments", "must contain ids of instruments"),
                    }
                }
            }
        }
        read.finish()
    }

    /// Writes the dashboard, inserting it when it has no id yet.
    fn save(&mut self, connection: &Connection) -> Result<(), Problem> {
        let sql = "INSERT INTO dashboards (id, key, name) VALUES (nullif(?1, 0), ?2, ?3)
            ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name RETURNING id";
        let values = params![self.id, fold(&self.name), self.name];
        self.id = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        connection.execute("DELETE FROM dashboard_instruments WHERE dashboard_id = ?1", [self.id])?;
        let sql =
            "INSERT INTO dashboard_instruments (dashboard_id, position, instrument_id) VALUES (?1, ?2, ?3)";
        let mut insert = connection.prepare_cached(sql)?;
        let mut known = connection.prepare_cached("SELECT 1 FROM instruments WHERE id = ?1")?;
        for (position, instrument) in (0_i64..).zip(&self.instruments) {
            if !known.exists([instrument])? {
                let message = format!("there is no instrument with id {instrument}");
                return Err(Problem::param("instruments", message));
            }
            insert.execute([self.id, position, *instrument])?;
        }
        Ok(())
    }
}

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let read = move |connection: &Tx| {
        page.cut(connection, "dashboards", Dashboard::from_row)?.try_map(|all| {
            all.into_iter().map(|dashboard| Dashboard::complete(connection, dashboard)).collect()
        })
    };
    Ok(answer::ok(&store.read(read).await?.envelope("dashboards", Dashboard::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let make = move |connection: &Tx| {
        let mut made = Dashboard::default();
        made.merge(&body)?;
        made.save(connection)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&store, "/v1/dashboards", make).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::show(&store, &id, |connection, id| Ok(Dashboard::find(connection, id)?.shown())).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let write = move |connection: &Tx, id| {
        let mut dashboard = Dashboard::find(connection, id)?;
        dashboard.merge(&body)?;
        dashboard.save(connection)
    };
    by_id::change(&store, &id, write).await
}

pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "dashboards").await
}
