//! The clock of evaluation: wall time made monotone. It goes with the time that the process has run and follows the wall, at most
//! twice as fast and never slower than half as fast; what is further off than a minute is a step. Pure.

use crate::watch::Outage;

/// What is further off, in milliseconds, is a step.
const STEP: i64 = 60_000;

/// Listening again this soon after the clock was last written down, in seconds, is no outage: it is written every five, and says which
/// second was over then.
pub const BRIEF: i64 = 8;

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationClock {
    now: i64,
    ran: i64,
}

/// How the clock did not go on as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was set forward, or the machine was suspended: no one was heard in between.
    Forward(Outage),
    /// It was set back by so many seconds.
    Back(i64),
}

impl EvaluationClock {
    /// Begins now, or where some clock was last written down, in seconds, if that is a little ahead.
    pub fn start(written: impl IntoIterator<Item = i64>, wall: i64, ran: i64) -> EvaluationClock {
        let begun = EvaluationClock { now: wall, ran };
        let is_ahead = |clock: &i64| *clock > begun.now() && (clock - begun.now()) * 1000 <= STEP;
        match written.into_iter().filter(is_ahead).max() {
            Some(clock) => EvaluationClock { now: clock * 1000, ran },
            None => begun,
        }
    }

    /// What lies between a clock that was written down, in seconds, and this one, where somebody goes on from there.
    pub fn since(&self, written: i64) -> Option<Step> {
        let (from, to) = (written, self.now());
        match to - from {
            passed if passed > BRIEF => Some(Step::Forward(Outage { from, to })),
            passed if passed * 1000 < -STEP => Some(Step::Back(-passed)),
            _ => None,
        }
    }

    /// Goes on to where the wall clock and the time run are now, both in milliseconds.
    pub fn tick(&mut self, wall: i64, ran: i64) -> Option<Step> {
        let passed = (ran - self.ran).max(0);
        self.ran = ran;
        let before = self.now();
        let ahead = wall - (self.now + passed);
        if ahead.abs() > STEP {
            self.now = wall;
            let now = self.now();
            let forward = Step::Forward(Outage { from: before, to: now });
            return Some(if ahead > 0 { forward } else { Step::Back(before - now) });
        }
        self.now += passed + ahead.clamp(-passed / 2, passed);
        None
    }

    /// The second it is.
    pub fn now(&self) -> i64 {
        self.now.div_euclid(1000)
    }

    /// The last second that is over.
    pub fn past(&self) -> i64 {
        self.now() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_wall_without_running_back() {
        let mut clock = EvaluationClock::start(None, 1_000_000, 50);
        assert_eq!(clock.now(), 1_000);
        // (seconds run since, the wall clock, what is shown)
        for (passed, wall, shown) in
            [(1, 1_001, 1_001), (1, 1_010, 1_003), (10, 1_020, 1_020), (4, 1_014, 1_022), (20, 1_034, 1_034)]
        {
            let ran = clock.ran + passed * 1000;
            assert_eq!(clock.tick(wall * 1000, ran), None);
            assert_eq!(clock.now(), shown, "{passed} {wall}");
        }
    }

    #[test]
    fn steps_are_told() {
        let mut clock = EvaluationClock::start(None, 1_000_000, 0);
        let outage = Outage { from: 1_000, to: 1_100 };
        assert_eq!(clock.tick(1_100_000, 1000), Some(Step::Forward(outage)));
        assert_eq!(clock.tick(1_000_000, 2000), Some(Step::Back(100)));
        assert_eq!((clock.now(), clock.past()), (1_000, 999));
    }

    #[test]
    fn a_start_tells_how_long_nobody_listened() {
        let start = |written| {
            let clock = EvaluationClock::start([written], 1_000_000, 0);
            (clock.now(), clock.since(written))
        };
        assert_eq!(start(992), (1_000, None));
        assert_eq!(start(991), (1_000, Some(Step::Forward(Outage { from: 991, to: 1_000 }))));
        assert_eq!(start(1_030), (1_030, None), "a little behind is waited for");
        assert_eq!(start(1_061), (1_000, Some(Step::Back(61))));
        let clock = EvaluationClock::start([991, 1_030, 1_061], 1_000_000, 0);
        assert_eq!(clock.now(), 1_030, "of several the furthest that is waited for");
    }
}
