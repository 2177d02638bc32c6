//! The stages of the life of measurements, from the finest to the coarsest. Pure; for how long each is kept, `aging` knows.

use super::aggregate::Point;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Where a window lies.
pub type Window = (Tier, i64);

/// Points by the beginnings of the windows that hold them.
pub type Windows = Vec<(i64, Vec<Point>)>;

/// A stage in the life of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier {
    /// Seconds between two points; 1 for what is kept as it came.
    pub resolution: i64,
    /// Seconds one window covers, a multiple of the next tier's resolution.
    pub span: i64,
}

/// From the finest to the coarsest.
pub const TIERS: [Tier; 4] = [
    Tier { resolution: 1, span: 4 * HOUR },
    Tier { resolution: 60, span: DAY },
    Tier { resolution: 900, span: 8 * DAY },
    Tier { resolution: HOUR, span: 32 * DAY },
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

    /// The tier that what has expired goes to; nothing after the last one.
    pub fn next(self) -> Option<Tier> {
        TIERS.into_iter().find(|tier| tier.resolution > self.resolution)
    }

    /// The tier that what comes here was in before; nothing before the first one.
    pub fn finer(self) -> Option<Tier> {
        TIERS.into_iter().rfind(|tier| tier.resolution < self.resolution)
    }
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
