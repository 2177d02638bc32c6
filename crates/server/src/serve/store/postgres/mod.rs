//! PostgreSQL: the data in one schema of a database that several servers can use. Jobs run on threads that may wait; what goes over
//! the network is done on a thread of its own, so that it goes on while those wait.

pub mod check;
mod check_servers;
mod connection;
mod counts;
mod error;
pub mod lanes;
mod mark;
#[cfg(test)]
#[cfg(unix)]
mod mark_tests;
mod monitor;
mod open_error;
mod passfile;
mod pool;
mod schema;
pub mod session;
mod setup;
mod shared;
pub mod target;
#[cfg(test)]
#[cfg(unix)]
#[path = "../../../../../../tests/support/store.rs"]
pub mod test_server;
#[cfg(test)]
#[cfg(unix)]
pub mod tests;
mod tls;
mod transaction;
mod upgrade;
pub mod upkeep;
mod values;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use self::lanes::{Journal, Lanes, UNDER_WAY};
use self::monitor::Monitor;
pub use self::open_error::SetupError;
use self::pool::Pool;
pub use self::schema::CURRENT as LEVEL;
use self::schema::MIGRATIONS;
use self::setup::Prepared;
use self::shared::Shared;
pub use self::upgrade::{Upgraded, upgrade};
use self::upkeep::{Begin, Keeper, Working};
use super::Duties;
use super::changes::Changes;
use super::condition::Condition;
use super::cost::Cost;
use super::error::{Failure, StoreError, Trouble};
use super::lists::Lists;
use super::opening::Opening;
use super::tx::Tx;
use crate::serve::budget;

/// An open database.
pub struct Postgres {
    shared: Arc<Shared>,
    monitor: Monitor,
    lanes: Lanes,
    is_copy: bool,
    working: Mutex<Option<Working>>,
    network: Mutex<Option<Network>>,
}

/// The thread on which connections live, and how it is ended.
struct Network {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Postgres {
    /// Opens a database, and makes or completes its tables. Blocks.
    pub fn open(
        target: &target::Postgres,
        opening: Opening,
        begin: Begin,
        journal: &'static dyn Journal,
    ) -> Result<Postgres, SetupError> {
        let (network, runtime) = Network::start()?;
        // On a thread of its own, since whoever opens a store may be one that must not wait.
        let clock = opening.clock.led();
        let prepare = || {
            let prepared = setup::prepare(target, &runtime, MIGRATIONS)?;
            monitor::begin(target, &runtime, &clock);
            Ok(prepared)
        };
        let prepared = thread::scope(|scope| scope.spawn(prepare).join());
        let Prepared { parts, schema, is_copy, is_partial } =
            prepared.unwrap_or(Err(SetupError::Panicked))?;
        if is_partial && !opening.migrating {
            return Err(SetupError::Migrating);
        }
        let pool = Pool::new(target.clone(), runtime.clone(), parts);
        let mut condition = Condition::new(clock, None);
        condition.changes = Changes::by_others();
        condition.lists = (schema >= counts::SINCE).then(Lists::default);
        condition.pressure.limit(target.using().journal_soft, target.using().journal_hard);
        let shared = Arc::new(Shared { pool, condition });
        let monitor = Monitor::start(target.clone(), &runtime, Arc::clone(&shared));
        let mut upkeep = begin(&shared.condition, opening.accept_clock, opening.retention);
        let begun = thread::scope(|scope| scope.spawn(|| upkeep.begin(&Keeper(&shared))).join());
        begun.map_err(|_| SetupError::Panicked)?.map_err(|error| SetupError::Unusable(error.to_string()))?;
        let lanes = Lanes::start(&shared, journal)?;
        let working = Mutex::new(Some(Working::begin(Arc::clone(&shared), upkeep)?));
        Ok(Postgres { shared, monitor, lanes, is_copy, working, network: Mutex::new(Some(network)) })
    }

    pub fn parts(&self) -> i64 {
        self.shared.pool.parts()
    }

    pub fn duties(&self) -> Duties {
        self.shared.pool.duties()
    }

    /// Whether it is a copy of what another PostgreSQL holds, which nobody has adopted.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    pub fn node(&self) -> Option<&str> {
        self.shared.pool.node()
    }

    pub fn condition(&self) -> &Condition {
        &self.shared.condition
    }

    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub async fn write<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.write_by(transaction::write, job).await
    }

    /// The same for a job that rests on unique keys alone.
    pub async fn make<T: Send + 'static, E: Failure>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.write_by(transaction::write_locking, job).await
    }

    async fn write_by<T: Send + 'static, E: Failure, J: Fn(&Tx<'_>) -> Result<T, E> + Send + 'static>(
        &self,
        write: fn(&Pool, &Condition, &Notify, &J) -> Result<T, E>,
        job: J,
    ) -> Result<T, E> {
        let place = self.shared.pool.write_place(&self.shared.condition.waits).await?;
        let (shared, commits) = (Arc::clone(&self.shared), Arc::new(Notify::new()));
        let committing = Arc::clone(&commits);
        // The place goes along: a caller that hangs up, or is told that nothing is known, leaves it in use until the job has ended.
        let outcome = blocking(move || {
            let outcome = write(&shared.pool, &shared.condition, &committing, &job);
            drop(place);
            outcome
        });
        let too_long = async {
            commits.notified().await;
            sleep(UNDER_WAY).await;
        };
        tokio::select! {
            outcome = outcome => outcome,
            () = too_long => Err(StoreError::Unknown.into()),
        }
    }

    /// Takes no place, so it waits for nobody who has one. Blocks.
    pub fn apart<T>(&self, job: &impl Fn(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        transaction::write_locking(&self.shared.pool, &self.shared.condition, &Notify::new(), job)
    }

    /// A read may wait for `time` and then take `time`.
    pub async fn read<T: Send + 'static, E: Failure>(
        &self,
        cost: Cost,
        time: Duration,
        job: impl Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let place = self.shared.pool.read_place(cost, time, &self.shared.condition.waits).await?;
        let (shared, share) = (Arc::clone(&self.shared), budget::share());
        blocking(move || {
            let outcome =
                share.spend(time, || transaction::read(&shared.pool, &shared.condition, time, &job));
            drop(place);
            outcome
        })
        .await
    }

    /// Why nothing can be stored.
    pub fn unready(&self) -> Option<StoreError> {
        let silent = (!self.monitor.is_answered()).then_some(Trouble::Unanswered);
        silent.or_else(|| self.shared.condition.trouble()).map(StoreError::cannot_write)
    }

    /// Ends the maintenance, for tests that do what it does.
    #[cfg(test)]
    pub fn rest(&self) {
        if let Some(working) = self.working.lock().take() {
            working.end();
        }
    }

    /// Finishes what was begun and closes all connections. Blocks.
    pub fn close(&self) {
        if let Some(working) = self.working.lock().take() {
            working.end();
        }
        self.lanes.close();
        self.shared.pool.close();
        if let Some(network) = self.network.lock().take() {
            network.end();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.close();
    }
}

impl Network {
    fn start() -> Result<(Network, Handle), SetupError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(SetupError::Thread)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("store-network".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(stopped);
            })
            .map_err(SetupError::Thread)?;
        Ok((Network { stop, thread }, handle))
    }

    fn end(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

async fn blocking<T: Send + 'static, E: Failure>(
    job: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let outcome = tokio::task::spawn_blocking(job).await;
    outcome.unwrap_or_else(|_| Err(StoreError::internal("a job panicked").into()))
}
