//! How fast one service is told things: how many requests a second and at once, and how patiently after failures. Pure; times are
//! milliseconds of a clock that only goes on.

use std::time::Duration;

/// Requests to one service at one time.
const AT_ONCE: usize = 2;
/// Requests that may go without waiting, after a time of quiet; then there is one a second.
const BURST: f64 = 10.0;
/// Failures in a row after which it is only asked now and then whether it is well again.
const MANY: u32 = 5;
/// Seconds: the first wait after a failure, and the longest.
const FIRST: u32 = 5;
const LONGEST: u32 = 300;

/// How long to wait after so many failures: twice as long each time, and anything up to that (`share`, from 0 to 1), so that those
/// who failed together do not come back together.
pub fn backoff(failures: u32, share: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let seconds = f64::from(doubled.min(LONGEST)) * share.clamp(0.0, 1.0);
    Duration::from_secs_f64(seconds.max(1.0))
}

/// How one service takes what it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    tokens: f64,
    filled_at: i64,
    under_way: usize,
    /// Passing failures in a row.
    failures: u32,
    /// Until when nothing is sent at all.
    pause: i64,
    /// Since when it has been open.
    opened: i64,
}

/// How an attempt ended, as far as the pace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The far end answered.
    Answered,
    /// It did not, or could not just now; it may have said when it wants to be asked again.
    Failed(Option<Duration>),
    /// It was not asked.
    Unasked,
}

impl Pace {
    pub fn new(ran: i64) -> Pace {
        Pace { tokens: BURST, filled_at: ran, under_way: 0, failures: 0, pause: ran, opened: ran }
    }

    /// How many attempts may begin now.
    pub fn room(&mut self, ran: i64) -> usize {
        let passed = ran.saturating_sub(self.filled_at).max(0);
        self.tokens = (self.tokens + passed as f64 / 1000.0).min(BURST);
        self.filled_at = ran;
        if ran < self.pause {
            return 0;
        }
        let at_once = if self.is_open() { 1 } else { AT_ONCE };
        at_once.saturating_sub(self.under_way).min(self.tokens as usize)
    }

    pub fn begin(&mut self) {
        self.tokens -= 1.0;
        self.under_way += 1;
    }

    pub fn end(&mut self, end: End, ran: i64, share: f64) {
        self.under_way = self.under_way.saturating_sub(1);
        match end {
            End::Unasked => {}
            End::Answered => self.failures = 0,
            End::Failed(asked) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures == MANY {
                    self.opened = ran;
                }
                let probe = self.is_open().then(|| backoff(self.failures - MANY + 1, share));
                let wait =
                    asked.max(probe).map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                self.pause = self.pause.max(ran.saturating_add(wait));
            }
        }
    }

    /// Whether there is nothing to remember of it where nothing waits any more: failures do not outlive what failed.
    pub fn is_quiet(&self, ran: i64) -> bool {
        let filled = self.tokens + ran.saturating_sub(self.filled_at) as f64 / 1000.0 >= BURST;
        filled && self.under_way == 0 && self.pause <= ran
    }

    /// Since when it has only been probed, and when it is next.
    pub fn circuit(&self) -> Option<(i64, i64)> {
        self.is_open().then_some((self.opened, self.pause))
    }

    /// Whether it failed so often that it is only probed.
    pub fn is_open(&self) -> bool {
        self.failures >= MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes_and_are_jittered() {
        let seconds = |failures, share| backoff(failures, share).as_secs();
        let longest: Vec<u64> = (1..=8).map(|failures| seconds(failures, 1.0)).collect();
        assert_eq!(longest, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!((seconds(u32::MAX, 1.0), seconds(4, 0.5), seconds(1, 0.0)), (300, 20, 1));
    }

    #[test]
    fn ten_go_at_once_and_then_one_a_second_never_more_than_two_together() {
        let mut pace = Pace::new(0);
        let mut sent = Vec::new();
        for ran in (0..20_000).step_by(100) {
            while pace.room(ran) > 0 {
                pace.begin();
                assert!(pace.under_way <= 2);
                sent.push(ran);
                pace.end(End::Answered, ran, 1.0);
            }
        }
        assert_eq!(sent.iter().filter(|ran| **ran == 0).count(), 10);
        assert_eq!(sent.len(), 10 + 19);
        let mut pace = Pace::new(0);
        pace.begin();
        pace.begin();
        assert_eq!(pace.room(60_000), 0);
    }

    #[test]
    fn five_failures_open_the_circuit_for_one_probe_at_a_time() {
        let mut pace = Pace::new(0);
        for _ in 0..5 {
            assert!(!pace.is_open());
            pace.begin();
            pace.end(End::Failed(None), 0, 1.0);
        }
        assert!(pace.is_open());
        assert_eq!((pace.room(4_999), pace.room(5_000)), (0, 1));
        assert_eq!(pace.circuit(), Some((0, 5_000)));
        pace.begin();
        assert_eq!(pace.room(5_000), 0, "one at a time");
        pace.end(End::Failed(None), 6_000, 1.0);
        assert_eq!((pace.room(15_999), pace.room(16_000)), (0, 1));
        assert_eq!(pace.circuit(), Some((0, 16_000)));
        pace.begin();
        pace.end(End::Answered, 17_000, 1.0);
        assert!(!pace.is_open() && pace.room(17_000) == 2);
    }

    #[test]
    fn who_asks_for_a_pause_gets_it() {
        let mut pace = Pace::new(0);
        pace.begin();
        pace.end(End::Failed(Some(Duration::from_secs(120))), 1_000, 1.0);
        assert_eq!((pace.room(120_999), pace.room(121_000)), (0, 2));
    }
}
