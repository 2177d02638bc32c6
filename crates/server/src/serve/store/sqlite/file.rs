//! The data file as the operating system sees it: locked for this process, closed to others, and still the one that its
//! name leads to. Knows nothing of what is in it.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;

use super::lock::{Lock, private, sibling, taken};
use super::mounts;
use super::open_error::OpenError;
use super::owner;
use crate::serve::store::error::Displaced;

/// The bits of a mode that let others than the owner in.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// A data file that this process holds. The lock is on the file itself, so that no second name (a link, a bind mount)
/// leads around it. Closing any handle of a file drops the locks that SQLite has on it, hence [`Held`].
#[derive(Debug)]
pub struct DataFile {
    path: PathBuf,
    data: File,
    lock: Option<Lock>,
    made: bool,
    /// The write-ahead log as it was seen first: as long as a connection is open, SQLite keeps to one.
    log: OnceLock<Identity>,
}

/// A connection, and the file that must stay open for longer than it.
#[derive(Debug)]
pub struct Held {
    // Dropped in this order.
    connection: Connection,
    file: Option<Arc<DataFile>>,
}

impl Held {
    pub fn new(connection: Connection, file: Option<&Arc<DataFile>>) -> Held {
        Held { connection, file: file.cloned() }
    }

    /// `None` for data in memory.
    pub fn file(&self) -> Option<&Arc<DataFile>> {
        self.file.as_ref()
    }
}

impl Deref for Held {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DataFile {
    /// Opens the file for reading and writing, made when there is none, and locks it.
    ///
    /// # Errors
    /// When another process has it, when it cannot be used safely, or when the file system refuses.
    pub fn open(path: &Path) -> Result<DataFile, OpenError> {
        let refused = |source| OpenError::File { path: path.to_owned(), source };
        let made = !path.exists();
        if made {
            let new = private().write(true).create(true).truncate(false).open(path);
            let new = new.map_err(|error| refused(owner::explained(error, path)))?;
            owner::hand_over(&new, owner::directory(path)).map_err(refused)?;
        }
        let path = path.canonicalize().map_err(refused)?;
        let locked = DataFile::lock(&path, made);
        // A file that another process was quicker to lock is that one's.
        if made && locked.as_ref().is_err_and(|error| !matches!(error, OpenError::InUse { .. })) {
            let _ = std::fs::remove_file(&path);
        }
        locked
    }

    fn lock(path: &Path, made: bool) -> Result<DataFile, OpenError> {
        let refused = |source| OpenError::File { path: path.to_owned(), source };
        usable(path).map_err(refused)?;
        // Before the file itself is touched: where this very process has it open, closing it again would do harm.
        let lock = Lock::take(path)?;
        let opened = private().read(true).write(true).open(path);
        let data = opened.map_err(|error| refused(owner::explained(error, path)))?;
        let file = DataFile { path: path.to_owned(), data, lock: Some(lock), made, log: OnceLock::new() };
        #[cfg(unix)]
        file.data.try_lock().map_err(|error| taken(path, error))?;
        if let Some(displaced) = file.moved() {
            return Err(refused(io::Error::other(displaced.reason(path))));
        }
        file.lock.iter().for_each(Lock::sign);
        // SQLite flushes the files it makes itself into their directory; this one it finds there.
        #[cfg(unix)]
        if let Some(directory) = path.parent() {
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(refused)?;
        }
        Ok(file)
    }

    /// Opens the file for reading only, while no server has it; others may read it, too. Changes nothing.
    ///
    /// # Errors
    /// When a server has it, or when it cannot be read.
    pub fn examine(path: &Path) -> Result<DataFile, OpenError> {
        let refused = |source| OpenError::File { path: path.to_owned(), source };
        let path = path.canonicalize().map_err(refused)?;
        regular(&path).map_err(refused)?;
        let lock = Lock::share(&path)?;
        let data = File::open(&path).map_err(refused)?;
        #[cfg(unix)]
        data.try_lock_shared().map_err(|error| taken(&path, error))?;
        Ok(DataFile { path, data, lock, made: false, log: OnceLock::new() })
    }

    /// Its one true path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the name of the file, or that of its write-ahead log, leads elsewhere by now; asked while connections are
    /// open.
    pub fn displaced(&self) -> Option<Displaced> {
        self.moved().or_else(|| {
            let gone = match std::fs::metadata(sibling(&self.path, "-wal")) {
                Ok(found) => *self.log.get_or_init(|| Identity::of(&found)) != Identity::of(&found),
                Err(error) => error.kind() == ErrorKind::NotFound && self.log.get().is_some(),
            };
            gone.then_some(Displaced::LogGone)
        })
    }

    /// Whether the name of the file leads elsewhere. A file system that does not answer is no reason to think so.
    fn moved(&self) -> Option<Displaced> {
        match std::fs::metadata(&self.path) {
            Ok(found) => {
                let own = self.data.metadata().ok()?;
                (Identity::of(&found) != Identity::of(&own)).then_some(Displaced::Replaced)
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Some(Displaced::Removed)
            }
            Err(_) => None,
        }
    }

    /// Takes back a file that was made just now and could not be used.
    pub fn discard(&self) {
        if self.made {
            for path in [self.path.clone(), sibling(&self.path, "-wal"), sibling(&self.path, "-shm")] {
                let _ = std::fs::remove_file(path);
            }
            let _ = std::fs::remove_file(sibling(&self.path, "-lock"));
        }
    }

    /// Leaves a file that turns out not to be ours as it was found.
    pub fn leave(&self) {
        self.lock.iter().for_each(|lock| lock.discard(&self.path));
    }

    /// The file holds the settings of services, which are secrets, and a copied one often has a wider mode.
    pub fn close_to_others(&self) {
        #[cfg(unix)]
        for path in ["", "-wal", "-shm"].map(|end| sibling(&self.path, end)) {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
            if !std::fs::metadata(&path).is_ok_and(|found| found.mode() & OTHERS != 0) {
                continue;
            }
            let (file, mode) = (path.display(), std::fs::Permissions::from_mode(0o600));
            match std::fs::set_permissions(&path, mode) {
                Ok(()) => {
                    tracing::warn!(target: "librato_apply::serve", "others could read {file}, which holds secrets; its mode is 600 now");
                }
                Err(error) => {
                    tracing::warn!(target: "librato_apply::serve", %error, "others can read {file}, which holds secrets; run `chmod 600 {file}`");
                }
            }
        }
    }
}

/// What tells one file from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt as _;
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Identity {
        Identity {}
    }
}

/// Whether the file may be served: one name, and its write-ahead log beside it.
fn usable(path: &Path) -> io::Result<()> {
    regular(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&std::fs::metadata(path)?) > 1 {
        return Err(io::Error::other(
            "it has another name (a hard link), beside which its write-ahead log would be missing; remove that name or open a copy",
        ));
    }
    if mounts::is_mount_point(path) {
        return Err(io::Error::other(
            "it is mounted by itself, so its write-ahead log would lie elsewhere and be lost; mount the directory that holds it",
        ));
    }
    Ok(())
}

fn regular(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}
