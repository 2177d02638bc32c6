//! Where everything is kept, whichever database that is: jobs are handed a transaction ([`tx::Tx`]) and fail with what
//! they want, as long as it can tell what happened to the store. What the tables mean is the business of each chapter.

pub(in crate::serve) mod changes;
pub(in crate::serve) mod condition;
mod cost;
pub(in crate::serve) mod damage;
mod duties;
pub(in crate::serve) mod epoch;
pub(in crate::serve) mod error;
pub(in crate::serve) mod flow;
mod lists;
mod opening;
pub(in crate::serve) mod page;
#[cfg(feature = "postgres")]
pub(in crate::serve) mod postgres;
pub(in crate::serve) mod pressure;
pub(in crate::serve) mod room;
pub(in crate::serve) mod rows;
pub(in crate::serve) mod sqlite;
pub(in crate::serve) mod standbys;
#[cfg(test)]
mod tests;
mod time_slice;
pub(in crate::serve) mod tx;
mod value;

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use self::changes::Touched;
use self::cost::Cost;
use self::error::{Failure, StoreError};
use self::sqlite::Sqlite;
use self::sqlite::contents::Contents;
use self::tx::Tx;
use super::Clock;
use super::tsdb::aging::Aging;
use super::tsdb::sample::Sample;
pub(in crate::serve) use condition::Condition;
pub use duties::Duties;
pub(in crate::serve) use opening::MIGRATING;
pub use opening::{Data, Opening};
#[cfg(feature = "postgres")]
pub use postgres::target::{Connecting, Postgres, TargetError, Using};
#[cfg(feature = "postgres")]
pub use postgres::{SetupError, Upgraded};
pub use sqlite::copy::{Copied, CopyError, Copying, adopt};
pub use sqlite::open_error::OpenError;
pub use sqlite::report::Report;
#[cfg(test)]
pub(in crate::serve) use sqlite::{Scratch, scratch};
pub(in crate::serve) use time_slice::TimeSlice;

/// A handle on the open data; clones share it. The last one to go, or [`run`](super::run), closes it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    read_time: Duration,
}

/// The databases that can hold the data.
#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<postgres::Postgres>),
}

/// How long a read that no one bounded may take.
const READ_TIME: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the data, which holds `contents`.
    pub(in crate::serve) fn start(
        data: &Data,
        opening: Opening,
        contents: &Contents,
    ) -> Result<Store, OpenError> {
        let engine = Engine::Sqlite(Arc::new(Sqlite::open(data, opening, contents)?));
        Ok(Store { engine, read_time: READ_TIME })
    }

    /// Uses a database, which other servers may use at the same time.
    #[cfg(feature = "postgres")]
    pub(in crate::serve) fn start_on(
        database: &Postgres,
        opening: Opening,
        upkeep: postgres::upkeep::Begin,
        journal: &'static dyn postgres::lanes::Journal,
    ) -> Result<Store, OpenError> {
        let engine = postgres::Postgres::open(database, opening, upkeep, journal)?;
        let engine = Engine::Postgres(Arc::new(engine));
        Ok(Store { engine, read_time: READ_TIME })
    }

    /// Seconds since the epoch, by the clock of the store.
    pub(in crate::serve) fn now(&self) -> i64 {
        self.condition().clock.now()
    }

    /// How measurements age.
    pub(in crate::serve) fn aging(&self) -> Aging {
        self.condition().aging()
    }

    /// The clock of the store.
    pub(in crate::serve) fn clock(&self) -> Clock {
        self.condition().clock.clone()
    }

    /// Into how many parts measurements are divided.
    pub(in crate::serve) fn parts(&self) -> i64 {
        match &self.engine {
            Engine::Sqlite(_) => 1,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.parts(),
        }
    }

    /// What this server does of what servers of its database do.
    pub(in crate::serve) fn duties(&self) -> Duties {
        match &self.engine {
            Engine::Sqlite(_) => Duties::default(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.duties(),
        }
    }

    /// How the store is.
    pub(in crate::serve) fn condition(&self) -> &Condition {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.condition(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.condition(),
        }
    }

    /// Whether `changes` of the [condition](Store::condition) tell of every change: not where others write to the same database.
    pub(in crate::serve) fn tells_changes(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => false,
        }
    }

    /// Whether other servers may use the data at the same time.
    pub(in crate::serve) fn is_shared(&self) -> bool {
        !self.tells_changes()
    }

    /// What this server is called among those of its database.
    pub(in crate::serve) fn node(&self) -> Option<&str> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.node(),
        }
    }

    /// The schema of the tables that this program makes, by which servers that share them know each other.
    pub(in crate::serve) fn level(&self) -> i64 {
        match &self.engine {
            Engine::Sqlite(_) => 0,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => postgres::LEVEL,
        }
    }

    /// Runs `job` at once, beside all that waits for its turn, where servers share the data. What others have written is seen up to each
    /// statement. Blocks, so it is for a thread that may.
    pub(in crate::serve) fn apart<T>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => {
                drop(job);
                Err(StoreError::internal("nobody shares a file"))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.apart(&job),
        }
    }

    /// Runs `job` in a transaction of its own and returns when its effect is durable. On `Err` nothing of it stays. It is
    /// run once more from the beginning where a database has to take it back for the sake of others, hence `Fn`.
    pub(in crate::serve) async fn write<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(Touched::Anything, job).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.write(job).await,
        }
    }

    /// The same for a job that writes measurements of these metrics and nothing else, so that what is remembered of others stays true.
    pub(in crate::serve) async fn write_measurements<T: Send + 'static, E: Failure>(
        &self,
        metrics: Vec<i64>,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(Touched::Measurements(metrics), job).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.write(job).await,
        }
    }

    /// The same for a job that rests on unique keys alone: others may see something of it before the end, and it may see what others do.
    pub(in crate::serve) async fn make<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(Touched::Anything, job).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.make(job).await,
        }
    }

    /// Stores samples that were resolved in this epoch of a database that is shared, together with those of others. Whether it is still the same.
    #[cfg_attr(not(feature = "postgres"), allow(unused_variables, clippy::unused_async))]
    pub(in crate::serve) async fn append(
        &self,
        samples: Vec<Sample>,
        epoch: i64,
    ) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Err(StoreError::internal("a file has no lanes")),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.lanes().append(samples, epoch).await,
        }
    }

    /// Runs `step` over `state`, each time in a transaction of its own, so that other writes get in between. What a step
    /// did is laid over the state by `advance` once it is durable, which tells whether all is done then. What earlier steps
    /// did stays when a later one fails.
    pub(in crate::serve) async fn write_chunked<S, P, E>(
        &self,
        mut state: S,
        step: impl Fn(&Tx<'_>, &S, TimeSlice) -> Result<P, E> + Clone + Send + 'static,
        advance: impl Fn(&mut S, P) -> bool,
    ) -> Result<S, E>
    where
        S: Send + Sync + 'static,
        P: Send + 'static,
        E: Failure,
    {
        loop {
            let (step, shared) = (step.clone(), Arc::new(state));
            let kept = Arc::clone(&shared);
            let done = self.write(move |tx: &Tx| step(tx, &shared, TimeSlice::begin())).await?;
            // The job is gone with its share, unless its thread is still dropping it.
            state = Arc::try_unwrap(kept).map_err(|_| StoreError::internal("a step kept its state"))?;
            if advance(&mut state, done) {
                return Ok(state);
            }
        }
    }

    /// Runs `job` over one snapshot that holds every write acknowledged so far. For what takes little, such as one page
    /// of a list: it never waits for those that [ask](Store::query) for much.
    pub(in crate::serve) async fn read<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.read_at(Cost::Cheap, job).await
    }

    /// The same for what may take as long as a read is allowed to.
    pub(in crate::serve) async fn query<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.read_at(Cost::Dear, job).await
    }

    async fn read_at<T: Send + 'static, E: Failure>(
        &self,
        cost: Cost,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(cost, self.read_time, job).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.read(cost, self.read_time, job).await,
        }
    }

    /// Why the data is not found any more where it was, once that is so. Asks the file system.
    pub(in crate::serve) fn displaced(&self) -> Option<String> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.displaced(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
        }
    }

    /// Why nothing can be stored, for whoever asks whether the server is ready. Asks the file system.
    pub(in crate::serve) fn unready(&self) -> Option<StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.unready(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.unready(),
        }
    }

    /// The same store, in which a read may take `time`, and wait as long before it begins.
    pub(in crate::serve) fn with_read_time(self, time: Duration) -> Store {
        Store { read_time: time, ..self }
    }

    /// When the data was copied from another file, in epoch seconds, as long as no one adopted it: the original may be
    /// served elsewhere.
    pub fn copied_at(&self) -> Option<i64> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.copied_at(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
        }
    }

    /// Whether someone else may speak for what is in here, so that nothing may be sent to anybody because of it.
    pub fn is_unadopted_copy(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.copied_at().is_some(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.is_copy(),
        }
    }

    /// A copy of the data as it is now; `None` for data in memory or in a database. The file has no name, so it is gone when it is closed.
    pub(in crate::serve) async fn copy(&self) -> Result<Option<File>, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.copy().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(None),
        }
    }

    /// Ends the maintenance, for tests that do what it does.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub(in crate::serve) fn rest(&self) {
        if let Engine::Postgres(postgres) = &self.engine {
            postgres.rest();
        }
    }

    /// Finishes what is queued and closes. Blocks; later uses answer 503.
    pub(in crate::serve) fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.close(),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
