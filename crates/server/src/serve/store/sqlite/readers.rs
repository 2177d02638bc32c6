//! A small pool of connections that only read, so that lists do not wait for commits, nor for those who ask for much.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::file::Held;
use crate::serve::budget;
use crate::serve::store::cost::Cost;
use crate::serve::store::error::{Failure, StoreError};

pub struct Readers {
    idle: Arc<Idle>,
    /// One permit per idle connection, given in the order of asking.
    places: Arc<Semaphore>,
    /// One permit fewer, for dear reads: one connection is always for the cheap ones.
    dear: Arc<Semaphore>,
}

struct Idle(Mutex<Vec<Held>>);

/// Given back together.
type Place = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.0.lock()
    }
}

impl Readers {
    pub fn new(connections: Vec<Held>) -> Readers {
        let places = Arc::new(Semaphore::new(connections.len()));
        let dear = Arc::new(Semaphore::new(connections.len().saturating_sub(1).max(1)));
        Readers { idle: Arc::new(Idle(Mutex::new(connections))), places, dear }
    }

    /// Runs `job` in a read transaction: everything it sees belongs to one moment. It may wait for `time` and then take
    /// `time`.
    pub async fn run<T: Send + 'static, E: Failure>(
        &self,
        cost: Cost,
        time: Duration,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let place = tokio::time::timeout(time, self.place(cost)).await.map_err(|_| StoreError::Busy)??;
        let connection = self.idle.lock().pop().ok_or(StoreError::Unavailable)?;
        let (idle, places, share) = (Arc::clone(&self.idle), Arc::clone(&self.places), budget::share());
        // The place goes along: a caller that hangs up leaves the connection in use until the job has ended.
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                share.spend(time, || {
                    // It waited, perhaps for longer than its client did.
                    budget::check().map_err(StoreError::from)?;
                    let snapshot = connection.unchecked_transaction().map_err(StoreError::from)?;
                    job(&snapshot)
                })
            }));
            let mut idle = idle.lock();
            if !places.is_closed() {
                idle.push(connection);
            }
            drop((idle, place));
            outcome
        });
        match outcome.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(StoreError::internal("a read panicked").into()),
        }
    }

    async fn place(&self, cost: Cost) -> Result<Place, StoreError> {
        let get = async |places: &Arc<Semaphore>| {
            Arc::clone(places).acquire_owned().await.map_err(|_| StoreError::Unavailable)
        };
        let dear = match cost {
            Cost::Cheap => None,
            Cost::Dear => Some(get(&self.dear).await?),
        };
        Ok((dear, get(&self.places).await?))
    }

    /// Closes the idle connections and lets no one in any more.
    pub fn close(&self) {
        self.dear.close();
        self.places.close();
        self.idle.lock().clear();
    }
}
