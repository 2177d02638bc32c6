//! A small pool of connections that only read, so that lists do not wait for commits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::serve::http::problem::Problem;

pub struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Semaphore,
}

impl Readers {
    pub fn new(connections: Vec<Connection>) -> Readers {
        let places = Semaphore::new(connections.len());
        Readers { idle: Arc::new(Mutex::new(connections)), places }
    }

    /// Runs `job` in a read transaction: everything it sees belongs to one moment.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.places.acquire().await.map_err(|_| Problem::stopping())?;
        let connection = self.lock().pop().ok_or_else(Problem::stopping)?;
        let idle = Arc::clone(&self.idle);
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let snapshot = connection.unchecked_transaction()?;
                job(&snapshot)
            }));
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
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
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
