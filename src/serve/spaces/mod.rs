//! Spaces and their charts: `/v1/spaces`.

pub mod chart;
pub mod stream;
pub mod table;

use axum::extract::State;
use axum::response::Response;
use rusqlite::Connection;
use serde_json::{Value, json};

use self::chart::Chart;
use self::table::Space;
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::metrics;
use super::router::App;

const ORDERS: Orders = &[("name", "key")];

pub async fn list(State(app): State<App>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let listed = app.store.read(move |connection| page.cut(connection, "spaces", Space::from_row)).await?;
    Ok(answer::ok(&listed.envelope("spaces", Space::shown)))
}

pub async fn create(State(app): State<App>, Body(body): Body) -> Result<Response, Problem> {
    let mut space = Space { id: 0, name: String::new(), tags: None };
    merge(&mut space, &body)?;
    let space =
        app.store.write(move |connection| table::insert(connection, &mut space).map(|()| space)).await?;
    Ok(answer::created(&format!("/v1/spaces/{}", space.id), &space.shown()))
}

pub async fn show(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |connection: &_| Ok((table::find(connection, id)?, table::charts(connection, id)?));
    let (space, charts) = app.store.read(read).await?;
    let mut shown = space.shown();
    shown["charts"] = charts.iter().map(|chart| json!({ "id": chart.id })).collect();
    Ok(answer::ok(&shown))
}

pub async fn put(
    State(app): State<App>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let write = move |connection: &_| {
        let mut space = table::find(connection, id)?;
        merge(&mut space, &body)?;
        table::update(connection, &space)
    };
    app.store.write(write).await?;
    Ok(answer::no_content())
}

pub async fn delete(State(app): State<App>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    app.store.write(move |connection| table::delete(connection, id)).await?;
    Ok(answer::no_content())
}

fn merge(space: &mut Space, body: &Object) -> Result<(), Problem> {
    let mut read = Reader::new(body);
    if let Some(name) = read.text("name").value() {
        space.name = name;
    }
    if space.name.trim().is_empty() && read.errors.lacks("name") {
        read.errors.add("name", "is not present");
    }
    read.boolean("tags").put(&mut space.tags);
    read.finish()
}

/// Neither paged nor wrapped: a bare array.
pub async fn list_charts(
    State(app): State<App>,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |connection: &_| {
        table::find(connection, id)?;
        table::charts(connection, id)
    };
    let charts = app.store.read(read).await?;
    Ok(answer::ok(&charts.iter().map(Chart::shown).collect::<Value>()))
}

pub async fn create_chart(
    State(app): State<App>,
    Segments(space): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let space = numeric(&space)?;
    let write = move |connection: &Connection| {
        table::find(connection, space)?;
        let mut chart = Chart::new(&body, &|name: &str| metrics::kind_of(connection, name))?;
        table::insert_chart(connection, space, &mut chart)?;
        Ok(chart)
    };
    let chart = app.store.write(write).await?;
    Ok(answer::created(&format!("/v1/spaces/{space}/charts/{}", chart.id), &chart.shown()))
}

type ChartPath = Segments<(String, String)>;

pub async fn show_chart(
    State(app): State<App>,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let chart = app.store.read(move |connection| table::find_chart(connection, space, id)).await?;
    Ok(answer::ok(&chart.shown()))
}

/// 200 with the chart, which appoptics-api-go decodes and nobody else minds. One documented example updates by POST.
pub async fn put_chart(
    State(app): State<App>,
    Segments((space, id)): ChartPath,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let write = move |connection: &Connection| {
        let mut chart = table::find_chart(connection, space, id)?;
        let has_streams = chart.merge(&body, &|name: &str| metrics::kind_of(connection, name))?;
        table::update_chart(connection, &mut chart, has_streams)?;
        Ok(chart)
    };
    Ok(answer::ok(&app.store.write(write).await?.shown()))
}

pub async fn delete_chart(
    State(app): State<App>,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    app.store.write(move |connection| table::delete_chart(connection, space, id)).await?;
    Ok(answer::no_content())
}
