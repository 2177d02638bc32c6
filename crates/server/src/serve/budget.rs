//! What the request at hand may still use of time and memory. It is ambient, as the request is: a read that had to be
//! handed its bounds could be written without them. Knows neither HTTP nor the store; who counts the memory is told by
//! [`Permit`].
//!
//! Outside of a request, in tests and in the maintenance of the file, there are no bounds.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

tokio::task_local! {
    static CURRENT: Budget;
}

/// The clock is looked at once in so many questions.
const SELDOM: u32 = 64;

/// Memory that one value of a text takes until the request is answered, measured with small objects in long lists.
pub const VALUE_BYTES: usize = 200;

/// Why the request at hand must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// A read took longer than this.
    #[error("the read took longer than {} s", .0.as_secs_f64())]
    Time(Duration),
    /// An answer takes more than all the memory for answers, in bytes.
    #[error("the answer takes more than {0} bytes of memory")]
    Answer(usize),
    /// A request takes more than all the memory.
    #[error("the request takes more memory than there is")]
    Request,
    /// Others have the memory now.
    #[error("there is no memory left for the request")]
    Busy,
    /// No one waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Abandoned,
}

/// What a request holds of the memory of the server.
pub trait Permit: Send + Sync {
    /// Claims `bytes` more, for the answer and the way to it.
    ///
    /// # Errors
    /// When there is no room for them.
    fn hold(&self, bytes: usize) -> Result<(), Exceeded>;

    /// Whether no one waits for the answer any more.
    fn is_abandoned(&self) -> bool;
}

/// The bounds of one request, or of one job that it has others do.
struct Budget {
    permit: Option<Arc<dyn Permit>>,
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
    fn new(permit: Option<Arc<dyn Permit>>, deadline: Option<Deadline>) -> Budget {
        Budget {
            permit,
            deadline,
            kept: Cell::new(0),
            claimed: Cell::new(0),
            asked: Cell::new(0),
            #[cfg(test)]
            patience: Cell::new(u32::MAX),
        }
    }

    fn ending(&self) -> Option<Exceeded> {
        #[cfg(test)]
        if self.asked.get() > self.patience.get() {
            return Some(Exceeded::Time(Duration::ZERO));
        }
        if self.permit.as_ref().is_some_and(|permit| permit.is_abandoned()) {
            return Some(Exceeded::Abandoned);
        }
        let late = self.deadline.filter(|deadline| Instant::now() >= deadline.at)?;
        Some(Exceeded::Time(late.after))
    }

    fn need(&self, bytes: usize) -> Result<(), Exceeded> {
        let more = bytes.saturating_sub(self.claimed.get());
        if let Some(permit) = self.permit.as_ref().filter(|_| more > 0) {
            permit.hold(more)?;
        }
        self.claimed.set(self.claimed.get() + more);
        Ok(())
    }
}

/// Does the work of a request within what it holds.
pub async fn of_request<F: Future>(permit: Arc<dyn Permit>, work: F) -> F::Output {
    CURRENT.scope(Budget::new(Some(permit), None), work).await
}

/// The bounds for a job that the request at hand gives to another thread.
#[derive(Clone)]
pub struct Share(Option<Arc<dyn Permit>>);

/// That of the request at hand, if this is one.
pub fn share() -> Share {
    Share(CURRENT.try_with(|budget| budget.permit.clone()).ok().flatten())
}

impl Share {
    /// Does a job that may take `time` from now on.
    pub fn spend<T>(self, time: Duration, job: impl FnOnce() -> T) -> T {
        let deadline = Instant::now().checked_add(time).map(|at| Deadline { at, after: time });
        CURRENT.sync_scope(Budget::new(self.0, deadline), job)
    }
}

/// Whether the job at hand should stop: its time is over, or no one waits for it any more.
pub fn is_over() -> bool {
    ending().is_some()
}

/// Why the job at hand should stop, if it should.
pub fn ending() -> Option<Exceeded> {
    CURRENT.try_with(Budget::ending).ok().flatten()
}

/// Whether the job at hand may go on.
///
/// # Errors
/// When it should stop.
pub fn check() -> Result<(), Exceeded> {
    ending().map_or(Ok(()), Err)
}

/// Asked by everything that goes through many things; cheap enough to be asked for each of them.
///
/// # Errors
/// When the job at hand should stop.
pub fn proceed() -> Result<(), Exceeded> {
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
pub fn hold(bytes: usize) -> Result<(), Exceeded> {
    let hold = |budget: &Budget| {
        budget.kept.set(budget.kept.get().saturating_add(bytes));
        budget.need(budget.kept.get())
    };
    CURRENT.try_with(hold).unwrap_or(Ok(()))
}

/// Claims `bytes` beside those that are held, for something that is gone or counted again at the next call.
///
/// # Errors
/// When there is no room for them.
pub fn need(bytes: usize) -> Result<(), Exceeded> {
    CURRENT.try_with(|budget| budget.need(budget.kept.get().saturating_add(bytes))).unwrap_or(Ok(()))
}

/// Does `job` while `bytes` are there beside what it needs itself.
pub fn beside<T>(bytes: usize, job: impl FnOnce() -> T) -> T {
    let change = |by: fn(usize, usize) -> usize| {
        let _ = CURRENT.try_with(|budget| budget.kept.set(by(budget.kept.get(), bytes)));
    };
    change(usize::saturating_add);
    let outcome = job();
    change(usize::saturating_sub);
    outcome
}

/// About how many values a body or a stored text holds, names included: what stands between two of them, in JSON and in
/// forms.
pub fn values(bytes: &[u8]) -> usize {
    let marks = |some: &[u8]| -> u8 {
        some.iter().map(|byte| u8::from(matches!(byte, b',' | b':' | b'[' | b'{' | b'&'))).sum()
    };
    // So few at a time that they are counted in a byte each, many side by side.
    bytes.chunks(255).map(|some| usize::from(marks(some))).sum()
}

/// Does a job whose time is over when it has asked `patience` times. With how often it asked.
#[cfg(test)]
pub fn with_patience<T>(patience: u32, job: impl FnOnce() -> T) -> (T, u32) {
    let budget = Budget::new(None, None);
    budget.patience.set(patience);
    CURRENT.sync_scope(budget, || (job(), CURRENT.with(|budget| budget.asked.get())))
}

/// Does a job without bounds. With the bytes it claimed, as many as it said it needs at one time.
#[cfg(test)]
pub fn with_claims<T>(job: impl FnOnce() -> T) -> (T, usize) {
    CURRENT.sync_scope(Budget::new(None, None), || (job(), CURRENT.with(|budget| budget.claimed.get())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::admission::{Admission, MemoryPermit};
    use crate::serve::telemetry::Telemetry;

    fn share_of(bytes: usize) -> (Admission, MemoryPermit, Share) {
        let admission = Admission::new(1, bytes, Telemetry::default());
        let claim = admission.enter().unwrap();
        let share = Share(Some(claim.permit()));
        (admission, claim, share)
    }

    #[test]
    fn what_is_needed_at_one_time_is_claimed_once() {
        let (admission, claim, share) = share_of(100 << 10);
        let claimed = share.spend(Duration::MAX, || -> Result<_, Exceeded> {
            hold(10 << 10)?;
            need(20 << 10)?;
            need(5 << 10)?;
            hold(15 << 10)?;
            assert!(need(100 << 10).is_err(), "more than there is for answers");
            Ok(admission.claimed())
        });
        assert_eq!(claimed.unwrap(), 30 << 10);
        drop(claim);
        assert_eq!(admission.claimed(), 0, "given back at the end");
    }

    #[test]
    fn time_and_the_client_end_a_job() {
        let forever = || -> Result<(), Exceeded> {
            loop {
                proceed()?;
            }
        };
        let (_admission, claim, share) = share_of(1 << 10);
        let late = share.clone().spend(Duration::from_millis(1), forever).unwrap_err();
        assert_eq!(late, Exceeded::Time(Duration::from_millis(1)));
        claim.abandon();
        assert!(share.clone().spend(Duration::MAX, is_over));
        assert_eq!(share.spend(Duration::MAX, forever), Err(Exceeded::Abandoned));
        assert!(!is_over(), "there is nothing to end outside of a request");
    }
}
