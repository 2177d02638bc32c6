//! How points become pages: each series goes into the windows that its age puts it in, and each window fills pages of its own. And
//! what is known of the pages of a window that were written together, a layer, and when which of them are merged.

use std::collections::BTreeMap;

use super::aggregate::{Point, downsample};
use super::aging::Aging;
use super::page::Singles;
use super::page::write::{Pages, Written};
use super::tier::{Tier, Window, windows};

/// So many layers of one level become one of the next: a reader meets one less at most of each, and a point is written again once
/// for each level.
const TOGETHER: usize = 8;

/// The level of what was merged when its window was over. Beyond all that layers reach one after the other.
pub const WHOLE: i64 = 100;

/// What comes later to a window that is over is merged into it when it is so large a part of it.
const PART: i64 = 4;

/// Pages of a part that are to be written together.
pub type OfPart = (i64, Vec<Written>);

/// Points in pages, window by window.
#[derive(Debug)]
pub struct Fold {
    aging: Aging,
    now: i64,
    windows: BTreeMap<Window, Pages>,
    /// Points that are too old for any tier.
    dropped: u64,
}

impl Fold {
    /// Of points that age like this, as old as they are at `now`.
    pub fn new(aging: Aging, now: i64) -> Fold {
        Fold { aging, now, windows: BTreeMap::new(), dropped: 0 }
    }

    /// Puts points where their age belongs: late ones straight among those that were rolled up before them. Series come in
    /// order, and points of equal time in the order of their arrival.
    pub fn put(&mut self, metric: i64, series: i64, points: Vec<Point>) {
        if let Some((tier, start)) = self.window_of(&points) {
            let pages = self.windows.entry((tier, start)).or_insert_with(|| Pages::new(tier, start));
            pages.put(metric, series, &downsample(points, tier.resolution));
            return;
        }
        let mut by_tier: BTreeMap<Tier, Vec<Point>> = BTreeMap::new();
        for point in points {
            match self.aging.tier_of(point.time, self.now) {
                Some(tier) => by_tier.entry(tier).or_default().push(point),
                None => self.dropped += 1,
            }
        }
        for (tier, points) in by_tier {
            for (start, points) in windows(tier, downsample(points, tier.resolution)) {
                let pages = self.windows.entry((tier, start)).or_insert_with(|| Pages::new(tier, start));
                pages.put(metric, series, &points);
            }
        }
    }

    /// The same for single values, where they are in order, one at a time, and belong to one window that keeps them as they came;
    /// whether they do.
    pub fn put_singles(&mut self, metric: i64, series: i64, singles: &Singles) -> bool {
        let Some((first, last)) = singles.times.first().zip(singles.times.last()) else { return true };
        let Some((tier, start)) = self.shared_window(*first, *last) else { return false };
        let plain = tier.resolution == 1 && singles.times.is_sorted_by(|a, b| a < b);
        if plain {
            let pages = self.windows.entry((tier, start)).or_insert_with(|| Pages::new(tier, start));
            pages.put_singles(metric, series, singles);
        }
        plain
    }

    /// The pages of each window, and how many points were dropped.
    pub fn finish(self) -> (Vec<(Window, Vec<Written>)>, u64) {
        let pages = self.windows.into_iter().map(|(window, pages)| (window, pages.finish()));
        (pages.collect(), self.dropped)
    }

    /// The window that all of these points belong to, as those do that come together; nothing where they do not.
    fn window_of(&self, points: &[Point]) -> Option<Window> {
        let times = || points.iter().map(|point| point.time);
        self.shared_window(times().min()?, times().max()?)
    }

    /// The window of everything from one time to another.
    fn shared_window(&self, first: i64, last: i64) -> Option<Window> {
        let tier_of = |time| self.aging.tier_of(time, self.now);
        let tier = tier_of(first)?;
        let start = tier.window(first);
        (tier.window(last) == start && tier_of(last) == Some(tier)).then_some((tier, start))
    }
}

/// Pages of a window that were written together, in which each point of a series stands once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Among layers of a window the younger has the larger one.
    pub seq: i64,
    pub level: i64,
    pub pages: i64,
}

/// Which layers of a window are to be merged, given from the oldest to the youngest, and the level of what they become; nothing when
/// none are. Of one that is complete nothing more is waited for. They follow each other, else what is last among equal times would not stay it.
pub fn due(layers: &[Layer], is_complete: bool) -> Option<(&[Layer], i64)> {
    if layers.len() > 1 && is_complete {
        let largest = layers.iter().max_by_key(|layer| layer.pages)?;
        let others = layers.iter().map(|layer| layer.pages).sum::<i64>() - largest.pages;
        if largest.level < WHOLE || PART * others >= largest.pages {
            return Some((layers, WHOLE));
        }
    }
    // The higher their level, the older they are.
    layers
        .chunk_by(|a, b| a.level == b.level)
        .rev()
        .find(|same| same.len() >= TOGETHER && same[0].level < WHOLE)
        .map(|same| (&same[..TOGETHER], same[0].level + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(seq: i64, level: i64, pages: i64) -> Layer {
        Layer { seq, level, pages }
    }

    /// Takes merges as long as there are any.
    fn merged(layers: &mut Vec<Layer>, is_complete: bool) {
        while let Some((some, level)) = due(layers, is_complete) {
            let at = layers.iter().position(|one| one.seq == some[0].seq).unwrap();
            let pages = some.iter().map(|one| one.pages).sum();
            let (seq, count) = (some[some.len() - 1].seq, some.len());
            layers.splice(at..at + count, [layer(seq, level, pages)]);
        }
    }

    #[test]
    fn a_reader_meets_few_layers_and_a_point_is_seldom_written_again() {
        let mut layers = vec![layer(-1, WHOLE, 3)];
        for seq in 1..=600 {
            layers.push(layer(seq, 0, 1));
            merged(&mut layers, false);
            assert!(layers.is_sorted_by(|a, b| a.seq < b.seq && a.level >= b.level), "{layers:?}");
            assert!(layers.len() <= 1 + 3 * (TOGETHER - 1) + 1, "{layers:?}");
        }
        assert_eq!(layers.iter().map(|one| one.pages).sum::<i64>(), 603);
        merged(&mut layers, true);
        assert_eq!(layers, [layer(600, WHOLE, 603)]);
        let mut written = 0;
        for seq in 601..=800 {
            layers.push(layer(seq, 0, 1));
            let before = layers.clone();
            merged(&mut layers, true);
            written += i32::from(layers[0] != before[0]);
        }
        assert_eq!(written, 1, "what is late does not have all of it written each time");
    }
}
