//! The file `<path>-lock`, beside the data file and locked like it: it names the process that serves, and is all that older
//! versions of the program look at. Whoever may write into the directory may have planted it, so that it is not trusted.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::open_error::OpenError;
use super::owner;

/// A lock that this process has. It is emptied at the end but stays: removing it would let two older servers in.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Whether it was made with this lock.
    new: bool,
}

impl Lock {
    /// For a server.
    pub fn take(path: &Path) -> Result<Lock, OpenError> {
        let name = sibling(path, "-lock");
        let refused = |source| OpenError::File { path: name.clone(), source };
        let new = name.symlink_metadata().is_err();
        let opened = not_through_links().read(true).write(true).create(true).truncate(false).open(&name);
        let file = opened.map_err(|source| {
            let link = name.symlink_metadata().is_ok_and(|found| found.is_symlink());
            refused(if link {
                io::Error::other("it is a symbolic link, which is not followed; remove it")
            } else {
                owner::explained(source, &name)
            })
        })?;
        if !is_own(&file.metadata().map_err(refused)?, path) {
            return Err(refused(io::Error::other(
                "it is not a lock file of the owner of the data file; remove it",
            )));
        }
        // `serve adopt` of root leaves it behind for the service whose data it is.
        owner::hand_over(&file, path).map_err(refused)?;
        file.try_lock().map_err(|error| taken(path, error))?;
        Ok(Lock { file, new })
    }

    /// For those who only read, where there is one.
    pub fn share(path: &Path) -> Result<Option<Lock>, OpenError> {
        let name = sibling(path, "-lock");
        match not_through_links().read(true).open(&name) {
            Ok(file) => {
                file.try_lock_shared().map_err(|error| taken(path, error))?;
                Ok(Some(Lock { file, new: false }))
            }
            Err(_) if !name.exists() => Ok(None),
            Err(source) => Err(OpenError::File { path: name, source }),
        }
    }

    /// Takes it back from beside a file that is not ours.
    pub fn discard(&self, path: &Path) {
        if self.new {
            let _ = std::fs::remove_file(sibling(path, "-lock"));
        }
    }

    /// Writes down who holds the file, for those who are kept out.
    pub fn sign(&self) {
        let mut file = &self.file;
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = writeln!(file, "{}", std::process::id());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Fails, as it shall, where it was opened for reading.
        let _ = self.file.set_len(0);
    }
}

/// The path with `end` behind its last name.
pub fn sibling(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opening fails where the last step is a symbolic link.
fn not_through_links() -> OpenOptions {
    let mut options = private();
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    options
}

/// Why a lock could not be had.
pub fn taken(path: &Path, error: TryLockError) -> OpenError {
    match error {
        TryLockError::WouldBlock => OpenError::InUse { path: path.to_owned(), process: holder(path) },
        TryLockError::Error(source) => OpenError::File { path: path.to_owned(), source },
    }
}

/// The process whose id stands in `<path>-lock`.
fn holder(path: &Path) -> Option<u32> {
    let file = not_through_links().read(true).open(sibling(path, "-lock")).ok()?;
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// What is written into it may not end up in someone else's file.
#[cfg(unix)]
fn is_own(found: &Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owners =
        [Some(rustix::process::geteuid().as_raw()), std::fs::metadata(path).ok().map(|data| data.uid())];
    found.is_file() && found.nlink() == 1 && owners.contains(&Some(found.uid()))
}

#[cfg(not(unix))]
fn is_own(found: &Metadata, _: &Path) -> bool {
    found.is_file()
}
