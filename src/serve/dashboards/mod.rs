//! Dashboards, the predecessors of spaces: `/v1/dashboards`. Each is an ordered list of instruments.

pub mod instruments;
mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::Dashboard;
use super::http::answer;
use super::http::body::{Body, Query, Segments};
use super::http::bounds;
use super::http::by_id;
use super::http::fields::{Given, Object, Reader, integer};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let read = move |tx: &Tx| {
        page.cut(tx, "dashboards", Dashboard::from_row)?.try_map(|all| table::complete(tx, all))
    };
    Ok(answer::ok(&store.read(read).await?.envelope("dashboards", Dashboard::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let make = move |tx: &Tx| {
        let mut made = Dashboard::default();
        merge(&mut made, &body)?;
        table::save(tx, &mut made)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&store, "/v1/dashboards", make).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::show(&store, &id, |tx, id| Ok(table::find(tx, id)?.shown())).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let write = move |tx: &Tx, id| {
        let mut dashboard = table::find(tx, id)?;
        merge(&mut dashboard, &body)?;
        table::save(tx, &mut dashboard)
    };
    by_id::change(&store, &id, write).await
}

pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "dashboards").await
}

/// Instruments come as ids or as objects with an `id`, and replace those there were.
fn merge(dashboard: &mut Dashboard, body: &Object) -> Result<(), Problem> {
    bounds::check(body, &["name"])?;
    let mut read = Reader::new(body);
    read.name("name", &mut dashboard.name);
    match read.list("instruments") {
        Given::Absent => {}
        Given::Null => dashboard.instruments.clear(),
        Given::Value(sent) => {
            dashboard.instruments.clear();
            for item in sent {
                match integer(item.get("id").unwrap_or(item)) {
                    Ok(id) => dashboard.instruments.push(id),
                    Err(_) => read.errors.add("instruments", "must contain ids of instruments"),
                }
            }
        }
    }
    read.finish()
}
