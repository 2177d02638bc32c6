//! Instruments, the charts of old dashboards: `/v1/instruments`.

mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::Instrument;
use crate::serve::catalog::metrics::kinds::Kinds;
use crate::serve::catalog::spaces::stream;
use crate::serve::changes::{self, Tags, Terms};
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments, numeric};
use crate::serve::http::bounds;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::{Errors, Problem};
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

const ORDERS: Orders = &[("updated_at", "updated_at")];

pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let read = move |tx: &Tx| {
        let instruments = page.cut(tx, "instruments", Instrument::from_row)?;
        changes::listed(tx, tags, instruments.try_map(|all| table::complete(tx, all))?)
    };
    Ok(answer::ok(&store.read(read).await?.envelope("instruments", Instrument::shown)))
}

pub async fn create(State(store): State<Store>, terms: Terms, Body(body): Body) -> Result<Response, Problem> {
    let terms = terms.over(&body);
    let make = move |tx: &Tx| {
        let mut made = Instrument::default();
        merge(tx, &mut made, &body)?;
        Ok(made)
    };
    let show = |made: &Instrument, location: &str| answer::created(location, &made.shown());
    changes::create(&store, terms, "/v1/instruments".to_owned(), make, table::find, show).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let show = |instrument: &Instrument| answer::ok(&instrument.shown());
    changes::show(&store, move |tx| table::find(tx, id), show).await
}

pub async fn put(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let edit = move |tx: &Tx, instrument: &mut Instrument| merge(tx, instrument, &body);
    changes::put(&store, terms, move |tx| table::find(tx, id), edit).await
}

/// Deletes, which also takes it off every dashboard.
pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    changes::delete_row(&store, terms, &id, "instruments", table::find).await
}

/// Lays a body over the instrument: attributes and streams are replaced when they are sent.
fn merge(tx: &Tx<'_>, instrument: &mut Instrument, body: &Object) -> Result<(), Problem> {
    bounds::check(body, &["name"])?;
    let kinds = Kinds::of(tx, body)?;
    let mut read = Reader::new(body);
    read.name("name", &mut instrument.name);
    match read.object("attributes") {
        Given::Absent => {}
        Given::Null => instrument.attributes.clear(),
        Given::Value(sent) => instrument.attributes = sent.clone(),
    }
    match read.list("streams") {
        Given::Absent => {}
        Given::Null => instrument.streams.clear(),
        Given::Value(sent) => {
            let mut errors = Errors::default();
            instrument.streams = stream::read_all(&sent, &|name: &str| kinds.kind(name), &mut errors);
            read.errors.nest("streams", errors);
        }
    }
    // An id of a stream the client echoes was given to the stream it replaces.
    instrument.streams.iter_mut().for_each(|stream| _ = stream.shift_remove("id"));
    read.finish()?;
    bounds::whole(&instrument.shown())
}
