//! What the request at hand may still use of time and memory. It is ambient, as the request is: a read that had to be
//! handed its bounds could be written without them.
//!
//! Outside of a request, in tests and in the upkeep of the file, there are no bounds.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use super::admission::Claim;
use super::problem::Problem;

tokio::task_local! {
    static CURRENT: Budget;
}

/// The clock is looked at once in so many questions.
const SELDOM: u32 = 64;

/// The bounds of one request, or of one job that it has others do.
struct Budget {
    claim: Option<Claim>,
    deadline: Option<Deadline>,
    /// Bytes held until the job ends.
    kept: Cell<usize>,
    /// Bytes claimed; as many as were ever needed at one time.
    claimed: Cell<usize>,
    asked: Cell<u32>,
    /// After so many questions the time is over.
    #[cfg(test)]
    patience: Cell<u32>,
}

/// When a read has to be over.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    /// How long it may take, for the message.
    after: Duration,
}

impl Budget {
    fn new(claim: Option<Claim>, deadline: Option<Deadline>) -> Budget {
        Budget {
            claim,
            deadline,
            kept: Cell::new(0),
            claimed: Cell::new(0),
            asked: Cell::new(0),
            #[cfg(test)]
            patience: Cell::new(u32::MAX),
        }
    }

    fn ending(&self) -> Option<Problem> {
        #[cfg(test)]
        if self.asked.get() > self.patience.get() {
            return Some(Problem::too_long(Duration::ZERO));
        }
        if self.claim.as_ref().is_some_and(Claim::is_abandoned) {
            return Some(Problem::abandoned());
        }
        let late = self.deadline.filter(|deadline| Instant::now() >= deadline.at)?;
        Some(Problem::too_long(late.after))
    }

    fn need(&self, bytes: usize) -> Result<(), Problem> {
        let more = bytes.saturating_sub(self.claimed.get());
        if let Some(claim) = self.claim.as_ref().filter(|_| more > 0) {
            claim.hold(more)?;
        }
        self.claimed.set(self.claimed.get() + more);
        Ok(())
    }
}

/// Does the work of a request within what it claims.
pub async fn of_request<F: Future>(claim: Claim, work: F) -> F::Output {
    CURRENT.scope(Budget::new(Some(claim), None), work).await
}

/// The bounds for a job that the request at hand gives to another thread.
#[derive(Clone)]
pub struct Share(Option<Claim>);

/// That of the request at hand, if this is one.
pub fn share() -> Share {
    Share(CURRENT.try_with(|budget| budget.claim.clone()).ok().flatten())
}

impl Share {
    /// Does a job that may take `time` from now on. One that ends because of its bounds tells so, whatever it made of it.
    pub fn spend<T>(self, time: Duration, job: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let deadline = Instant::now().checked_add(time).map(|at| Deadline { at, after: time });
        let budget = Budget::new(self.0, deadline);
        CURRENT.sync_scope(budget, || {
            job().map_err(|problem| match CURRENT.with(Budget::ending) {
                Some(ending) if problem.is_interruption() => ending,
                _ => problem,
            })
        })
    }
}

/// Whether the job at hand should stop: its time is over, or nobody waits for it any more.
pub fn is_over() -> bool {
    CURRENT.try_with(|budget| budget.ending().is_some()).unwrap_or(false)
}

/// Whether the job at hand may go on.
///
/// # Errors
/// When it should stop.
pub fn check() -> Result<(), Problem> {
    CURRENT.try_with(Budget::ending).ok().flatten().map_or(Ok(()), Err)
}

/// Asked by everything that goes through many things; cheap enough to be asked for each of them.
///
/// # Errors
/// When the job at hand should stop.
pub fn proceed() -> Result<(), Problem> {
    let look = |budget: &Budget| {
        let asked = budget.asked.get().wrapping_add(1);
        budget.asked.set(asked);
        if asked.is_multiple_of(SELDOM) || cfg!(test) { budget.ending() } else { None }
    };
    CURRENT.try_with(look).ok().flatten().map_or(Ok(()), Err)
}

/// Claims `bytes` until the job ends.
///
/// # Errors
/// When there is no room for them.
pub fn hold(bytes: usize) -> Result<(), Problem> {
    let hold = |budget: &Budget| {
        budget.kept.set(budget.kept.get().saturating_add(bytes));
        budget.need(budget.kept.get())
    };
    CURRENT.try_with(hold).unwrap_or(Ok(()))
}

/// Claims `bytes` beside those that are held, for something that is gone or counted anew at the next call.
///
/// # Errors
/// When there is no room for them.
pub fn need(bytes: usize) -> Result<(), Problem> {
    CURRENT.try_with(|budget| budget.need(budget.kept.get().saturating_add(bytes))).unwrap_or(Ok(()))
}

/// JSON whose memory is claimed as it grows.
pub fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    let mut text = Text::default();
    let written = serde_json::to_writer(&mut text, value);
    match (text.refused, written) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(Problem::internal(error)),
        (None, Ok(())) => Ok(text.bytes),
    }
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    refused: Option<Problem>,
}

impl io::Write for Text {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        /// What a vector that doubles would waste of a long answer is worth more than the copying.
        const STEP: usize = 1 << 20;
        let room = self.bytes.capacity() - self.bytes.len();
        if more.len() > room {
            let wanted = more.len().max(self.bytes.len().clamp(256, STEP));
            if let Err(problem) = hold(wanted) {
                self.refused = Some(problem);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.bytes.reserve_exact(wanted);
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does a job whose time is over when it has asked `patience` times. With how often it asked.
#[cfg(test)]
pub fn with_patience<T>(
    patience: u32,
    job: impl FnOnce() -> Result<T, Problem>,
) -> (Result<T, Problem>, u32) {
    let budget = Budget::new(None, None);
    budget.patience.set(patience);
    CURRENT.sync_scope(budget, || (job(), CURRENT.with(|budget| budget.asked.get())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::admission::Admission;
    use crate::serve::telemetry::Telemetry;

    fn share_of(bytes: usize) -> (Admission, Share) {
        let admission = Admission::new(1, bytes, Telemetry::default());
        let share = Share(admission.enter());
        (admission, share)
    }

    #[test]
    fn what_is_needed_at_one_time_is_claimed_once() {
        let (admission, share) = share_of(100 << 10);
        let claimed = share.spend(Duration::MAX, || {
            hold(10 << 10)?;
            need(20 << 10)?;
            need(5 << 10)?;
            hold(15 << 10)?;
            assert!(need(100 << 10).is_err(), "more than there is for answers");
            Ok(admission.claimed())
        });
        assert_eq!(claimed.unwrap(), 30 << 10);
        assert_eq!(admission.claimed(), 0, "given back at the end");
    }

    #[test]
    fn time_and_the_client_end_a_job() {
        let forever = || -> Result<(), Problem> {
            loop {
                proceed()?;
            }
        };
        let (_admission, share) = share_of(1 << 10);
        let late = share.clone().spend(Duration::from_millis(1), forever).unwrap_err();
        assert!(format!("{late:?}").contains("longer than"), "{late:?}");
        let Share(Some(claim)) = &share else { panic!("a request has a claim") };
        claim.abandon();
        assert!(share.clone().spend(Duration::MAX, || Ok(is_over())).unwrap());
        assert!(share.spend(Duration::MAX, forever).is_err());
        assert!(!is_over(), "there is nothing to end outside of a request");
    }

    /// What is written is claimed before it is written.
    #[test]
    fn answers_are_claimed_as_they_grow() {
        let (admission, share) = share_of(4 << 20);
        let outcome = share.spend(Duration::MAX, || {
            let written = json(&"x".repeat(2 << 20))?;
            assert!(admission.claimed() >= written.capacity());
            json(&"x".repeat(3 << 20))
        });
        assert!(outcome.is_err());
    }
}
