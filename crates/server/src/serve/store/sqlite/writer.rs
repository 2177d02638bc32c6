//! The one connection that writes, on a thread of its own. Jobs that wait together share one commit, and none is
//! acknowledged before that commit is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::file::Held;
use super::open_error::OpenError;
use super::properties::OPENED_BY;
use crate::serve::store::changes::Touched;
use crate::serve::store::condition::Condition;
use crate::serve::store::error::{Displaced, Failure, StoreError, Trouble};

/// Jobs in one commit: enough to share the cost of the flush, few enough that the first need not wait long.
const TOGETHER: usize = 256;

enum Message {
    /// Does its work inside the open transaction and returns what tells the caller, to be called after the commit.
    Job(Job),
    /// The same in a commit of its own: what changes much is dear to take back for others' sake.
    Alone(Job),
    Close,
}

type Job = Box<dyn FnOnce(&Connection, Company) -> Reply + Send>;
/// Is given what became of the commit.
type Reply = Box<dyn FnOnce(Commit) + Send>;

/// Whether a commit has other jobs, whose changes stay where one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Alone,
    Others,
}

#[derive(Debug, Clone, Copy)]
enum Commit {
    Done,
    Failed,
    /// Done in a file that no one will find again.
    Lost(Displaced),
}

pub struct Writer {
    messages: UnboundedSender<Message>,
    condition: Arc<Condition>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start(connection: Held, condition: Arc<Condition>) -> Result<Writer, OpenError> {
        let kept = Arc::clone(&condition);
        let (messages, received) = unbounded_channel();
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                work(&connection, received, &kept);
                close(connection);
            })
            .map_err(OpenError::Thread)?;
        Ok(Writer { messages, condition, thread: Mutex::new(Some(thread)) })
    }

    /// Runs `job` as a part of the next commit and returns after that commit.
    pub async fn run<T: Send + 'static, E: Failure>(
        &self,
        touched: Touched,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.queue(Message::Job, touched, job)?.await.map_err(|_| StoreError::Unavailable)?
    }

    /// Like [`Writer::run`] in a commit of its own, for a thread that may wait.
    pub fn run_blocking<T: Send + 'static, E: Failure>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let queued = self.queue(Message::Alone, Touched::Anything, job)?;
        queued.blocking_recv().map_err(|_| StoreError::Unavailable)?
    }

    /// The receiver gives the outcome after the commit.
    fn queue<T: Send + 'static, E: Failure>(
        &self,
        message: fn(Job) -> Message,
        touched: Touched,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, E>>, StoreError> {
        let (done, outcome) = oneshot::channel();
        let condition = Arc::clone(&self.condition);
        let job: Job = Box::new(move |connection, company| {
            let result = match company {
                Company::Alone => in_transaction(connection, job),
                Company::Others => in_savepoint(connection, job),
            };
            if let Some(trouble) = result.as_ref().err().and_then(Failure::trouble) {
                condition.fails(trouble);
            }
            Box::new(move |commit| {
                condition.changes.tell(&touched);
                let result = result.and_then(|value| match (commit, condition.trouble()) {
                    (Commit::Done, _) => Ok(value),
                    (Commit::Failed, Some(trouble)) => Err(StoreError::cannot_write(trouble).into()),
                    (Commit::Failed, None) => {
                        Err(StoreError::internal("the transaction could not be committed").into())
                    }
                    (Commit::Lost(displaced), _) => Err(StoreError::Displaced(displaced).into()),
                });
                // A caller that hung up no longer wants the answer; its write stands all the same.
                let _ = done.send(result);
            })
        });
        self.messages.send(message(job)).map_err(|_| StoreError::Unavailable)?;
        Ok(outcome)
    }

    /// Lets the jobs that are queued finish, then ends the thread.
    pub fn close(&self) {
        let _ = self.messages.send(Message::Close);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn work(connection: &Held, mut received: UnboundedReceiver<Message>, condition: &Condition) {
    let (mut closing, mut alone) = (false, None);
    while !closing {
        let mut jobs = Vec::new();
        let mut next = alone.take().map(Message::Alone).or_else(|| received.blocking_recv());
        loop {
            match next {
                Some(Message::Job(job)) => jobs.push(job),
                Some(Message::Alone(job)) if jobs.is_empty() => {
                    jobs.push(job);
                    break;
                }
                Some(Message::Alone(job)) => {
                    alone = Some(job);
                    break;
                }
                Some(Message::Close) | None => closing = true,
            }
            if closing || jobs.len() >= TOGETHER {
                break;
            }
            match received.try_recv() {
                Ok(message) => next = Some(message),
                Err(_) => break,
            }
        }
        if !jobs.is_empty() {
            commit(connection, jobs, condition);
        }
    }
}

fn commit(connection: &Held, jobs: Vec<Job>, condition: &Condition) {
    let before = connection.total_changes();
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        // The jobs are dropped unrun; each caller sees its channel close.
        tracing::error!(target: "librato_apply::serve", %error, "cannot begin a transaction");
        return;
    }
    let mut replies = Vec::with_capacity(jobs.len());
    let company = if jobs.len() == 1 { Company::Alone } else { Company::Others };
    for job in jobs {
        // A full disk makes SQLite roll back the whole transaction by itself; what follows must not run outside one.
        if connection.is_autocommit() {
            break;
        }
        replies.push(job(connection, company));
    }
    if company == Company::Alone && connection.is_autocommit() {
        // It failed, which is told to its caller, and took back everything there is.
        return replies.into_iter().for_each(|reply| reply(Commit::Failed));
    }
    let committed = run(connection, "COMMIT");
    if let Err(error) = &committed {
        tracing::error!(target: "librato_apply::serve", %error, "cannot commit");
        if let Some(trouble) = Trouble::of(error) {
            condition.fails(trouble);
        }
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    if committed.is_ok() && connection.total_changes() > before {
        condition.wrote(|| connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).ok());
    }
    // Looked at after the commit: what was acknowledged before was found under its name.
    let commit = match (committed, displaced(connection)) {
        (Err(_), _) => Commit::Failed,
        (Ok(()), Some(displaced)) => Commit::Lost(displaced),
        (Ok(()), None) => Commit::Done,
    };
    for reply in replies {
        reply(commit);
    }
}

/// What every commit says is compiled once.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn displaced(connection: &Held) -> Option<Displaced> {
    connection.file().and_then(|file| file.displaced())
}

/// Closing the last connection folds the write-ahead log into the file. SQLite does not when the file has lost its name; but
/// the log keeps its own, and whatever is opened there next would take it for a part of itself.
fn close(connection: Held) {
    let read_only = connection.is_readonly(rusqlite::MAIN_DB).unwrap_or(false);
    if !read_only && let Err(error) = OPENED_BY.remove(&connection) {
        tracing::error!(target: "librato_apply::serve", %error, "cannot note that the file was closed");
    }
    if displaced(&connection).is_some() {
        let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = folded {
            tracing::error!(target: "librato_apply::serve", %error, "cannot empty the write-ahead log");
        }
    }
    drop(connection);
}

/// A job that fails or panics takes back the transaction, of which there is nothing else.
fn in_transaction<T, E: Failure>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let result = caught(connection, job);
    // A full disk has ended the transaction already.
    if result.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(StoreError::from)?;
    }
    result
}

fn caught<T, E: Failure>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(|| job(connection)))
        .unwrap_or_else(|_| Err(StoreError::internal("a write panicked").into()))
}

/// A job that fails or panics takes back its own changes and no one else's.
fn in_savepoint<T, E: Failure>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    run(connection, "SAVEPOINT job").map_err(StoreError::from)?;
    let result = caught(connection, job);
    let ended = match result {
        Ok(_) => run(connection, "RELEASE job"),
        Err(_) => connection.execute_batch("ROLLBACK TO job; RELEASE job"),
    };
    match ended {
        // A full disk ends the transaction, savepoints and all: what the job said is the reason.
        Err(error) if result.is_ok() => Err(StoreError::from(error).into()),
        _ => result,
    }
}
