//! A small pool of connections that only read, so that lists do not wait for commits, nor for those who ask for much.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Cost;
use super::file::Held;
use crate::serve::http::budget;
use crate::serve::http::problem::Problem;

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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub async fn run<T: Send + 'static>(
        &self,
        cost: Cost,
        time: Duration,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = tokio::time::timeout(time, self.place(cost)).await.map_err(|_| Problem::busy())??;
        let connection = self.idle.lock().pop().ok_or_else(Problem::unavailable)?;
        let (idle, places, share) = (Arc::clone(&self.idle), Arc::clone(&self.places), budget::share());
        // The place goes along: a caller that hangs up leaves the connection in use until the job has ended.
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                share.spend(time, || {
                    // It waited, perhaps for longer than its client did.
                    budget::check()?;
                    let snapshot = connection.unchecked_transaction()?;
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
            Ok(Err(_)) | Err(_) => Err(Problem::internal("a read panicked")),
        }
    }

    async fn place(&self, cost: Cost) -> Result<Place, Problem> {
        let get = async |places: &Arc<Semaphore>| {
            Arc::clone(places).acquire_owned().await.map_err(|_| Problem::unavailable())
        };
        let dear = match cost {
            Cost::Cheap => None,
            Cost::Dear => Some(get(&self.dear).await?),
        };
        Ok((dear, get(&self.places).await?))
    }

    /// Closes the idle connections and lets nobody in any more.
    pub fn close(&self) {
        self.dear.close();
        self.places.close();
        self.idle.lock().clear();
    }
}
