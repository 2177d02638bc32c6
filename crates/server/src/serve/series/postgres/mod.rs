//! Series and points in the tables of PostgreSQL. All series of a metric lie in one *part*, the remainder of its id, so that what is read
//! or compacted is one part. Statements go through [`Tx`], as those of the chapters do.

mod compact;
mod packed;
mod pages;
mod table;
#[cfg(test)]
#[cfg(unix)]
mod tests;
pub mod upkeep;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use self::table::Keys;
use super::points::{Cursor, Owned, Packed, Points, Recent, Tail};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::journal::Row;
use crate::serve::tsdb::labels::{Labels, Series};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::sample::Sample;

/// What a transaction sees.
pub struct Postgres<'t, 'c> {
    tx: &'t Tx<'c>,
    /// The metrics of series, as far as they were asked for.
    metrics: RefCell<HashMap<i64, i64>>,
}

impl<'t, 'c> Postgres<'t, 'c> {
    pub fn new(tx: &'t Tx<'c>) -> Postgres<'t, 'c> {
        Postgres { tx, metrics: RefCell::default() }
    }

    /// The series of these that exist.
    fn keys(&self, series: &HashSet<i64>) -> Result<Keys, StoreError> {
        let mut metrics = self.metrics.borrow_mut();
        let unknown: Vec<i64> = series.iter().filter(|id| !metrics.contains_key(id)).copied().collect();
        if !unknown.is_empty() {
            metrics.extend(table::metrics_of(self.tx, &unknown)?);
        }
        Ok(series.iter().filter_map(|id| Some((*metrics.get(id)?, *id))).collect())
    }
}

impl Points for Postgres<'_, '_> {
    fn series(&self, metric: i64) -> Result<Vec<Series>, StoreError> {
        table::of_metric(self.tx, metric)
    }

    fn find_or_create(&self, metric: i64, labels: &Labels) -> Result<i64, StoreError> {
        table::series(self.tx, metric, labels)
    }

    fn append(&self, rows: &[Row], received: i64) -> Result<(), StoreError> {
        table::append(self.tx, rows, received)
    }

    fn recent(
        &self,
        series: RangeInclusive<i64>,
        wanted: &dyn Fn(i64) -> bool,
        time: TimeRange,
    ) -> Result<Recent, StoreError> {
        table::recent(self.tx, series, wanted, time)
    }

    fn packed<'s>(
        &'s self,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Box<dyn Packed + 's>, StoreError> {
        Ok(Box::new(packed::Packed::new(self.tx, &self.keys(wanted)?, time)?))
    }

    fn tail(&self, _: Cursor, _: usize, _: &dyn Fn(i64) -> bool) -> Result<Tail, StoreError> {
        Err(not_followed())
    }

    fn end(&self) -> Result<Cursor, StoreError> {
        Err(not_followed())
    }

    fn waiting(
        &self,
        _: Cursor,
        _: &dyn Fn(i64) -> bool,
        _: &mut dyn FnMut(i64, &Sample),
    ) -> Result<(), StoreError> {
        Err(not_followed())
    }

    fn of_ids(&self, ids: &[i64]) -> Result<Vec<Owned>, StoreError> {
        table::of_ids(self.tx, ids)
    }

    fn forget(&self, metric: i64, most: usize) -> Result<bool, StoreError> {
        table::forget(self.tx, metric, most)
    }
}

/// Ids of the journal become visible out of order, so whoever follows it needs more of a row than its id.
fn not_followed() -> StoreError {
    StoreError::internal("the journal of PostgreSQL cannot be followed yet")
}
