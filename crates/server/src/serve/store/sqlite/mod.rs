//! The store in one SQLite file: one writer thread, a few readers, a thread that keeps the file in order.
//! Knows transactions and durability; what the tables mean is the business of each chapter of the API.

pub mod check;
pub mod column;
pub mod contents;
pub mod copy;
mod file;
mod lock;
mod maintenance;
mod mounts;
pub mod open;
pub mod open_error;
mod owner;
pub mod properties;
mod readers;
pub mod reading;
pub mod report;
pub mod reserve;
pub mod schema;
pub mod session;
mod unclean;
mod wal;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use self::contents::Contents;
use self::copy::CopyError;
use self::file::{DataFile, Held};
use self::maintenance::Maintenance;
use self::open_error::OpenError;
use self::readers::Readers;
use self::reserve::Reserve;
use self::session::Session;
use self::writer::Writer;
use super::changes::Touched;
use super::condition::Condition;
use super::cost::Cost;
use super::error::{Failure, StoreError};
use super::opening::{Data, Opening};
use super::tx::Tx;
use crate::serve::budget;
use crate::serve::store::damage;
#[cfg(test)]
use crate::serve::tsdb::aging::Aging;

/// An open data file.
pub struct Sqlite {
    /// `None` for data in memory, which only the writer's connection can see.
    readers: Option<Readers>,
    /// `None` for data that is only read.
    maintenance: Option<Maintenance>,
    writer: Arc<Writer>,
    /// `None` for data in memory.
    file: Option<Arc<DataFile>>,
    condition: Arc<Condition>,
    copied_at: Option<i64>,
    closing: Arc<AtomicBool>,
}

impl Sqlite {
    pub fn open(data: &Data, opening: Opening, contents: &Contents) -> Result<Sqlite, OpenError> {
        let path = match data {
            Data::File(path) | Data::ReadOnly(path) => path.clone(),
            Data::Memory => PathBuf::from(":memory:"),
        };
        let opened = open::open(data, opening.migrating)?;
        let file = opened.writer.file().cloned();
        let reserve = file.as_ref().filter(|_| !opened.read_only).map(|file| Reserve::beside(file.path()));
        let unusable = |error: StoreError| OpenError::Unusable { path: path.clone(), why: error.to_string() };
        let aging = (contents.aging)(&opened.writer, &opening).map_err(unusable)?;
        let condition = Arc::new(Condition::new(opening.clock, reserve));
        condition.set_aging(aging);
        let begin =
            |begin: &contents::Begin| begin(&opened.writer, Arc::clone(&condition), opening.accept_clock);
        let begun = contents.jobs.iter().filter(|_| !opened.read_only).map(begin);
        let jobs: Vec<_> =
            begun.collect::<Result<_, _>>().map_err(|source| open_error::failure(&path, source))?;
        let writer = Arc::new(Writer::start(opened.writer, Arc::clone(&condition))?);
        let maintenance = (!opened.read_only)
            .then(|| {
                Maintenance::start(Arc::clone(&writer), opened.maintenance, jobs, Arc::clone(&condition))
            })
            .transpose()?;
        let readers = (!opened.readers.is_empty()).then(|| Readers::new(opened.readers));
        let (copied_at, closing) = (opened.copied_at, Arc::default());
        Ok(Sqlite { readers, maintenance, writer, file, condition, copied_at, closing })
    }

    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    pub async fn write<T: Send + 'static, E: Failure>(
        &self,
        touched: Touched,
        job: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.writer.run(touched, self.counted(job)).await
    }

    /// A read may wait for `time` and then take `time`.
    pub async fn read<T: Send + 'static, E: Failure>(
        &self,
        cost: Cost,
        time: Duration,
        job: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (job, condition) = (self.counted(job), Arc::clone(&self.condition));
        let job = move |connection: &Connection| {
            let (outcome, damaged) = damage::watch(|| job(connection));
            condition.notice(damaged);
            outcome
        };
        match &self.readers {
            Some(readers) => readers.run(cost, time, job).await,
            None => {
                let share = budget::share();
                self.writer
                    .run(Touched::Nothing, move |connection| share.spend(time, || job(connection)))
                    .await
            }
        }
    }

    /// The job on a connection, with its statements counted.
    fn counted<T, E>(
        &self,
        job: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> impl FnOnce(&Connection) -> Result<T, E> + Send + 'static {
        let condition = Arc::clone(&self.condition);
        move |connection| {
            let tx = Tx::on_sqlite(Session(connection), condition.aging());
            let outcome = job(&tx);
            condition.statements.fetch_add(tx.statements(), Ordering::Relaxed);
            outcome
        }
    }

    /// Why the data file is not found any more under its name, once that is so. Asks the file system.
    pub fn displaced(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        file.displaced().map(|displaced| displaced.reason(file.path()))
    }

    /// Why nothing can be stored. Asks the file system.
    pub fn unready(&self) -> Option<StoreError> {
        let displaced = self.file.as_ref().and_then(|file| file.displaced());
        let trouble = || self.condition.trouble().map(StoreError::cannot_write);
        displaced.map(StoreError::Displaced).or_else(trouble)
    }

    /// When the data file was copied from another one, in epoch seconds, as long as no one adopted it.
    pub fn copied_at(&self) -> Option<i64> {
        self.copied_at
    }

    /// A copy of the data as it is now; `None` for data in memory. The file has no name, so it is gone when it is closed.
    pub async fn copy(&self) -> Result<Option<File>, StoreError> {
        let Some(file) = self.file.clone() else { return Ok(None) };
        let closing = Arc::clone(&self.closing);
        let copying = tokio::task::spawn_blocking(move || {
            let source = Held::new(reading::live(file.path())?, Some(&file));
            copy::nameless(file.path(), &source, &closing)
        });
        let copied = copying.await.map_err(StoreError::internal)?;
        copied.map(Some).map_err(|error| match error {
            CopyError::Stopped => StoreError::Unavailable,
            CopyError::Database { source, .. } => StoreError::from(source),
            error => StoreError::internal(error),
        })
    }

    /// Finishes what is queued, checkpoints and closes the file. Blocks.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(readers) = &self.readers {
            readers.close();
        }
        if let Some(maintenance) = &self.maintenance {
            maintenance.close();
        }
        self.writer.close();
        if let Some(reserve) = &self.condition.reserve {
            reserve.give_up();
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

/// An empty database in memory, for tests of what lies in the tables.
#[cfg(test)]
pub(in crate::serve) fn scratch() -> Scratch {
    Scratch(open::open(&Data::Memory, false).unwrap().writer)
}

#[cfg(test)]
pub(in crate::serve) struct Scratch(Held);

#[cfg(test)]
impl Scratch {
    pub fn tx(&self) -> Tx<'_> {
        Tx::on_sqlite(Session(&self.0), Aging::default())
    }
}

#[cfg(test)]
impl std::ops::Deref for Scratch {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}
