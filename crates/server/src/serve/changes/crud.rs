//! Handlers of kinds whose objects are rows of one table below one path: list, create, show, change and delete, once for all of
//! them, on what each says of itself ([`Crud`]). Knows no kind.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::{Entity, Tags, Terms};
use crate::serve::http::answer;
use crate::serve::http::auth::Caller;
use crate::serve::http::body::{Body, Query, Segments, numeric};
use crate::serve::http::fields::Object;
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Role;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx};
use crate::serve::store::{Store, rows};

/// A kind of this form.
pub trait Crud: Entity + Default {
    /// Its table, which also names it in paths and lists: `spaces`.
    const TABLE: &'static str;
    /// How its list can be ordered.
    const ORDERS: Orders;
    /// Whether its list can be searched by name.
    const NAMED: bool = true;

    /// The columns of its table.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;

    /// Adds what other tables hold of objects that come from rows, with as many queries for all as for one.
    fn complete(_: &Tx<'_>, all: Vec<Self>) -> Result<Vec<Self>, StoreError> {
        Ok(all)
    }

    /// The complete object.
    fn find(tx: &Tx<'_>, id: i64) -> Result<Self, Refusal>;

    /// Lays a body over it; over an empty one, without an id, to make it.
    fn merge(&mut self, tx: &Tx<'_>, body: &Object) -> Result<(), Refusal>;

    /// What else changes when the one with this id is deleted, before it is.
    fn before_delete(_: &Tx<'_>, _id: i64, _now: i64) -> Result<(), Refusal> {
        Ok(())
    }

    /// As this role sees it.
    fn shown(&self, role: Role) -> Value;
}

pub async fn list<K: Crud>(
    State(store): State<Store>,
    caller: Caller,
    tags: Tags,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, K::ORDERS)?;
    let page = if K::NAMED { page } else { page.without_name() };
    let read = move |tx: &Tx<'_>| {
        let listed = page.cut(tx, K::TABLE, K::from_row)?;
        super::listed(tx, tags, listed.try_map(|all| K::complete(tx, all))?)
    };
    Ok(answer::ok(&store.read(read).await?.envelope(K::TABLE, |object: &K| object.shown(caller.role))))
}

pub async fn create<K: Crud>(
    State(store): State<Store>,
    terms: Terms,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (role, terms) = (terms.caller.role, terms.over(&body));
    let make = move |tx: &Tx<'_>| {
        let mut made = K::default();
        made.merge(tx, &body)?;
        Ok(made)
    };
    let show = |made: &K, location: &str| answer::created(location, &made.shown(role));
    super::create(&store, terms, format!("/v1/{}", K::TABLE), make, K::find, show).await
}

pub async fn show<K: Crud>(
    State(store): State<Store>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let show = |object: &K| answer::ok(&object.shown(caller.role));
    super::show(&store, move |tx| K::find(tx, id), show).await
}

pub async fn put<K: Crud>(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let edit = move |tx: &Tx<'_>, object: &mut K| object.merge(tx, &body);
    super::put(&store, terms, move |tx| K::find(tx, id), edit).await
}

/// Deletes the row, and by the rules of its table what belongs to it.
pub async fn delete<K: Crud>(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let (id, now) = (numeric(&id)?, store.now());
    let remove = move |tx: &Tx<'_>, _| {
        K::before_delete(tx, id, now)?;
        if rows::delete(tx, K::TABLE, id)? { Ok(()) } else { Err(Refusal::Missing) }
    };
    super::delete(&store, terms, move |tx| K::find(tx, id), remove).await
}
