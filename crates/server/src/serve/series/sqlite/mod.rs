//! Series and points in the tables of SQLite: the journal, pages, the way from one to the other, and what was found damaged.
//! All SQL on these tables is here.

mod compact;
mod damage;
#[cfg(test)]
mod damage_tests;
pub mod examine;
mod follow;
mod gone;
mod history;
mod maintenance;
mod older;
mod origin;
mod packed;
mod pages;
mod table;
#[cfg(test)]
pub mod testing;
pub mod whole;
mod write;

use std::collections::HashSet;

use rusqlite::Connection;

pub use self::follow::LANE;
use super::points::{Cursor, Owned, Packed, Points, Recent, Tail, range};
use crate::serve::store::error::StoreError;
use crate::serve::store::sqlite::contents::Contents;
use crate::serve::tsdb::journal::Row;
use crate::serve::tsdb::labels::{Labels, Series};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::sample::Sample;

/// What lies in a data file beside the definitions.
pub const CONTENTS: Contents = Contents {
    aging: maintenance::aging,
    jobs: &[maintenance::begin],
    examinations: &[
        examine::retention,
        examine::labels,
        examine::packed,
        examine::layers,
        examine::set_aside,
        examine::alerting,
    ],
};

/// What a transaction on this connection sees.
pub struct Sqlite<'c>(pub &'c Connection);

impl Points for Sqlite<'_> {
    fn series(&self, metric: i64) -> Result<Vec<Series>, StoreError> {
        table::of_metric(self.0, metric)
    }

    fn find_or_create(&self, wanted: &[(i64, &Labels)]) -> Result<Vec<i64>, StoreError> {
        wanted.iter().map(|(metric, labels)| table::series(self.0, *metric, labels)).collect()
    }

    fn append(&self, rows: &[Row], received: i64) -> Result<(), StoreError> {
        table::append(self.0, rows, received)
    }

    fn recent(&self, wanted: &HashSet<i64>, time: TimeRange) -> Result<Recent, StoreError> {
        let Some(range) = range(wanted) else { return Ok(Recent::new()) };
        table::recent(self.0, range, |series| wanted.contains(&series), time)
    }

    fn packed<'s>(
        &'s self,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Box<dyn Packed + 's>, StoreError> {
        Ok(Box::new(packed::Packed::new(self.0, wanted, time)?))
    }

    fn tail(&self, after: &Cursor, most: usize, wanted: &dyn Fn(i64) -> bool) -> Result<Tail, StoreError> {
        follow::tail(self.0, after, most, wanted)
    }

    fn end(&self) -> Result<Cursor, StoreError> {
        follow::end(self.0)
    }

    fn waiting(
        &self,
        until: &Cursor,
        wanted: &dyn Fn(i64) -> bool,
        each: &mut dyn FnMut(i64, &Sample),
    ) -> Result<(), StoreError> {
        follow::waiting(self.0, until, wanted, each)
    }

    fn of_ids(&self, ids: &[i64]) -> Result<Vec<Owned>, StoreError> {
        table::of_ids(self.0, ids)
    }

    fn forget(&self, metric: i64, most: usize) -> Result<bool, StoreError> {
        table::forget(self.0, metric, most)
    }
}
