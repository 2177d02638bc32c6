//! Annotations: `/v1/annotations`, their streams, events and links.

pub mod event;
pub mod table;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use self::event::{Event, UNASSIGNED};
use self::table::{Stream, Window};
use super::changes::{self, Once, Tags, Terms, Unconditional};
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::bounds;
use super::http::fields::{self, Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::names::Choice;
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?;
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "streams", Stream::from_row)?);
    let listed = store.read(cut).await?;
    Ok(answer::ok(&listed.envelope("annotations", Stream::shown)))
}

/// The stream; its events only when a time parameter asks for them.
pub async fn show(
    State(store): State<Store>,
    Segments(name): Segments<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let window = window(&query)?;
    let read = move |tx: &Tx| -> Result<_, Problem> {
        let stream = table::find(tx, &name)?;
        let events = window.as_ref().map(|window| table::events(tx, stream.id, window)).transpose()?;
        Ok((stream, events))
    };
    let (stream, events) = store.query(read).await?;
    let mut shown = stream.shown();
    if let Some((events, next_time)) = events {
        shown["events"] = by_source(&events);
        if let Some(time) = next_time {
            shown["query"] = json!({ "next_time": time });
        }
    }
    Ok(answer::ok(&shown))
}

fn window(query: &Object) -> Result<Option<Window>, Problem> {
    let mut read = Reader::new(query);
    let (start, end) = (read.time("start_time").value(), read.time("end_time").value());
    let count = read.integer("count").value();
    if count.is_some_and(|count| count < 0) {
        read.errors.add("count", "must not be negative");
    }
    let mut sources = read.get("sources", fields::texts).value().unwrap_or_default();
    sources.extend(read.text("source").value());
    sources.retain(|source| !source.is_empty());
    let sources = Choice::new(&sources).unwrap_or_else(|| {
        read.errors.add("sources", Choice::rule());
        Choice::default()
    });
    read.finish()?;
    let asked = start.is_some() || end.is_some() || count.is_some();
    Ok(asked.then_some(Window { start, end, count, sources }))
}

/// The documentation prints an array here, but the clients index an object by source.
fn by_source(events: &[Event]) -> Value {
    let mut sources = Map::new();
    for event in events {
        let source = event.source.as_deref().unwrap_or(UNASSIGNED);
        if let Value::Array(list) = sources.entry(source).or_insert_with(|| json!([])) {
            list.push(event.shown());
        }
    }
    Value::Object(sources)
}

/// The same request with the same key adds nothing again.
pub async fn add(
    State(store): State<Store>,
    Unconditional(terms): Unconditional,
    Segments(name): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (now, terms) = (store.now(), terms.over(&body));
    let sent = Event::new(&body, now)?;
    let write = move |tx: &Tx| {
        let find = |id| {
            let stream = table::find(tx, &name)?;
            let event = table::find_event(tx, stream.id, id)?;
            Ok((stream, event))
        };
        let make = || {
            let (stream, mut event) = (table::find_or_make(tx, &name)?, sent.clone());
            table::insert_event(tx, stream.id, &mut event)?;
            Ok((event.id, (stream, event)))
        };
        changes::once(tx, &terms, now, find, make)
    };
    let Once { made: (stream, event), replayed } = store.write(write).await?;
    let location = format!("/v1/annotations/{}/{}", answer::segment(&stream.name), event.id);
    Ok(changes::marked(answer::created(&location, &event.shown()), replayed))
}

/// Documented as 204, but both generations of python-librato crash on an empty body, and no one on a full one.
pub async fn put(
    State(store): State<Store>,
    terms: Terms,
    Segments(name): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    bounds::check(&body, &["display_name"])?;
    let mut read = Reader::new(&body);
    let display_name = read.text("display_name");
    read.finish()?;
    let edit = move |_: &Tx, stream: &mut Stream| {
        display_name.clone().put(&mut stream.display_name);
        Ok(())
    };
    let show = |stream: &Stream| answer::ok(&stream.shown());
    changes::put_shown(&store, terms, move |tx| table::find(tx, &name), edit, show).await
}

pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let meant = name.clone();
    let remove = move |tx: &Tx, _| Ok(table::delete(tx, table::find(tx, &meant)?.id)?);
    changes::delete(&store, terms, move |tx| table::find(tx, &name), remove).await
}

type EventPath = Segments<(String, String)>;

pub async fn show_event(
    State(store): State<Store>,
    Segments((name, id)): EventPath,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let read = move |tx: &Tx| -> Result<_, Problem> {
        let stream = table::find(tx, &name)?;
        let mut shown = table::find_event(tx, stream.id, id)?.shown();
        // python-librato reads the event as if it were a stream.
        shown["name"] = json!(stream.name);
        Ok(shown)
    };
    Ok(answer::ok(&store.read(read).await?))
}

pub async fn put_event(
    State(store): State<Store>,
    _: Unconditional,
    Segments((name, id)): EventPath,
    Body(body): Body,
) -> Result<Response, Problem> {
    change(&store, name, &id, move |event| event.merge(&body)).await?;
    Ok(answer::no_content())
}

pub async fn delete_event(
    State(store): State<Store>,
    _: Unconditional,
    Segments((name, id)): EventPath,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let write = move |tx: &Tx| table::delete_event(tx, table::find(tx, &name)?.id, id);
    store.write(write).await?;
    Ok(answer::no_content())
}

pub async fn add_link(
    State(store): State<Store>,
    _: Unconditional,
    Segments((name, id)): EventPath,
    Body(body): Body,
) -> Result<Response, Problem> {
    let link = event::link(&body)?;
    let rel = link["rel"].as_str().unwrap_or_default().to_owned();
    let location = format!(
        "/v1/annotations/{}/{}/links/{}",
        answer::segment(&name),
        answer::segment(&id),
        answer::segment(&rel)
    );
    let added = link.clone();
    let add = move |event: &mut Event| {
        if event.has_link(&rel) {
            return Err(Refusal::Taken("rel"));
        }
        event.links.push(added.clone());
        event.fits()
    };
    change(&store, name, &id, add).await?;
    Ok(answer::created(&location, &link))
}

pub async fn delete_link(
    State(store): State<Store>,
    _: Unconditional,
    Segments((name, id, rel)): Segments<(String, String, String)>,
) -> Result<Response, Problem> {
    let remove = move |event: &mut Event| {
        if !event.has_link(&rel) {
            return Err(Refusal::Missing);
        }
        event.links.retain(|link| link["rel"] != rel.as_str());
        Ok(())
    };
    change(&store, name, &id, remove).await?;
    Ok(answer::no_content())
}

/// Changes one event in one transaction.
async fn change(
    store: &Store,
    stream: String,
    id: &str,
    edit: impl Fn(&mut Event) -> Result<(), Refusal> + Send + 'static,
) -> Result<(), Problem> {
    let id = numeric(id)?;
    let write = move |tx: &Tx| -> Result<_, Refusal> {
        let stream = table::find(tx, &stream)?;
        let mut event = table::find_event(tx, stream.id, id)?;
        edit(&mut event)?;
        Ok(table::update_event(tx, &event)?)
    };
    Ok(store.write(write).await?)
}
