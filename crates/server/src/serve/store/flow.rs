//! What goes by the lanes of this server into the journal of a database, and what waits in there until it is compacted. Counted for the page of
//! the server's figures; decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

#[derive(Debug, Default)]
pub struct Flow {
    /// Batches that were stored, the samples in them, and how long their statements took, in microseconds.
    pub batches: AtomicU64,
    pub samples: AtomicU64,
    pub micros: AtomicU64,
    /// Batches that were sent again, or settled first, since something broke.
    pub retries: AtomicU64,
    /// Of batches whose answer did not come: those that were stored, those that were not, and those whose lane was gone.
    pub settled: Settled,
    /// Batches whose samples had to be looked up anew, since metrics were changed meanwhile: the epoch was another one.
    pub stale: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
pub struct Settled {
    pub stored: AtomicU64,
    pub not_stored: AtomicU64,
    pub gone: AtomicU64,
}

/// What all servers of the database have put into the journal, and none has compacted yet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub rows: u64,
    pub bytes: u64,
    /// The second in which the oldest of it was received.
    pub oldest: Option<i64>,
}

impl Flow {
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn stored(&self, samples: usize, took: Duration) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.samples.fetch_add(samples as u64, Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// As it was when it was last looked at.
    pub fn waiting(&self) -> Waiting {
        *self.waiting.lock()
    }

    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn waits(&self, waiting: Waiting) {
        *self.waiting.lock() = waiting;
    }
}
