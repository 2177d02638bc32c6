//! What all objects with numeric ids have in common: how one is made, shown, changed and deleted, and its row found
//! and removed. Knows neither what the objects are nor what a change means.

use axum::response::Response;
use serde::Serialize;

use super::answer;
use super::body::numeric;
use super::problem::Problem;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx};
use crate::serve::store::{Store, rows};

/// 201 with the object that `make` gives, together with its id below `path`.
pub async fn create<S: Serialize + Send + 'static>(
    store: &Store,
    path: &str,
    make: impl Fn(&Tx<'_>) -> Result<(i64, S), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (id, shown) = store.write(make).await?;
    Ok(answer::created(&format!("{path}/{id}"), &shown))
}

/// 200 with what `read` finds.
pub async fn show<S: Serialize + Send + 'static>(
    store: &Store,
    id: &str,
    read: impl Fn(&Tx<'_>, i64) -> Result<S, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    Ok(answer::ok(&store.read(move |tx| read(tx, id)).await?))
}

/// 204 after `write`.
pub async fn change(
    store: &Store,
    id: &str,
    write: impl Fn(&Tx<'_>, i64) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    store.write(move |tx| write(tx, id)).await?;
    Ok(answer::no_content())
}

/// 204 after the row of `table` is gone, with everything that belongs to it.
pub async fn delete(store: &Store, id: &str, table: &'static str) -> Result<Response, Problem> {
    change(
        store,
        id,
        move |tx, id| {
            if rows::delete(tx, table, id)? { Ok(()) } else { Err(Problem::not_found()) }
        },
    )
    .await
}

/// The row of `table`, or 404.
pub fn find<T>(
    tx: &Tx<'_>,
    table: &str,
    id: i64,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, Problem> {
    rows::find(tx, table, id, row)?.ok_or_else(Problem::not_found)
}
