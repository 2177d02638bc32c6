//! The table with the clocks of evaluation: a row for each group of alerts, which says the same of all else.

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// A row.
pub struct Row {
    pub file: i64,
    pub clock: Option<i64>,
    pub wall: Option<i64>,
    pub held: bool,
}

/// The rows of all groups, by their numbers.
pub fn clocks(tx: &Tx<'_>) -> Result<Vec<Row>, StoreError> {
    tx.all("SELECT * FROM alert_clock ORDER BY id", params![], |row| {
        Ok(Row {
            file: row.get("file")?,
            clock: row.get("clock")?,
            wall: row.get("wall")?,
            held: row.get("held")?,
        })
    })
}

/// Sets the clocks of these of so many groups; how many rows that are.
pub fn write_clock(
    tx: &Tx<'_>,
    groups: &Vec<i64>,
    of: i64,
    (clock, wall): (i64, i64),
) -> Result<u64, StoreError> {
    let which = tx.any("(id - 1) % ?3", 4);
    let sql = format!("UPDATE alert_clock SET clock = ?1, wall = ?2 WHERE {which}");
    tx.execute(&sql, params![clock, wall, of, groups])
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
