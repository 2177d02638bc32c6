//! Jobs as transactions. Those that write are serializable, so they mean what they mean where only one writes at a time, and are
//! done again where others came in between or a connection broke. A commit whose answer did not come is not: nobody knows whether
//! it was carried out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::error::Setback;
use super::pool::{Lent, Pool};
use super::session::Session;
use crate::serve::budget;
use crate::serve::store::condition::Condition;
use crate::serve::store::damage;
use crate::serve::store::error::{Failure, StoreError};
use crate::serve::store::tx::Tx;

/// How often a transaction is tried that others get in the way of.
const TRIES: u32 = 20;

/// How often a transaction was tried, and for how long the database may not answer.
struct Tries {
    begun: Instant,
    patience: Duration,
    attempt: u32,
    met: u32,
}

impl Tries {
    fn begin(patience: Duration) -> Tries {
        Tries { begun: Instant::now(), patience, attempt: 0, met: 0 }
    }

    /// A connection, which is asked for as long as there is patience.
    fn connection<'p>(&mut self, pool: &'p Pool) -> Result<Lent<'p>, StoreError> {
        loop {
            match pool.connection() {
                Err(StoreError::Unavailable) if self.is_patient() => self.pause(),
                found => return found,
            }
        }
    }

    /// Waits a while before it is tried once more after this; an error where it was tried for long enough.
    fn again(&mut self, setback: Setback) -> Result<(), StoreError> {
        self.met += u32::from(setback == Setback::Repeat);
        match setback {
            Setback::Repeat if self.met >= TRIES => return Err(StoreError::Busy),
            Setback::Broken if !self.is_patient() => return Err(StoreError::Unavailable),
            Setback::Repeat | Setback::Broken => self.pause(),
        }
        Ok(())
    }

    fn is_patient(&self) -> bool {
        self.begun.elapsed() < self.patience
    }

    /// Longer each time, and not as long as others who met.
    fn pause(&mut self) {
        let most = 1_u64 << self.attempt.min(6);
        self.attempt += 1;
        let random = getrandom::u64().unwrap_or(most);
        thread::sleep(Duration::from_micros(500 + random % (most * 1000)));
    }
}

/// Does a job that writes, until it is durable. Blocks.
pub fn write<T, E: Failure>(
    pool: &Pool,
    condition: &Condition,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    write_at("BEGIN ISOLATION LEVEL SERIALIZABLE", pool, condition, job)
}

/// The same for a job that locks what it goes by, and must see what was written before it had the lock.
pub fn write_locking<T, E: Failure>(
    pool: &Pool,
    condition: &Condition,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    write_at("BEGIN ISOLATION LEVEL READ COMMITTED", pool, condition, job)
}

fn write_at<T, E: Failure>(
    level: &str,
    pool: &Pool,
    condition: &Condition,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut tries = Tries::begin(pool.patience());
    loop {
        let lent = tries.connection(pool)?;
        let connection = &lent.connection;
        begin(connection, level);
        let outcome = run(connection, condition, job);
        let outcome = outcome.and_then(|value| commit(connection).map(|()| value));
        let (setback, warned) = (connection.take_setback(), connection.is_warned());
        count(condition, setback);
        match (outcome, setback) {
            (Ok(value), _) if !warned => {
                lent.give_back();
                return Ok(value);
            }
            (Ok(_), _) | (Err(Ended::Commit(_)), Some(Setback::Broken)) => {
                return Err(StoreError::Unknown.into());
            }
            (Err(_), Some(setback)) => {
                if setback == Setback::Repeat && connection.end("ROLLBACK").is_ok() {
                    lent.give_back();
                }
                tries.again(setback)?;
            }
            (Err(Ended::Job(error) | Ended::Commit(error)), None) => {
                if connection.end("ROLLBACK").is_ok() {
                    lent.give_back();
                }
                return Err(error);
            }
        }
    }
}

/// Does a job that only reads, over one snapshot, for so long. Blocks.
pub fn read<T, E: Failure>(
    pool: &Pool,
    condition: &Condition,
    time: Duration,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    // A statement ends by itself when whoever asked cannot use its answer any more.
    let limit = time.as_millis().clamp(1, 1 << 30);
    let open =
        format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {limit}");
    let mut tries = Tries::begin(time.min(pool.patience()));
    loop {
        // It waited, perhaps for longer than its client did.
        budget::check().map_err(StoreError::from)?;
        let lent = tries.connection(pool)?;
        let connection = &lent.connection;
        begin(connection, &open);
        let outcome = run(connection, condition, job);
        let setback = connection.take_setback();
        count(condition, setback);
        if setback != Some(Setback::Broken) && connection.end("ROLLBACK").is_ok() {
            lent.give_back();
        }
        match (outcome, setback) {
            (Err(_), Some(setback)) => tries.again(setback)?,
            (Err(Ended::Job(error) | Ended::Commit(error)), None) => return Err(error),
            (Ok(value), _) => return Ok(value),
        }
    }
}

fn count(condition: &Condition, setback: Option<Setback>) {
    let counter = match setback {
        Some(Setback::Repeat) => &condition.repeats,
        Some(Setback::Broken) => &condition.breaks,
        None => return,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How a transaction ended that did not succeed.
enum Ended<E> {
    Job(E),
    Commit(E),
}

fn begin(connection: &Connection, sql: &str) {
    connection.forget_errors();
    connection.begin(sql);
}

fn commit<E: Failure>(connection: &Connection) -> Result<(), Ended<E>> {
    if connection.has_failed() {
        // The database takes this for a rollback, and calls it a success.
        let error = StoreError::internal("a job went on after a statement had failed");
        return Err(Ended::Job(error.into()));
    }
    if connection.is_closed() {
        // It is certain that nothing was carried out.
        connection.breaks();
        return Err(Ended::Job(StoreError::Unavailable.into()));
    }
    connection.end("COMMIT").map_err(|error| Ended::Commit(error.into()))
}

fn run<T, E: Failure>(
    connection: &Connection,
    condition: &Condition,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, Ended<E>> {
    let tx = Tx::on_postgres(Session(connection), condition.aging());
    let (outcome, damaged) = damage::watch(|| catch_unwind(AssertUnwindSafe(|| job(&tx))));
    condition.statements.fetch_add(tx.statements(), Ordering::Relaxed);
    condition.notice(damaged);
    let outcome = outcome.unwrap_or_else(|_| Err(StoreError::internal("a job panicked").into()));
    outcome.map_err(Ended::Job)
}
