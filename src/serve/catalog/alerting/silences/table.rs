//! The table of silences.

use super::silence::Silence;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

/// How long after its end evaluation has to know of a silence: it may be behind, or take up what it had before a restart.
const SEEN_AFTER: i64 = 2 * 86_400;

/// From a row that has the columns of the table.
pub fn from_row(row: &Row<'_>) -> Result<Silence, StoreError> {
    Ok(Silence {
        id: row.get("id")?,
        alert: row.get("alert")?,
        stream: row.get("stream")?,
        starts: row.get("starts")?,
        ends: row.get("ends")?,
        by: row.get("made_by")?,
        why: row.get("why")?,
        created_at: row.get("created_at")?,
        ended_at: row.get("ended_at")?,
    })
}

/// Every silence that has not ended long ago.
pub fn watched(tx: &Tx<'_>, now: i64) -> Result<Vec<Silence>, StoreError> {
    let sql = "SELECT * FROM silences WHERE ends > ?1 ORDER BY id";
    tx.all(sql, params![now.saturating_sub(SEEN_AFTER)], from_row)
}
