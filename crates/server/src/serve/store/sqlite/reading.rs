//! Connections to a data file that this process does not serve: one that lies still, perhaps where nothing can be written, and
//! one that a server may have open. They change nothing.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::file::DataFile;
use super::lock::sibling;
use super::open_error::{OpenError, failure};

/// Reads a file that no server has open, as its lock tells.
pub fn still(file: &DataFile) -> Result<Connection, OpenError> {
    let path = file.path();
    match (has_log(path), can_write_beside(path)) {
        (false, _) => immutable(path),
        (true, true) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags).map_err(|source| failure(path, source))
        }
        (true, false) => Err(OpenError::LogBeside(path.to_owned())),
    }
}

/// Reads a file that another process may be writing.
pub fn live(path: &Path) -> Result<Connection, OpenError> {
    let failed = |source| failure(path, source);
    let connection = match (has_log(path), can_write_beside(path)) {
        // As one that may write, or what SQLite makes beside the file would be left there.
        (_, true) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags).map_err(failed)?
        }
        (false, false) => immutable(path)?,
        (true, false) => return Err(OpenError::LogBeside(path.to_owned())),
    };
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    connection.pragma_update(None, "query_only", true).map_err(failed)?;
    Ok(connection)
}

/// SQLite takes no locks and makes no files, which is right only while no one writes.
pub fn immutable(path: &Path) -> Result<Connection, OpenError> {
    let failed = |source| failure(path, source);
    let unnamed = || failed(rusqlite::Error::InvalidPath(path.to_owned()));
    let mut name = url::Url::from_file_path(path).map_err(|()| unnamed())?;
    name.set_query(Some("immutable=1"));
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(name.as_str(), flags).map_err(failed)
}

/// Whether changes may stand in the write-ahead log that are not in the file yet.
pub fn has_log(path: &Path) -> bool {
    std::fs::metadata(sibling(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// Whether the file can be written, and others made beside it.
#[cfg(unix)]
pub fn can_write_beside(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    [path, directory].iter().all(|path| access(*path, Access::WRITE_OK).is_ok())
}

#[cfg(not(unix))]
pub fn can_write_beside(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
}
