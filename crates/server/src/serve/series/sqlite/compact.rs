//! What happens to measurements after they were accepted: the journal is compacted into pages, pages are merged, and those that
//! outlived their resolution are rolled up or dropped. Decides what is due and reads it; in steps, each worked out over a snapshot.
//! That is sound because no one else writes pages.

use rusqlite::Connection;

use super::origin::Origin;
use super::pages::{self, Age, New};
use super::write::Work;
use super::{gone, older, table};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::{Aggregate, Point};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::fold::{self, Fold, Layer};
use crate::serve::tsdb::journal;
use crate::serve::tsdb::page::Singles;
use crate::serve::tsdb::page::write::Pages;
use crate::serve::tsdb::sample::{Sample, Stats};
use crate::serve::tsdb::tier::{TIERS, Window};

/// The journal is compacted when it has grown to this many bytes, about 190,000 points, as many at a time, or when its oldest
/// row is this many seconds old: the more points of a series come together the fewer bytes they take, and the less is merged later;
/// but every read has to go through what waits.
const GROWN: usize = 2 << 20;
const OLD: i64 = 30;

/// Rows that someone who follows the journal has not read wait so many seconds, and so many bytes.
const UNREAD: i64 = 60;
const MOST_UNREAD: i64 = 64 << 20;

/// When so many rows of the journal wait for a later step, submissions come faster than they are compacted.
const BEHIND: i64 = 4096;

/// When a step is taken, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// By the clock, as rows of the journal are marked.
    pub wall: i64,
    /// By which measurements age; see `horizon`.
    pub horizon: i64,
    /// How they do.
    pub aging: Aging,
    /// The last row of the journal that was read by who follows it.
    pub followed: i64,
}

/// The next step of what is due at `now`, all of the journal being due when `closing`; nothing when nothing is. What is
/// damaged is noted and left to be set aside.
pub fn step(connection: &Connection, now: Time, closing: bool) -> Result<Option<Work>, StoreError> {
    if let Some(work) = compact(connection, now, closing)? {
        return Ok(Some(work));
    }
    if closing {
        return Ok(None);
    }
    if let Some(work) = older::step(connection)? {
        return Ok(Some(work));
    }
    for (window, layers) in pages::windows(connection)? {
        if window.1 < now.aging.expired_before(window.0, now.horizon) {
            return roll_up(connection, window, &layers).map(Some);
        }
        if let Some(work) = merge(connection, window, layers, now)? {
            return Ok(Some(work));
        }
    }
    gone::step(connection)
}

/// The time at which the next window ages; nothing when there is none.
pub fn next_due(connection: &Connection, aging: &Aging) -> rusqlite::Result<Option<i64>> {
    let mut next = None;
    for tier in TIERS {
        let oldest = [pages::oldest(connection, tier)?, older::oldest(connection, tier)?];
        next = oldest.into_iter().flatten().map(|start| aging.due((tier, start))).chain(next).min();
    }
    Ok(next)
}

/// Packs the oldest rows of the journal, when that is due or `anyway`.
fn compact(connection: &Connection, now: Time, anyway: bool) -> Result<Option<Work>, StoreError> {
    let until = if anyway { i64::MAX } else { readable(connection, now)? };
    let Some(Oldest { samples, bytes, first, last }) = oldest(connection, until)? else { return Ok(None) };
    // One that was received in times to come was so before the clock was set back.
    let young = first > now.wall - OLD && first <= now.wall;
    if !anyway && bytes < GROWN && young {
        return Ok(None);
    }
    let (windows, dropped) = folded(connection, &samples, now)?.finish();
    let new = |(window, pages)| New { window, age: Age::Youngest, level: 0, pages };
    let newest: i64 = connection
        .prepare_cached("SELECT ifnull(max(id), 0) FROM journal")?
        .query_row([], |row| row.get(0))?;
    let behind = newest - last > BEHIND;
    let layers = windows.into_iter().map(new).collect();
    Ok(Some(Work { layers, compacted: Some(last), behind, dropped, ..Work::default() }))
}

/// Samples in order of their arrival as pages, without those of series that are gone.
fn folded(connection: &Connection, samples: &Arrived, now: Time) -> Result<Fold, StoreError> {
    let order = by_series(&samples.all);
    let series: Vec<&[&Slim]> = order.chunk_by(|a, b| a.series == b.series).collect();
    let ids: Vec<i64> = series.iter().map(|one| one[0].series).collect();
    let mut series: Vec<(i64, i64, &[&Slim])> = table::metrics_of(connection, &ids)?
        .into_iter()
        .zip(ids)
        .zip(series)
        .filter_map(|((metric, id), one)| Some((metric?, id, one)))
        .collect();
    series.sort_unstable_by_key(|(metric, id, _)| (*metric, *id));
    let (mut fold, mut singles) = (Fold::new(now.aging, now.horizon), Singles::default());
    for (metric, id, one) in series {
        singles.clear();
        one.iter().map_while(|slim| slim.single()).for_each(|(time, value)| singles.push(time, value));
        if singles.times.len() < one.len() || !fold.put_singles(metric, id, &singles) {
            fold.put(metric, id, one.iter().map(|slim| samples.point(slim)).collect());
        }
    }
    Ok(fold)
}

/// Samples series by series, those of each in the order they came.
fn by_series(all: &[Slim]) -> Vec<&Slim> {
    let ids = || all.iter().map(|slim| slim.series);
    let Some((first, last)) = ids().min().zip(ids().max()) else { return Vec::new() };
    let mut order: Vec<&Slim> = all.iter().collect();
    if !table::is_dense(first, last, all.len()) {
        order.sort_by_key(|slim| slim.series);
        return order;
    }
    // Each is put straight where it belongs: behind all of smaller ids, and those of its own that came before.
    let place = |id: i64| (id - first) as usize;
    let mut next = vec![0; place(last) + 2];
    ids().for_each(|id| next[place(id) + 1] += 1);
    (1..next.len()).for_each(|at| next[at] += next[at - 1]);
    for slim in all {
        let next = &mut next[place(slim.series)];
        order[*next] = slim;
        *next += 1;
    }
    order
}

/// The last row that may be compacted. What is unread waits, but not until the journal has grown too long.
fn readable(connection: &Connection, now: Time) -> Result<i64, StoreError> {
    let sql = "SELECT ifnull(min(received_at), ?2), ifnull(sum(length(block)), 0) FROM journal WHERE id > ?1";
    if now.followed == i64::MAX {
        return Ok(i64::MAX);
    }
    let (oldest, bytes): (i64, i64) = connection
        .prepare_cached(sql)?
        .query_row([now.followed, now.wall], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let waited = now.wall - oldest > UNREAD || bytes > MOST_UNREAD;
    Ok(if waited { i64::MAX } else { now.followed })
}

/// Samples in order of their arrival, most of which are single values and take little room.
#[derive(Default)]
struct Arrived {
    all: Vec<Slim>,
    summaries: Vec<Point>,
}

/// A sample of a series: a single value, or a summary by its place among them.
struct Slim {
    series: i64,
    time: i64,
    stats: Result<f64, usize>,
}

impl Slim {
    fn single(&self) -> Option<(i64, f64)> {
        self.stats.ok().map(|value| (self.time, value))
    }
}

impl Arrived {
    fn push(&mut self, sample: &Sample) {
        let stats = match sample.stats {
            Stats::Single(value) => Ok(value),
            Stats::Summary { .. } => {
                self.summaries.push(sample.into());
                Err(self.summaries.len() - 1)
            }
        };
        self.all.push(Slim { series: sample.series, time: sample.time, stats });
    }

    fn point(&self, slim: &Slim) -> Point {
        match slim.stats {
            Ok(value) => Point { time: slim.time, stats: Aggregate::single(value) },
            Err(place) => self.summaries[place],
        }
    }
}

/// The oldest rows of the journal.
struct Oldest {
    samples: Arrived,
    bytes: usize,
    /// When the first of them was received.
    first: i64,
    /// The id of the last.
    last: i64,
}

/// As many rows as are compacted together, of which the last may be large by itself.
fn oldest(connection: &Connection, until: i64) -> Result<Option<Oldest>, StoreError> {
    let sql = "SELECT id, received_at, block FROM journal WHERE id <= ?1 ORDER BY id";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([until])?;
    let mut oldest: Option<Oldest> = None;
    while oldest.as_ref().is_none_or(|oldest| oldest.bytes < GROWN)
        && let Some(row) = rows.next()?
    {
        let (id, received_at) = (row.get(0)?, row.get(1)?);
        let packed = row.get_ref(2)?.as_blob().map_err(StoreError::internal)?;
        let samples = journal::open(packed).unwrap_or_else(|_| {
            damage::note(Origin::Journal.table(), id);
            Vec::new()
        });
        let oldest = oldest.get_or_insert(Oldest {
            samples: Arrived::default(),
            bytes: 0,
            first: received_at,
            last: id,
        });
        samples.iter().for_each(|sample| oldest.samples.push(sample));
        oldest.bytes += packed.len();
        oldest.last = id;
    }
    Ok(oldest)
}

/// Moves a window that has expired to the next tier; what was in the last one is dropped.
fn roll_up(connection: &Connection, window: Window, layers: &[Layer]) -> Result<Work, StoreError> {
    let (tier, start) = window;
    let Some(next) = tier.next() else {
        let mut dropped = 0;
        let count = |_, _, points: Vec<Point>| dropped += points.len() as u64;
        let replaced = pages::merge_layers(connection, window, layers, tier.resolution, count)?;
        return Ok(Work { replaced, dropped, ..Work::default() });
    };
    let window_of_next = (next, next.window(start));
    let mut merged = Pages::new(next, window_of_next.1);
    let put = |metric, series, points: Vec<Point>| merged.put(metric, series, &points);
    let replaced = pages::merge_layers(connection, window, layers, next.resolution, put)?;
    let new = New { window: window_of_next, age: Age::Youngest, level: 0, pages: merged.finish() };
    Ok(Work { layers: vec![new], replaced, ..Work::default() })
}

/// Merges layers of a window, if any are to be merged.
fn merge(
    connection: &Connection,
    window: Window,
    mut layers: Vec<Layer>,
    now: Time,
) -> Result<Option<Work>, StoreError> {
    let is_complete = now.aging.is_complete(window, now.horizon);
    if layers.len() > 1 && is_complete {
        pages::count_pages(connection, window, &mut layers)?;
    }
    let Some((layers, level)) = fold::due(&layers, is_complete) else { return Ok(None) };
    let Some(youngest) = layers.last() else { return Ok(None) };
    let mut merged = Pages::new(window.0, window.1);
    let put = |metric, series, points: Vec<Point>| merged.put(metric, series, &points);
    let replaced = pages::merge_layers(connection, window, layers, window.0.resolution, put)?;
    let new = New { window, age: Age::Of(youngest.seq), level, pages: merged.finish() };
    Ok(Some(Work { layers: vec![new], replaced, ..Work::default() }))
}

#[cfg(test)]
mod tests;
