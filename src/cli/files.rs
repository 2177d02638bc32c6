//! Files that are written whole or not at all: beside their place first, flushed, then moved there. So neither a full disk nor
//! a killed process leaves half a file, or an empty one.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Everybody, as far as the directory lets them.
    All,
    /// The owner: it holds secrets.
    Owner,
}

/// Puts a whole file in the place of an old one, or leaves the old one.
///
/// # Errors
/// Whatever the file system says.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    // A link goes on to lead to the file.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // What is no file, such as /dev/stdout or a pipe, cannot be moved away.
    if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(&path, bytes);
    }
    written(&path, bytes, readers)?.persist(&path).map_err(|error| error.error)?;
    settle(&path)
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// `AlreadyExists` where there is one; whatever the file system says.
pub fn create(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    written(path, bytes, readers)?.persist_noclobber(path).map_err(|error| error.error)?;
    settle(path)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// On the disk, but under a name that is gone with the value.
fn written(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // The system takes away what its settings keep from others.
    #[cfg(unix)]
    if readers == Readers::All {
        builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Sees the new name onto the disk, too.
fn settle(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_or_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, b"old", Readers::All).unwrap();
        replace(&path, b"new", Readers::Owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(create(&path, b"x", Readers::All).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(replace(&dir.path().join("no/such"), b"x", Readers::All).is_err());
        assert!(replace(dir.path(), b"x", Readers::All).is_err());
        create(&dir.path().join("b"), b"y", Readers::Owner).unwrap();
        assert_eq!(names(dir.path()), ["a", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_modes_stay_what_they_are() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("link"));
        create(&path, b"old", Readers::Owner).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        replace(&link, b"new", Readers::Owner).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let dangling = dir.path().join("dangling");
        std::os::unix::fs::symlink("nothing", &dangling).unwrap();
        assert!(create(&dangling, b"x", Readers::All).is_err());
        replace(Path::new("/dev/null"), b"x", Readers::All).unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}
