//! `settings.exclude`: files below the directory that the settings do not take for definitions.
//! Read before anything else of the settings, since it says what is to be read at all; its shape is checked with the rest of them.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::{Map, Value};

use crate::diag::{Code, Diagnostic, FileId, Part, Place, Report, Route};

/// What one file's settings exclude.
pub(super) struct Exclude {
    dir: PathBuf,
    home: PathBuf,
    globs: GlobSet,
}

impl Exclude {
    /// Of a document, whose canonical path is given.
    pub(super) fn of(
        value: &Map<String, Value>,
        file: FileId,
        path: Option<&Path>,
        report: &mut Report,
    ) -> Option<Self> {
        let list = value.get("settings")?.get("exclude")?.as_array()?;
        let mut globs = GlobSetBuilder::new();
        for (i, text) in list.iter().enumerate() {
            let Some(text) = text.as_str() else { continue };
            match GlobBuilder::new(text.trim_start_matches("./")).literal_separator(true).build() {
                Ok(glob) => _ = globs.add(glob),
                Err(error) => {
                    let route = Route::root().key("settings").key("exclude").index(i);
                    let place = Place::Node { file, route, part: Part::Value };
                    let message = format!("`{text}` is not a pattern: {}", error.kind());
                    report.push(Diagnostic::error(Code::InvalidPattern, message).at(place, ""));
                }
            }
        }
        let home = path?.to_owned();
        Some(Self { dir: home.parent()?.to_owned(), home, globs: globs.build().ok()? })
    }

    /// Whether a file is left out. The file that says so never is.
    pub(super) fn covers(&self, path: &Path) -> bool {
        path != self.home && path.strip_prefix(&self.dir).is_ok_and(|below| self.globs.is_match(below))
    }
}
