//! Reading the points of some series out of pages, and out of blocks as far as older files still have them. The directories of the
//! pages are read once, or where few series are wanted only those that lead to them; then each is found without decoding the others.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::origin::Origin;
use super::{older, table};
use crate::serve::budget;
use crate::serve::series::points::{Packed as Series, taken};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::page::{self, Page, Place, Singles, Times};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::tier::{TIERS, Tier};

/// Bytes of pages that are kept; what there is beyond is read again for each series.
const KEPT: usize = 16 << 20;

/// The packed points of some series.
pub struct Packed<'c> {
    connection: &'c Connection,
    time: TimeRange,
    has_blocks: bool,
    pages: Vec<Known>,
    /// Of each page the times that its runs share.
    shared: Vec<Times>,
    /// Where each series lies, in order of the pages.
    places: HashMap<i64, Vec<(usize, Place)>>,
    /// Bytes of pages that are kept, and of what is known of places.
    kept: usize,
    held: usize,
}

/// A page, and its bytes where they are kept.
struct Known {
    id: i64,
    tier: Tier,
    start: i64,
    /// The smallest and the largest id of a metric in it.
    metrics: (i64, i64),
    seq: i64,
    no: i64,
    bytes: Option<Rc<[u8]>>,
}

/// The directory of a page, and its bytes.
type Opened = (Vec<Place>, Rc<[u8]>);

/// Series with the metrics they belong to, which come first.
type Keys = BTreeSet<(i64, i64)>;

impl<'c> Packed<'c> {
    pub fn new(
        connection: &'c Connection,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Packed<'c>, StoreError> {
        let has_blocks = older::any(connection)?;
        let (pages, shared, places) = (Vec::new(), Vec::new(), HashMap::new());
        let mut packed = Packed { connection, time, has_blocks, pages, shared, places, kept: 0, held: 0 };
        let wanted = keys_of(connection, wanted)?;
        for tier in TIERS.into_iter().rev() {
            for layer in
                packed.candidates(tier, &wanted)?.chunk_by(|a, b| (a.start, a.seq) == (b.start, b.seq))
            {
                packed.look(layer, &wanted)?;
            }
        }
        packed.in_order();
        Ok(packed)
    }

    /// The pages of a tier that may hold what is wanted, layer by layer, each in order. None of them is read for that.
    fn candidates(&self, tier: Tier, wanted: &Keys) -> Result<Vec<Known>, StoreError> {
        let Some(((least, _), (greatest, _))) = wanted.first().zip(wanted.last()) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT id, start, first, last, seq, no FROM pages INDEXED BY pages_in_order
            WHERE part = 0 AND tier = ?1 AND start BETWEEN ?2 AND ?3 AND first <= ?4 AND last >= ?5";
        let mut select = self.connection.prepare_cached(sql)?;
        let from = tier.window(self.time.start);
        let mut rows = select.query(params![tier.resolution, from, self.time.end, greatest, least])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            budget::proceed()?;
            let metrics: (i64, i64) = (row.get(2)?, row.get(3)?);
            if wanted.range((metrics.0, i64::MIN)..=(metrics.1, i64::MAX)).next().is_some() {
                let (id, start, seq, no) = (row.get(0)?, row.get(1)?, row.get(4)?, row.get(5)?);
                found.push(Known { id, tier, start, metrics, seq, no, bytes: None });
            }
        }
        budget::need(self.held + self.kept + size_of_val(found.as_slice()))?;
        found.sort_unstable_by_key(|page| (page.start, page.seq, page.metrics.0, page.no));
        Ok(found)
    }

    /// Finds what is wanted in the pages of a layer: all of them are read, or a few where that is enough.
    fn look(&mut self, layer: &[Known], wanted: &Keys) -> Result<(), StoreError> {
        // To find one takes as many as the number has bits, and its last page.
        let steps = layer.len().ilog2() as usize + 2;
        if wanted.len() * steps < layer.len() && self.search(layer, wanted)? {
            return Ok(());
        }
        for page in layer {
            if let Some(found) = self.open(page)? {
                self.take(page, found, &|place| wanted.contains(&(place.metric, place.series)));
            }
            budget::need(self.held + self.kept)?;
        }
        Ok(())
    }

    /// Finds few series among many pages of a layer, which are in order of metrics and series; whether that was possible, which it is
    /// not where a page is damaged.
    fn search(&mut self, layer: &[Known], wanted: &Keys) -> Result<bool, StoreError> {
        let mut opened: BTreeMap<usize, Opened> = BTreeMap::new();
        let mut there: BTreeSet<usize> = BTreeSet::new();
        for key in wanted {
            let (mut low, mut high) = (0, layer.len());
            // The first page that does not end before it, and those after it that begin with it.
            let mut next = None;
            while next.unwrap_or(low) < high {
                let at = next.unwrap_or_else(|| low.midpoint(high));
                let (places, _) = match opened.entry(at) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => {
                        let Some(found) = self.open(&layer[at])? else { return Ok(false) };
                        unknown.insert(found)
                    }
                };
                let of = |place: &Place| (place.metric, place.series);
                let Some((first, last)) = places.first().map(of).zip(places.last().map(of)) else {
                    return Ok(false);
                };
                match next {
                    None if last < *key => low = at + 1,
                    None => high = at,
                    Some(_) if first > *key => break,
                    Some(_) => {
                        there.insert(at);
                        next = Some(at + 1);
                    }
                }
                if next.is_none() && low == high {
                    (next, high) = (Some(low), layer.len());
                }
            }
        }
        for (at, found) in opened {
            if there.contains(&at) {
                self.take(&layer[at], found, &|place| wanted.contains(&(place.metric, place.series)));
            }
        }
        budget::need(self.held + self.kept)?;
        Ok(true)
    }

    /// The directory of a page, and its bytes; nothing where it is damaged, which is noted.
    fn open(&self, page: &Known) -> Result<Option<Opened>, StoreError> {
        budget::proceed()?;
        let mut select = self.connection.prepare_cached("SELECT block FROM pages WHERE id = ?1")?;
        let mut rows = select.query([page.id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let bytes = row.get_ref(0)?.as_blob().map_err(StoreError::internal)?;
        let Ok((_, places)) = page::open(page.tier, page.start, bytes) else {
            damage::note(Origin::Pages.table(), page.id);
            return Ok(None);
        };
        Ok(Some((places, bytes.into())))
    }

    /// Remembers a page, if it has anything that is wanted.
    fn take(&mut self, page: &Known, (places, bytes): Opened, wanted: &dyn Fn(&Place) -> bool) {
        let (at, before) = (self.pages.len(), self.held);
        for place in places.into_iter().filter(wanted) {
            self.places.entry(place.series).or_default().push((at, place));
            self.held += 2 * size_of::<(usize, Place)>();
        }
        if self.held == before {
            return;
        }
        let keeps = self.kept + bytes.len() <= KEPT;
        if keeps {
            self.kept += bytes.len();
        }
        self.pages.push(Known { bytes: keeps.then_some(bytes), ..*page });
        self.shared.push(Times::default());
    }

    /// What came later stands behind, as `last` means it.
    fn in_order(&mut self) {
        let pages = &self.pages;
        let order =
            |page: usize| pages.get(page).map(|page| (-page.tier.resolution, page.start, page.seq, page.no));
        self.places.values_mut().for_each(|places| places.sort_by_key(|(page, _)| order(*page)));
    }

    fn read(&self, page: &Known, place: &Place, points: &mut Vec<Point>) -> Result<(), StoreError> {
        let bytes = bytes_of(self.connection, page)?;
        match Page::known((page.tier, page.start), &bytes).points(place) {
            Ok(found) => {
                budget::need(self.held + self.kept + taken(points, found.len()))?;
                points.extend(found.into_iter().filter(|point| self.time.contains(point.time)));
            }
            Err(_) => damage::note(Origin::Pages.table(), page.id),
        }
        Ok(())
    }

    /// Adds single values behind those that are there; whether all are and none is older.
    fn read_singles(&mut self, at: usize, place: &Place, singles: &mut Singles) -> Result<bool, StoreError> {
        let Some((page, shared)) = self.pages.get(at).zip(self.shared.get_mut(at)) else { return Ok(true) };
        let bytes = bytes_of(self.connection, page)?;
        let (from, before) = (singles.times.len(), shared.bytes());
        let found = Page::known((page.tier, page.start), &bytes).singles(place, shared, singles);
        self.held = self.held - before + shared.bytes();
        match found {
            Ok(true) => {
                singles.within(from, self.time);
                budget::need(self.held + self.kept + singles.bytes())?;
                let ends =
                    singles.times.get(from).zip(from.checked_sub(1).and_then(|last| singles.times.get(last)));
                Ok(ends.is_none_or(|(first, last)| first >= last))
            }
            Ok(false) => Ok(false),
            Err(_) => {
                singles.truncate(from);
                damage::note(Origin::Pages.table(), page.id);
                Ok(true)
            }
        }
    }
}

impl Series for Packed<'_> {
    fn points(&mut self, series: i64) -> Result<Vec<Point>, StoreError> {
        let mut points = Vec::new();
        let places = self.places.remove(&series).unwrap_or_default();
        let mut places =
            places.iter().filter_map(|(page, place)| Some((self.pages.get(*page)?, place))).peekable();
        for tier in TIERS.into_iter().rev() {
            if self.has_blocks {
                older::read(self.connection, series, tier, self.time, &mut points)?;
            }
            while let Some((page, place)) = places.next_if(|(page, _)| page.tier == tier) {
                self.read(page, place, &mut points)?;
            }
        }
        Ok(points)
    }

    fn singles(&mut self, series: i64, singles: &mut Singles) -> Result<bool, StoreError> {
        singles.clear();
        if self.has_blocks {
            return Ok(false);
        }
        let places = self.places.remove(&series).unwrap_or_default();
        for (page, place) in &places {
            if !self.read_singles(*page, place, singles)? {
                self.places.insert(series, places);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The bytes of a page, which are read again unless they are kept.
fn bytes_of(connection: &Connection, page: &Known) -> Result<Rc<[u8]>, StoreError> {
    if let Some(bytes) = &page.bytes {
        return Ok(Rc::clone(bytes));
    }
    let mut select = connection.prepare_cached("SELECT block FROM pages WHERE id = ?1")?;
    let bytes: Option<Vec<u8>> = select.query_row([page.id], |row| row.get(0)).optional()?;
    Ok(bytes.unwrap_or_default().into())
}

fn keys_of(connection: &Connection, wanted: &HashSet<i64>) -> Result<Keys, StoreError> {
    let mut ids = Vec::from_iter(wanted.iter().copied());
    ids.sort_unstable();
    let metrics = table::metrics_of(connection, &ids)?;
    Ok(metrics.into_iter().zip(ids).filter_map(|(metric, id)| Some((metric?, id))).collect())
}
