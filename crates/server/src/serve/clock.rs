//! The two clocks of the server: the time of day, which may be wrong and may be set, and the time it has run, which
//! only goes on. Knows nothing of what is done with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

/// Where a server takes the time from. Clones share it.
#[derive(Debug, Clone)]
pub struct Clock {
    since: Instant,
    /// What it shows where it is not the clock of the machine.
    set: Option<Arc<Mutex<Hands>>>,
    /// What another clock showed at `since`, where it goes by that.
    led: Option<Arc<AtomicI64>>,
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
        Clock { since: Instant::now(), set: None, led: None }
    }

    /// A clock that stands at `seconds` since the epoch until it is moved.
    pub fn standing_at(seconds: i64) -> Clock {
        let hands = Hands { wall: seconds.saturating_mul(1000), ran: 0 };
        Clock { since: Instant::now(), set: Some(Arc::new(Mutex::new(hands))), led: None }
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

    /// One that goes by another, such as that of a database, as far as it is [told](Clock::tell), and by its own time in between. One that is
    /// moved by hand stays what it is.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(super) fn led(self) -> Clock {
        let begun = self.wall().saturating_sub(millis(self.since.elapsed()));
        Clock { led: Some(Arc::new(AtomicI64::new(begun))), ..self }
    }

    /// Says what the other clock shows, in milliseconds, give or take `within`.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(super) fn tell(&self, wall: i64, within: i64) {
        if let Some(led) = &self.led
            && (wall - self.wall()).abs() > within
        {
            led.store(wall.saturating_sub(millis(self.since.elapsed())), Ordering::Release);
        }
    }

    /// Seconds since the epoch, the unit of every time the API speaks of.
    pub(super) fn now(&self) -> i64 {
        self.wall().div_euclid(1000)
    }

    /// The second it shows where it is not the clock of the machine.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(super) fn second_set(&self) -> Option<i64> {
        self.hands().map(|hands| hands.wall.div_euclid(1000))
    }

    /// The time of day, in milliseconds since the epoch.
    pub(super) fn wall(&self) -> i64 {
        match (self.hands(), &self.led) {
            (Some(hands), _) => hands.wall,
            (None, Some(led)) => led.load(Ordering::Acquire).saturating_add(millis(self.since.elapsed())),
            (None, None) => machine(),
        }
    }

    /// The same by the machine's own clock, whichever it goes by.
    pub(super) fn own(&self) -> i64 {
        self.hands().map_or_else(machine, |hands| hands.wall)
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

fn machine() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the machine believes: its clock may be minutes off, and may be set while it runs.
    #[test]
    fn who_goes_by_another_clock_shows_what_that_shows() {
        let clock = Clock::system().led();
        let shared = clock.clone();
        assert!((shared.wall() - Clock::system().wall()).abs() < 10_000, "until it is told");
        clock.tell(1_000_000, 5);
        assert!((1_000_000..1_010_000).contains(&shared.wall()));
        clock.tell(shared.wall() - 3, 60_000);
        assert!(shared.wall() >= 1_000_000, "what is within what is known changes nothing");
        let set = Clock::standing_at(7).led();
        set.tell(1_000_000, 5);
        assert_eq!(set.now(), 7);
    }
}
