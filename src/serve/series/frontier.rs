//! How far the journal has come to be folded, so that this can be done in several transactions: of its rows up to one, the
//! points of the series up to one are in blocks already. Kept in the file, beside the rows it speaks of.

use rusqlite::{Connection, params};

use crate::serve::store::error::StoreError;

/// The last row and the last series; ids begin at one, so zeros stand for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frontier {
    pub row: i64,
    pub series: i64,
}

impl Frontier {
    pub fn of(connection: &Connection) -> Result<Frontier, StoreError> {
        let mut select = connection.prepare_cached("SELECT row, series FROM journal_folded")?;
        Ok(select.query_row([], |row| Ok(Frontier { row: row.get(0)?, series: row.get(1)? }))?)
    }

    /// Whether points of `series` in this row are in blocks already.
    pub fn is_past(self, row: i64, series: i64) -> bool {
        row <= self.row && series <= self.series
    }

    pub fn put(self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE journal_folded SET row = ?1, series = ?2";
        connection.prepare_cached(sql)?.execute(params![self.row, self.series])?;
        Ok(())
    }
}
