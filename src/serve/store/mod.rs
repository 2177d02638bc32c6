//! Where everything is kept: one SQLite file, one writer thread, a few readers.
//! Knows transactions and durability; what the tables mean is the business of each chapter of the API.

mod open;
mod readers;
mod schema;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::http::problem::Problem;
pub use open::OpenError;
use readers::Readers;
use writer::Writer;

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A SQLite file, made when it does not exist. Beside it stand `-wal` and `-shm` (SQLite's) and `-lock`.
    File(PathBuf),
    /// Memory only, gone with the process.
    Memory,
}

/// A handle on the open data; clones share it. The last one to go, or [`run`](super::run), closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` for data in memory, which only the writer's connection can see.
    readers: Option<Readers>,
    writer: Writer,
}

impl Store {
    /// Opens the data for this process alone, bringing an older file up to date.
    ///
    /// # Errors
    /// When another server has the file open, when it is not one of ours, when a newer version of the program
    /// wrote it, or when it cannot be read or written. Nothing is changed in a file that is refused.
    pub fn open(data: &Data) -> Result<Store, OpenError> {
        let opened = open::open(data)?;
        let writer = Writer::start(opened.writer, opened.lock)?;
        let readers = (!opened.readers.is_empty()).then(|| Readers::new(opened.readers));
        Ok(Store { inner: Arc::new(Inner { readers, writer }) })
    }

    /// Runs `job` in a transaction of its own and returns when its effect is durable. On `Err` nothing of it stays.
    pub(in crate::serve) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.inner.writer.run(job).await
    }

    /// Runs `job` over one snapshot that holds every write acknowledged so far.
    pub(in crate::serve) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        match &self.inner.readers {
            Some(readers) => readers.run(job).await,
            None => self.inner.writer.run(job).await,
        }
    }

    /// Finishes what is queued, checkpoints and closes the file. Blocks; later uses answer 503.
    pub(in crate::serve) fn close(&self) {
        if let Some(readers) = &self.inner.readers {
            readers.close();
        }
        self.inner.writer.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(readers) = &self.readers {
            readers.close();
        }
        self.writer.close();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
