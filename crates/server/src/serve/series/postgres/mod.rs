//! Series and points in the tables of PostgreSQL. All series of a metric lie in one *part*, the remainder of its id, so that what is read
//! or compacted is one part. Statements go through [`Tx`], as those of the chapters do.

pub mod append;
#[cfg(test)]
#[cfg(unix)]
mod append_tests;
mod compact;
pub mod examine;
mod follow;
#[cfg(test)]
#[cfg(unix)]
mod follow_tests;
mod history;
mod packed;
mod pages;
mod table;
#[cfg(test)]
#[cfg(unix)]
pub mod testing;
#[cfg(test)]
#[cfg(unix)]
mod tests;
pub mod upkeep;
mod waiting;
pub mod whole;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

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
        let all = table::of_metric(self.tx, metric)?;
        self.metrics.borrow_mut().extend(all.iter().map(|one| (one.id, metric)));
        Ok(all)
    }

    fn find_or_create(&self, wanted: &[(i64, &Labels)]) -> Result<Vec<i64>, StoreError> {
        table::series(self.tx, wanted)
    }

    fn append(&self, rows: &[Row], received: i64) -> Result<(), StoreError> {
        append::append(self.tx, rows, received)
    }

    fn recent(&self, wanted: &HashSet<i64>, time: TimeRange) -> Result<Recent, StoreError> {
        table::recent(self.tx, &table::parts_of(self.tx, &self.keys(wanted)?), wanted, time)
    }

    fn packed<'s>(
        &'s self,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Box<dyn Packed + 's>, StoreError> {
        Ok(Box::new(packed::Packed::new(self.tx, &self.keys(wanted)?, time)?))
    }

    fn tail(&self, after: &Cursor, most: usize, wanted: &dyn Fn(i64) -> bool) -> Result<Tail, StoreError> {
        follow::tail(self.tx, after, most, wanted)
    }

    fn end(&self) -> Result<Cursor, StoreError> {
        follow::end(self.tx)
    }

    fn waiting(
        &self,
        until: &Cursor,
        wanted: &dyn Fn(i64) -> bool,
        each: &mut dyn FnMut(i64, &Sample),
    ) -> Result<(), StoreError> {
        follow::waiting(self.tx, until, wanted, each)
    }

    fn note_tail(&self, holder: &str, cursor: Option<&Cursor>, now: i64) -> Result<(), StoreError> {
        follow::note(self.tx, holder, cursor, now)
    }

    fn of_ids(&self, ids: &[i64]) -> Result<Vec<Owned>, StoreError> {
        table::of_ids(self.tx, ids)
    }

    fn forget(&self, metric: i64, most: usize) -> Result<bool, StoreError> {
        table::forget(self.tx, metric, most)
    }
}
