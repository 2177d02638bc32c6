//! Why a data file cannot be opened, with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::CURRENT;

/// Why a data file cannot be used; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another server has it open.
    #[error("{} is in use by another server{}; stop that one first or choose another file", path.display(), holder(*process))]
    InUse {
        /// The data file.
        path: PathBuf,
        /// The id of the process that holds it, when it could be read.
        process: Option<u32>,
    },
    /// Not a SQLite file, or one that another program made.
    #[error("{} is not a data file of librato-apply; choose another file", .0.display())]
    NotOurs(PathBuf),
    /// A newer version of the program wrote it.
    #[error("{} was written by a newer version (schema {found}, this one knows {CURRENT}); update the program", path.display())]
    Newer {
        /// The data file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// It is on a medium that cannot be written, and an older version wrote it.
    #[error("{} was written by an older version (schema {found}, this one knows {CURRENT}); copy it to where it can be written and brought up to date", path.display())]
    Older {
        /// The data file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// Some of it stands in its write-ahead log, which cannot be read where nothing can be written.
    #[error("{path}-wal holds changes that {path} itself does not have yet, and nothing can be written beside them; copy both to a directory that can be written", path = .0.display())]
    LogBeside(PathBuf),
    /// The file is shorter than it says.
    #[error("{} is cut short: it has {found} of {expected} bytes, as a copy that was broken off; copy it again or restore a backup", path.display())]
    CutShort {
        /// The data file.
        path: PathBuf,
        /// The bytes that it says it has.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// SQLite cannot make sense of the file.
    #[error("{} is damaged: {what}; restore a backup, or save what can be read with `sqlite3 FILE .recover | sqlite3 NEW` (`serve check` lists all that is wrong)", path.display())]
    Damaged {
        /// The data file.
        path: PathBuf,
        /// What SQLite said first.
        what: String,
    },
    /// Others were moved into it, and not to the end.
    #[error("{} holds a part of other data that were being moved into it; run the same `serve migrate` again, to its end", .0.display())]
    Migrating(PathBuf),
    /// The file system refused.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The data file or the lock file beside it.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("cannot open {}: {source}", path.display())]
    Database {
        /// The data file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What has to be read or written before anything else cannot be.
    #[error("cannot open {}: {why}", path.display())]
    Unusable {
        /// The data file.
        path: PathBuf,
        /// What the store said.
        why: String,
    },
    /// The database of another server cannot be used.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Setup(#[from] crate::serve::store::SetupError),
    /// The writer's thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

fn holder(process: Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}

pub(super) fn failure(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs(path.to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path: path.to_owned(), what: source.to_string() }
        }
        _ => OpenError::Database { path: path.to_owned(), source },
    }
}
