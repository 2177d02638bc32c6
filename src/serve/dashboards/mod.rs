//! Dashboards, the predecessors of spaces: `/v1/dashboards`. Each is an ordered list of instruments.

pub mod instruments;
mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::Dashboard;
use super::changes::{self, Tags, Terms};
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::fields::{Given, Object, Reader, integer};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let read = move |tx: &Tx| {
        let dashboards = page.cut(tx, "dashboards", Dashboard::from_row)?;
        changes::listed(tx, tags, dashboards.try_map(|all| table::complete(tx, all))?)
    };
    Ok(answer::ok(&store.read(read).await?.envelope("dashboards", Dashboard::shown)))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
    let terms = terms.over(&body);
    let make = move |_: &Tx| {
        let mut made = Dashboard::default();
        merge(&mut made, &body)?;
        Ok(made)
    };
    let show = |made: &Dashboard, location: &str| answer::created(location, &made.shown());
    changes::create(&store, terms, "/v1/dashboards".to_owned(), make, table::find, show).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let show = |dashboard: &Dashboard| answer::ok(&dashboard.shown());
    changes::show(&store, move |tx| table::find(tx, id), show).await
}

pub async fn put(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let edit = move |_: &Tx, dashboard: &mut Dashboard| merge(dashboard, &body);
    changes::put(&store, terms, move |tx| table::find(tx, id), edit).await
}

pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    changes::delete_row(&store, terms, &id, "dashboards", table::find).await
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
