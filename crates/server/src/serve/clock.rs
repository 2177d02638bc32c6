//! The two clocks of the server: the time of day, which may be wrong and may be set, and the time it has run, which
//! only goes on. Knows nothing of what is done with them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

/// Where a server takes the time from. Clones share it.
#[derive(Debug, Clone)]
pub struct Clock {
    since: Instant,
    /// What it shows where it is not the clock of the machine.
    set: Option<Arc<Mutex<Hands>>>,
}

/// Both in milliseconds.
#[derive(Debug)]
struct Hands {
    wall: i64,
    ran: i64,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock { since: Instant::now(), set: None }
    }

    /// A clock that stands at `seconds` since the epoch until it is moved.
    pub fn standing_at(seconds: i64) -> Clock {
        let hands = Hands { wall: seconds.saturating_mul(1000), ran: 0 };
        Clock { since: Instant::now(), set: Some(Arc::new(Mutex::new(hands))) }
    }

    /// Lets time pass. Does nothing to the clock of the machine.
    pub fn pass(&self, time: Duration) {
        let time = millis(time);
        if let Some(mut hands) = self.hands() {
            hands.wall = hands.wall.saturating_add(time);
            hands.ran = hands.ran.saturating_add(time);
        }
    }

    /// Sets the time of day, without any time passing. Does nothing to the clock of the machine.
    pub fn set(&self, seconds: i64) {
        if let Some(mut hands) = self.hands() {
            hands.wall = seconds.saturating_mul(1000);
        }
    }

    /// Seconds since the epoch, the unit of every time the API speaks of.
    pub(super) fn now(&self) -> i64 {
        self.wall().div_euclid(1000)
    }

    /// The time of day, in milliseconds since the epoch.
    pub(super) fn wall(&self) -> i64 {
        match self.hands() {
            Some(hands) => hands.wall,
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis),
        }
    }

    /// How long it has run, in milliseconds.
    pub(super) fn ran(&self) -> i64 {
        self.hands().map_or_else(|| millis(self.since.elapsed()), |hands| hands.ran)
    }

    fn hands(&self) -> Option<MutexGuard<'_, Hands>> {
        Some(self.set.as_ref()?.lock())
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::system()
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
