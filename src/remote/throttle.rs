//! One gate for all requests of a client: what one was told to wait, every other waits too.
//! Knows time only; which answers ask for a pause is read elsewhere.
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The gate. Open until someone asks for a pause.
#[derive(Debug)]
pub(super) struct Throttle {
    closed_until: Mutex<Option<Instant>>,
    /// The longest pause worth sitting out.
    limit: Duration,
    /// The longest random wait after the gate opens, so that not all run at once.
    jitter: Duration,
}

impl Throttle {
    pub(super) fn new(limit: Duration, jitter: Duration) -> Self {
        Self { closed_until: Mutex::new(None), limit, jitter }
    }

    /// Closes the gate for `pause` from now; a longer pause that is already running stays.
    pub(super) fn pause(&self, pause: Duration) {
        // An instant has an end; a year is as good as forever here.
        let until = Some(Instant::now() + pause.min(Duration::from_secs(365 * 86_400)));
        let mut closed_until = self.closed_until.lock();
        *closed_until = (*closed_until).max(until);
    }

    /// Returns once the gate is open.
    ///
    /// # Errors
    /// What is left of the pause, at once, when that is more than the limit.
    pub(super) async fn pass(&self) -> Result<(), Duration> {
        while let Some(left) = self.left() {
            if left > self.limit {
                return Err(left);
            }
            tokio::time::sleep(left + random_part(self.jitter)).await;
        }
        Ok(())
    }

    /// The longest pause worth sitting out.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// What is left of a pause.
    pub(super) fn left(&self) -> Option<Duration> {
        let closed_until = *self.closed_until.lock();
        closed_until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Between nothing and `longest`; without a source of randomness half of it.
fn random_part(longest: Duration) -> Duration {
    let share = getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX));
    longest.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        Throttle::new(Duration::from_secs(120), Duration::from_millis(250))
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_gate_costs_nothing() {
        let begun = Instant::now();
        assert_eq!(throttle().pass().await, Ok(()));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_counts_also_for_those_who_wait_already() {
        let (gate, begun) = (throttle(), Instant::now());
        gate.pause(Duration::from_secs(10));
        gate.pause(Duration::from_secs(5));
        let extend = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            gate.pause(Duration::from_secs(30));
        };
        let (passed, ()) = tokio::join!(gate.pass(), extend);
        assert_eq!(passed, Ok(()));
        let waited = begun.elapsed();
        assert!((Duration::from_secs(39)..Duration::from_millis(39_300)).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_the_limit_is_refused_until_it_is_within() {
        let gate = throttle();
        gate.pause(Duration::from_secs(200));
        assert_eq!(gate.pass().await, Err(Duration::from_secs(200)));
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(gate.pass().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_all_time_is_a_long_pause() {
        let gate = throttle();
        gate.pause(Duration::MAX);
        assert!(gate.pass().await.is_err());
    }
}
