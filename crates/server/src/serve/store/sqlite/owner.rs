//! Whose a file is. What root makes where a service has its data must belong to that service, or it could not open it: systemd gives a
//! directory to the user it makes up for a service, and does not look into it again.

use std::fs::File;
use std::io;
use std::path::Path;

/// Gives a new file that root made to whom `like` belongs, which is its directory or the file it stands beside.
#[cfg(unix)]
pub fn hand_over(file: &File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (found, wanted) = (file.metadata()?, std::fs::metadata(like)?);
    if found.uid() == 0 && wanted.uid() != 0 {
        fchown(file, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    Ok(())
}

/// Elsewhere files belong to whom their directory lets in.
#[cfg(not(unix))]
pub fn hand_over(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// The error of opening or making a file; where its directory is not there, or either belongs to somebody else, that, and how to mend it.
pub fn explained(error: io::Error, path: &Path) -> io::Error {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if error.kind() == io::ErrorKind::NotFound && !directory.exists() {
        return io::Error::other(format!("there is no directory {}; make it first", directory.display()));
    }
    #[cfg(unix)]
    if error.kind() == io::ErrorKind::PermissionDenied {
        use std::os::unix::fs::MetadataExt as _;

        let whose = |what: &'static str, path| Some((what, path, std::fs::metadata(path).ok()?.uid()));
        let found = whose("it", path).or_else(|| whose("its directory", directory));
        let own = rustix::process::geteuid().as_raw();
        if let Some((what, path, owner)) = found.filter(|(.., owner)| *owner != own) {
            let path = path.display();
            return io::Error::other(format!(
                "{error}: {what} belongs to user {owner}, and this is user {own}; as root: `chown {own} {path}`"
            ));
        }
    }
    error
}

/// The directory that a path leads to a file in.
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    use super::*;

    /// The tests may be run by root or not.
    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        if is_root() {
            chown(dir.path(), Some(65_532), Some(65_531)).unwrap();
        }
        let (own, path) = (dir.path().metadata().unwrap(), dir.path().join("new"));
        let file = File::create(&path).unwrap();
        hand_over(&file, dir.path()).unwrap();
        let found = path.metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (own.uid(), own.gid()));
        // What belongs to a user stays theirs.
        if is_root() {
            hand_over(&file, Path::new("/")).unwrap();
            assert_eq!(path.metadata().unwrap().uid(), 65_532);
        }
    }

    #[test]
    fn only_what_somebody_elses_owner_keeps_closed_is_explained() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(explained(denied(), &path).to_string(), denied().to_string(), "it is our own");
        let none = dir.path().join("none");
        assert_eq!(explained(denied(), &none).to_string(), denied().to_string(), "so is its directory");
        if is_root() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(65_532), None).unwrap();
            let text = explained(denied(), &path).to_string();
            assert!(text.contains("it belongs to user 65532") && text.contains("chown 0 "), "{text}");
            chown(dir.path(), Some(65_532), None).unwrap();
            let text = explained(denied(), &none).to_string();
            assert!(text.contains("its directory belongs to user 65532"), "{text}");
        }
    }
}
