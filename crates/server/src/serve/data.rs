//! Opening, examining and copying the data: puts the store together with what is kept in it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::series::sqlite::CONTENTS;
#[cfg(feature = "postgres")]
use super::store::Postgres;
#[cfg(feature = "postgres")]
use super::store::error::StoreError;
#[cfg(feature = "postgres")]
use super::store::postgres::upkeep::{Keeper, Upkeep};
use super::store::sqlite::contents::Contents;
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

/// What is kept in order while data are moved: nothing, so that they stay where they are.
const STILL: Contents = Contents { aging: CONTENTS.aging, jobs: &[], examinations: &[] };

#[cfg(feature = "postgres")]
struct Nothing;

#[cfg(feature = "postgres")]
impl Upkeep for Nothing {
    fn begin(&mut self, _: &Keeper<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn round(&mut self, _: &Keeper<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Store {
    /// Opens a file whose data are moved as a whole. Blocks.
    pub(in crate::serve) fn still(path: &Path) -> Result<Store, OpenError> {
        let store = Store::start(&Data::File(path.to_owned()), Opening::default(), &STILL)?;
        Ok(store.with_read_time(MOVING))
    }

    /// The same of a database. Blocks.
    #[cfg(feature = "postgres")]
    pub(in crate::serve) fn still_on(database: &Postgres) -> Result<Store, OpenError> {
        let store = Store::start_on(
            database,
            Opening::default(),
            |_, _, _| Box::new(Nothing),
            &crate::serve::series::postgres::append::Lanes,
        )?;
        Ok(store.with_read_time(MOVING))
    }
}

/// How long one read of them may take.
const MOVING: Duration = Duration::from_secs(6 * 3_600);

/// Examines the data file at `path`: SQLite's own check, the schema, references between tables, and whether every
/// JSON text, the labels of every series, every page of measurements and every state of an alert can be read. Blocks for as long as reading the
/// whole file takes.
///
/// # Errors
/// When it cannot be examined: it does not exist or cannot be read, a server has it open, or it is not a data file.
pub fn check(path: &Path) -> Result<Report, OpenError> {
    check::check(path, CONTENTS.examinations)
}

/// Examines a database, which servers may use: its tables, ids, references, and whether all in it can be read. Blocks for as long as reading all
/// of it takes.
///
/// # Errors
/// When it cannot be reached, or there is nothing of ours in it.
#[cfg(feature = "postgres")]
pub fn check_database(database: &Postgres) -> Result<Report, OpenError> {
    Ok(super::store::postgres::check::check(database, super::series::postgres::examine::EXAMINATIONS)?)
}

/// Copies the data file `from`, which a server may have open, to a new file `to`, as it is at one moment. It is checked
/// before it gets its name. Blocks for as long as reading the whole file takes, or until `stop` is set.
///
/// # Errors
/// When either file cannot be used, when the original is damaged, or when `stop` was set.
pub fn copy(from: &Path, to: &Path, how: Copying, stop: &AtomicBool) -> Result<Copied, CopyError> {
    copy::copy(from, to, how, stop, CONTENTS.examinations)
}
