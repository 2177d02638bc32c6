//! Reading what is kept: the series of a metric and their points, from packed blocks and the journal alike, so that
//! a measurement can be read as soon as it is accepted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params};

use super::aggregate::{Point, downsample};
use super::damage::{self, DAMAGED, Origin, are_whole, open_block, open_row, seal_block};
use super::frontier::Frontier;
use super::tier::{TIERS, Tier};
use crate::serve::budget;
use crate::serve::names::fold;
use crate::serve::store::column;
use crate::serve::store::error::StoreError;
use crate::serve::submit::sample::Labels;

/// One series of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub id: i64,
    pub labels: Labels,
}

/// A stretch of time in epoch seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

/// Every series of the metric, of both dialects, in order of creation.
pub fn of_metric(connection: &Connection, metric: i64) -> Result<Vec<Series>, StoreError> {
    let sql = "SELECT id, dialect, labels, checksum FROM series
        WHERE metric_id = ?1 AND dialect <> ?2 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let (mut rows, mut series) = (select.query(params![metric, DAMAGED])?, Vec::new());
    while let Some(row) = rows.next()? {
        budget::proceed()?;
        if !are_whole(metric, row)? {
            damage::note(Origin::Series, row.get("id")?);
            continue;
        }
        let one = from_row(row)?;
        budget::hold(one.bytes())?;
        series.push(one);
    }
    Ok(series)
}

impl Series {
    /// Memory that it takes, here and sorted by its labels.
    fn bytes(&self) -> usize {
        100 + match &self.labels {
            Labels::Source(source) => source.as_ref().map_or(0, String::len),
            Labels::Tags(tags) => bytes_of_tags(tags),
        }
    }
}

/// Memory that tags take. A map of up to eleven takes as much as one of eleven.
pub fn bytes_of_tags(tags: &BTreeMap<String, String>) -> usize {
    800 + tags.iter().map(|(name, value)| 32 + name.len() + value.len()).sum::<usize>()
}

/// Leaves out the series of sources that some tagged series repeat, of the same metric and with the same tag `source`,
/// or none: emitters that write both dialects (statsd-librato-backend does on request) mean every measurement once.
pub fn counted_once(mut series: Vec<Series>) -> Vec<Series> {
    let mut repeated: HashSet<Option<String>> = HashSet::new();
    for one in &series {
        if let Labels::Tags(tags) = &one.labels {
            repeated.insert(tags.get("source").cloned());
        }
    }
    series.retain(|one| match &one.labels {
        Labels::Source(source) => !repeated.contains(&source.as_deref().map(fold)),
        Labels::Tags(_) => true,
    });
    series
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Series> {
    let is_tagged = column::word(row, "series", "dialect", |dialect| match dialect {
        "source" => Some(false),
        "tags" => Some(true),
        _ => None,
    })?;
    let labels = if is_tagged {
        Labels::Tags(column::json(row, "series", "labels")?)
    } else {
        Labels::Source(Some(row.get("labels")?).filter(|name: &String| !name.is_empty()))
    };
    Ok(Series { id: row.get("id")?, labels })
}

/// What has not been packed yet, by series.
pub type Recent = HashMap<i64, Vec<Point>>;

/// Goes through the journal once, for the series that are `wanted`, all of them in `range`.
pub fn recent(
    connection: &Connection,
    range: RangeInclusive<i64>,
    wanted: impl Fn(i64) -> bool,
    span: Span,
) -> Result<Recent, StoreError> {
    let (mut recent, frontier) = (Recent::new(), Frontier::of(connection)?);
    // Left to itself, SQLite goes through the whole table, which is in order already.
    let sql = "SELECT id, block FROM journal INDEXED BY journal_by_series
        WHERE first_series <= ?2 AND last_series >= ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([range.start(), range.end()])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get("id")?;
        budget::proceed()?;
        let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
        let Ok(points) = open_row(packed) else {
            damage::note(Origin::Journal, id);
            continue;
        };
        for point in points {
            if span.contains(point.time) && wanted(point.series) && !frontier.is_past(id, point.series) {
                let kept = Point { time: point.time, stats: point.stats.into() };
                let points = recent.entry(point.series).or_default();
                if points.len() == points.capacity() {
                    // It is about to double, or to have its first four.
                    budget::hold(size_of::<Point>() * points.capacity().max(5))?;
                }
                points.push(kept);
            }
        }
    }
    Ok(recent)
}

/// The packed points of one series, tier by tier.
pub fn packed(connection: &Connection, series: i64, span: Span) -> Result<Vec<Point>, StoreError> {
    let mut points = Vec::new();
    for tier in TIERS.into_iter().rev() {
        let sql = "SELECT id, start, block FROM blocks
            WHERE series_id = ?1 AND resolution = ?2 AND start BETWEEN ?3 AND ?4 ORDER BY start";
        let mut select = connection.prepare_cached(sql)?;
        let first = tier.window(span.start);
        let mut rows = select.query(params![series, tier.resolution, first, span.end])?;
        while let Some(row) = rows.next()? {
            let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
            match open_block(series, tier.resolution, row.get("start")?, packed) {
                Ok(found) => {
                    budget::need(taken(&points, found.len()))?;
                    points.extend(found.into_iter().filter(|point| span.contains(point.time)));
                }
                Err(_) => damage::note(Origin::Blocks, row.get("id")?),
            }
        }
    }
    Ok(points)
}

/// Memory that points take while as many as `more` are added to them, which grows them by half of what they are at least.
fn taken(points: &Vec<Point>, more: usize) -> usize {
    let (length, capacity) = (points.len() + more, points.capacity());
    let grown = if length > capacity { capacity + length.max(2 * capacity) } else { capacity };
    size_of::<Point>() * (grown + more)
}

/// Reads the points of some series over one span, each once. Must be made and used inside one transaction.
pub struct Reader<'a> {
    connection: &'a Connection,
    span: Span,
    recent: Recent,
}

impl<'a> Reader<'a> {
    /// Goes through the journal once, for the series in `wanted`.
    pub fn new(
        connection: &'a Connection,
        wanted: &HashSet<i64>,
        span: Span,
    ) -> Result<Reader<'a>, StoreError> {
        let recent = match wanted.iter().min().zip(wanted.iter().max()) {
            Some((first, last)) => {
                recent(connection, *first..=*last, |series| wanted.contains(&series), span)?
            }
            None => Recent::new(),
        };
        Ok(Reader { connection, span, recent })
    }

    /// The points of one series at `resolution`, by time.
    pub fn points(&mut self, series: i64, resolution: i64) -> Result<Vec<Point>, StoreError> {
        let mut points = packed(self.connection, series, self.span)?;
        points.extend(self.recent.remove(&series).unwrap_or_default());
        Ok(downsample(points, resolution))
    }
}

impl Span {
    pub fn contains(self, time: i64) -> bool {
        (self.start..=self.end).contains(&time)
    }
}

/// The points of the block of `series` that begins at `start`, if there is a sound one.
pub fn block_of(
    connection: &Connection,
    series: i64,
    tier: Tier,
    start: i64,
) -> Result<Option<Vec<Point>>, StoreError> {
    let sql = "SELECT id, block FROM blocks WHERE series_id = ?1 AND resolution = ?2 AND start = ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![series, tier.resolution, start])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let packed = row.get_ref("block")?.as_blob().map_err(StoreError::internal)?;
    let found = open_block(series, tier.resolution, start, packed);
    if found.is_err() {
        damage::note(Origin::Blocks, row.get("id")?);
    }
    Ok(found.ok())
}

/// Writes the packed points of a block of `series`, if there is such a series, in the place of the one that begins at `start`.
pub fn put_block(
    connection: &Connection,
    series: i64,
    tier: Tier,
    start: i64,
    block: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO blocks (series_id, resolution, start, block)
        SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM series WHERE id = ?1)
        ON CONFLICT (series_id, resolution, start) DO UPDATE SET block = excluded.block";
    let block = seal_block(series, tier.resolution, start, block);
    connection.prepare_cached(sql)?.execute(params![series, tier.resolution, start, block])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tagged(id: i64, tags: &serde_json::Value) -> Series {
        Series { id, labels: Labels::Tags(serde_json::from_value(tags.clone()).unwrap()) }
    }

    #[test]
    fn what_comes_in_both_dialects_counts_once() {
        let source = |id, name: Option<&str>| Series { id, labels: Labels::Source(name.map(str::to_owned)) };
        let twins = |series: Vec<Series>| counted_once(series).iter().map(|one| one.id).collect::<Vec<_>>();
        let web = || tagged(1, &json!({"source": "web-1", "region": "eu"}));
        assert_eq!(
            twins(vec![web(), source(2, Some("Web-1")), source(3, Some("db")), source(4, None)]),
            [1, 3, 4]
        );
        assert_eq!(
            twins(vec![source(2, Some("web-1")), source(4, None), tagged(5, &json!({"az": "a"}))]),
            [2, 5]
        );
        assert_eq!(twins(vec![source(2, Some("web-1")), source(4, None)]), [2, 4]);
    }
}
