//! Opening, examining and copying the data: puts the store together with what is kept in it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::series::sqlite::CONTENTS;
#[cfg(feature = "postgres")]
use super::store::Postgres;
use super::store::sqlite::{check, copy};
use super::store::{Copied, CopyError, Copying, Data, OpenError, Opening, Report, Store};

impl Store {
    /// Opens the data for this process alone, bringing an older file up to date.
    ///
    /// # Errors
    /// When another server has the file open, when it is not one of ours, when a newer version of the program
    /// wrote it, or when it cannot be read or written. Nothing is changed in a file that is refused.
    pub fn open(data: &Data) -> Result<Store, OpenError> {
        Store::open_with(data, Opening::default())
    }

    /// The same, told more.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(data: &Data, opening: Opening) -> Result<Store, OpenError> {
        Store::start(data, opening, &CONTENTS)
    }

    /// Uses a PostgreSQL database, in which the tables are made that are missing. Blocks.
    ///
    /// # Errors
    /// When it cannot be reached, can lose what it acknowledged, holds tables that are not ours, or was brought further by
    /// a newer version of the program than this one can read.
    #[cfg(feature = "postgres")]
    pub fn connect(database: &Postgres, opening: Opening) -> Result<Store, OpenError> {
        use super::series::postgres;
        Store::start_on(database, opening, postgres::upkeep::begin, &postgres::append::Lanes)
    }
}

/// Examines the data file at `path`: SQLite's own check, the schema, references between tables, and whether every
/// JSON text, the labels of every series, every page of measurements and every state of an alert can be read. Blocks for as long as reading the
/// whole file takes.
///
/// # Errors
/// When it cannot be examined: it does not exist or cannot be read, a server has it open, or it is not a data file.
pub fn check(path: &Path) -> Result<Report, OpenError> {
    check::check(path, CONTENTS.examinations)
}

/// Copies the data file `from`, which a server may have open, to a new file `to`, as it is at one moment. It is checked
/// before it gets its name. Blocks for as long as reading the whole file takes, or until `stop` is set.
///
/// # Errors
/// When either file cannot be used, when the original is damaged, or when `stop` was set.
pub fn copy(from: &Path, to: &Path, how: Copying, stop: &AtomicBool) -> Result<Copied, CopyError> {
    copy::copy(from, to, how, stop, CONTENTS.examinations)
}
