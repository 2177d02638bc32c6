//! How measurements age: what is kept how finely at which time, and since when that is so. Pure; decides what happens to a window of
//! points, knows not where it lies.

use super::retention::Retention;
use super::tier::{TIERS, Tier, Window};

/// Data stays this much longer than promised, so that a request for exactly the promised time finds all of it.
const GRACE: i64 = 3600;

/// What comes so much later than it was measured is late.
const LATE: i64 = 600;

/// What is kept for how long. What was rolled up before a tier was kept for longer is not fine again, which `since` says of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aging {
    pub retention: Retention,
    /// The oldest time of which a tier, or finer ones, have all, tier by tier.
    since: [i64; TIERS.len()],
}

impl Default for Aging {
    fn default() -> Aging {
        Aging { retention: Retention::default(), since: [i64::MIN; TIERS.len()] }
    }
}

impl Aging {
    /// What is stored, resolution by resolution: for how long it is kept, and since when.
    pub fn of_rows(rows: &[(i64, i64, i64)]) -> Option<Aging> {
        let row = |tier: &Tier| rows.iter().find(|(resolution, ..)| *resolution == tier.resolution);
        let (mut kept, mut since) = ([0; TIERS.len()], [0; TIERS.len()]);
        for (place, tier) in TIERS.iter().enumerate() {
            let (_, for_time, from) = *row(tier)?;
            (kept[place], since[place]) = (for_time, from);
        }
        Some(Aging { retention: Retention::stored(kept), since })
    }

    pub fn rows(&self) -> impl Iterator<Item = (i64, i64, i64)> {
        let tiers = self.retention.tiers().zip(self.since);
        tiers.map(|((tier, kept), since)| (tier.resolution, kept, since))
    }

    /// The same from `now` on with another retention.
    pub fn with(self, retention: Retention, now: i64) -> Aging {
        let mut since = self.since;
        for (since, (tier, kept)) in since.iter_mut().zip(retention.tiers()) {
            if kept > self.retention.of(tier) {
                *since = self.from(tier, now);
            }
        }
        Aging { retention, since }
    }

    /// The oldest time of which a tier, or finer ones, have all.
    fn from(&self, tier: Tier, now: i64) -> i64 {
        let since = TIERS.iter().position(|one| one.resolution == tier.resolution).map(|at| self.since[at]);
        since.unwrap_or(i64::MIN).max(now - self.retention.of(tier) - GRACE)
    }

    /// Windows of this tier that begin before this have outlived it.
    pub fn expired_before(&self, tier: Tier, now: i64) -> i64 {
        now - self.retention.of(tier) - GRACE - tier.span
    }

    /// The first time at which the window that begins at `start` has expired.
    pub fn due(&self, (tier, start): Window) -> i64 {
        start + self.retention.of(tier) + GRACE + tier.span + 1
    }

    /// Whether all that is not late has come to a window at `now`: soon after its end, or after the last window of the finer tier has
    /// expired.
    pub fn is_complete(&self, (tier, start): Window, now: i64) -> bool {
        let end = start + tier.span;
        now >= LATE + tier.finer().map_or(end, |finer| self.due((finer, end - finer.span)))
    }

    /// Where a measurement of `time` belongs: the finest tier whose window for that time has not expired; `None` when it
    /// is too old for any.
    pub fn tier_of(&self, time: i64, now: i64) -> Option<Tier> {
        TIERS.into_iter().find(|tier| tier.window(time) >= self.expired_before(*tier, now))
    }

    /// The finest tier that promises data as old as `time`, the coarsest for anything older.
    pub fn promised(&self, time: i64, now: i64) -> Tier {
        let [.., coarsest] = TIERS;
        TIERS.into_iter().find(|tier| time >= self.from(*tier, now)).unwrap_or(coarsest)
    }

    /// The oldest time for which data of `resolution` is kept.
    pub fn oldest(&self, resolution: i64, now: i64) -> i64 {
        let serves = TIERS.into_iter().rfind(|tier| tier.resolution <= resolution.max(1));
        serves.map_or(now - GRACE, |tier| self.from(tier, now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::{Aggregate, Point, downsample};
    use super::super::tier::windows;
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_700_000_000;

    #[test]
    fn age_decides_the_tier() {
        let aging = Aging::default();
        let days = |days: i64| NOW - days * DAY;
        for (time, resolution) in
            [(NOW + DAY, 1), (days(2), 1), (days(4), 60), (days(8), 60), (days(32), 900), (days(70), 3600)]
        {
            assert_eq!(aging.tier_of(time, NOW).map(|tier| tier.resolution), Some(resolution), "{time}");
        }
        assert_eq!(aging.promised(days(3), NOW).resolution, 60);
        assert_eq!(aging.promised(days(400), NOW).resolution, 3600);
        assert_eq!(aging.tier_of(days(500), NOW), None);
        assert_eq!((aging.oldest(1, NOW), aging.oldest(300, NOW)), (days(2) - GRACE, days(8) - GRACE));
    }

    #[test]
    fn what_was_rolled_up_is_not_promised_again() {
        let finely = |aging: &Aging, days: i64, now| aging.promised(now - days * DAY, now).resolution;
        let longer = Aging::default().with("1s=7d,60s=14d".parse().unwrap(), NOW);
        assert_eq!([1, 2, 3, 8, 9].map(|days| finely(&longer, days, NOW)), [1, 1, 60, 60, 900]);
        let later = NOW + 4 * DAY;
        assert_eq!([6, 7, 12, 13].map(|days| finely(&longer, days, later)), [1, 60, 60, 900]);
        let even_later = NOW + 6 * DAY;
        assert_eq!([7, 8, 14, 15].map(|days| finely(&longer, days, even_later)), [1, 60, 60, 900]);
        // Kept for less and then for longer again, part of it may be gone.
        let shorter = longer.with("1s=1d".parse().unwrap(), even_later);
        assert_eq!([1, 2, 8, 9].map(|days| finely(&shorter, days, even_later)), [1, 60, 60, 900]);
        let again = shorter.with("1s=7d,60s=14d".parse().unwrap(), even_later + DAY);
        assert_eq!([1, 2, 8, 9].map(|days| finely(&again, days, even_later + DAY)), [1, 60, 60, 900]);
        let rows: Vec<_> = again.rows().collect();
        assert_eq!(Aging::of_rows(&rows), Some(again));
        assert_eq!(Aging::of_rows(&rows[1..]), None);
    }

    /// Moves the blocks of one series through its life, hour by hour, the way the store does.
    fn live(aging: Aging, days: i64) -> Vec<Option<i64>> {
        let mut blocks: Vec<(Tier, i64, Vec<Point>)> = Vec::new();
        let born = TIERS[1].window(NOW);
        let points: Vec<_> =
            (0..DAY / 10).map(|n| Point { time: born + 10 * n, stats: Aggregate::single(1.0) }).collect();
        for (start, points) in windows(TIERS[0], points) {
            blocks.push((TIERS[0], start, points));
        }
        let mut finest = Vec::new();
        for hour in 0..24 * days {
            let now = born + 3600 * hour;
            let (due, kept): (Vec<_>, Vec<_>) =
                blocks.into_iter().partition(|(tier, start, _)| *start < aging.expired_before(*tier, now));
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
            for (tier, kept) in aging.retention.tiers() {
                if oldest >= now - kept {
                    assert!(blocks.iter().all(|(t, _, _)| t.resolution <= tier.resolution), "hour {hour}");
                }
            }
            let [.., last] = TIERS;
            if now - aging.retention.of(last) <= youngest {
                assert_eq!(count, 8640, "hour {hour}");
            }
            finest.push(blocks.iter().map(|(tier, _, _)| tier.resolution).min());
        }
        finest.dedup();
        finest
    }

    #[test]
    fn a_year_of_life_loses_no_value_before_its_time() {
        for (retention, days) in [
            ("1s=2d", 450),
            ("1s=4h,60s=1d,900s=8d,3600s=32d", 120),
            ("1s=20d,60s=485h,900s=22d,3600s=38d", 120),
        ] {
            let aging = Aging { retention: retention.parse().unwrap(), ..Aging::default() };
            assert_eq!(live(aging, days), [Some(1), Some(60), Some(900), Some(3600), None], "{retention}");
        }
    }
}
