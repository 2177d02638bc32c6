//! When to try again, and when to stop: exponential backoff with jitter, a cap and a deadline, and which methods may be executed
//! twice. The one place that decides so; knows errors and the clock, and of requests the method.
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::remote::{ApiError, Method};

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

    /// The attempts at one request of this method, their deadline counted from now.
    pub fn attempts(&self, method: Method) -> Attempts {
        let delays = ExponentialBuilder::new()
            .with_min_delay(self.base)
            .with_max_delay(self.cap)
            .with_max_times(self.max_attempts.saturating_sub(1))
            .with_jitter()
            .build();
        Attempts {
            delays,
            deadline: Instant::now() + self.deadline,
            max_pause: self.max_pause,
            repeatable: method.is_idempotent(),
            doubtful: false,
            last: None,
        }
    }
}

/// What to do after an attempt that failed.
#[derive(Debug)]
pub enum Decision {
    /// Another one after this long. A pause that the service asked for is not part of it: the client sits it out before it
    /// sends anything.
    Again(Duration),
    /// None: this is how it failed.
    GiveUp(ApiError),
}

/// The attempts at one request: whether there is another one, and when.
#[derive(Debug)]
pub struct Attempts {
    delays: ExponentialBackoff,
    deadline: Instant,
    max_pause: Duration,
    /// Whether what may have been executed may be sent again.
    repeatable: bool,
    doubtful: bool,
    last: Option<ApiError>,
}

impl Attempts {
    /// For callers that answer for attempts that may have been executed, whatever the method: before another one they look for
    /// what the earlier ones made, or they count it.
    pub fn accounted(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// Whether an attempt so far may have been executed although it failed.
    pub fn may_have_been_executed(&self) -> bool {
        self.doubtful
    }

    /// Whether there is another attempt, now that one failed with `error`. There is none where the error will not pass, where the
    /// request may have been executed and is not to be executed twice, where the attempts or the time are used up, and where the
    /// service asks for too long a pause.
    pub fn decide(&mut self, error: ApiError) -> Decision {
        // What went wrong before says more than that nothing was sent any more.
        if let ApiError::Unreachable { .. } = error {
            return Decision::GiveUp(self.last.take().unwrap_or(error));
        }
        self.doubtful |= error.may_have_been_executed();
        match self.delay(&error) {
            Some(delay) => {
                self.last = Some(error);
                Decision::Again(delay)
            }
            None => Decision::GiveUp(error),
        }
    }

    /// Waits by `rest` until the next attempt is due.
    ///
    /// # Errors
    /// How the request failed, where there is none, also because `rest` says that nothing is waited for any more.
    pub async fn next<F>(&mut self, error: ApiError, rest: impl FnOnce(Duration) -> F) -> Result<(), ApiError>
    where
        F: Future<Output = bool>,
    {
        let delay = match self.decide(error.clone()) {
            Decision::Again(delay) => delay,
            Decision::GiveUp(error) => return Err(error),
        };
        tracing::info!(%error, ?delay, "trying again");
        if rest(delay).await { Ok(()) } else { Err(error) }
    }

    fn delay(&mut self, error: &ApiError) -> Option<Duration> {
        if !error.is_passing() || self.doubtful && !self.repeatable {
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

/// Waits that long, whatever happens; for [`Attempts::next`].
pub async fn sleep(delay: Duration) -> bool {
    tokio::time::sleep(delay).await;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::TransportKind;
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

    fn lost(may_have_been_executed: bool) -> ApiError {
        let (kind, path, detail) = (TransportKind::Timeout, "/x".to_owned(), String::new());
        ApiError::Transport { kind, method: Method::Post, path, detail, may_have_been_executed }
    }

    fn again(attempts: &mut Attempts, error: ApiError) -> Option<Duration> {
        match attempts.decide(error) {
            Decision::Again(delay) => Some(delay),
            Decision::GiveUp(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn delays_double_up_to_the_cap_with_as_much_again_at_random() {
        let policy = RetryPolicy { deadline: Duration::from_secs(1000), ..RetryPolicy::default() };
        let mut attempts = policy.attempts(Method::Get);
        let delays: Vec<_> = std::iter::from_fn(|| again(&mut attempts, status(503, None))).collect();
        assert_eq!(delays.len(), policy.max_attempts - 1);
        for (delay, least) in delays.iter().zip([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]) {
            let least = Duration::from_millis(least);
            assert!((least..=least * 2).contains(delay), "{delay:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_does_not_count_pauses_that_were_asked_for() {
        let policy = RetryPolicy { deadline: Duration::from_secs(10), ..RetryPolicy::default() };
        let mut attempts = policy.attempts(Method::Get);
        assert!(again(&mut attempts, status(429, Some(100))).is_some());
        tokio::time::advance(Duration::from_secs(105)).await;
        assert!(again(&mut attempts, status(503, None)).is_some());
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(again(&mut attempts, status(503, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_or_asks_too_much_is_not_tried_again() {
        let mut attempts = RetryPolicy::default().attempts(Method::Get);
        assert_eq!(again(&mut attempts, status(404, None)), None);
        assert_eq!(again(&mut attempts, status(429, Some(121))), None);
        assert!(again(&mut attempts, status(429, Some(120))).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_executed_is_repeated_only_where_that_does_no_harm() {
        let policy = RetryPolicy::default();
        for (method, idempotent) in
            [(Method::Get, true), (Method::Put, true), (Method::Delete, true), (Method::Post, false)]
        {
            assert!(again(&mut policy.attempts(method), lost(false)).is_some(), "{method}");
            assert_eq!(again(&mut policy.attempts(method), lost(true)).is_some(), idempotent, "{method}");
            assert_eq!(
                again(&mut policy.attempts(method), status(503, None)).is_some(),
                idempotent,
                "{method}"
            );
            assert!(again(&mut policy.attempts(method).accounted(), lost(true)).is_some(), "{method}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_failed_by_what_went_wrong_and_not_because_nothing_was_sent_any_more() {
        let mut attempts = RetryPolicy::default().attempts(Method::Get);
        let silent = Duration::from_secs(60);
        let closed = || ApiError::Unreachable { method: Method::Get, path: "/x".into(), silent };
        assert!(matches!(attempts.decide(closed()), Decision::GiveUp(ApiError::Unreachable { .. })));
        assert!(attempts.next(lost(true), sleep).await.is_ok() && attempts.may_have_been_executed());
        assert!(matches!(attempts.decide(closed()), Decision::GiveUp(ApiError::Transport { .. })));
        let stopped = attempts.next(status(503, None), |_| std::future::ready(false)).await;
        assert_eq!(stopped.unwrap_err().status(), Some(503));
    }
}
