//! Sources: `/v1/sources`. They appear with their first measurement; what can be said about one is its display name.

use axum::extract::State;
use axum::response::Response;

use super::catalog::sources::table::{self, Source};
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

/// The filter `name` looks at display names as well.
pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.filtered(table::NAMES);
    let listed = store.read(move |tx: &Tx| page.cut(tx, "sources", Source::from_row)).await?;
    Ok(answer::ok(&listed.envelope("sources", Source::shown)))
}

pub async fn show(State(store): State<Store>, Segments(name): Segments<String>) -> Result<Response, Problem> {
    let found = store.read(move |tx: &Tx| table::find(tx, &name)).await?;
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
    let write = move |tx: &Tx| -> Result<_, Problem> {
        let found = table::find(tx, &name)?;
        let is_new = found.is_none();
        let mut source = found.unwrap_or_else(|| Source { name: name.clone(), display_name: None });
        display_name.clone().put(&mut source.display_name);
        table::save(tx, &source)?;
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
    let write = move |tx: &Tx| if table::delete(tx, &name)? { Ok(()) } else { Err(Problem::not_found()) };
    store.write(write).await?;
    Ok(answer::no_content())
}
