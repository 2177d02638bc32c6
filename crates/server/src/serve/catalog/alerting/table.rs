//! The table with the clock of evaluation: one row.

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// The row.
pub struct Once {
    pub file: i64,
    pub clock: Option<i64>,
    pub wall: Option<i64>,
    pub held: bool,
}

pub fn clock(tx: &Tx<'_>) -> Result<Option<Once>, StoreError> {
    tx.one("SELECT * FROM alert_clock", params![], |row| {
        Ok(Once {
            file: row.get("file")?,
            clock: row.get("clock")?,
            wall: row.get("wall")?,
            held: row.get("held")?,
        })
    })
}

pub fn write_clock(tx: &Tx<'_>, clock: i64, wall: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE alert_clock SET clock = ?1, wall = ?2", params![clock, wall]).map(drop)
}

/// Whether that is a change.
pub fn hold(tx: &Tx<'_>, held: bool) -> Result<bool, StoreError> {
    Ok(tx.execute("UPDATE alert_clock SET held = ?1 WHERE held <> ?1", params![held])? > 0)
}

/// How many alerts are active.
pub fn active(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) AS active FROM alerts WHERE active = ?1";
    let found: Option<i64> = tx.one(sql, params![true], |row| row.get("active"))?;
    Ok(found.and_then(|found| found.try_into().ok()).unwrap_or(0))
}
