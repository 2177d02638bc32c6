//! What happens to measurements after they were accepted: the journal of a part is compacted into pages, pages are merged, and those that
//! outlived their resolution are rolled up or dropped. Each step is one transaction that locks its part first, so that whichever
//! servers there are, one at a time writes pages of a part; a server that dies loses the lock with its connection.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::follow::{self, GONE, UNREAD};
use super::pages::{self, New};
use super::table;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::fold::{self, Fold};
use crate::serve::tsdb::journal;
use crate::serve::tsdb::page::write::Pages;
use crate::serve::tsdb::sample::Sample;
use crate::serve::tsdb::tier::Window;

/// Rows that are compacted in one transaction: those of as many bytes, if they are full.
const TOGETHER: i64 = 512;

/// When a step is taken, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// By the clock, as rows of the journal are marked.
    pub wall: i64,
    /// By which measurements age; see `horizon`.
    pub horizon: i64,
    /// How they do.
    pub aging: Aging,
}

/// What a step did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Whether as much waits as can be done at one time.
    pub more: bool,
    /// Points that outlived the last tier, and went.
    pub dropped: u64,
}

/// Compacts the oldest rows of the journal of a part. Nothing where another server is at it, or there are none.
pub fn compact(tx: &Tx<'_>, part: i64, now: Time) -> Result<Option<Done>, StoreError> {
    table::make_part(tx, part)?;
    if !table::lock_part(tx, part)? {
        return Ok(None);
    }
    let Some((samples, more)) = take_oldest(tx, part, now)? else { return Ok(None) };
    let (windows, dropped) = folded(tx, &samples, now)?.finish();
    for (window, pages) in windows {
        let seq = table::next_seq(tx, part)?;
        pages::insert(tx, &New { part, window, seq, level: 0, pages })?;
    }
    Ok(Some(Done { dropped, more }))
}

/// What is in a row, or its bytes where they cannot be read.
type Opened = Result<Vec<Sample>, Vec<u8>>;

/// Takes the oldest rows out of the journal that everybody has read who follows it, as samples in the order of their arrival. What is read is
/// what is deleted: a row with a smaller id may become visible at any time.
fn take_oldest(tx: &Tx<'_>, part: i64, now: Time) -> Result<Option<(Vec<Sample>, bool)>, StoreError> {
    // Nobody waits for those who are gone, nor for ever.
    let sql = "WITH unread AS (
            SELECT min(row.id) AS id FROM journal AS row JOIN tails ON tails.seen > ?3
                LEFT JOIN LATERAL unnest(tails.lanes, tails.seqs) AS read (lane, seq) ON read.lane = row.lane
            WHERE row.part = ?1 AND row.received_at > ?4 AND row.seq > coalesce(read.seq, 0))
        DELETE FROM journal WHERE part = ?1 AND id IN (
            SELECT id FROM journal WHERE part = ?1 AND id < coalesce((SELECT id FROM unread), 9223372036854775807)
            ORDER BY id LIMIT ?2)
        RETURNING id, lane, seq, block";
    let (mut rows, mut last) = (Vec::<(i64, Opened)>::new(), HashMap::<i64, i64>::new());
    tx.each(sql, params![part, TOGETHER, now.wall - GONE, now.wall - UNREAD], |row| {
        let bytes: &[u8] = row.get("block")?;
        rows.push((row.get("id")?, journal::open(bytes).map_err(|_| bytes.to_vec())));
        let seq: i64 = row.get("seq")?;
        last.entry(row.get("lane")?).and_modify(|last| *last = seq.max(*last)).or_insert(seq);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    if rows.is_empty() {
        return Ok(None);
    }
    follow::note_compacted(tx, part, &last)?;
    let more = rows.len() as i64 >= TOGETHER;
    rows.sort_unstable_by_key(|(id, _)| *id);
    let mut all = Vec::new();
    for (id, samples) in rows {
        match samples {
            Ok(mut samples) => all.append(&mut samples),
            Err(bytes) => {
                table::set_aside(tx, table::JOURNAL, id, &bytes, now.wall)?;
            }
        }
    }
    Ok(Some((all, more)))
}

/// Samples in order of their arrival as pages, without those of series that are gone.
fn folded(tx: &Tx<'_>, samples: &[Sample], now: Time) -> Result<Fold, StoreError> {
    let ids: HashSet<i64> = samples.iter().map(|sample| sample.series).collect();
    let there = table::existing(tx, &Vec::from_iter(ids))?;
    let mut order: Vec<(i64, i64, usize)> = samples
        .iter()
        .enumerate()
        .filter(|(_, sample)| there.contains(&sample.series))
        .map(|(index, sample)| (sample.metric, sample.series, index))
        .collect();
    // Each series by itself, in order of arrival.
    order.sort_unstable();
    let mut fold = Fold::new(now.aging, now.horizon);
    for one in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some((metric, series, _)) = one.first() else { continue };
        let points = one.iter().filter_map(|(.., index)| samples.get(*index)).map(Point::from);
        fold.put(*metric, *series, points.collect());
    }
    Ok(fold)
}

/// The windows of a part in which something is to be done, from the finest tier and the oldest window on.
pub fn windows_due(tx: &Tx<'_>, part: i64, now: Time) -> Result<Vec<Window>, StoreError> {
    let mut due = Vec::new();
    for (window, mut layers) in pages::windows(tx, part)? {
        let is_complete = layers.len() > 1 && now.aging.is_complete(window, now.horizon);
        if is_complete && !has_expired(window, now) {
            layers = pages::layers(tx, part, window)?;
        }
        if has_expired(window, now) || fold::due(&layers, is_complete).is_some() {
            due.push(window);
        }
    }
    Ok(due)
}

fn has_expired((tier, start): Window, now: Time) -> bool {
    start < now.aging.expired_before(tier, now.horizon)
}

/// Merges layers of a window, or moves all of it to the next tier when it has expired; what was in the last one is dropped. Nothing where another
/// server is at it, or there is nothing to be done any more.
pub fn tidy(tx: &Tx<'_>, part: i64, window: Window, now: Time) -> Result<Option<Done>, StoreError> {
    if !table::lock_part(tx, part)? {
        return Ok(None);
    }
    let layers = pages::layers(tx, part, window)?;
    if layers.is_empty() {
        return Ok(None);
    }
    let (tier, start) = window;
    if !has_expired(window, now) {
        let is_complete = now.aging.is_complete(window, now.horizon);
        let Some((some, level)) = fold::due(&layers, is_complete) else { return Ok(None) };
        let Some(youngest) = some.last() else { return Ok(None) };
        let mut merged = Pages::new(tier, start);
        let put = |metric, series, points: Vec<Point>| merged.put(metric, series, &points);
        pages::merge_layers(tx, part, window, some, tier.resolution, put)?;
        pages::delete(tx, part, window, some)?;
        pages::insert(tx, &New { part, window, seq: youngest.seq, level, pages: merged.finish() })?;
        return Ok(Some(Done::default()));
    }
    let Some(next) = tier.next() else {
        let mut dropped = 0;
        let count = |_, _, points: Vec<Point>| dropped += points.len() as u64;
        pages::merge_layers(tx, part, window, &layers, tier.resolution, count)?;
        pages::delete(tx, part, window, &layers)?;
        return Ok(Some(Done { dropped, ..Done::default() }));
    };
    let window_of_next = (next, next.window(start));
    let mut merged = Pages::new(next, window_of_next.1);
    let put = |metric, series, points: Vec<Point>| merged.put(metric, series, &points);
    pages::merge_layers(tx, part, window, &layers, next.resolution, put)?;
    pages::delete(tx, part, window, &layers)?;
    let seq = table::next_seq(tx, part)?;
    pages::insert(tx, &New { part, window: window_of_next, seq, level: 0, pages: merged.finish() })?;
    Ok(Some(Done::default()))
}
