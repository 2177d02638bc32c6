//! The table of pages. A layer is the pages of a window that were written together; each begins with the one that has the number
//! nothing, so that an index of those alone is the list of layers.

use std::collections::HashMap;
use std::vec;

use rusqlite::{Connection, OptionalExtension as _, Rows, Statement, params};

use super::origin::Origin;
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::Error;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::fold::Layer;
use crate::serve::tsdb::page::merge::merge;
use crate::serve::tsdb::page::write::Written;
use crate::serve::tsdb::page::{self, Page, Place, Run};
use crate::serve::tsdb::tier::{Tier, Window};

/// Which place a new layer has among those of its window.
#[derive(Debug, Clone, Copy)]
pub enum Age {
    Youngest,
    /// Older than all.
    Oldest,
    /// As old as the youngest that it was made of.
    Of(i64),
}

/// Pages to be written together.
#[derive(Debug)]
pub struct New {
    pub window: Window,
    pub age: Age,
    pub level: i64,
    pub pages: Vec<Written>,
}

pub fn open(resolution: i64, start: i64, stored: &[u8]) -> Result<(Page<'_>, Vec<Place>), Error> {
    page::open(Tier::of(resolution).ok_or(Error::Unreadable)?, start, stored)
}

/// How many points a stored page has, all of which can be read.
pub fn count(resolution: i64, start: i64, stored: &[u8]) -> Result<usize, Error> {
    let (page, places) = open(resolution, start, stored)?;
    places.iter().map(|place| page.points(place).map(|points| points.len())).sum()
}

/// The windows that have pages, from the finest tier and the oldest window on, each with its layers from the oldest to the youngest.
pub fn windows(connection: &Connection) -> Result<Vec<(Window, Vec<Layer>)>, StoreError> {
    let sql = "SELECT tier, start, seq, level FROM pages WHERE part = 0 AND no = 0 ORDER BY tier, start, seq";
    let mut select = connection.prepare_cached(sql)?;
    let (mut rows, mut found) = (select.query([])?, Vec::<(Window, Vec<Layer>)>::new());
    while let Some(row) = rows.next()? {
        let Some(tier) = Tier::of(row.get(0)?) else { continue };
        let window = (tier, row.get(1)?);
        let layer = Layer { seq: row.get(2)?, level: row.get(3)?, pages: 1 };
        match found.last_mut() {
            Some((last, layers)) if *last == window => layers.push(layer),
            _ => found.push((window, vec![layer])),
        }
    }
    Ok(found)
}

/// Counts the pages of layers.
pub fn count_pages(
    connection: &Connection,
    (tier, start): Window,
    layers: &mut [Layer],
) -> Result<(), StoreError> {
    let sql = "SELECT seq, count(*) FROM pages WHERE part = 0 AND tier = ?1 AND start = ?2 GROUP BY seq";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map([tier.resolution, start], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let pages: HashMap<i64, i64> = rows.collect::<rusqlite::Result<_>>()?;
    layers.iter_mut().for_each(|layer| layer.pages = pages.get(&layer.seq).copied().unwrap_or(1));
    Ok(())
}

/// The beginning of the oldest window of a tier that has pages.
pub fn oldest(connection: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT min(start) FROM pages WHERE part = 0 AND tier = ?1 AND no = 0";
    connection.prepare_cached(sql)?.query_row([tier.resolution], |row| row.get(0))
}

/// Merges layers of a window, given from the oldest to the youngest, at `resolution`, without series that are gone. Gives the ids of
/// the pages that were read.
pub fn merge_layers(
    connection: &Connection,
    window: Window,
    layers: &[Layer],
    resolution: i64,
    mut each: impl FnMut(i64, i64, Vec<Point>),
) -> Result<Vec<i64>, StoreError> {
    let (tier, start) = window;
    let sql = "SELECT id, block FROM pages WHERE part = 0 AND tier = ?1 AND start = ?2 AND seq = ?3 ORDER BY first, no";
    let mut selects: Vec<Statement<'_>> =
        layers.iter().map(|_| connection.prepare(sql)).collect::<rusqlite::Result<_>>()?;
    let mut ids = vec![Vec::new(); layers.len()];
    let mut sources = Vec::with_capacity(layers.len());
    for ((layer, select), read) in layers.iter().zip(&mut selects).zip(&mut ids) {
        let rows = select.query([tier.resolution, start, layer.seq])?;
        sources.push(Source { rows, window, read, bytes: Vec::new(), places: Vec::new().into_iter() });
    }
    let mut exists = connection.prepare_cached("SELECT 1 FROM series WHERE id = ?1")?;
    merge(sources, resolution, |metric, series, points| {
        if exists.exists([series])? {
            each(metric, series, points);
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(ids.concat())
}

/// The runs of a layer, page by page. One that is damaged is noted, and left for it to be set aside.
struct Source<'s> {
    rows: Rows<'s>,
    window: Window,
    /// The ids of pages that were read to their end.
    read: &'s mut Vec<i64>,
    bytes: Vec<u8>,
    places: vec::IntoIter<Place>,
}

impl Source<'_> {
    /// Opens the next page; whether there is any.
    fn turn(&mut self) -> Result<bool, StoreError> {
        let (tier, start) = self.window;
        let Some(row) = self.rows.next()? else { return Ok(false) };
        let id = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob().map_err(StoreError::internal)?;
        match page::open(tier, start, bytes) {
            Ok((_, places)) => {
                self.bytes.clear();
                self.bytes.extend_from_slice(bytes);
                self.places = places.into_iter();
                self.read.push(id);
            }
            Err(_) => damage::note(Origin::Pages.table(), id),
        }
        Ok(true)
    }
}

impl Iterator for Source<'_> {
    type Item = Result<Run, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(place) = self.places.next() {
                match Page::known(self.window, &self.bytes).points(&place) {
                    Ok(points) => {
                        let Place { metric, series, .. } = place;
                        return Some(Ok(Run { metric, series, points }));
                    }
                    Err(_) => {
                        self.places = Vec::new().into_iter();
                        if let Some(id) = self.read.pop() {
                            damage::note(Origin::Pages.table(), id);
                        }
                    }
                }
            }
            match self.turn() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Writes a layer.
pub fn insert(connection: &Connection, new: &New) -> Result<(), StoreError> {
    let (tier, start) = new.window;
    let seq = match new.age {
        Age::Of(seq) => seq,
        Age::Youngest => connection
            .prepare_cached("UPDATE parts SET seq = seq + 1 WHERE part = 0 RETURNING seq")?
            .query_row([], |row| row.get(0))?,
        Age::Oldest => {
            let sql = "SELECT min(0, ifnull(min(seq), 0)) - 1 FROM pages
                WHERE part = 0 AND tier = ?1 AND start = ?2 AND no = 0";
            connection.prepare_cached(sql)?.query_row([tier.resolution, start], |row| row.get::<_, i64>(0))?
        }
    };
    let sql = "INSERT INTO pages (part, tier, start, first, seq, no, level, last, block)
        VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut insert = connection.prepare_cached(sql)?;
    for (no, page) in (0_i64..).zip(&new.pages) {
        let values = params![tier.resolution, start, page.first, seq, no, new.level, page.last, page.bytes];
        insert.execute(values)?;
    }
    Ok(())
}

/// Deletes a page; what is left of its layer begins with the next.
pub fn delete(connection: &Connection, id: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM pages WHERE id = ?1 RETURNING tier, start, seq, no";
    let found = connection
        .prepare_cached(sql)?
        .query_row([id], |row| Ok(([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?], row.get::<_, i64>(3)?)))
        .optional()?;
    if let Some((layer, 0)) = found {
        let sql = "UPDATE pages SET no = 0 WHERE id = (SELECT id FROM pages
            WHERE part = 0 AND tier = ?1 AND start = ?2 AND seq = ?3 ORDER BY first, no LIMIT 1)";
        connection.prepare_cached(sql)?.execute(layer)?;
    }
    Ok(())
}

/// Puts a page in the place of another.
pub fn replace(connection: &Connection, id: i64, page: &Written) -> Result<(), StoreError> {
    let sql = "UPDATE pages SET first = ?2, last = ?3, block = ?4 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, page.first, page.last, page.bytes])?;
    Ok(())
}
