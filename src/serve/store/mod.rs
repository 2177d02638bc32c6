//! Where everything is kept: one SQLite file, one writer thread, a few readers.
//! Knows transactions and durability; what the tables mean is the business of each chapter of the API.

mod check;
pub(in crate::serve) mod column;
mod condition;
mod copy;
mod file;
mod lock;
mod maintenance;
mod mounts;
mod open;
mod opening;
mod properties;
mod readers;
mod reading;
mod reserve;
mod schema;
#[cfg(test)]
mod tests;
mod turn;
mod unclean;
mod upkeep;
mod wal;
mod writer;

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::Clock;
use super::http::budget;
use super::http::problem::Problem;
use super::series::damage;
use super::submit::known::Known;
pub use check::{Report, check};
pub(in crate::serve) use condition::{Condition, Trouble};
pub use copy::{Copied, CopyError, Copying, adopt, copy};
pub(in crate::serve) use file::Displaced;
use file::{DataFile, Held};
use maintenance::Maintenance;
pub use open::OpenError;
pub use opening::{Data, Opening};
use readers::Readers;
use reserve::Reserve;
pub(in crate::serve) use turn::Turn;
use upkeep::Upkeep;
use writer::Writer;

/// A handle on the open data; clones share it. The last one to go, or [`run`](super::run), closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    read_time: Duration,
}

/// How long a read that nobody bounded may take.
const READ_TIME: Duration = Duration::from_secs(30);

/// Whether others should have to wait for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    Cheap,
    Dear,
}

struct Inner {
    /// `None` for data in memory, which only the writer's connection can see.
    readers: Option<Readers>,
    /// `None` for data that is only read.
    upkeep: Option<Upkeep>,
    writer: Arc<Writer>,
    /// `None` for data in memory.
    file: Option<Arc<DataFile>>,
    condition: Arc<Condition>,
    known: Known,
    copied_at: Option<i64>,
    closing: Arc<AtomicBool>,
}

impl Store {
    /// Opens the data for this process alone, bringing an older file up to date.
    ///
    /// # Errors
    /// When another server has the file open, when it is not one of ours, when a newer version of the program
    /// wrote it, or when it cannot be read or written. Nothing is changed in a file that is refused.
    pub fn open(data: &Data) -> Result<Store, OpenError> {
        Store::open_with(data, Opening::default())
    }

    /// The same, told more.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(data: &Data, opening: Opening) -> Result<Store, OpenError> {
        let path = match data {
            Data::File(path) | Data::ReadOnly(path) => path.clone(),
            Data::Memory => PathBuf::from(":memory:"),
        };
        let opened = open::open(data)?;
        let file = opened.writer.file().cloned();
        let reserve = file.as_ref().filter(|_| !opened.read_only).map(|file| Reserve::beside(file.path()));
        let condition = Arc::new(Condition::new(opening.clock, reserve));
        let maintenance = if opened.read_only {
            None
        } else {
            let over = Maintenance::over(&opened.writer, Arc::clone(&condition), opening.accept_clock);
            Some(over.map_err(|source| open::failure(&path, source))?)
        };
        let known = maintenance.as_ref().map(|maintenance| maintenance.known.clone()).unwrap_or_default();
        let writer = Arc::new(Writer::start(opened.writer, Arc::clone(&condition))?);
        let upkeep =
            maintenance.map(|maintenance| Upkeep::start(Arc::clone(&writer), opened.upkeep, maintenance));
        let upkeep = upkeep.transpose()?;
        let readers = (!opened.readers.is_empty()).then(|| Readers::new(opened.readers));
        let (copied_at, closing) = (opened.copied_at, Arc::default());
        let inner = Inner { readers, upkeep, writer, file, condition, known, copied_at, closing };
        Ok(Store { inner: Arc::new(inner), read_time: READ_TIME })
    }

    /// Seconds since the epoch, by the clock of the store.
    pub(in crate::serve) fn now(&self) -> i64 {
        self.inner.condition.clock.now()
    }

    /// The clock of the store.
    pub(in crate::serve) fn clock(&self) -> Clock {
        self.inner.condition.clock.clone()
    }

    /// What submissions remember of metrics and series.
    pub(in crate::serve) fn known(&self) -> Known {
        self.inner.known.clone()
    }

    /// How the store is.
    pub(in crate::serve) fn condition(&self) -> &Condition {
        &self.inner.condition
    }

    /// Runs `job` in a transaction of its own and returns when its effect is durable. On `Err` nothing of it stays.
    pub(in crate::serve) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.inner.writer.run(job).await
    }

    /// Runs `step` over `state` until it says that it is done, each time in a transaction of its own, so that other
    /// writes get in between. What earlier steps did stays when a later one fails.
    pub(in crate::serve) async fn write_in_turns<S: Send + 'static>(
        &self,
        mut state: S,
        step: impl Fn(&Connection, &mut S, Turn) -> Result<bool, Problem> + Clone + Send + 'static,
    ) -> Result<S, Problem> {
        loop {
            let step = step.clone();
            let job = move |connection: &Connection| {
                let done = step(connection, &mut state, Turn::begin())?;
                Ok((done, state))
            };
            let (done, kept) = self.write(job).await?;
            if done {
                return Ok(kept);
            }
            state = kept;
        }
    }

    /// Runs `job` over one snapshot that holds every write acknowledged so far. For what takes little, such as one page
    /// of a list: it never waits for those that [ask](Store::query) for much.
    pub(in crate::serve) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read_at(Cost::Cheap, job).await
    }

    /// The same for what may take as long as a read is allowed to.
    pub(in crate::serve) async fn query<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read_at(Cost::Dear, job).await
    }

    async fn read_at<T: Send + 'static>(
        &self,
        cost: Cost,
        job: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (time, condition) = (self.read_time, Arc::clone(&self.inner.condition));
        let job = move |connection: &Connection| {
            let (outcome, damaged) = damage::watch(|| job(connection));
            condition.notice(damaged);
            outcome
        };
        match &self.inner.readers {
            Some(readers) => readers.run(cost, time, job).await,
            None => {
                let share = budget::share();
                self.inner.writer.run(move |connection| share.spend(time, || job(connection))).await
            }
        }
    }

    /// Why the data file is not found any more under its name, once that is so. Asks the file system.
    pub(in crate::serve) fn displaced(&self) -> Option<String> {
        let file = self.inner.file.as_ref()?;
        file.displaced().map(|displaced| displaced.reason(file.path()))
    }

    /// Why nothing can be stored, for whoever asks whether the server is ready. Asks the file system.
    pub(in crate::serve) fn unready(&self) -> Option<Problem> {
        let displaced = self.inner.file.as_ref().and_then(|file| file.displaced());
        let trouble = || self.condition().trouble().map(Problem::not_ready);
        displaced.map(Problem::displaced).or_else(trouble)
    }

    /// The same store, in which a read may take `time`, and wait as long before it begins.
    pub(in crate::serve) fn with_read_time(self, time: Duration) -> Store {
        Store { read_time: time, ..self }
    }

    /// When the data file was copied from another one, in epoch seconds, as long as nobody adopted it: the original may be
    /// served elsewhere.
    pub fn copied_at(&self) -> Option<i64> {
        self.inner.copied_at
    }

    /// Whether somebody else may speak for what is in here, so that nothing may be sent to anybody because of it.
    pub fn is_unadopted_copy(&self) -> bool {
        self.copied_at().is_some()
    }

    /// A copy of the data as it is now; `None` for data in memory. The file has no name, so it is gone when it is closed.
    pub(in crate::serve) async fn copy(&self) -> Result<Option<File>, Problem> {
        let Some(file) = self.inner.file.clone() else { return Ok(None) };
        let closing = Arc::clone(&self.inner.closing);
        let copying = tokio::task::spawn_blocking(move || {
            let source = Held::new(reading::live(file.path())?, Some(&file));
            copy::nameless(file.path(), &source, &closing)
        });
        let copied = copying.await.map_err(Problem::internal)?;
        copied.map(Some).map_err(|error| match error {
            CopyError::Stopped => Problem::unavailable(),
            CopyError::Database { source, .. } => Problem::from(source),
            error => Problem::internal(error),
        })
    }

    /// Finishes what is queued, checkpoints and closes the file. Blocks; later uses answer 503.
    pub(in crate::serve) fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(readers) = &self.readers {
            readers.close();
        }
        if let Some(upkeep) = &self.upkeep {
            upkeep.close();
        }
        self.writer.close();
        if let Some(reserve) = &self.condition.reserve {
            reserve.give_up();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// A connection to an empty database in memory, for tests of what lies in the tables.
#[cfg(test)]
pub(in crate::serve) fn scratch() -> impl std::ops::Deref<Target = Connection> {
    open::open(&Data::Memory).unwrap().writer
}
