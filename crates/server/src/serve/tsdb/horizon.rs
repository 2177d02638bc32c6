//! The time by which measurements age. It is the time of day as long as that is plausible: a clock that is suddenly
//! ahead must not turn retention into deletion. Pure; is told the time.
//!
//! The time of day is believed as far as it is not more than an hour ahead of the time last seen and the time that the
//! process has run since. A gap up to that is closed slowly, so that many small steps of a clock come to no more than the
//! grace that every tier gives. What is further ahead is only believed once it has held for a day of running, or when the
//! operator says so; then by a day's worth of measurements at a time.

/// Milliseconds, as all times here.
const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// An hour of running closes a gap of this part of it.
const CLOSED: i64 = 24;

/// How far time has come, kept in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The last time of day that was believed.
    pub seen: i64,
    /// For how long the clock has been further off than an hour.
    pub held: i64,
    /// Whether the operator vouches for the clock as it is now.
    accepted: bool,
}

/// What is to be made of the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clockwork {
    Believed,
    /// It is more than an hour ahead.
    Ahead,
    /// It is more than an hour behind.
    Behind,
    /// It was ahead, and measurements age by up to a day's worth now.
    Share,
}

impl Horizon {
    /// That of a file which was last written at `seen`.
    pub fn new(seen: i64, held: i64, accepted: bool) -> Horizon {
        Horizon { seen, held: held.clamp(0, DAY), accepted }
    }

    /// Seconds since the epoch by which measurements are to age; never later than the clock says.
    pub fn now(&self, wall: i64) -> i64 {
        self.seen.min(wall).div_euclid(SECOND)
    }

    /// After `ran` more, the time of day is `wall`. `due` is the time at which the next measurements age: what lies before
    /// it is no one's share.
    pub fn tick<E>(
        &mut self,
        wall: i64,
        ran: i64,
        due: impl FnOnce() -> Result<Option<i64>, E>,
    ) -> Result<Clockwork, E> {
        let expected = self.seen.saturating_add(ran);
        let ahead = wall.saturating_sub(expected);
        if ahead.abs() <= HOUR {
            self.seen = self.seen.max(wall.min(expected + ran / CLOSED));
            (self.held, self.accepted) = (0, false);
            return Ok(Clockwork::Believed);
        }
        self.seen = expected;
        self.held = self.held.saturating_add(ran).min(DAY);
        let believed = self.accepted || self.held >= DAY;
        if ahead < 0 {
            // Going back deletes nothing: measurements only stay longer.
            if believed {
                (self.seen, self.held, self.accepted) = (wall, 0, false);
            }
            return Ok(Clockwork::Behind);
        }
        if !believed {
            return Ok(Clockwork::Ahead);
        }
        self.seen = match due()? {
            Some(due) => wall.min(due.max(self.seen).saturating_add(DAY)),
            None => wall,
        };
        // The next share after another hour, unless the operator vouches for it.
        self.held = DAY - HOUR;
        Ok(Clockwork::Share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    const START: i64 = 1_700_000_000 * SECOND;

    /// A day's worth is due all along.
    fn tick(horizon: &mut Horizon, wall: i64, ran: i64) -> Clockwork {
        let seen = horizon.seen;
        horizon.tick(wall, ran, || Ok::<_, Infallible>(Some(seen))).unwrap()
    }

    #[test]
    fn a_clock_that_runs_is_believed() {
        let mut horizon = Horizon::new(START, 0, false);
        for n in 1..100_000 {
            assert_eq!(tick(&mut horizon, START + n * SECOND, SECOND), Clockwork::Believed);
        }
        assert_eq!(horizon.now(i64::MAX), (START + 99_999 * SECOND) / SECOND);
        // Stopped for a minute: that is made up for within half an hour.
        let wall = horizon.seen + 60 * SECOND;
        for n in 1..=1500 {
            tick(&mut horizon, wall + n * SECOND, SECOND);
        }
        assert_eq!(horizon.seen, wall + 1500 * SECOND);
    }

    #[test]
    fn a_clock_that_is_ahead_is_believed_by_shares_once_it_has_held_for_a_day() {
        let mut horizon = Horizon::new(START, 0, false);
        let (ahead, mut ran, mut shares) = (30 * DAY, 0, Vec::new());
        while tick(&mut horizon, START + ahead + ran, 5 * SECOND) != Clockwork::Believed {
            ran += 5 * SECOND;
            if horizon.seen > START + ran + shares.len() as i64 * DAY {
                shares.push(ran / HOUR);
            }
        }
        assert_eq!(shares, (24..54).collect::<Vec<_>>(), "after a day, then one an hour");
    }

    #[test]
    fn a_clock_that_came_right_again_has_done_nothing() {
        let mut horizon = Horizon::new(START, 0, false);
        for (wall, found) in [(400 * DAY, Clockwork::Ahead), (-50 * DAY, Clockwork::Behind)] {
            assert_eq!(tick(&mut horizon, START + wall, 5 * SECOND), found);
        }
        assert_eq!(horizon.now(START + 10 * SECOND), (START + 10 * SECOND) / SECOND);
        assert_eq!(tick(&mut horizon, START + 15 * SECOND, 5 * SECOND), Clockwork::Believed);
        assert_eq!(horizon.held, 0);
    }

    #[test]
    fn the_operator_can_vouch_for_the_clock() {
        let mut horizon = Horizon::new(START, 0, true);
        assert_eq!(tick(&mut horizon, START + 3 * DAY, 0), Clockwork::Share);
        assert_eq!(horizon.seen, START + DAY, "a day's worth all the same");
        assert_eq!(tick(&mut horizon, START + 3 * DAY, 0), Clockwork::Share);
        assert_eq!(tick(&mut horizon, START + 3 * DAY, 0), Clockwork::Share);
        assert_eq!(tick(&mut horizon, START + 3 * DAY, 0), Clockwork::Believed);
        assert_eq!(tick(&mut horizon, START + 9 * DAY, 0), Clockwork::Ahead, "once");
        let mut back = Horizon::new(START, 0, true);
        assert_eq!(tick(&mut back, START - 9 * DAY, 0), Clockwork::Behind);
        assert_eq!(back.seen, START - 9 * DAY);
    }

    /// Where nothing waits to age there is nothing to be careful with, as in a file that a clock without a battery began.
    #[test]
    fn empty_time_is_skipped() {
        let mut horizon = Horizon::new(0, 0, true);
        horizon.tick(START, 0, || Ok::<_, Infallible>(None)).unwrap();
        assert_eq!(horizon.seen, START);
    }

    /// One thing that happens to a clock.
    #[derive(Debug, Clone)]
    enum Step {
        Passes(i64),
        Set(i64),
        Restarted,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let far = prop_oneof![-2 * HOUR..2 * HOUR, -500 * DAY..500 * DAY, Just(-START)];
        let step = prop_oneof![
            4 => (0..2 * HOUR).prop_map(Step::Passes),
            3 => far.prop_map(Step::Set),
            1 => Just(Step::Restarted),
        ];
        // All in all less than a day, so that no wrong clock can have held for one.
        proptest::collection::vec(step, 0..40).prop_filter("less than a day", |steps| {
            steps.iter().map(|step| if let Step::Passes(time) = step { *time } else { 0 }).sum::<i64>() < DAY
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 8, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever a clock shows for less than a day, measurements do not age by more than the grace of their tiers before
        /// their time.
        #[test]
        fn no_steps_of_a_clock_hurry_time(steps in steps()) {
            let (mut truth, mut off, mut horizon) = (START, 0, Horizon::new(START, 0, false));
            for step in steps {
                match step {
                    Step::Passes(time) => {
                        for ran in std::iter::repeat_n(5 * SECOND, (time / (5 * SECOND)) as usize) {
                            truth += ran;
                            tick(&mut horizon, truth + off, ran);
                            prop_assert!(horizon.now(truth + off) * SECOND <= truth + HOUR);
                        }
                    }
                    Step::Set(to) => off = to,
                    Step::Restarted => horizon = Horizon::new(horizon.seen, horizon.held, false),
                }
            }
        }
    }
}
