//! Reading the points of some series out of pages. The pages that may hold them come in one statement; of those that do, each series is
//! found without decoding the others.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::pages::PAGES;
use super::table::Keys;
use crate::serve::budget;
use crate::serve::series::points::{Packed as Series, taken};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::page::{self, Page, Place};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::tier::{TIERS, Tier};

/// The packed points of some series.
pub struct Packed {
    time: TimeRange,
    /// In order: coarser tiers first, in each the older windows, in each what was written first.
    pages: Vec<Kept>,
    /// Where each series lies, in order of the pages.
    places: HashMap<i64, Vec<(usize, Place)>>,
    held: usize,
}

/// A page that has something of what is wanted.
struct Kept {
    seq: i64,
    tier: Tier,
    start: i64,
    bytes: Vec<u8>,
}

impl Packed {
    pub fn new(tx: &Tx<'_>, wanted: &Keys, time: TimeRange) -> Result<Packed, StoreError> {
        let mut packed = Packed { time, pages: Vec::new(), places: HashMap::new(), held: 0 };
        if wanted.is_empty() {
            return Ok(packed);
        }
        let metrics: BTreeSet<i64> = wanted.iter().map(|(metric, _)| *metric).collect();
        let metrics = Vec::from_iter(metrics);
        for tier in TIERS.into_iter().rev() {
            packed.read(tx, tier, wanted, &metrics)?;
        }
        Ok(packed)
    }

    fn read(&mut self, tx: &Tx<'_>, tier: Tier, wanted: &Keys, metrics: &Vec<i64>) -> Result<(), StoreError> {
        // A page of a metric is in the part of the metric, between the first and the last of those in the page.
        let sql = "SELECT start, seq, block FROM pages AS page
            WHERE part = ANY(?6) AND tier = ?3 AND start BETWEEN ?4 AND ?5
            AND EXISTS (SELECT 1 FROM unnest(CAST(?1 AS BIGINT[])) AS metric
                WHERE metric BETWEEN page.first AND page.last AND metric % ?2 = page.part)
            ORDER BY start, seq, first, no";
        let from = tier.window(self.time.start);
        let parts: BTreeSet<i64> = metrics.iter().map(|metric| metric.rem_euclid(tx.parts())).collect();
        let parts = Vec::from_iter(parts);
        let params = params![metrics, tx.parts(), tier.resolution, from, self.time.end, parts];
        tx.each(sql, params, |row| {
            let (start, seq, bytes): (i64, i64, &[u8]) =
                (row.get("start")?, row.get("seq")?, row.get("block")?);
            let Ok((_, places)) = page::open(tier, start, bytes) else {
                damage::note(PAGES, seq);
                return Ok(ControlFlow::Continue(()));
            };
            let at = self.pages.len();
            let before = self.held;
            for place in places.into_iter().filter(|place| wanted.contains(&(place.metric, place.series))) {
                self.held += 2 * size_of::<(usize, Place)>();
                self.places.entry(place.series).or_default().push((at, place));
            }
            if self.held > before {
                self.held += bytes.len();
                self.pages.push(Kept { seq, tier, start, bytes: bytes.to_owned() });
            }
            budget::need(self.held).map_err(StoreError::from)?;
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })
    }
}

impl Series for Packed {
    fn points(&mut self, series: i64) -> Result<Vec<Point>, StoreError> {
        let mut points = Vec::new();
        for (at, place) in self.places.remove(&series).unwrap_or_default() {
            let Some(Kept { seq, tier, start, bytes }) = self.pages.get(at) else { continue };
            match Page::known((*tier, *start), bytes).points(&place) {
                Ok(found) => {
                    budget::need(self.held + taken(&points, found.len()))?;
                    points.extend(found.into_iter().filter(|point| self.time.contains(point.time)));
                }
                Err(_) => damage::note(PAGES, *seq),
            }
        }
        Ok(points)
    }
}
