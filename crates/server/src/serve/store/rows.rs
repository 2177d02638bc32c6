//! Rows by their ids, whatever table they are in.

use super::error::StoreError;
use super::tx::{Row, Tx, params};

/// The row of `table`, if there is one.
pub fn find<T>(
    tx: &Tx<'_>,
    table: &str,
    id: i64,
    row: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    tx.one(&format!("SELECT * FROM {table} WHERE id = ?1"), params![id], row)
}

pub fn exists(tx: &Tx<'_>, table: &str, id: i64) -> Result<bool, StoreError> {
    tx.exists(&format!("SELECT 1 FROM {table} WHERE id = ?1"), params![id])
}

/// Removes the row of `table`, with everything that belongs to it. Whether there was one.
pub fn delete(tx: &Tx<'_>, table: &str, id: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(&format!("DELETE FROM {table} WHERE id = ?1"), params![id])? > 0)
}

/// The oldest row of `table` with this text in `column`, whose key is that of the text. For titles, in which the case of letters
/// tells objects apart.
pub fn titled(
    tx: &Tx<'_>,
    table: &str,
    column: &str,
    key: &str,
    text: &str,
) -> Result<Option<i64>, StoreError> {
    let sql = format!("SELECT id FROM {table} WHERE key = ?1 AND {column} = ?2 ORDER BY id LIMIT 1");
    tx.one(&sql, params![key, text], |row| row.get("id"))
}

/// The oldest row of `table` with this folded name.
pub fn named(tx: &Tx<'_>, table: &str, key: &str) -> Result<Option<i64>, StoreError> {
    tx.one(&format!("SELECT id FROM {table} WHERE key = ?1 ORDER BY id LIMIT 1"), params![key], |row| {
        row.get("id")
    })
}
