//! Connections to one database: a few that write, more that read, of which one is never given to expensive reads. Those that broke
//! are replaced when one is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Connection;
use super::error::words;
use super::target::Postgres;
use crate::serve::store::Duties;
use crate::serve::store::cost::Cost;
use crate::serve::store::error::StoreError;

/// How long the end waits for those who are at work.
const CLOSING: Duration = Duration::from_secs(30);

pub struct Pool {
    target: Postgres,
    runtime: Handle,
    parts: i64,
    idle: Mutex<Vec<Connection>>,
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    dear: Arc<Semaphore>,
    /// All places of those who write and of those who read.
    most: (usize, usize),
}

/// Given back together.
pub type Place = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

/// A connection for one transaction. It goes back when it is said to be sound, and is closed otherwise.
pub struct Lent<'p> {
    pool: &'p Pool,
    pub connection: Connection,
}

impl Pool {
    pub fn new(target: Postgres, runtime: Handle, parts: i64) -> Pool {
        let places = |most| Arc::new(Semaphore::new(most));
        // More who write would only repeat each other's more often.
        let connections = target.using().connections.max(3);
        let most = (connections / 3, connections - connections / 3);
        let (writers, readers, dear) = (places(most.0), places(most.1), places(most.1 - 1));
        Pool { target, runtime, parts, idle: Mutex::default(), writers, readers, dear, most }
    }

    /// How long whoever asks waits for a database that does not answer.
    pub fn patience(&self) -> Duration {
        self.target.using().patience
    }

    /// What the server is called that uses it.
    pub fn node(&self) -> Option<&str> {
        self.target.using().node.as_deref()
    }

    /// What it does.
    pub fn duties(&self) -> Duties {
        self.target.using().duties
    }

    pub fn parts(&self) -> i64 {
        self.parts
    }

    /// Waits for its turn to write; `waits` counts those who have to.
    pub async fn write_place(&self, waits: &AtomicU64) -> Result<Place, StoreError> {
        let place = tokio::time::timeout(self.patience(), get(&self.writers, waits));
        Ok((None, place.await.map_err(|_| StoreError::Busy)??))
    }

    /// Waits for `time` to be allowed to read.
    pub async fn read_place(
        &self,
        cost: Cost,
        time: Duration,
        waits: &AtomicU64,
    ) -> Result<Place, StoreError> {
        let place = async {
            let dear = match cost {
                Cost::Cheap => None,
                Cost::Dear => Some(get(&self.dear, waits).await?),
            };
            Ok((dear, get(&self.readers, waits).await?))
        };
        tokio::time::timeout(time, place).await.map_err(|_| StoreError::Busy)?
    }

    /// A connection for whoever has a place. Blocks where a new one is needed.
    pub fn connection(&self) -> Result<Lent<'_>, StoreError> {
        loop {
            let idle = self.idle.lock().pop();
            match idle {
                Some(connection) if connection.is_closed() => {}
                Some(connection) => return Ok(Lent { pool: self, connection }),
                None => break,
            }
        }
        Ok(Lent { pool: self, connection: self.open()? })
    }

    /// A connection of its own. Blocks.
    pub fn open(&self) -> Result<Connection, StoreError> {
        Connection::open(&self.target, &self.runtime, self.parts).map_err(|error| {
            tracing::warn!(target: "librato_apply::serve", "cannot connect to the database: {}", words(&error));
            StoreError::Unavailable
        })
    }

    /// Lets no one in any more, and waits for those who are. Blocks.
    pub fn close(&self) {
        for places in [&self.dear, &self.writers, &self.readers] {
            places.close();
        }
        let begun = Instant::now();
        let is_busy = || (self.writers.available_permits(), self.readers.available_permits()) != self.most;
        while is_busy() && begun.elapsed() < CLOSING {
            thread::sleep(Duration::from_millis(1));
        }
        self.idle.lock().clear();
    }
}

async fn get(places: &Arc<Semaphore>, waits: &AtomicU64) -> Result<OwnedSemaphorePermit, StoreError> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Ok(place);
    }
    waits.fetch_add(1, Ordering::Relaxed);
    Arc::clone(places).acquire_owned().await.map_err(|_| StoreError::Unavailable)
}

impl Lent<'_> {
    /// For the next one.
    pub fn give_back(self) {
        if !self.connection.is_closed() && !self.pool.writers.is_closed() {
            self.pool.idle.lock().push(self.connection);
        }
    }
}
