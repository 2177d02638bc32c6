//! What errors of PostgreSQL mean for a transaction, and for whoever asked for it.

use tokio_postgres::error::{DbError, SqlState};

use crate::serve::budget::{self, Exceeded};
use crate::serve::store::error::{StoreError, Trouble};

/// Why a transaction cannot go on, though nothing is wrong with what it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// Others got in between, or the tables changed under a prepared statement: it runs once more on the same connection.
    Repeat,
    /// The connection is of no use any more, such as when the primary became another one.
    Broken,
}

/// What an error means for the transaction; nothing when it will come again.
pub fn setback(error: &tokio_postgres::Error) -> Option<Setback> {
    let Some(db) = error.as_db_error() else {
        // Values that cannot be sent and rows that cannot be read do no harm to the connection.
        return (error.is_closed() || is_io(error)).then_some(Setback::Broken);
    };
    let code = db.code();
    let repeated = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        // What it refers to was deleted after it was found.
        SqlState::FOREIGN_KEY_VIOLATION,
    ];
    if repeated.contains(code) || is_stale_statement(db) {
        return Some(Setback::Repeat);
    }
    let broken = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    (broken.contains(code) || code.code().starts_with("08")).then_some(Setback::Broken)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.is::<std::io::Error>())
}

/// A statement was prepared before a newer node changed the tables.
fn is_stale_statement(error: &DbError) -> bool {
    *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.message().contains("cached plan")
}

/// What a session that was used up or taken back tells its job.
pub fn store_error(error: &tokio_postgres::Error) -> StoreError {
    if setback(error) == Some(Setback::Repeat) {
        return StoreError::Busy;
    }
    if setback(error) == Some(Setback::Broken) {
        return StoreError::Unavailable;
    }
    let Some(db) = error.as_db_error() else { return StoreError::internal(words(error)) };
    match db.code() {
        code if *code == SqlState::UNIQUE_VIOLATION => StoreError::Taken,
        code if *code == SqlState::QUERY_CANCELED => {
            StoreError::Exceeded(budget::ending().unwrap_or(Exceeded::Abandoned))
        }
        code if *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::TOO_MANY_CONNECTIONS => {
            StoreError::Busy
        }
        code if *code == SqlState::DISK_FULL => {
            StoreError::Trouble { trouble: Trouble::Full, cause: Some(db.message().to_owned()) }
        }
        _ => StoreError::internal(words(error)),
    }
}

/// For the log. What the database says beside its message may hold values.
pub fn words(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
