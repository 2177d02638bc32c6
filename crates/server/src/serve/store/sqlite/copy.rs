//! Copies of a data file, made while a server may be writing it: one moment, in one file, marked as a copy. Whoever serves a
//! copy beside the original must know that it is one, or two servers would speak for the same alerts.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tempfile::NamedTempFile;

use super::check::check;
use super::contents::Examination;
use super::file::DataFile;
use super::lock::sibling;
use super::open::{claim, identify};
use super::open_error::{OpenError, failure};
use super::properties::{COPIED_AT, OPENED_BY};
use super::report::Report;
use super::{owner, reading, schema, unclean};
use crate::serve::Clock;

/// Pages between two looks at whether to go on.
const PAGES: i32 = 4096;
/// How the temporary files are called, so that those of a process that was killed are known.
const PREFIX: &str = ".librato-apply-";
const SUFFIX: &str = ".partial";

/// How `copy` treats the new file.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Copying {
    /// Takes the place of a file that is there.
    pub overwrite: bool,
    /// Leaves out the mark: the new file takes the place of the original.
    pub adopt: bool,
    /// Where root makes it, it belongs to the owner of its directory: a server of that user is to open it.
    pub hand_over: bool,
}

/// What `copy` made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Copied {
    /// What is in the new file.
    pub report: Report,
    /// Its size.
    pub bytes: u64,
}

/// Why there is no copy; nothing was left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// One of the files cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file of that name is there.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// The remains of another file would be taken for a part of the new one.
    #[error("{}-wal belongs to a file that was there before; remove or rename it", .0.display())]
    OldLog(PathBuf),
    /// The original is damaged, so the copy is, too.
    #[error("the copy would be damaged like the original")]
    Damaged(Box<Report>),
    /// It was told to stop.
    #[error("stopped before the copy was complete")]
    Stopped,
    /// SQLite could not copy.
    #[error("cannot copy {}: {source}", path.display())]
    Database {
        /// The file that was copied.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The new file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Copies the data file `from`, which a server may have open, to a new file `to`, as it is at one moment. It is checked
/// before it gets its name. Blocks for as long as reading the whole file takes, or until `stop` is set.
///
/// # Errors
/// When either file cannot be used, when the original is damaged, or when `stop` was set.
pub fn copy(
    from: &Path,
    to: &Path,
    how: Copying,
    stop: &AtomicBool,
    examinations: &[Examination],
) -> Result<Copied, CopyError> {
    let from = from.canonicalize().map_err(|source| OpenError::File { path: from.to_owned(), source })?;
    let unwritten = |source| CopyError::File { path: to.to_owned(), source };
    let taken = to.symlink_metadata().is_ok();
    if taken && (!how.overwrite || to.canonicalize().is_ok_and(|to| to == from)) {
        return Err(CopyError::Exists(to.to_owned()));
    }
    if is_part(to) {
        let message =
            "this is the name of a part of a data file, which a server may have open; choose another";
        return Err(unwritten(io::Error::other(message)));
    }
    if reading::has_log(to) {
        return Err(CopyError::OldLog(to.to_owned()));
    }
    // Also where it stays: no one serves the file whose place is taken.
    let _replaced = if taken { Some(DataFile::examine(to)?) } else { None };
    unclean::whole(&from)?;
    let source = reading::live(&from)?;
    identify(&source, &from)?;
    let temporary = Temporary::beside(to).map_err(unwritten)?;
    fill(&source, temporary.path(), how.adopt, stop).map_err(|error| error.of(&from, to))?;
    let report = check(temporary.path(), examinations)?.of(to);
    if !report.is_sound() {
        return Err(CopyError::Damaged(Box::new(report)));
    }
    if how.hand_over {
        temporary.hand_over().map_err(unwritten)?;
    }
    let bytes = temporary.keep(to, how.overwrite).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => CopyError::Exists(to.to_owned()),
        _ => unwritten(source),
    })?;
    Ok(Copied { report, bytes })
}

/// Whether a name is one that stands beside a data file and belongs to it.
fn is_part(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["-wal", "-shm", "-journal", "-lock", "-reserve"].iter().any(|end| name.ends_with(end))
}

/// A copy of the file at `from` that has no name any more; it is gone when its handle is closed.
pub fn nameless(from: &Path, source: &Connection, stop: &AtomicBool) -> Result<File, CopyError> {
    let temporary =
        Temporary::beside(from).map_err(|source| CopyError::File { path: from.to_owned(), source })?;
    fill(source, temporary.path(), false, stop).map_err(|error| error.of(from, from))?;
    Ok(temporary.0.into_file())
}

/// Says that the file at `path`, which no server may have open, is no copy but the original from now on. Whether it was
/// a copy.
///
/// # Errors
/// When there is no such file, when it cannot be used, or when a server has it open.
pub fn adopt(path: &Path) -> Result<bool, OpenError> {
    let path = path.canonicalize().map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let file = DataFile::open(&path)?;
    let failed = |source| failure(&path, source);
    let connection = Connection::open(file.path()).map_err(failed)?;
    // Older files cannot be marked.
    let marked = claim(&file, &connection)? == schema::CURRENT
        && COPIED_AT.get(&connection).map_err(failed)?.is_some();
    if marked {
        COPIED_AT.remove(&connection).map_err(failed)?;
    }
    Ok(marked)
}

enum Failure {
    Stopped,
    Database(rusqlite::Error),
    File(io::Error),
}

impl Failure {
    fn of(self, from: &Path, to: &Path) -> CopyError {
        match self {
            Failure::Stopped => CopyError::Stopped,
            Failure::Database(source) => CopyError::Database { path: from.to_owned(), source },
            Failure::File(source) => CopyError::File { path: to.to_owned(), source },
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Database(error)
    }
}

/// Fills the empty file at `to` and flushes it.
fn fill(source: &Connection, to: &Path, adopt: bool, stop: &AtomicBool) -> Result<(), Failure> {
    let mut copy = Connection::open(to)?;
    // Whoever finds it half done finds a temporary file.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    {
        // One read transaction from the first page to the last: another process's write would make a copy without one begin again.
        let snapshot = source.unchecked_transaction()?;
        snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let backup = Backup::new(&snapshot, &mut copy)?;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::Stopped);
            }
            match backup.step(PAGES)? {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => std::thread::sleep(Duration::from_millis(10)),
                _ => {}
            }
        }
    }
    drop(copy);
    mark(to, adopt)?;
    File::open(to).and_then(|file| file.sync_all()).map_err(Failure::File)
}

/// Notes in the new file what it is, and leaves it without a write-ahead log: it is one file, wherever it goes.
fn mark(to: &Path, adopt: bool) -> rusqlite::Result<()> {
    let copy = Connection::open(to)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    let version: i32 = copy.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < schema::CURRENT {
        schema::migrate(&copy, version)?;
    }
    let change = copy.unchecked_transaction()?;
    OPENED_BY.remove(&change)?;
    if adopt {
        COPIED_AT.remove(&change)?;
    } else {
        COPIED_AT.set(&change, &Clock::system().now())?;
    }
    change.commit()
}

/// A file beside another, gone unless it is kept. Its lock tells that someone is still at work on it.
struct Temporary(NamedTempFile);

impl Temporary {
    fn beside(path: &Path) -> io::Result<Temporary> {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sweep(directory);
        let file = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory)?;
        #[cfg(unix)]
        file.as_file().lock_shared()?;
        Ok(Temporary(file))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn hand_over(&self) -> io::Result<()> {
        let directory = self.path().parent().unwrap_or(Path::new("."));
        owner::hand_over(self.0.as_file(), directory)
    }

    /// Gives it its name for good, and returns its size.
    fn keep(self, path: &Path, overwrite: bool) -> io::Result<u64> {
        let kept = if overwrite { self.0.persist(path) } else { self.0.persist_noclobber(path) };
        let file = kept.map_err(|error| error.error)?;
        #[cfg(unix)]
        if let Some(directory) = path.canonicalize()?.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(file.metadata()?.len())
    }
}

/// Removes what processes left that were killed while they copied.
fn sweep(directory: &Path) {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) && is_abandoned(&path) {
            for end in ["-journal", "-wal", "-shm", ""] {
                let _ = std::fs::remove_file(sibling(&path, end));
            }
        }
    }
}

#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(not(unix))]
fn is_abandoned(_: &Path) -> bool {
    false
}
