//! What all objects with numeric ids have in common: how one is made, shown, changed and deleted, and its row found
//! and removed. Knows neither what the objects are nor what a change means.

use axum::response::Response;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use super::answer;
use super::body::numeric;
use super::problem::Problem;
use crate::serve::router::App;

/// 201 with the object that `make` gives, together with its id below `path`.
pub async fn create<S: Serialize + Send + 'static>(
    app: &App,
    path: &str,
    make: impl FnOnce(&Connection) -> Result<(i64, S), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (id, shown) = app.store.write(make).await?;
    Ok(answer::created(&format!("{path}/{id}"), &shown))
}

/// 200 with what `read` finds.
pub async fn show<S: Serialize + Send + 'static>(
    app: &App,
    id: &str,
    read: impl FnOnce(&Connection, i64) -> Result<S, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    Ok(answer::ok(&app.store.read(move |connection| read(connection, id)).await?))
}

/// 204 after `write`.
pub async fn change(
    app: &App,
    id: &str,
    write: impl FnOnce(&Connection, i64) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    app.store.write(move |connection| write(connection, id)).await?;
    Ok(answer::no_content())
}

/// 204 after the row of `table` is gone, with everything that belongs to it.
pub async fn delete(app: &App, id: &str, table: &'static str) -> Result<Response, Problem> {
    change(app, id, move |connection, id| {
        match connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?.execute([id])? {
            0 => Err(Problem::not_found()),
            _ => Ok(()),
        }
    })
    .await
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
