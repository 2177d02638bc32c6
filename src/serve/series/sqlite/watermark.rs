//! The watermark of the compaction as it is kept in the file, beside the rows it speaks of.

use rusqlite::{Connection, params};

use crate::serve::store::error::StoreError;
use crate::serve::tsdb::watermark::Watermark;

pub fn get(connection: &Connection) -> Result<Watermark, StoreError> {
    let mut select = connection.prepare_cached("SELECT row, series FROM journal_folded")?;
    Ok(select.query_row([], |row| Ok(Watermark { row: row.get(0)?, series: row.get(1)? }))?)
}

pub fn put(connection: &Connection, watermark: Watermark) -> Result<(), StoreError> {
    let sql = "UPDATE journal_folded SET row = ?1, series = ?2";
    connection.prepare_cached(sql)?.execute(params![watermark.row, watermark.series])?;
    Ok(())
}
