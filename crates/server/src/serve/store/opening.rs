//! What whoever opens a store decides about it: where the data lies and what is to be known of it.

use std::io;
use std::path::{Path, PathBuf};

use super::sqlite::reading;
use crate::serve::Clock;
use crate::serve::tsdb::retention::Retention;

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A SQLite file, made when it does not exist. Beside it stand `-wal` and `-shm` (SQLite's) and `-lock`.
    File(PathBuf),
    /// A SQLite file that is only read, as on a medium that cannot be written; nothing is made beside it.
    ReadOnly(PathBuf),
    /// Memory only, gone with the process.
    Memory,
}

impl Data {
    /// What serves someone who only wants to read what is at `path`: nothing is made where there is nothing.
    pub fn for_reading(path: &Path) -> Data {
        match path.canonicalize() {
            Ok(found) if reading::can_write_beside(&found) => Data::File(found),
            Ok(found) => Data::ReadOnly(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Data::Memory,
            Err(_) => Data::File(path.to_owned()),
        }
    }
}

/// What is to be known when data is opened; [`Opening::default`] is right for most.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Opening {
    /// Where the time comes from. The clock of the machine by default.
    pub clock: Clock,
    /// Whether the operator vouches for the clock though it is far from the time at which the file was last written.
    /// Otherwise measurements do not age by such a clock until it has held for a day.
    pub accept_clock: bool,
    /// For how long measurements are kept from now on; as the data say without it.
    pub retention: Option<Retention>,
    /// Whether data are opened to which others are being moved; those that were moved in part are refused otherwise.
    pub(in crate::serve) migrating: bool,
}

/// The property of data to which others are being moved: how far that has come.
pub(in crate::serve) const MIGRATING: &str = "migrating";
