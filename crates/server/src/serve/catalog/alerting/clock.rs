//! The clocks of evaluation, as they were last written down, and what else there is once in a file.

use super::table::{self, Row};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// What there is once in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What tells the incidents of this file from those of others.
    pub file: u32,
    /// How far alerts were evaluated.
    pub written: Clocks,
    /// Whether notifications are held back, until someone says that they may go.
    pub held: bool,
}

/// How far the groups of alerts were evaluated, by their numbers. An alert is in the one that its id leaves when it is divided by how many there
/// are: a file has one group, a database of several servers as many as different servers may evaluate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks(Vec<Option<Written>>);

/// A clock, written down: the second up to which alerts were evaluated, and the wall time then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub clock: i64,
    pub wall: i64,
}

impl Clock {
    /// As it stands in the file.
    pub fn read(tx: &Tx<'_>) -> Result<Clock, StoreError> {
        let rows = table::clocks(tx)?;
        let row = rows.first().ok_or_else(|| StoreError::internal("the file has no clock of evaluation"))?;
        let file = u32::try_from(row.file);
        let written = |row: &Row| row.clock.zip(row.wall).map(|(clock, wall)| Written { clock, wall });
        Ok(Clock {
            file: file.map_err(|_| StoreError::internal("the number of the file is out of range"))?,
            written: Clocks(rows.iter().map(written).collect()),
            held: row.held,
        })
    }
}

impl Clocks {
    /// How far an alert was evaluated; nothing where no one has ever evaluated its group.
    pub fn of(&self, alert: i64) -> Option<Written> {
        let count = i64::try_from(self.0.len().max(1)).unwrap_or(i64::MAX);
        *self.0.get(usize::try_from(alert.rem_euclid(count)).ok()?)?
    }

    /// The second up to which one of so many groups was evaluated: where these are fewer than there are clocks, up to which all of it was.
    pub fn of_group(&self, group: i64, of: i64) -> Option<i64> {
        let those = (0_i64..).zip(&self.0).filter(|(number, _)| number % of.max(1) == group);
        those.filter_map(|(_, written)| written.map(|written| written.clock)).min()
    }

    /// The second up to which the furthest group was evaluated.
    pub fn furthest(&self) -> Option<i64> {
        self.0.iter().flatten().map(|written| written.clock).max()
    }
}

/// Writes down how far these of so many groups were evaluated. Whatever states have changed by then must be written first, or in the same
/// transaction: what has no state is taken for quiet up to it.
pub fn write(tx: &Tx<'_>, groups: &Vec<i64>, of: i64, written: Written) -> Result<(), StoreError> {
    if table::write_clock(tx, groups, of, (written.clock, written.wall))? < groups.len() as u64 {
        return Err(StoreError::internal("a group of alerts has no clock of evaluation"));
    }
    Ok(())
}

/// Notifications may go, or not any more. Whether that is a change.
pub fn hold(tx: &Tx<'_>, held: bool) -> Result<bool, StoreError> {
    table::hold(tx, held)
}
