//! The table of pages. A layer is the pages of a window that were written together, which have one `seq`.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::vec;

use super::table;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::fold::Layer;
use crate::serve::tsdb::page::merge::merge;
use crate::serve::tsdb::page::write::Written;
use crate::serve::tsdb::page::{self, Page, Run};
use crate::serve::tsdb::tier::{Tier, Window};

/// The table, as damage is told of it.
pub const PAGES: &str = "pages";

/// Pages of a layer that are read together while it is merged with others.
const TOGETHER: i64 = 64;

/// A layer to be written.
#[derive(Debug)]
pub struct New {
    pub part: i64,
    pub window: Window,
    pub seq: i64,
    pub level: i64,
    pub pages: Vec<Written>,
}

/// The windows of a part that have pages, from the finest tier and the oldest window on, each with its layers from the oldest to the youngest,
/// whose pages are not counted.
pub fn windows(tx: &Tx<'_>, part: i64) -> Result<Vec<(Window, Vec<Layer>)>, StoreError> {
    // Each layer begins with the page that has the number nothing, of which there is an index.
    let sql =
        "SELECT tier, start, seq, level FROM pages WHERE part = ?1 AND no = 0 ORDER BY tier, start, seq";
    let mut found = Vec::<(Window, Vec<Layer>)>::new();
    tx.each(sql, params![part], |row| {
        let Some(tier) = Tier::of(row.get("tier")?) else { return Ok(ControlFlow::Continue(())) };
        let window = (tier, row.get("start")?);
        let layer = Layer { seq: row.get("seq")?, level: row.get("level")?, pages: 1 };
        match found.last_mut() {
            Some((last, layers)) if *last == window => layers.push(layer),
            _ => found.push((window, vec![layer])),
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The layers of one window, from the oldest to the youngest.
pub fn layers(tx: &Tx<'_>, part: i64, (tier, start): Window) -> Result<Vec<Layer>, StoreError> {
    let sql = "SELECT seq, max(level) AS level, count(*) AS pages FROM pages WHERE part = ?1 AND tier = ?2 AND start = ?3
        GROUP BY seq ORDER BY seq";
    tx.all(sql, params![part, tier.resolution, start], |row| {
        Ok(Layer { seq: row.get("seq")?, level: row.get("level")?, pages: row.get("pages")? })
    })
}

/// The beginning of the oldest window of a tier that has pages.
pub fn oldest(tx: &Tx<'_>, tier: Tier) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT min(start) AS oldest FROM pages WHERE part = ANY(?2) AND tier = ?1 AND no = 0";
    Ok(tx.one(sql, params![tier.resolution, table::all_parts(tx)], |row| row.get("oldest"))?.flatten())
}

pub fn insert(tx: &Tx<'_>, new: &New) -> Result<(), StoreError> {
    let New { part, window: (tier, start), seq, level, pages } = new;
    let sql = "INSERT INTO pages (part, tier, start, first, seq, no, level, last, block)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    tx.many(sql, |many| {
        (0_i64..).zip(pages).try_for_each(|(no, page)| {
            many.run(params![part, tier.resolution, start, page.first, seq, no, level, page.last, page.bytes])
        })
    })
    .map(drop)
}

/// Deletes layers of a window. Pages that could not be read were set aside before.
pub fn delete(tx: &Tx<'_>, part: i64, (tier, start): Window, layers: &[Layer]) -> Result<(), StoreError> {
    let seqs: Vec<i64> = layers.iter().map(|layer| layer.seq).collect();
    let any = tx.any("seq", 4);
    let sql = format!("DELETE FROM pages WHERE part = ?1 AND tier = ?2 AND start = ?3 AND {any}");
    tx.execute(&sql, params![part, tier.resolution, start, seqs]).map(drop)
}

/// Merges layers of a window, given from the oldest to the youngest, at `resolution`, without series that are gone. Of each layer a few pages
/// are held at a time.
pub fn merge_layers(
    tx: &Tx<'_>,
    part: i64,
    window: Window,
    layers: &[Layer],
    resolution: i64,
    mut each: impl FnMut(i64, i64, Vec<Point>),
) -> Result<(), StoreError> {
    let source = |layer: &Layer| Source {
        tx,
        part,
        window,
        seq: layer.seq,
        after: (i64::MIN, i64::MIN),
        is_over: false,
        runs: Vec::new().into_iter(),
    };
    merge(layers.iter().map(source).collect(), resolution, |metric, series, points| {
        each(metric, series, points);
        Ok::<_, StoreError>(())
    })
}

/// The runs of a layer, some pages at a time.
struct Source<'t, 'c> {
    tx: &'t Tx<'c>,
    part: i64,
    window: Window,
    seq: i64,
    /// The first metric and the number of the last page that was read.
    after: (i64, i64),
    is_over: bool,
    runs: vec::IntoIter<Run>,
}

impl Source<'_, '_> {
    /// Reads the next pages.
    fn turn(&mut self) -> Result<(), StoreError> {
        let sql =
            "SELECT first, no, block FROM pages WHERE part = ?1 AND tier = ?2 AND start = ?3 AND seq = ?4
            AND (first, no) > (?5, ?6) ORDER BY first, no LIMIT ?7";
        let ((tier, start), (first, no)) = (self.window, self.after);
        let params = params![self.part, tier.resolution, start, self.seq, first, no, TOGETHER];
        let mut pages: Vec<(i64, Vec<u8>)> = Vec::new();
        self.tx.each(sql, params, |row| {
            self.after = (row.get("first")?, row.get("no")?);
            pages.push((self.after.1, row.get("block")?));
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
        self.is_over = pages.is_empty();
        let mut runs = Vec::new();
        for (no, bytes) in &pages {
            match read(self.window, bytes) {
                Ok(mut found) => runs.append(&mut found),
                Err(()) => {
                    table::set_aside(self.tx, PAGES, *no, bytes, 0)?;
                }
            }
        }
        let ids: HashSet<i64> = runs.iter().map(|run| run.series).collect();
        let there = table::existing(self.tx, &Vec::from_iter(ids))?;
        runs.retain(|run| there.contains(&run.series));
        self.runs = runs.into_iter();
        Ok(())
    }
}

/// All runs of a page.
fn read((tier, start): Window, bytes: &[u8]) -> Result<Vec<Run>, ()> {
    let (page, places): (Page<'_>, _) = page::open(tier, start, bytes).map_err(drop)?;
    let run = |place: &page::Place| {
        let points = page.points(place).map_err(drop)?;
        Ok(Run { metric: place.metric, series: place.series, points })
    };
    places.iter().map(run).collect()
}

impl Iterator for Source<'_, '_> {
    type Item = Result<Run, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(run) = self.runs.next() {
                return Some(Ok(run));
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.turn() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }
}
