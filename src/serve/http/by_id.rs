//! What all objects with numeric ids have in common: how one is made, shown, changed and deleted, and its row found
//! and removed. Knows neither what the objects are nor what a change means.

use axum::response::Response;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows};
use serde::Serialize;

use super::answer;
use super::body::numeric;
use super::problem::Problem;
use crate::serve::budget::{self, VALUE_BYTES, values};
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

/// 201 with the object that `make` gives, together with its id below `path`.
pub async fn create<S: Serialize + Send + 'static>(
    store: &Store,
    path: &str,
    make: impl FnOnce(&Tx<'_>) -> Result<(i64, S), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (id, shown) = store.write(make).await?;
    Ok(answer::created(&format!("{path}/{id}"), &shown))
}

/// 200 with what `read` finds.
pub async fn show<S: Serialize + Send + 'static>(
    store: &Store,
    id: &str,
    read: impl FnOnce(&Tx<'_>, i64) -> Result<S, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    Ok(answer::ok(&store.read(move |connection| read(connection, id)).await?))
}

/// 204 after `write`.
pub async fn change(
    store: &Store,
    id: &str,
    write: impl FnOnce(&Tx<'_>, i64) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    store.write(move |connection| write(connection, id)).await?;
    Ok(answer::no_content())
}

/// 204 after the row of `table` is gone, with everything that belongs to it.
pub async fn delete(store: &Store, id: &str, table: &'static str) -> Result<Response, Problem> {
    change(store, id, move |connection, id| {
        match connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?.execute([id])? {
            0 => Err(Problem::not_found()),
            _ => Ok(()),
        }
    })
    .await
}

/// The rows of a query as objects, whose memory is claimed.
pub fn rows<T>(
    mut rows: Rows<'_>,
    mut from_row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Problem> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        claim(row)?;
        all.push(from_row(row)?);
    }
    Ok(all)
}

/// Claims the memory that a row takes as an object and as the values that are shown of it.
pub fn claim(row: &Row<'_>) -> Result<(), Problem> {
    /// Beside its texts.
    const EACH: usize = 500;
    let mut bytes = EACH;
    for column in 0..row.as_ref().column_count() {
        if let ValueRef::Text(text) = row.get_ref(column)? {
            let is_json = matches!(text.first(), Some(b'{' | b'['));
            bytes += 2 * text.len() + if is_json { VALUE_BYTES * values(text) } else { 0 };
        }
    }
    Ok(budget::hold(bytes)?)
}

/// The row of `table`, or 404.
pub fn find<T>(
    connection: &Connection,
    table: &str,
    id: i64,
    from_row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, Problem> {
    let mut select = connection.prepare_cached(&format!("SELECT * FROM {table} WHERE id = ?1"))?;
    select.query_row([id], from_row).optional()?.ok_or_else(Problem::not_found)
}
