//! Sources: `/v1/sources`. They appear with their first measurement; what can be said about one is its display name.

use axum::extract::State;
use axum::response::Response;

use super::catalog::sources::table::{self, Source};
use super::changes::{self, Tags, Terms};
use super::http::answer;
use super::http::body::{Body, Query, Segments};
use super::http::bounds;
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::names::{NAME_RULE, fold, is_name};
use super::refusal::Refusal;
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("name", "key")];

/// The filter `name` looks at display names as well.
pub async fn list(State(store): State<Store>, tags: Tags, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.filtered(table::NAMES);
    let cut = move |tx: &Tx| changes::listed(tx, tags, page.cut(tx, "sources", Source::from_row)?);
    let listed = store.read(cut).await?;
    Ok(answer::ok(&listed.envelope("sources", Source::shown)))
}

pub async fn show(State(store): State<Store>, Segments(name): Segments<String>) -> Result<Response, Problem> {
    let find = move |tx: &Tx| table::find(tx, &name)?.ok_or(Refusal::Missing);
    changes::show(&store, find, |source| answer::ok(&source.shown())).await
}

/// Upsert: 201 with the source when it is new, 204 when it was there.
pub async fn put(
    State(store): State<Store>,
    terms: Terms,
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
    let (wanted, given) = (name.clone(), display_name.clone());
    let find = move |tx: &Tx| Ok(table::find(tx, &name)?);
    let make = move |_: &Tx| Ok(Source { name: wanted.clone(), display_name: given.clone().value() });
    let edit = move |_: &Tx, source: &mut Source| {
        display_name.clone().put(&mut source.display_name);
        Ok(())
    };
    let (source, tag, is_new) = changes::upsert(&store, terms, find, make, edit).await?;
    let response = if is_new {
        answer::created(&format!("/v1/sources/{}", answer::segment(&source.name)), &source.shown())
    } else {
        answer::no_content()
    };
    Ok(changes::tagged(response, &tag))
}

/// Forgets what was said about the source. What it measured stays: that this route exists is known from the method
/// table of one client only, and no one there expects it to destroy measurements.
pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let wanted = name.clone();
    let find = move |tx: &Tx| table::find(tx, &wanted)?.ok_or(Refusal::Missing);
    let remove = move |tx: &Tx, _| if table::delete(tx, &name)? { Ok(()) } else { Err(Refusal::Missing) };
    changes::delete(&store, terms, find, remove).await
}
