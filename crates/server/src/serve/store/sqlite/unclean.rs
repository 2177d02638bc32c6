//! What a data file looks like before it is used: cut short, damaged, or left by a process that did not close it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::lock::sibling;
use super::open_error::OpenError;
use super::{reading, wal};

/// The beginning of the file, in which SQLite keeps how long it is.
const HEAD: usize = 100;

/// How long the file may be examined after an unclean end, and how often that is told.
const LONGEST_CHECK: Duration = Duration::from_secs(120);
const FIRST_TOLD: Duration = Duration::from_secs(1);
const TOLD_AGAIN: Duration = Duration::from_secs(10);

/// What is beside the data file, as it was found; opening it changes that.
pub struct Beside {
    /// Whether there is a write-ahead log with anything in it; reading a file leaves an empty one.
    pub has_log: bool,
    /// The commits in it that stand behind a damaged part.
    pub lost_commits: u64,
}

impl Beside {
    /// Whether the file was not closed; says so.
    pub fn is_unclean(&self, path: &Path, opened_by: Option<u32>) -> bool {
        let path = path.display();
        match opened_by {
            Some(process) if !self.has_log => {
                tracing::error!(target: "librato_apply::serve", process, "{path}: {LOG_MISSING}");
            }
            Some(process) => {
                tracing::warn!(target: "librato_apply::serve", process, "{path} was not closed by the process that had it open");
            }
            None => {}
        }
        opened_by.is_some() || self.has_log
    }
}

/// Looks at the write-ahead log, and refuses a file that was cut short.
pub fn look(path: &Path) -> Result<Beside, OpenError> {
    let has_log = whole(path)?;
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    Ok(Beside { has_log, lost_commits: wal::lost_commits(&sibling(path, "-wal")).map_err(failed)? })
}

/// Refuses a file that was cut short. Whether there is a log with anything in it.
pub fn whole(path: &Path) -> Result<bool, OpenError> {
    let has_log = reading::has_log(path);
    // What is missing at the end of the file may stand in the log.
    let missing = if has_log { empty(path) } else { cut(path) };
    match missing.map_err(|source| OpenError::File { path: path.to_owned(), source })? {
        Some((expected, found)) => Err(OpenError::CutShort { path: path.to_owned(), expected, found }),
        None => Ok(has_log),
    }
}

/// A log without a file: how long the file must be, and how long it is.
fn empty(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let found = std::fs::metadata(path)?.len();
    Ok((found < HEAD as u64).then_some((HEAD as u64, found)))
}

/// How long the file says it is, and how long it is, when that is less. One of no bytes is a new one.
fn cut(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let mut file = File::open(path)?;
    let found = file.metadata()?.len();
    let mut head = [0; HEAD];
    if found == 0 {
        return Ok(None);
    }
    if file.read_exact(&mut head).is_err() {
        return Ok(Some((HEAD as u64, found)));
    }
    let number =
        |at: usize| head.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_be_bytes(*four));
    let page = match u64::from(number(16) >> 16) {
        1 => 65_536,
        page => page,
    };
    // The count of pages holds when it was written together with the count of changes; another program may not have.
    let counted = head.starts_with(b"SQLite format 3\0") && number(24) == number(92);
    let expected = if counted { page * u64::from(number(28)) } else { 0 };
    Ok((found < expected).then_some((expected, found)))
}

/// What is to be known of a log in which commits stand behind a damaged frame.
pub fn told_lost(commits: u64) -> String {
    format!("{commits} commits in the write-ahead log (-wal) stand behind a damaged part of it and are lost")
}

/// What is to be known of a file that was not closed and stands alone.
pub const LOG_MISSING: &str = "its write-ahead log (-wal) is missing though nobody closed it: unless another program did, what was written last is lost";

/// Keeps a copy of a log of which SQLite will drop a part, and says so.
pub fn keep_log(path: &Path, beside: &Beside) -> io::Result<()> {
    if beside.lost_commits > 0 {
        let kept = sibling(path, "-wal.damaged");
        std::fs::copy(sibling(path, "-wal"), &kept)?;
        let told = told_lost(beside.lost_commits);
        tracing::error!(target: "librato_apply::serve", "{}: {told}; a copy of the log is kept as {}", path.display(), kept.display());
    }
    Ok(())
}

/// Examines a file that was not closed: its structure, which a killed process never harms, but a copy made meanwhile, a lost
/// part or a bad disk do.
pub fn examine(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let handle = connection.get_interrupt_handle();
    let (done, waiting) = channel::<()>();
    let shown = path.display().to_string();
    let watch = thread::Builder::new().name("store-check".to_owned()).spawn(move || {
        let mut waited = FIRST_TOLD;
        while let Err(RecvTimeoutError::Timeout) =
            waiting.recv_timeout(if waited == FIRST_TOLD { FIRST_TOLD } else { TOLD_AGAIN })
        {
            tracing::warn!(target: "librato_apply::serve", "{shown} is being examined since it was not closed, for {} s so far", waited.as_secs());
            if waited >= LONGEST_CHECK {
                return handle.interrupt();
            }
            waited += TOLD_AGAIN;
        }
    });
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(done);
    let _ = watch.map_err(OpenError::Thread)?.join();
    let damaged = |what: String| Err(OpenError::Damaged { path: path.to_owned(), what });
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => damaged(found.lines().last().unwrap_or_default().to_owned()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            tracing::error!(target: "librato_apply::serve", "{} is too large to be examined now; run `serve check` on it once no server has it open", path.display());
            Ok(())
        }
        Err(error) => damaged(error.to_string()),
    }
}
