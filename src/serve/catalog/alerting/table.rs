//! The table with the clock of evaluation: one row.

use super::clock::{Clock, Written};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

pub fn clock(tx: &Tx<'_>) -> Result<Option<Clock>, StoreError> {
    tx.one("SELECT * FROM alert_clock", params![], |row| {
        let file = u32::try_from(row.get::<i64>("file")?);
        let (clock, wall): (Option<i64>, Option<i64>) = (row.get("clock")?, row.get("wall")?);
        Ok(Clock {
            file: file.map_err(|_| StoreError::internal("the number of the file is out of range"))?,
            written: clock.zip(wall).map(|(clock, wall)| Written { clock, wall }),
            held: row.get("held")?,
        })
    })
}

pub fn write_clock(tx: &Tx<'_>, Written { clock, wall }: Written) -> Result<(), StoreError> {
    tx.execute("UPDATE alert_clock SET clock = ?1, wall = ?2", params![clock, wall]).map(drop)
}

/// Whether that is a change.
pub fn hold(tx: &Tx<'_>, held: bool) -> Result<bool, StoreError> {
    Ok(tx.execute("UPDATE alert_clock SET held = ?1 WHERE held <> ?1", params![held])? > 0)
}
