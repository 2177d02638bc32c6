//! All pages of a database, window by window.

use std::collections::{BTreeSet, HashMap};

use super::compact::{self, Time};
use super::pages::{self, New};
use super::table;
use crate::serve::series::aging;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::fold::OfPart;
use crate::serve::tsdb::page::write::Written;
use crate::serve::tsdb::tier::Window;

/// Compacts some of what is in the journal; whether there was anything.
pub fn compact_some(tx: &Tx<'_>, wall: i64) -> Result<bool, StoreError> {
    let (horizon, _) = table::horizon(tx, wall * 1000)?;
    let now = Time { wall, horizon: horizon / 1000, aging: aging::read(tx)? };
    let Some(part) = table::part_of_journal(tx)? else { return Ok(false) };
    compact::compact(tx, part, now).map(|done| done.is_some())
}

pub fn windows(tx: &Tx<'_>) -> Result<Vec<Window>, StoreError> {
    let mut found = BTreeSet::new();
    for part in table::parts(tx)? {
        found.extend(pages::windows(tx, part)?.into_iter().map(|(window, _)| window));
    }
    Ok(found.into_iter().collect())
}

pub fn each(
    tx: &Tx<'_>,
    window: Window,
    mut each: impl FnMut(i64, i64, i64, Vec<Point>),
) -> Result<(), StoreError> {
    let (tier, _) = window;
    for part in table::parts(tx)? {
        let layers = pages::layers(tx, part, window)?;
        let put = |metric, series, points| each(part, metric, series, points);
        pages::merge_layers(tx, part, window, &layers, tier.resolution, put)?;
    }
    Ok(())
}

pub fn write(tx: &Tx<'_>, window: Window, level: i64, layers: &[OfPart]) -> Result<(), StoreError> {
    // The first number of a layer that is written in the ordinary way is one.
    let mut next: HashMap<i64, i64> = HashMap::new();
    layers.iter().try_for_each(|(part, pages)| {
        table::make_part(tx, *part)?;
        let seq = next.entry(*part).or_insert(1);
        *seq -= 1;
        let copy = |page: &Written| Written { first: page.first, last: page.last, bytes: page.bytes.clone() };
        let pages = pages.iter().map(copy).collect();
        pages::insert(tx, &New { part: *part, window, seq: *seq, level, pages })
    })
}
