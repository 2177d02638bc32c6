//! When to try again, and when to stop: exponential backoff with jitter, a cap and a deadline.
//! Knows errors and the clock, not requests.
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::remote::ApiError;

/// How patient the client is with what may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first delay; it doubles each time, and up to as much again is added at random.
    pub base: Duration,
    /// The longest delay of our own making (before the random part).
    pub cap: Duration,
    /// No further attempt begins later than this after the first, pauses the service asked for not counted.
    pub deadline: Duration,
    /// How many attempts in all, at least one.
    pub max_attempts: usize,
    /// The longest pause made because the service asked for it (`Retry-After`, rate-limit headers).
    pub max_pause: Duration,
    /// How long a service is tried that was never connected to: it is more likely misspelt than restarting.
    pub first_contact: Duration,
    /// How long after its answer was lost a request may still arrive, held up on the way.
    pub settle: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
            deadline: Duration::from_secs(60),
            max_attempts: 12,
            max_pause: Duration::from_secs(120),
            first_contact: Duration::from_secs(5),
            settle: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// For tests against a local server: the same shape in milliseconds.
    pub fn quick() -> Self {
        Self {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(20),
            deadline: Duration::from_secs(5),
            max_attempts: 8,
            max_pause: Duration::from_secs(3),
            first_contact: Duration::from_secs(5),
            settle: Duration::from_secs(1),
        }
    }

    /// A fresh series of delays, its deadline counted from now.
    pub fn backoff(&self) -> Backoff {
        let delays = ExponentialBuilder::new()
            .with_min_delay(self.base)
            .with_max_delay(self.cap)
            .with_max_times(self.max_attempts.saturating_sub(1))
            .with_jitter()
            .build();
        Backoff { delays, deadline: Instant::now() + self.deadline, max_pause: self.max_pause }
    }
}

/// The delays between the attempts at one thing.
#[derive(Debug)]
pub struct Backoff {
    delays: ExponentialBackoff,
    deadline: Instant,
    max_pause: Duration,
}

impl Backoff {
    /// How long to wait before the next attempt, now that one failed with `error`; `None` is the end: the error
    /// will not pass, the attempts or the time are used up, or the service asks for too long a pause. A pause
    /// it asks for is not part of the delay: the client sits it out before it sends anything.
    pub fn next_delay(&mut self, error: &ApiError) -> Option<Duration> {
        if !error.is_passing() {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        if asked > self.max_pause {
            return None;
        }
        self.deadline += asked;
        let delay = self.delays.next()?;
        (Instant::now() + delay.max(asked) <= self.deadline).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Method;
    use crate::wire::ApiMessages;

    fn status(status: u16, retry_after: Option<u64>) -> ApiError {
        let retry_after = retry_after.map(Duration::from_secs);
        ApiError::Status {
            status,
            messages: ApiMessages::default(),
            method: Method::Get,
            path: "/x".into(),
            retry_after,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn delays_double_up_to_the_cap_with_as_much_again_at_random() {
        let policy = RetryPolicy { deadline: Duration::from_secs(1000), ..RetryPolicy::default() };
        let mut backoff = policy.backoff();
        let delays: Vec<_> = std::iter::from_fn(|| backoff.next_delay(&status(503, None))).collect();
        assert_eq!(delays.len(), policy.max_attempts - 1);
        for (delay, least) in delays.iter().zip([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]) {
            let least = Duration::from_millis(least);
            assert!((least..=least * 2).contains(delay), "{delay:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_does_not_count_pauses_that_were_asked_for() {
        let policy = RetryPolicy { deadline: Duration::from_secs(10), ..RetryPolicy::default() };
        let mut backoff = policy.backoff();
        assert!(backoff.next_delay(&status(429, Some(100))).is_some());
        tokio::time::advance(Duration::from_secs(105)).await;
        assert!(backoff.next_delay(&status(503, None)).is_some());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(backoff.next_delay(&status(503, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_or_asks_too_much_is_not_tried_again() {
        let mut backoff = RetryPolicy::default().backoff();
        assert_eq!(backoff.next_delay(&status(404, None)), None);
        assert_eq!(backoff.next_delay(&status(429, Some(121))), None);
        assert!(backoff.next_delay(&status(429, Some(120))).is_some());
    }
}
