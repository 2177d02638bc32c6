//! Writing what a step of the maintenance has worked out, one part in one transaction.

use rusqlite::Connection;

use super::table::put_block;
use super::watermark;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::compaction::Part;
use crate::serve::tsdb::watermark::Watermark;

/// Blocks of series that were deleted since are left out: their ids never come back.
pub fn write(connection: &Connection, part: &Part) -> Result<(), StoreError> {
    // Before anything is inserted: ids of blocks come back, so a new block could get that of one which was rolled up and
    // has been deleted since, with its metric.
    for id in &part.expired {
        connection.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
    }
    for (key, block) in &part.blocks {
        put_block(connection, *key, block)?;
    }
    if let Some(reached) = part.watermark {
        watermark::put(connection, reached)?;
    }
    if let Some(last) = part.compacted {
        connection.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([last])?;
        watermark::put(connection, Watermark::default())?;
    }
    Ok(())
}
