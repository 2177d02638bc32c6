//! Reading the points of some series out of pages. The pages that may hold them come in one statement; of those that do, each series is
//! found without decoding the others.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::LazyLock;

use super::pages::PAGES;
use super::table::{self, Keys};
use crate::serve::budget;
use crate::serve::series::points::{Packed as Series, taken};
use crate::serve::store::damage;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::page::{self, Page, Place};
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::tier::{TIERS, Tier};

/// Of each tier the pages that may hold some of the metrics ?1 from a time on, which is a parameter behind the others. A page of a metric is in
/// the part of the metric, between the first and the last of those in the page.
static SELECT: LazyLock<String> = LazyLock::new(|| {
    let of = |(place, tier): (usize, &Tier)| {
        let from = place + 5;
        let resolution = tier.resolution;
        format!(
            "SELECT tier, start, seq, first, no, block FROM pages AS page
            WHERE part = ANY(?3) AND tier = {resolution} AND start BETWEEN ?{from} AND ?4
            AND EXISTS (SELECT 1 FROM unnest(CAST(?1 AS BIGINT[])) AS metric
                WHERE metric BETWEEN page.first AND page.last AND metric % ?2 = page.part)"
        )
    };
    let all: Vec<String> = TIERS.iter().enumerate().map(of).collect();
    format!("{} ORDER BY tier DESC, start, seq, first, no", all.join(" UNION ALL "))
});

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
        packed.read(tx, wanted)?;
        Ok(packed)
    }

    fn read(&mut self, tx: &Tx<'_>, wanted: &Keys) -> Result<(), StoreError> {
        let metrics: BTreeSet<i64> = wanted.iter().map(|(metric, _)| *metric).collect();
        let parts = table::parts_of(tx, wanted);
        let metrics = Vec::from_iter(metrics);
        let from = TIERS.map(|tier| tier.window(self.time.start));
        let [one, two, three, four] = &from;
        let params = params![metrics, tx.parts(), parts, self.time.end, one, two, three, four];
        tx.each(&SELECT, params, |row| {
            let (start, seq, bytes): (i64, i64, &[u8]) =
                (row.get("start")?, row.get("seq")?, row.get("block")?);
            let Some(tier) = Tier::of(row.get("tier")?) else { return Ok(ControlFlow::Continue(())) };
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
