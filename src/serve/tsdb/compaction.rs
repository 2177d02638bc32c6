//! How samples of the journal become blocks, and how blocks that outlived their resolution become coarser ones: what is to be
//! written, worked out over what is there. Knows where blocks lie only by asking for them.

use std::collections::BTreeMap;
use std::mem;

use super::aggregate::{Point, downsample};
use super::block::{self, Key};
use super::sample::Sample;
use super::tier::{Tier, tier_of, windows};
use super::watermark::Watermark;

/// Blocks written in one transaction, some milliseconds, for which the writer can do nothing else.
const WRITTEN: usize = 1024;

/// Blocks as they will be, over those that `stored` finds.
pub struct Compaction<F> {
    stored: F,
    blocks: BTreeMap<Key, Vec<Point>>,
    /// Points that are too old for any tier.
    dropped: u64,
}

impl<E, F: FnMut(Key) -> Result<Option<Vec<Point>>, E>> Compaction<F> {
    pub fn over(stored: F) -> Compaction<F> {
        Compaction { stored, blocks: BTreeMap::new(), dropped: 0 }
    }

    /// Packs samples in order of their arrival into the blocks that their age at `now` puts them in.
    pub fn compact(&mut self, samples: &[Sample], now: i64) -> Result<Vec<(Key, Vec<u8>)>, E> {
        // Each series by itself, in order of arrival. The stable sort makes use of the order that is there: clients send their
        // series one after the other.
        let mut order: Vec<(i64, usize)> =
            samples.iter().enumerate().map(|(index, sample)| (sample.series, index)).collect();
        order.sort();
        let mut packed = Vec::new();
        for one in order.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((series, _)) = one.first() else { continue };
            let points = one.iter().filter_map(|(_, index)| samples.get(*index)).map(Point::from);
            self.place(*series, points.collect(), now)?;
            packed.append(&mut self.packed());
        }
        Ok(packed)
    }

    /// Moves the points of an expired block of `series` to the next tier; those of the last one are dropped.
    pub fn roll_up(&mut self, series: i64, tier: Tier, points: Vec<Point>) -> Result<(), E> {
        let count = points.len();
        match tier.roll_up(points) {
            Some((next, parts)) => {
                for (start, points) in parts {
                    self.lay((series, next, start), points)?;
                }
            }
            None => self.dropped += count as u64,
        }
        Ok(())
    }

    /// What there is to be written, and how many points were dropped.
    pub fn finish(mut self) -> (Vec<(Key, Vec<u8>)>, u64) {
        (self.packed(), self.dropped)
    }

    /// Puts points where their age belongs: late ones straight among those that were rolled up before them.
    fn place(&mut self, series: i64, points: Vec<Point>, now: i64) -> Result<(), E> {
        let mut by_tier: BTreeMap<Tier, Vec<Point>> = BTreeMap::new();
        for point in points {
            match tier_of(point.time, now) {
                Some(tier) => by_tier.entry(tier).or_default().push(point),
                None => self.dropped += 1,
            }
        }
        for (tier, points) in by_tier {
            for (start, points) in windows(tier, downsample(points, tier.resolution)) {
                self.lay((series, tier, start), points)?;
            }
        }
        Ok(())
    }

    /// Lays points over those of a block.
    fn lay(&mut self, key: Key, mut points: Vec<Point>) -> Result<(), E> {
        if let Some(there) = self.blocks.get_mut(&key) {
            there.append(&mut points);
            return Ok(());
        }
        let there = match (self.stored)(key)? {
            Some(mut there) => {
                there.append(&mut points);
                there
            }
            None => points,
        };
        self.blocks.insert(key, there);
        Ok(())
    }

    fn packed(&mut self) -> Vec<(Key, Vec<u8>)> {
        let packed =
            |(key, points): (Key, Vec<Point>)| (key, block::encode(&downsample(points, key.1.resolution)));
        mem::take(&mut self.blocks).into_iter().map(packed).collect()
    }
}

/// The outcome of a step, to be written as it is.
#[derive(Debug, Default)]
pub struct Work {
    /// In order of their series.
    pub blocks: Vec<(Key, Vec<u8>)>,
    /// Ids of blocks that were rolled up.
    pub expired: Vec<i64>,
    /// The last row of the journal that is in these blocks.
    pub compacted: Option<i64>,
    /// Points that outlived the last tier, and go.
    pub dropped: u64,
    /// Whether much waits for later steps.
    pub behind: bool,
}

/// What of a step is written in one transaction. After each of them everything can be read once, and the next step can
/// go on.
#[derive(Debug, Default)]
pub struct Part {
    pub blocks: Vec<(Key, Vec<u8>)>,
    pub expired: Vec<i64>,
    pub watermark: Option<Watermark>,
    /// Rows of the journal up to this one are in blocks.
    pub compacted: Option<i64>,
}

impl Work {
    /// To be written one after the other.
    pub fn parts(self) -> Vec<Part> {
        self.parts_of(WRITTEN)
    }

    /// With about `most` blocks each; the blocks of one series stay together.
    pub fn parts_of(self, most: usize) -> Vec<Part> {
        let Work { blocks, expired, compacted, .. } = self;
        let mut last = Part { expired, compacted, ..Part::default() };
        let Some(row) = compacted else {
            last.blocks = blocks;
            return vec![last];
        };
        let mut parts = Vec::new();
        for block in blocks {
            let (series, before) = (block.0.0, last.blocks.last().map(|(key, _)| key.0));
            if last.blocks.len() >= most
                && let Some(before) = before.filter(|before| *before != series)
            {
                let watermark = Some(Watermark { row, series: before });
                parts.push(Part { blocks: mem::take(&mut last.blocks), watermark, ..Part::default() });
            }
            last.blocks.push(block);
        }
        parts.push(last);
        parts
    }
}
