//! A small pool of connections that only read, so that lists do not wait for commits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::file::Held;
use crate::serve::http::problem::Problem;

pub struct Readers {
    idle: Arc<Idle>,
    /// One permit per idle connection.
    places: Arc<Semaphore>,
}

struct Idle(Mutex<Vec<Held>>);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readers {
    pub fn new(connections: Vec<Held>) -> Readers {
        let places = Arc::new(Semaphore::new(connections.len()));
        Readers { idle: Arc::new(Idle(Mutex::new(connections))), places }
    }

    /// Runs `job` in a read transaction: everything it sees belongs to one moment.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Problem::unavailable())?;
        let connection = self.idle.lock().pop().ok_or_else(Problem::unavailable)?;
        let (idle, places) = (Arc::clone(&self.idle), Arc::clone(&self.places));
        // The place goes along: a caller that hangs up leaves the job running, with the connection in use.
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let snapshot = connection.unchecked_transaction()?;
                job(&snapshot)
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

    /// Closes the idle connections and lets nobody in any more.
    pub fn close(&self) {
        self.places.close();
        self.idle.lock().clear();
    }
}
