//! Spaces and their charts: `/v1/spaces`.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::catalog::metrics::kinds::Kinds;
use super::catalog::spaces::chart::Chart;
use super::catalog::spaces::table::{self, Space};
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::by_id;
use super::http::claimed;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let listed = store.read(move |tx| page.cut(tx, "spaces", Space::from_row)).await?;
    Ok(answer::ok(&listed.envelope("spaces", Space::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let make = move |tx: &Tx| {
        let mut made = Space::default();
        merge(&mut made, &body)?;
        table::save(tx, &mut made)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&store, "/v1/spaces", make).await
}

/// The only answer that tells which charts a space has.
pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let read = |tx: &Tx, id| {
        let mut shown = table::find(tx, id)?.shown();
        shown["charts"] = table::chart_ids(tx, id)?.iter().map(|id| json!({ "id": id })).collect();
        Ok(shown)
    };
    by_id::show(&store, &id, read).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let write = move |tx: &Tx, id| {
        let mut space = table::find(tx, id)?;
        merge(&mut space, &body)?;
        Ok(table::save(tx, &mut space)?)
    };
    by_id::change(&store, &id, write).await
}

/// Deletes the space and its charts.
pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "spaces").await
}

fn merge(space: &mut Space, body: &Object) -> Result<(), Problem> {
    bounds::check(body, &["name"])?;
    let mut read = Reader::new(body);
    read.name("name", &mut space.name);
    read.boolean("tags").put(&mut space.tags);
    read.finish()
}

/// Neither paged nor wrapped: a bare array.
pub async fn list_charts(
    State(store): State<Store>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |tx: &Tx| {
        table::find(tx, id)?;
        claimed::json(&table::charts(tx, id)?.iter().map(Chart::shown).collect::<Vec<_>>())
    };
    // However many there are, they come in one answer.
    Ok(answer::written(store.query(read).await?))
}

pub async fn create_chart(
    State(store): State<Store>,
    Segments(space): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let number = numeric(&space)?;
    let make = move |tx: &Tx| {
        table::find(tx, number)?;
        let kinds = Kinds::of(tx, &body)?;
        let mut chart = Chart::new(&body, &|name: &str| kinds.kind(name))?;
        table::insert_chart(tx, number, &mut chart)?;
        Ok((chart.id, chart.shown()))
    };
    by_id::create(&store, &format!("/v1/spaces/{number}/charts"), make).await
}

type ChartPath = Segments<(String, String)>;

pub async fn show_chart(
    State(store): State<Store>,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let space = numeric(&space)?;
    by_id::show(&store, &id, move |tx, id| Ok(table::find_chart(tx, space, id)?.shown())).await
}

/// 200 with the chart, which appoptics-api-go decodes and nobody else minds. One documented example updates by POST.
pub async fn put_chart(
    State(store): State<Store>,
    Segments((space, id)): ChartPath,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let write = move |tx: &Tx| -> Result<_, Problem> {
        let mut chart = table::find_chart(tx, space, id)?;
        let kinds = Kinds::of(tx, &body)?;
        let has_streams = chart.merge(&body, &|name: &str| kinds.kind(name))?;
        table::update_chart(tx, &mut chart, has_streams)?;
        Ok(chart)
    };
    Ok(answer::ok(&store.write(write).await?.shown()))
}

pub async fn delete_chart(
    State(store): State<Store>,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let space = numeric(&space)?;
    by_id::change(&store, &id, move |tx, id| table::delete_chart(tx, space, id)).await
}
