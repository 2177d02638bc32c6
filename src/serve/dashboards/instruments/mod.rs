//! Instruments, the charts of old dashboards: `/v1/instruments`.

mod table;

use axum::extract::State;
use axum::response::Response;

use self::table::Instrument;
use crate::serve::catalog::metrics::kinds::Kinds;
use crate::serve::catalog::spaces::stream;
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Query, Segments};
use crate::serve::http::bounds;
use crate::serve::http::by_id;
use crate::serve::http::fields::{Given, Object, Reader};
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::{Errors, Problem};
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

const ORDERS: Orders = &[("updated_at", "updated_at")];

pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let read = move |tx: &Tx| {
        page.cut(tx, "instruments", Instrument::from_row)?.try_map(|all| table::complete(tx, all))
    };
    Ok(answer::ok(&store.read(read).await?.envelope("instruments", Instrument::shown)))
}

pub async fn create(State(store): State<Store>, Body(body): Body) -> Result<Response, Problem> {
    let now = store.now();
    let make = move |tx: &Tx| {
        let mut made = Instrument::default();
        merge(tx, &mut made, &body)?;
        table::save(tx, &mut made, now)?;
        Ok((made.id, made.shown()))
    };
    by_id::create(&store, "/v1/instruments", make).await
}

pub async fn show(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::show(&store, &id, |tx, id| Ok(table::find(tx, id)?.shown())).await
}

pub async fn put(
    State(store): State<Store>,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let now = store.now();
    let write = move |tx: &Tx, id| {
        let mut instrument = table::find(tx, id)?;
        merge(tx, &mut instrument, &body)?;
        Ok(table::save(tx, &mut instrument, now)?)
    };
    by_id::change(&store, &id, write).await
}

/// Deletes, which also takes it off every dashboard.
pub async fn delete(State(store): State<Store>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    by_id::delete(&store, &id, "instruments").await
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
