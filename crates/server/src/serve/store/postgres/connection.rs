//! One connection: how it is set up, the statements it knows, what became of it. Whoever uses it is on a thread that may wait;
//! the connection itself lives on the thread of the database's runtime.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, poll_fn};
use tokio::runtime::Handle;
use tokio_postgres::{AsyncMessage, Client, Statement};

use super::error::{Setback, setback, store_error};
use super::target::Postgres as Target;
use crate::serve::store::error::StoreError;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 500;

/// What holds for each connection. `lock_timeout` and the like protect others from a node that hangs; a commit that waits for a standby is
/// touched by none of them, and must not be.
const SETTINGS: &str = "SET search_path TO librato_apply; SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = 'warning'; SET timezone = 'UTC'";

pub struct Connection {
    client: Client,
    runtime: Handle,
    parts: i64,
    prepared: RefCell<HashMap<String, Statement>>,
    /// What begins a transaction, until its first statement is sent.
    begin: RefCell<Option<String>>,
    setback: Cell<Option<Setback>>,
    failed: Cell<bool>,
    reading: Cell<bool>,
    warned: Arc<AtomicBool>,
}

/// As long as it lives, rows of a statement are under way.
pub struct Reading<'c>(&'c Cell<bool>);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Connection {
    /// Blocks. The connection is set up and was found to be to a server that keeps what it acknowledges.
    pub fn open(target: &Target, runtime: &Handle, parts: i64) -> Result<Connection, tokio_postgres::Error> {
        let warned = Arc::new(AtomicBool::new(false));
        let client = runtime.block_on(async {
            let (client, mut connection) = target.config().connect(target.tls()).await?;
            let warning = Arc::clone(&warned);
            tokio::spawn(async move {
                while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                    if let AsyncMessage::Notice(notice) = message {
                        warning.store(true, Ordering::Release);
                        tracing::warn!(target: "librato_apply::serve", "the database warns: {}", notice.message());
                    }
                }
            });
            client.batch_execute(SETTINGS).await?;
            Ok(client)
        })?;
        Ok(Connection {
            client,
            runtime: runtime.clone(),
            parts,
            prepared: RefCell::default(),
            begin: RefCell::default(),
            setback: Cell::new(None),
            failed: Cell::new(false),
            reading: Cell::new(false),
            warned,
        })
    }

    /// Into how many parts measurements are divided, as the database says.
    pub fn parts(&self) -> i64 {
        self.parts
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for the database.
    pub fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        if self.reading.get() {
            return Err(StoreError::internal("a statement among the rows of another"));
        }
        self.await_row(answer)
    }

    /// The same among the rows of a statement.
    pub fn await_row<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let begin = self.begin.take();
        let answer = async {
            let Some(begin) = begin else { return answer.await };
            // Both are on their way before either is answered.
            let (begun, answered) = join(self.client.batch_execute(&begin), answer).await;
            begun.and(answered)
        };
        self.runtime.block_on(answer).map_err(|error| {
            self.failed.set(true);
            // The first says what happened; others only that the transaction is over.
            if self.setback.get().is_none() {
                self.setback.set(setback(&error));
            }
            store_error(&error)
        })
    }

    pub fn reading(&self) -> Reading<'_> {
        self.reading.set(true);
        Reading(&self.reading)
    }

    /// The statement in our dialect, prepared.
    pub fn prepare(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(known) = self.prepared.borrow().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.wait(self.client.prepare(&dialect(sql)))?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= PREPARED {
            prepared.clear();
        }
        prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs statements without parameters.
    pub fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(sql))
    }

    /// Begins a transaction with its first statement, which costs no way to the database and back.
    pub fn begin(&self, sql: &str) {
        *self.begin.borrow_mut() = Some(sql.to_owned());
    }

    /// Ends a transaction. There is nothing to be done where it had no statement.
    pub fn end(&self, sql: &str) -> Result<(), StoreError> {
        if self.begin.take().is_some() { Ok(()) } else { self.run(sql) }
    }

    /// What came in the way since this was last asked.
    pub fn take_setback(&self) -> Option<Setback> {
        let setback = self.setback.take();
        if setback == Some(Setback::Repeat) {
            // They may have been prepared before the tables changed.
            self.prepared.borrow_mut().clear();
        }
        setback
    }

    /// Begins anew: what failed before, and what was warned of, belongs to another transaction.
    pub fn forget_errors(&self) {
        self.failed.set(false);
        self.setback.set(None);
        self.warned.store(false, Ordering::Release);
    }

    /// Whether a statement failed, after which the transaction can only be taken back.
    pub fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// Whether the database warned of anything. A commit that waits for a standby and is cancelled is a success with a warning,
    /// though only one machine has it.
    pub fn is_warned(&self) -> bool {
        self.warned.load(Ordering::Acquire)
    }

    /// Notes that it is of no use any more.
    pub fn breaks(&self) {
        self.setback.set(Some(Setback::Broken));
    }

    /// Whether it became of no use since its setbacks were last taken.
    pub fn is_broken(&self) -> bool {
        self.setback.get() == Some(Setback::Broken)
    }

    /// Whether nothing can be asked any more.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// The statement with parameters as PostgreSQL names them.
fn dialect(sql: &str) -> String {
    let mut quoted = false;
    let turn = |c: char| {
        quoted ^= c == '\'';
        if c == '?' && !quoted { '$' } else { c }
    };
    sql.chars().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named_outside_of_texts() {
        assert_eq!(dialect("SELECT '?1', ?1, ?23 WHERE a = '\\'"), "SELECT '?1', $1, $23 WHERE a = '\\'");
    }
}
