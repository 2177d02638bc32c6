//! Why the store did not do what it was asked to, in its own words. Knows neither HTTP nor JSON; what a client is told of it
//! is the business of `http::problem`.

use std::fmt::Display;
use std::path::Path;

use crate::serve::budget::Exceeded;

/// Why something was not read or not written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is closing, or cannot begin a transaction.
    #[error("the store cannot be used now")]
    Unavailable,
    /// Others are being served, for longer than this one may wait.
    #[error("the store is busy")]
    Busy,
    /// The answer to a commit did not come.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    #[error("it is not known whether this was carried out")]
    Unknown,
    /// It was to be written for something that another server does by now.
    #[error("another server does this by now")]
    Superseded,
    /// A text holds U+0000, which databases do not take.
    #[error("a text holds the character U+0000, which cannot be stored")]
    Unstorable,
    /// It cannot be written. The cause is there where it was found, and not where it is only repeated.
    #[error("{}{}", trouble.reason(), cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default())]
    Trouble { trouble: Trouble, cause: Option<String> },
    /// What was written will be found by no one.
    #[error("the data is not found any more where it was")]
    Displaced(Displaced),
    /// The request has used what it may use.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// A stored value does not have the form of its column. It is never taken for an empty one: that would be written back.
    #[error("{column} in {} of {table} cannot be read: {why}; `serve check` lists all such", row(*id))]
    Damaged { table: &'static str, column: &'static str, id: Option<i64>, why: String },
    /// A row with a value that must be unique is there already; the statement did nothing.
    #[error("a value that must be unique is there already")]
    Taken,
    /// Anything else, which is a fault of the program or of the database.
    #[error("{0}")]
    Internal(String),
}

fn row(id: Option<i64>) -> String {
    id.map_or_else(|| "a row".to_owned(), |id| format!("row {id}"))
}

impl StoreError {
    pub fn internal(cause: impl Display) -> StoreError {
        StoreError::Internal(cause.to_string())
    }

    /// Nothing can be written for a reason that was found before.
    pub fn cannot_write(trouble: Trouble) -> StoreError {
        StoreError::Trouble { trouble, cause: None }
    }
}

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full.
    Full,
    /// The file system refuses for another reason.
    Refused,
    /// The database does not answer.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    Unanswered,
}

impl Trouble {
    /// For the operator and for clients: no paths, nothing of what is stored.
    pub fn reason(self) -> &'static str {
        match self {
            Trouble::Full => "the disk is full; free some space or delete what is not needed",
            Trouble::Refused => "the data file cannot be written; see the log of the server",
            Trouble::Unanswered => "the database does not answer; see the log of the server",
        }
    }
}

/// What became of the name under which the file was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Displaced {
    Removed,
    Replaced,
    /// The write-ahead log was, which holds the newest of the data.
    LogGone,
}

impl Displaced {
    /// The reason, for people.
    pub fn reason(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Displaced::Removed => format!("the data file {path} was removed or renamed while it was served"),
            Displaced::Replaced => format!("another file took the place of {path} while it was served"),
            Displaced::LogGone => {
                format!("{path}-wal, a part of the data, was removed or replaced while it was served")
            }
        }
    }
}

/// What a job of the store may fail with: its own reasons, and those of the store.
pub trait Failure: From<StoreError> + Send + 'static {
    /// Why the store could not be written, if that is the reason.
    fn trouble(&self) -> Option<Trouble>;
}

impl Failure for StoreError {
    fn trouble(&self) -> Option<Trouble> {
        match self {
            StoreError::Trouble { trouble, .. } => Some(*trouble),
            _ => None,
        }
    }
}
