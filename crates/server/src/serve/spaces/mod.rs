//! Spaces and their charts: `/v1/spaces`.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::catalog::metrics::kinds::Kinds;
use super::catalog::spaces::chart::Chart;
use super::catalog::spaces::table::{self, Placed, Space};
use super::changes::crud::Crud;
use super::changes::{self, Tags, Terms};
use super::http::answer;
use super::http::body::{Body, Segments, numeric};
use super::http::bounds;
use super::http::claimed;
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, tagged};
use super::http::problem::Problem;
use super::http::role::Role;
use super::refusal::Refusal;
use super::store::Store;
use super::store::error::StoreError;
use super::store::tx::{Row, Tx};

/// Deleting one also deletes its charts.
impl Crud for Space {
    const TABLE: &'static str = "spaces";
    const ORDERS: Orders = &[("name", "key")];

    fn from_row(row: &Row<'_>) -> Result<Space, StoreError> {
        Space::from_row(row)
    }

    fn find(tx: &Tx<'_>, id: i64) -> Result<Space, Refusal> {
        table::find(tx, id)
    }

    fn merge(&mut self, _: &Tx<'_>, body: &Object) -> Result<(), Refusal> {
        bounds::check(body, &["name"])?;
        let mut read = Reader::new(body);
        read.name("name", &mut self.name);
        read.boolean("tags").put(&mut self.tags);
        Ok(read.finish()?)
    }

    fn shown(&self, _: Role) -> Value {
        Space::shown(self)
    }
}

/// The only answer that tells which charts a space has.
pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |tx: &Tx| {
        let mut space = table::find(tx, id)?;
        space.charts = table::chart_ids(tx, id)?;
        Ok(space)
    };
    let show = |space: &Space| {
        let mut shown = Space::shown(space);
        shown["charts"] = space.charts.iter().map(|id| json!({ "id": id })).collect();
        answer::ok(&shown)
    };
    changes::show(&store, read, show).await
}

/// Neither paged nor wrapped: a bare array.
pub async fn list_charts(
    State(store): State<Store>,
    tags: Tags,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |tx: &Tx| {
        table::find(tx, id)?;
        let charts = table::charts(tx, id)?;
        let tags = changes::tags_of(tx, tags, &charts)?;
        claimed::json(&tagged(charts.iter().map(|placed| placed.chart.shown()), &tags))
    };
    // However many there are, they come in one answer.
    Ok(answer::written(store.query(read).await?))
}

pub async fn create_chart(
    State(store): State<Store>,
    terms: Terms,
    Segments(space): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (space, terms) = (numeric(&space)?, terms.over(&body));
    let make = move |tx: &Tx| {
        table::find(tx, space)?;
        let kinds = Kinds::of(tx, &body)?;
        let chart = Chart::new(&body, &|name: &str| kinds.kind(name))?;
        Ok(Placed { space, chart, has_streams: true })
    };
    let show = |made: &Placed, location: &str| answer::created(location, &made.chart.shown());
    let find = move |tx: &Tx, id| table::find_chart(tx, space, id);
    changes::create(&store, terms, format!("/v1/spaces/{space}/charts"), make, find, show).await
}

type ChartPath = Segments<(String, String)>;

pub async fn show_chart(
    State(store): State<Store>,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let show = |found: &Placed| answer::ok(&found.chart.shown());
    changes::show(&store, move |tx| table::find_chart(tx, space, id), show).await
}

/// 200 with the chart, which appoptics-api-go decodes and no one else minds. One documented example updates by POST.
pub async fn put_chart(
    State(store): State<Store>,
    terms: Terms,
    Segments((space, id)): ChartPath,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let edit = move |tx: &Tx, found: &mut Placed| {
        let kinds = Kinds::of(tx, &body)?;
        found.has_streams = found.chart.merge(&body, &|name: &str| kinds.kind(name))?;
        Ok(())
    };
    let show = |changed: &Placed| answer::ok(&changed.chart.shown());
    changes::put_shown(&store, terms, move |tx| table::find_chart(tx, space, id), edit, show).await
}

pub async fn delete_chart(
    State(store): State<Store>,
    terms: Terms,
    Segments((space, id)): ChartPath,
) -> Result<Response, Problem> {
    let (space, id) = (numeric(&space)?, numeric(&id)?);
    let remove = move |tx: &Tx, _| table::delete_chart(tx, space, id);
    changes::delete(&store, terms, move |tx| table::find_chart(tx, space, id), remove).await
}
