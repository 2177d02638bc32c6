//! All pages of a file, window by window.

use rusqlite::Connection;

use super::pages::{self, Age, New};
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::fold::OfPart;
use crate::serve::tsdb::page::write::Written;
use crate::serve::tsdb::tier::Window;

pub fn has_blocks(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare("SELECT 1 FROM blocks LIMIT 1")?.exists([])?)
}

pub fn windows(connection: &Connection) -> Result<Vec<Window>, StoreError> {
    Ok(pages::windows(connection)?.into_iter().map(|(window, _)| window).collect())
}

pub fn each(
    connection: &Connection,
    window: Window,
    mut each: impl FnMut(i64, i64, i64, Vec<Point>),
) -> Result<(), StoreError> {
    let layers = pages::windows(connection)?.into_iter().find(|(found, _)| *found == window);
    let Some((_, layers)) = layers else { return Ok(()) };
    let (tier, _) = window;
    let put = |metric, series, points| each(0, metric, series, points);
    pages::merge_layers(connection, window, &layers, tier.resolution, put).map(drop)
}

pub fn write(
    connection: &Connection,
    window: Window,
    level: i64,
    layers: &[OfPart],
) -> Result<(), StoreError> {
    layers.iter().try_for_each(|(_, pages)| {
        let copy = |page: &Written| Written { first: page.first, last: page.last, bytes: page.bytes.clone() };
        let pages = pages.iter().map(copy).collect();
        pages::insert(connection, &New { window, age: Age::Oldest, level, pages })
    })
}
