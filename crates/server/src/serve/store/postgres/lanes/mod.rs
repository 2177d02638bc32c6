//! Measurements on their way into the journal by group commit, without a timer: requests wait in one queue, and a lane that is idle takes
//! all that wait. What is written is handed in, since the store knows no rows of a chapter.

mod journal;
mod lane;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::timeout;

pub use self::journal::{Batch, Journal, Settled};
use self::lane::Lane;
use self::queue::{Fate, Queue};
use super::open_error::SetupError;
use super::shared::Shared;
use crate::serve::store::error::StoreError;
use crate::serve::tsdb::sample::Sample;

/// Lanes of a server, each with a connection and a thread.
const LANES: usize = 4;

/// How long whoever asked waits for what becomes of a batch or a commit that is under way: it ends when a standby has it, and none may be there.
pub const UNDER_WAY: Duration = Duration::from_secs(30);

/// The lanes of an open database.
pub struct Lanes {
    queue: Arc<Queue>,
    closing: Arc<AtomicBool>,
    /// How long a request waits to be in a batch.
    patience: Duration,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Lanes {
    pub fn start(shared: &Arc<Shared>, journal: &'static dyn Journal) -> Result<Lanes, SetupError> {
        let (queue, closing) = (Arc::new(Queue::default()), Arc::new(AtomicBool::new(false)));
        let node: Arc<str> = shared.pool.node().unwrap_or_default().into();
        let mut threads = Vec::with_capacity(LANES);
        for number in 0..LANES {
            let lane = Lane::new(Arc::clone(shared), journal, Arc::clone(&node), Arc::clone(&closing));
            let queue = Arc::clone(&queue);
            let name = format!("store-lane-{number}");
            let thread = thread::Builder::new().name(name).spawn(move || lane.run(&queue));
            threads.push(thread.map_err(SetupError::Thread)?);
        }
        Ok(Lanes { queue, closing, patience: shared.pool.patience(), threads: Mutex::new(threads) })
    }

    /// Stores samples that were resolved in an epoch of the database, and returns when that is durable. Whether it was still the same.
    pub async fn append(&self, samples: Vec<Sample>, epoch: i64) -> Result<bool, StoreError> {
        let (place, mut answer) = self.queue.put(samples, epoch)?;
        let fate = match timeout(self.patience, &mut answer).await {
            Ok(fate) => fate,
            Err(_) if place.leave() => return Err(StoreError::Busy),
            Err(_) => timeout(UNDER_WAY, answer).await.unwrap_or(Ok(Fate::Unknown)),
        };
        match fate.unwrap_or(Fate::Unknown) {
            Fate::Stored => Ok(true),
            Fate::Stale => Ok(false),
            Fate::Failed => Err(StoreError::Unavailable),
            Fate::Unknown => Err(StoreError::Unknown),
        }
    }

    /// Lets lanes send what waits, and ends them. Blocks.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.queue.close();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            let _ = thread.join();
        }
    }
}
