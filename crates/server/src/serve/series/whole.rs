//! All measurements of a store, window by window, to be moved into another one: its pages, merged, and cut anew into the parts of the
//! other. Nothing else may write to either.

use std::collections::BTreeMap;

use super::sqlite;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Engine, Tx};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::fold::{OfPart, WHOLE};
use crate::serve::tsdb::page::write::Pages;
use crate::serve::tsdb::tier::Window;

/// Whether there are blocks of an older version beside the pages.
pub fn has_blocks(tx: &Tx<'_>) -> Result<bool, StoreError> {
    match tx.engine() {
        Engine::Sqlite(session) => sqlite::whole::has_blocks(session.0),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => Ok(false),
    }
}

/// The windows that have pages, from the finest tier and the oldest window on.
pub fn windows(tx: &Tx<'_>) -> Result<Vec<Window>, StoreError> {
    match tx.engine() {
        Engine::Sqlite(session) => sqlite::whole::windows(session.0),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => super::postgres::whole::windows(tx),
    }
}

/// Gives `each` the points of each series in a window once, those of a metric in order of its series. The first number is that of a part.
pub fn each(
    tx: &Tx<'_>,
    window: Window,
    each: impl FnMut(i64, i64, i64, Vec<Point>),
) -> Result<(), StoreError> {
    match tx.engine() {
        Engine::Sqlite(session) => sqlite::whole::each(session.0, window, each),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => super::postgres::whole::each(tx, window, each),
    }
}

/// The pages of a window for a store that divides measurements into so many parts.
pub fn read(tx: &Tx<'_>, window: Window, parts: i64) -> Result<Vec<OfPart>, StoreError> {
    let (tier, start) = window;
    // In each of our parts metrics come in order, which those of a page must; so each fills pages of its own.
    let mut filled: BTreeMap<(i64, i64), Pages> = BTreeMap::new();
    each(tx, window, |own, metric, series, points| {
        let part = metric.rem_euclid(parts);
        let pages = filled.entry((own, part)).or_insert_with(|| Pages::new(tier, start));
        pages.put(metric, series, &points);
    })?;
    Ok(filled.into_iter().map(|((_, part), pages)| (part, pages.finish())).collect())
}

/// Writes layers that are older than all that will come.
pub fn write(tx: &Tx<'_>, window: Window, layers: &[OfPart]) -> Result<(), StoreError> {
    match tx.engine() {
        Engine::Sqlite(session) => sqlite::whole::write(session.0, window, WHOLE, layers),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => super::postgres::whole::write(tx, window, WHOLE, layers),
    }
}
