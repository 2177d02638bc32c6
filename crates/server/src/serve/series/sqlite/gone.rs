//! Metrics that were deleted: their points go out of the pages that hold them beside others. Merges leave them out as well; but of what
//! is whole nothing is merged for long.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::origin::Origin;
use super::pages;
use super::write::{Clearing, Work};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::Error;
use crate::serve::tsdb::page::write::{Pages, Written};
use crate::serve::tsdb::tier::Tier;

/// Pages that are looked at in one step.
const TOGETHER: usize = 1024;

/// Looks through the next pages for metrics that are gone; nothing when there are none.
pub fn step(connection: &Connection) -> Result<Option<Work>, StoreError> {
    let from: Option<i64> = connection
        .prepare_cached("SELECT min(cleared) FROM metrics_gone")?
        .query_row([], |row| row.get(0))?;
    let Some(from) = from else { return Ok(None) };
    let mut select = connection.prepare_cached("SELECT metric FROM metrics_gone WHERE cleared = ?1")?;
    let gone: BTreeSet<i64> = select.query_map([from], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT id, tier, start, first, last, block FROM pages WHERE id > ?1 ORDER BY id LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([from, TOGETHER as i64])?;
    let (mut work, mut looked, mut to) = (Work::default(), 0, from);
    while let Some(row) = rows.next()? {
        (looked, to) = (looked + 1, row.get(0)?);
        if gone.range(row.get::<_, i64>(3)?..=row.get(4)?).next().is_none() {
            continue;
        }
        let bytes = row.get_ref(5)?.as_blob().map_err(StoreError::internal)?;
        match without(&gone, row.get(1)?, row.get(2)?, bytes) {
            Ok(Some(page)) => work.cleared.push((to, page)),
            Ok(None) => {}
            Err(_) => damage::note(Origin::Pages.table(), to),
        }
    }
    work.clearing =
        Some(Clearing { metrics: gone.into_iter().collect(), to: (looked == TOGETHER).then_some(to) });
    Ok(Some(work))
}

/// A page as it is without some metrics, of which nothing may be left; `None` where it has none of them.
fn without(
    gone: &BTreeSet<i64>,
    resolution: i64,
    start: i64,
    stored: &[u8],
) -> Result<Option<Option<Written>>, Error> {
    let tier = Tier::of(resolution).ok_or(Error::Unreadable)?;
    let (page, places) = pages::open(resolution, start, stored)?;
    if !places.iter().any(|place| gone.contains(&place.metric)) {
        return Ok(None);
    }
    let mut left = Pages::of_one(tier, start);
    for place in places.iter().filter(|place| !gone.contains(&place.metric)) {
        left.put(place.metric, place.series, &page.points(place)?);
    }
    let mut left = left.finish();
    // One page becomes no two.
    Ok((left.len() < 2).then(|| left.pop()))
}
