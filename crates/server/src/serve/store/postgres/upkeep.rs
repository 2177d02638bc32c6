//! The thread that keeps the tables in order, again and again. What is done is handed in, since the store knows no rows of a chapter.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;

use super::counts;
use super::open_error::SetupError;
use super::shared::Shared;
use super::transaction;
use crate::serve::store::condition::Condition;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::retention::Retention;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(1);

/// Rounds after which rows of what is counted are put together.
const COUNTS: u64 = 10;

/// How long one read of a round may take.
const READ_TIME: Duration = Duration::from_secs(600);

/// What is done in rounds.
pub trait Upkeep: Send {
    /// What comes before anything is read.
    ///
    /// # Errors
    /// When the database cannot be used.
    fn begin(&mut self, keeper: &Keeper<'_>) -> Result<(), StoreError>;

    /// Does what is due.
    ///
    /// # Errors
    /// When some of it failed; the next round tries again.
    fn round(&mut self, keeper: &Keeper<'_>) -> Result<(), StoreError>;
}

/// Makes it, over a database that is open; whether the operator vouches for the clock is told, and for how long measurements are to be kept.
pub type Begin = fn(&Condition, bool, Option<Retention>) -> Box<dyn Upkeep>;

/// Transactions for who does it, on a thread that may wait.
pub struct Keeper<'s>(pub(super) &'s Shared);

impl Keeper<'_> {
    pub fn condition(&self) -> &Condition {
        &self.0.condition
    }

    /// Whether this server keeps the tables in order, or leaves that to others.
    pub fn maintains(&self) -> bool {
        self.0.pool.duties().maintenance
    }

    fn put_counts_together(&self) -> Result<(), StoreError> {
        let has_counts = self.0.condition.lists.is_some();
        if self.maintains() && has_counts { self.write(counts::put_together) } else { Ok(()) }
    }

    pub fn read<T>(&self, job: impl Fn(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        transaction::read(&self.0.pool, &self.0.condition, READ_TIME, &job)
    }

    /// Sees what others have written up to each statement, as whoever waits for a lock must.
    pub fn write<T>(&self, job: impl Fn(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        transaction::write_locking(&self.0.pool, &self.0.condition, &Notify::new(), &job)
    }
}

/// The thread at work.
pub struct Working {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Working {
    pub fn begin(shared: Arc<Shared>, mut upkeep: Box<dyn Upkeep>) -> Result<Working, SetupError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let work = move || {
            let mut rounds = 0_u64;
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let keeper = Keeper(&shared);
                rounds += 1;
                let counts =
                    if rounds.is_multiple_of(COUNTS) { keeper.put_counts_together() } else { Ok(()) };
                if let Err(error) = upkeep.round(&keeper).and(counts) {
                    shared.condition.failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    tracing::error!(target: "librato_apply::serve", %error, "the maintenance failed");
                }
            }
        };
        let thread = thread::Builder::new()
            .name("store-maintenance".to_owned())
            .spawn(work)
            .map_err(SetupError::Thread)?;
        Ok(Working { stop, thread })
    }

    /// Waits for the round at work.
    pub fn end(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}
