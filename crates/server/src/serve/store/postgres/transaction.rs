//! Jobs as transactions. Those that write are serializable, so they mean what they mean where only one writes at a time, and are
//! done again where others came in between or a connection broke. Of a commit whose answer did not come it is found out first whether it
//! was carried out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::connection::Connection;
use super::error::Setback;
use super::mark::Mark;
use super::pool::{Lent, Pool};
use super::session::Session;
use crate::serve::budget;
use crate::serve::store::condition::Condition;
use crate::serve::store::damage;
use crate::serve::store::error::{Failure, StoreError};
use crate::serve::store::tx::Tx;

/// How often a transaction is tried at least that others get in the way of. They may do so until their commits are on a standby, for which there
/// is patience as well.
const TRIES: u32 = 20;

/// How long it is tried to find out what became of a commit.
const SETTLING: Duration = Duration::from_secs(30);

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
            Setback::Repeat if self.met >= TRIES && !self.is_patient() => return Err(StoreError::Busy),
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

/// Does a job that writes, until it is durable; `commits` is told when that is all that is waited for. Blocks.
pub fn write<T, E: Failure>(
    pool: &Pool,
    condition: &Condition,
    commits: &Notify,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    write_at("BEGIN ISOLATION LEVEL SERIALIZABLE", pool, condition, commits, job)
}

/// The same for a job that locks what it goes by, and must see what was written before it had the lock.
pub fn write_locking<T, E: Failure>(
    pool: &Pool,
    condition: &Condition,
    commits: &Notify,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    write_at("BEGIN ISOLATION LEVEL READ COMMITTED", pool, condition, commits, job)
}

fn write_at<T, E: Failure>(
    level: &str,
    pool: &Pool,
    condition: &Condition,
    commits: &Notify,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut tries = Tries::begin(pool.patience());
    loop {
        let lent = tries.connection(pool)?;
        let connection = &lent.connection;
        let mark = Mark::new()?;
        begin(connection, level);
        let outcome = run(connection, condition, job);
        let outcome = outcome.and_then(|value| {
            commits.notify_one();
            Ok((commit(connection, mark)?, value))
        });
        let setback = connection.take_setback();
        count(condition, setback);
        match (outcome, setback) {
            (Ok((Commit::Done, value)), _) => {
                lent.give_back();
                return Ok(value);
            }
            (Ok((Commit::InDoubt, value)), _) => {
                // What is still under way there ends with its connection, or is waited for.
                drop(lent);
                if settle(pool, condition, mark).map_err(|_| StoreError::Unknown)? {
                    return Ok(value);
                }
                tries.again(Setback::Broken)?;
            }
            (Err(_), Some(setback)) => {
                if setback == Setback::Repeat && connection.end("ROLLBACK").is_ok() {
                    lent.give_back();
                }
                tries.again(setback)?;
            }
            (Err(error), None) => {
                if connection.end("ROLLBACK").is_ok() {
                    lent.give_back();
                }
                return Err(error);
            }
        }
    }
}

/// Finds out whether a transaction was carried out whose commit was not answered.
fn settle(pool: &Pool, condition: &Condition, mark: Mark) -> Result<bool, StoreError> {
    let mut tries = Tries::begin(SETTLING);
    loop {
        let lent = tries.connection(pool)?;
        lent.connection.forget_errors();
        let kept = mark.settle(&lent.connection);
        let setback = lent.connection.take_setback();
        if let Ok(kept) = kept {
            lent.give_back();
            let counter = if kept { &condition.settled.stored } else { &condition.settled.not_stored };
            counter.fetch_add(1, Ordering::Relaxed);
            return Ok(kept);
        }
        tries.again(setback.unwrap_or(Setback::Broken))?;
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
            (outcome, _) => return outcome,
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

fn begin(connection: &Connection, sql: &str) {
    connection.forget_errors();
    connection.begin(sql);
}

/// What is known of a commit that did not fail.
enum Commit {
    Done,
    /// It was not answered, or with a warning: perhaps only one machine has it.
    InDoubt,
}

fn commit(connection: &Connection, mark: Mark) -> Result<Commit, StoreError> {
    if connection.has_failed() {
        // The database takes this for a rollback, and calls it a success.
        return Err(StoreError::internal("a job went on after a statement had failed"));
    }
    if connection.is_closed() {
        // It is certain that nothing was carried out.
        connection.breaks();
        return Err(StoreError::Unavailable);
    }
    match connection.end(&mark.commit()) {
        Ok(()) if !connection.is_warned() => Ok(Commit::Done),
        Err(error) if !connection.is_broken() => Err(error),
        Ok(()) | Err(_) => Ok(Commit::InDoubt),
    }
}

fn run<T, E: Failure>(
    connection: &Connection,
    condition: &Condition,
    job: &impl Fn(&Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let tx = Tx::on_postgres(Session(connection), condition.aging()).remembering(condition.lists.as_ref());
    let (outcome, damaged) = damage::watch(|| catch_unwind(AssertUnwindSafe(|| job(&tx))));
    condition.statements.fetch_add(tx.statements(), Ordering::Relaxed);
    condition.notice(damaged);
    outcome.unwrap_or_else(|_| Err(StoreError::internal("a job panicked").into()))
}
