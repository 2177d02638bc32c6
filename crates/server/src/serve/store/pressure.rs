//! How much waits in the journal of a database to be compacted, against what may (`--journal-soft`, `--journal-hard`), since what is read goes
//! through all of it. Beyond the first lanes go slower, so that batches grow and clients wait; beyond the second nothing more is taken. A standby
//! that replays far behind counts as the second: what it lacks would take long at a failover. Pure; figures are handed in, and what is refused for
//! them is for those who ask.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Where nobody says, in bytes.
pub const SOFT: u64 = 256_000_000;
pub const HARD: u64 = 2_000_000_000;

/// How far a standby may be behind, in milliseconds.
const BEHIND: i64 = 10_000;

/// The longest pause of a lane after a batch.
const PAUSE: Duration = Duration::from_millis(100);

/// How what waits stands to what may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// It is little.
    #[default]
    Low,
    /// Measurements are stored more slowly.
    Soft,
    /// No more are taken, until a tenth is compacted.
    Hard,
}

#[derive(Debug)]
pub struct Pressure {
    soft: AtomicU64,
    hard: AtomicU64,
    waiting: AtomicU64,
    /// How far a standby is behind, in milliseconds.
    behind: AtomicI64,
    level: Mutex<Level>,
}

impl Default for Pressure {
    fn default() -> Pressure {
        Pressure {
            soft: SOFT.into(),
            hard: HARD.into(),
            waiting: AtomicU64::new(0),
            behind: AtomicI64::new(0),
            level: Mutex::default(),
        }
    }
}

impl Pressure {
    /// In bytes.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn limit(&self, soft: u64, hard: u64) {
        self.soft.store(soft, Ordering::Relaxed);
        self.hard.store(hard, Ordering::Relaxed);
    }

    pub fn level(&self) -> Level {
        *self.level.lock()
    }

    /// Why nothing is taken, and what the operator can do, where that is so.
    pub fn reason(&self) -> Option<&'static str> {
        let (level, late) = (self.level(), self.behind.load(Ordering::Relaxed) > BEHIND);
        (level == Level::Hard).then_some(if late {
            "the standby of the database is more than 10 s behind"
        } else {
            "more measurements wait in the database to be compacted than this server lets wait (--journal-hard)"
        })
    }

    /// How long a lane pauses after a batch: the longer, the nearer the second limit is.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn pause(&self) -> Duration {
        let [soft, hard, waiting] =
            [&self.soft, &self.hard, &self.waiting].map(|value| value.load(Ordering::Relaxed));
        match self.level() {
            Level::Low => Duration::ZERO,
            Level::Hard => PAUSE,
            Level::Soft => {
                let share = waiting.saturating_sub(soft) as f64 / hard.saturating_sub(soft).max(1) as f64;
                PAUSE.mul_f64(share.clamp(0.1, 1.0))
            }
        }
    }

    /// So many bytes wait now; what that means, where it is something else than before.
    pub fn waits(&self, bytes: u64) -> Option<Level> {
        self.waiting.store(bytes, Ordering::Relaxed);
        self.look()
    }

    /// A standby is so many milliseconds behind now; what that means, likewise.
    pub fn is_behind(&self, millis: i64) -> Option<Level> {
        self.behind.store(millis, Ordering::Relaxed);
        self.look()
    }

    fn look(&self) -> Option<Level> {
        let [soft, hard, waiting] =
            [&self.soft, &self.hard, &self.waiting].map(|value| value.load(Ordering::Relaxed));
        let late = self.behind.load(Ordering::Relaxed) > BEHIND;
        let mut level = self.level.lock();
        // What is reached is left a bit further down, so that it does not come and go with every batch.
        let found = match *level {
            _ if late || waiting >= hard => Level::Hard,
            Level::Hard if waiting >= hard / 10 * 9 => Level::Hard,
            _ if waiting >= soft => Level::Soft,
            Level::Soft | Level::Hard if waiting >= soft / 10 * 9 => Level::Soft,
            _ => Level::Low,
        };
        (std::mem::replace(&mut *level, found) != found).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_reached_and_left() {
        let pressure = Pressure::default();
        pressure.limit(1_000, 2_000);
        for (waiting, told, pause) in [
            (999, None, 0),
            (1_000, Some(Level::Soft), 10),
            (1_500, None, 50),
            (950, None, 10),
            (2_000, Some(Level::Hard), 100),
            (1_801, None, 100),
            (1_790, Some(Level::Soft), 79),
            (899, Some(Level::Low), 0),
            (9_000, Some(Level::Hard), 100),
            (0, Some(Level::Low), 0),
        ] {
            assert_eq!(pressure.waits(waiting), told, "{waiting}");
            assert_eq!(pressure.pause().as_millis(), pause, "{waiting}");
            assert_eq!(pressure.reason().is_some(), pressure.level() == Level::Hard);
        }
    }

    #[test]
    fn a_standby_that_is_late_is_waited_for() {
        let pressure = Pressure::default();
        assert_eq!((pressure.is_behind(10_000), pressure.is_behind(10_001)), (None, Some(Level::Hard)));
        assert!(pressure.reason().unwrap().contains("standby"));
        assert_eq!((pressure.waits(0), pressure.is_behind(0)), (None, Some(Level::Low)));
    }
}
