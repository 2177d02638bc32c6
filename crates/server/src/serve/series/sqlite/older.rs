//! Blocks, which files before pages have instead: a row for each series and stretch of time. They are read as they are, and become
//! pages one window after the other, some at a time, so that little room is taken and a process that ends has lost nothing.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::origin::Origin;
use super::pages::{Age, New};
use super::write::Work;
use crate::serve::budget;
use crate::serve::series::points::taken;
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::{Point, downsample};
use crate::serve::tsdb::block;
use crate::serve::tsdb::fold::WHOLE;
use crate::serve::tsdb::page::write::Pages;
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::tier::{TIERS, Tier};

/// Blocks that become pages in one transaction.
const TOGETHER: usize = 2048;

/// Whether there are blocks.
pub fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM blocks LIMIT 1")?.exists([])
}

/// How many there are.
pub fn left(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0))
}

/// The beginning of the oldest window of a tier that has blocks.
pub fn oldest(connection: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT min(start) FROM blocks WHERE resolution = ?1";
    let start: Option<i64> =
        connection.prepare_cached(sql)?.query_row([tier.resolution], |row| row.get(0))?;
    Ok(start.map(|start| tier.window(start)))
}

/// Adds the points that blocks of a tier have of a series.
pub fn read(
    connection: &Connection,
    series: i64,
    tier: Tier,
    time: TimeRange,
    points: &mut Vec<Point>,
) -> Result<(), StoreError> {
    let sql = "SELECT id, start, block FROM blocks
        WHERE series_id = ?1 AND resolution = ?2 AND start BETWEEN ?3 AND ?4 ORDER BY start";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![series, tier.resolution, tier.window(time.start), time.end])?;
    while let Some(row) = rows.next()? {
        let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
        match block::open(series, tier.resolution, row.get("start")?, packed) {
            Ok(found) => {
                budget::need(taken(points, found.len()))?;
                points.extend(found.into_iter().filter(|point| time.contains(point.time)));
            }
            Err(_) => damage::note(Origin::Blocks.table(), row.get("id")?),
        }
    }
    Ok(())
}

/// Turns the next blocks into pages, those of the oldest window of the finest tier first; nothing when there are none.
pub fn step(connection: &Connection) -> Result<Option<Work>, StoreError> {
    for tier in TIERS {
        if let Some(start) = oldest(connection, tier)? {
            return some_of(connection, tier, start).map(Some);
        }
    }
    Ok(None)
}

/// All blocks of some series in a window.
fn some_of(connection: &Connection, tier: Tier, start: i64) -> Result<Work, StoreError> {
    let sql = "SELECT blocks.id, series_id, metric_id FROM blocks JOIN series ON series.id = series_id
        WHERE resolution = ?1 AND start >= ?2 AND start < ?3 ORDER BY metric_id, series_id, start LIMIT ?4";
    let mut select = connection.prepare_cached(sql)?;
    let most = TOGETHER as i64 + 1;
    let rows = select.query_map(params![tier.resolution, start, start + tier.span, most], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let mut found: Vec<(i64, i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    // Of the last series there may be more.
    if found.len() > TOGETHER
        && let Some((_, last, _)) = found.last().copied()
    {
        let others = found.iter().take_while(|(_, series, _)| *series != last).count();
        found.truncate(if others > 0 { others } else { found.len() });
    }
    let mut pages = Pages::new(tier, start);
    let mut work = Work::default();
    let mut select = connection.prepare_cached("SELECT start, block FROM blocks WHERE id = ?1")?;
    for one in found.chunk_by(|a, b| a.1 == b.1) {
        let (mut points, mut key) = (Vec::new(), None);
        for (id, series, metric) in one {
            key = Some((*metric, *series));
            let stored: Option<(i64, Vec<u8>)> =
                select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((start, stored)) = stored else { continue };
            match block::open(*series, tier.resolution, start, &stored) {
                Ok(found) => {
                    points.extend(found);
                    work.blocks.push(*id);
                }
                Err(_) => damage::note(Origin::Blocks.table(), *id),
            }
        }
        points.retain(|point: &Point| tier.window(point.time) == start);
        if let Some((metric, series)) = key {
            pages.put(metric, series, &downsample(points, tier.resolution));
        }
    }
    work.layers.push(New { window: (tier, start), age: Age::Oldest, level: WHOLE, pages: pages.finish() });
    Ok(work)
}
