//! Whether the service answers at all: one notion for all requests of a client, so that none finds out for itself alone.
//! Knows outcomes and time; sends nothing and prints nothing.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::remote::{ApiError, TransportKind};

/// What keeps a client waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was never connected to.
    NeverReached {
        /// Whether the port refuses connections, rather than no one being there.
        refused: bool,
        /// For how long it has been tried.
        since: Duration,
        /// How long it is tried.
        limit: Duration,
    },
    /// It answered before, or at least took a connection, but answers nothing now.
    Silent {
        /// For how long.
        since: Duration,
        /// Whether requests have failed for it, rather than still being under way.
        failed: bool,
    },
    /// It asked to be left alone.
    Paused {
        /// What is left of the pause.
        left: Duration,
    },
}

/// What is known of the service.
#[derive(Debug)]
pub(super) struct Reach {
    state: Mutex<State>,
    /// How long a service is tried that was never connected to.
    first_contact: Duration,
    /// How long it may answer nothing until no request is sent any more.
    patience: Option<Duration>,
    /// Whether nothing is waited for any more.
    stopped: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests under way.
    asking: usize,
    /// Whether anything ever came of a request.
    reached: bool,
    /// Since when something is asked and nothing answered.
    quiet: Option<Instant>,
    /// Whether a request failed meanwhile, and whether the last one because the port refuses connections.
    failed: bool,
    refused: bool,
}

impl Reach {
    pub(super) fn new(first_contact: Duration, patience: Option<Duration>) -> Self {
        Self { state: Mutex::default(), first_contact, patience, stopped: watch::Sender::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Begins a request. It ends with what is given back.
    pub(super) fn ask(&self) -> Asking<'_> {
        let mut state = self.state();
        state.asking += 1;
        state.quiet.get_or_insert_with(Instant::now);
        Asking { reach: self }
    }

    /// For how long nothing was answered, where that is too long to go on.
    pub(super) fn given_up(&self) -> Option<Duration> {
        let state = self.state();
        let silent = state.quiet.filter(|_| state.failed)?.elapsed();
        let unreached = !state.reached && silent > self.first_contact;
        (unreached || self.patience.is_some_and(|patience| silent > patience)).then_some(silent)
    }

    /// The same, for requests: a client without a bound on its patience always asks again.
    pub(super) fn is_closed(&self) -> Option<Duration> {
        self.given_up().filter(|_| self.patience.is_some())
    }

    /// Waits, unless nothing is to be waited for any more: then false, at once.
    pub(super) async fn rest(&self, time: Duration) -> bool {
        self.unless_stopped(tokio::time::sleep(time)).await.is_some()
    }

    /// Waits for something, until nothing is to be waited for any more.
    pub(super) async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => None,
            done = wait => Some(done),
        }
    }

    /// From now on nothing is waited for.
    pub(super) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// What keeps requests waiting, if they do.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let state = self.state();
        let since = state.quiet?.elapsed();
        Some(match (state.failed, state.reached) {
            (true, false) => {
                Trouble::NeverReached { refused: state.refused, since, limit: self.first_contact }
            }
            (failed, _) => Trouble::Silent { since, failed },
        })
    }
}

/// A request under way.
pub(super) struct Asking<'a> {
    reach: &'a Reach,
}

impl Asking<'_> {
    /// What it came to.
    pub(super) fn heard<T>(&self, outcome: &Result<T, ApiError>) {
        let mut state = self.reach.state();
        match outcome {
            Err(ApiError::Transport { kind, detail, .. }) => {
                state.failed = true;
                state.refused = *kind == TransportKind::Connect && detail.contains("refused");
                state.reached |= *kind != TransportKind::Connect;
            }
            _ => {
                let others = state.asking > 1;
                let quiet = others.then(Instant::now);
                *state = State { asking: state.asking, reached: true, quiet, ..State::default() };
            }
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.reach.state().asking -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Method;

    const SECOND: Duration = Duration::from_secs(1);

    fn lost(kind: TransportKind) -> Result<(), ApiError> {
        let detail = "Connection refused".to_owned();
        let (method, path) = (Method::Get, "/x".to_owned());
        Err(ApiError::Transport { kind, method, path, detail, may_have_been_executed: false })
    }

    fn ask(reach: &Reach, outcome: &Result<(), ApiError>) {
        reach.ask().heard(outcome);
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_that_refuses_is_given_up_sooner_than_a_service_that_answered() {
        let reach = Reach::new(SECOND * 2, Some(SECOND * 60));
        ask(&reach, &lost(TransportKind::Connect));
        tokio::time::advance(SECOND).await;
        let limit = SECOND * 2;
        assert_eq!(reach.trouble(), Some(Trouble::NeverReached { refused: true, since: SECOND, limit }));
        assert_eq!(reach.given_up(), None);
        tokio::time::advance(SECOND * 2).await;
        assert_eq!(reach.is_closed(), Some(SECOND * 3));

        ask(&reach, &Ok(()));
        assert_eq!((reach.trouble(), reach.given_up()), (None, None));
        ask(&reach, &lost(TransportKind::Connect));
        tokio::time::advance(SECOND * 60).await;
        assert_eq!(reach.trouble(), Some(Trouble::Silent { since: SECOND * 60, failed: true }));
        assert_eq!(reach.given_up(), None);
        tokio::time::advance(SECOND).await;
        assert_eq!(reach.given_up(), Some(SECOND * 61));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_without_an_answer_is_that_of_all_requests_together() {
        let reach = Reach::new(SECOND, Some(SECOND * 10));
        ask(&reach, &Ok(()));
        let slow = reach.ask();
        tokio::time::advance(SECOND * 4).await;
        assert_eq!(reach.trouble(), Some(Trouble::Silent { since: SECOND * 4, failed: false }));
        ask(&reach, &Ok(()));
        assert_eq!(reach.trouble(), Some(Trouble::Silent { since: Duration::ZERO, failed: false }));
        tokio::time::advance(SECOND * 11).await;
        assert_eq!(reach.given_up(), None, "a slow answer is no failure");
        drop(slow);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_of_endless_patience_asks_again() {
        let reach = Reach::new(SECOND, None);
        ask(&reach, &lost(TransportKind::Connect));
        tokio::time::advance(SECOND * 9).await;
        assert!(reach.given_up().is_some() && reach.is_closed().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn once_it_is_stopped_nothing_is_waited_for() {
        let reach = Reach::new(SECOND, None);
        assert!(reach.rest(SECOND).await);
        let (rested, ()) = tokio::join!(reach.rest(SECOND * 3600), async { reach.stop() });
        assert!(!rested && !reach.rest(SECOND).await);
    }
}
