//! What references may reach outside the documents. Reaches nothing itself.

use std::path::Path;

/// Variables of the environment that begin so are meant for the files.
pub const OPEN_PREFIX: &str = "LIBRATO_VAR_";

/// What references may reach outside the documents.
pub trait Outside: Sync {
    /// A variable of the environment.
    fn env(&self, name: &str) -> Option<String>;

    /// Whether files may have a variable of the environment shown. Who can change the files must not be able to widen this, or a
    /// pull request could print any credential of the machine that plans it.
    fn may_read(&self, name: &str) -> bool {
        name.starts_with(OPEN_PREFIX)
    }

    /// A secret of the environment; whoever answers can take care that it is never shown.
    fn secret(&self, name: &str) -> Option<String> {
        self.env(name)
    }

    /// The text of a file below `dir`.
    ///
    /// # Errors
    /// In words, where it cannot be read or does not lie below `dir`.
    fn file(&self, dir: &Path, path: &str) -> Result<String, String>;
}
