//! The clock of evaluation, as it was last written down, and what else there is once in a file.

use super::table;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// What there is once in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What tells the incidents of this file from those of others.
    pub file: u32,
    /// The second up to which alerts were evaluated, and the wall time then; nothing in a file whose alerts no one evaluated.
    pub written: Option<Written>,
    /// Whether notifications are held back, until someone says that they may go.
    pub held: bool,
}

/// The clock, written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub clock: i64,
    pub wall: i64,
}

impl Clock {
    /// As it stands in the file.
    pub fn read(tx: &Tx<'_>) -> Result<Clock, StoreError> {
        let row = table::clock(tx)?;
        let row = row.ok_or_else(|| StoreError::internal("the file has no clock of evaluation"))?;
        let file = u32::try_from(row.file);
        Ok(Clock {
            file: file.map_err(|_| StoreError::internal("the number of the file is out of range"))?,
            written: row.clock.zip(row.wall).map(|(clock, wall)| Written { clock, wall }),
            held: row.held,
        })
    }
}

/// Writes the clock down. Whatever states have changed by then must be written first, or in the same transaction: what has no state is
/// taken for quiet up to it.
pub fn write(tx: &Tx<'_>, written: Written) -> Result<(), StoreError> {
    table::write_clock(tx, written.clock, written.wall)
}

/// Notifications may go, or not any more. Whether that is a change.
pub fn hold(tx: &Tx<'_>, held: bool) -> Result<bool, StoreError> {
    table::hold(tx, held)
}
