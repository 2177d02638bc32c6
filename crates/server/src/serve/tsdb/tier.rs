//! How long measurements are kept, and how finely: raw for 2 days, minutes for 8, quarters of an hour for 32, hours
//! for a year. Pure; decides what happens to a block of points, knows not where it lies.

use super::aggregate::Point;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Data stays this much longer than promised, so that a request for exactly the promised time finds all of it.
const GRACE: i64 = HOUR;

/// What comes so much later than it was measured is late.
const LATE: i64 = 600;

/// Points by the beginnings of the windows that hold them.
pub type Windows = Vec<(i64, Vec<Point>)>;

/// A stage in the life of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier {
    /// Seconds between two points; 1 for what is kept as it came.
    pub resolution: i64,
    /// Seconds for which this resolution is kept.
    pub kept: i64,
    /// Seconds one window covers, a multiple of the next tier's resolution.
    pub span: i64,
}

/// From the finest to the coarsest.
pub const TIERS: [Tier; 4] = [
    Tier { resolution: 1, kept: 2 * DAY, span: 4 * HOUR },
    Tier { resolution: 60, kept: 8 * DAY, span: DAY },
    Tier { resolution: 900, kept: 32 * DAY, span: 8 * DAY },
    Tier { resolution: HOUR, kept: 365 * DAY, span: 32 * DAY },
];

impl Tier {
    /// The one whose points lie so many seconds apart.
    pub fn of(resolution: i64) -> Option<Tier> {
        TIERS.into_iter().find(|tier| tier.resolution == resolution)
    }

    /// Where the block begins that holds `time`.
    pub fn window(self, time: i64) -> i64 {
        time.saturating_sub(time.rem_euclid(self.span))
    }

    /// Blocks of this tier that begin before this have outlived it.
    pub fn expired_before(self, now: i64) -> i64 {
        now - self.kept - GRACE - self.span
    }

    /// The first time at which the block that begins at `start` has expired.
    pub fn due(self, start: i64) -> i64 {
        start + self.kept + GRACE + self.span + 1
    }

    /// The tier that what has expired goes to; nothing after the last one.
    pub fn next(self) -> Option<Tier> {
        TIERS.into_iter().find(|tier| tier.resolution > self.resolution)
    }

    /// When all that is not late has come to the window that begins at `start`: soon after its end, or after the last window of the
    /// finer tier has expired.
    pub fn complete_at(self, start: i64) -> i64 {
        let finer = TIERS.into_iter().rfind(|tier| tier.resolution < self.resolution);
        LATE + finer.map_or(start + self.span, |finer| finer.due(start + self.span - finer.span))
    }
}

/// Where a measurement of `time` belongs: the finest tier whose block for that time has not expired; `None` when it
/// is too old for any.
pub fn tier_of(time: i64, now: i64) -> Option<Tier> {
    TIERS.into_iter().find(|tier| tier.window(time) >= tier.expired_before(now))
}

/// The finest tier that promises data as old as `time`, the coarsest for anything older.
pub fn promised(time: i64, now: i64) -> Tier {
    let [.., coarsest] = TIERS;
    TIERS.into_iter().find(|tier| time >= now - tier.kept - GRACE).unwrap_or(coarsest)
}

/// The oldest time for which data of `resolution` is kept.
pub fn oldest(resolution: i64, now: i64) -> i64 {
    let serves = TIERS.into_iter().rfind(|tier| tier.resolution <= resolution.max(1));
    now - serves.map_or(0, |tier| tier.kept) - GRACE
}

/// Sorted points cut where the blocks of `tier` begin.
pub fn windows(tier: Tier, points: Vec<Point>) -> Windows {
    let mut cut = Windows::new();
    for point in points {
        let start = tier.window(point.time);
        match cut.last_mut() {
            Some((last, points)) if *last == start => points.push(point),
            _ => cut.push((start, vec![point])),
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::{Aggregate, downsample};
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn age_decides_the_tier() {
        let days = |days: i64| NOW - days * DAY;
        for (time, resolution) in
            [(NOW + DAY, 1), (days(2), 1), (days(4), 60), (days(8), 60), (days(32), 900), (days(70), 3600)]
        {
            assert_eq!(tier_of(time, NOW).map(|tier| tier.resolution), Some(resolution), "{time}");
        }
        assert_eq!(promised(days(3), NOW).resolution, 60);
        assert_eq!(promised(days(400), NOW).resolution, 3600);
        assert_eq!(tier_of(days(500), NOW), None);
        assert_eq!((oldest(1, NOW), oldest(300, NOW)), (days(2) - GRACE, days(8) - GRACE));
    }

    /// Moves the blocks of one series through a year, hour by hour, the way the store does.
    #[test]
    fn a_year_of_life_loses_no_value_before_its_time() {
        let mut blocks: Vec<(Tier, i64, Vec<Point>)> = Vec::new();
        let born = TIERS[1].window(NOW);
        let points: Vec<_> =
            (0..DAY / 10).map(|n| Point { time: born + 10 * n, stats: Aggregate::single(1.0) }).collect();
        for (start, points) in windows(TIERS[0], points) {
            blocks.push((TIERS[0], start, points));
        }
        let mut finest = Vec::new();
        for hour in 0..24 * 450 {
            let now = born + HOUR * hour;
            let (due, kept): (Vec<_>, Vec<_>) =
                blocks.into_iter().partition(|(tier, start, _)| *start < tier.expired_before(now));
            blocks = kept;
            for (tier, _, points) in due {
                let Some(next) = tier.next() else { continue };
                for (start, mut points) in windows(next, downsample(points, next.resolution)) {
                    match blocks.iter_mut().find(|(t, s, _)| *t == next && *s == start) {
                        Some((_, _, there)) => there.append(&mut points),
                        None => blocks.push((next, start, points)),
                    }
                }
            }
            let all = || blocks.iter().flat_map(|(_, _, points)| points);
            let count: u64 = all().map(|point| point.stats.count).sum();
            let (oldest, youngest) = (born, born + DAY);
            // What a tier promises is there in that tier or a finer one.
            for tier in TIERS {
                if oldest >= now - tier.kept {
                    assert!(blocks.iter().all(|(t, _, _)| t.resolution <= tier.resolution), "hour {hour}");
                }
            }
            if now - 365 * DAY <= youngest {
                assert_eq!(count, 8640, "hour {hour}");
            }
            finest.push(blocks.iter().map(|(tier, _, _)| tier.resolution).min());
        }
        finest.dedup();
        assert_eq!(finest, [Some(1), Some(60), Some(900), Some(3600), None]);
    }
}
