//! Says which files others can read that only their owner should.

use std::path::Path;

use super::ui::Ui;

/// Says that others can read what only the owner should.
pub fn warn_if_open(file: &Path, what: &str, ui: &Ui) {
    if open_to_others(file) {
        let file = file.display();
        ui.complain(&format!("warning: others can read the {what} in {file}; run `chmod 600 {file}`"));
    }
}

#[cfg(unix)]
fn open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(file).is_ok_and(|found| found.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}
