//! Which files below a directory are meant. It reads directories, never files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::diag::{Code, Diagnostic, Report, in_plain_words};

/// The files below a directory, and what stood in the way of finding them.
#[derive(Default)]
pub(super) struct Found {
    /// Sorted bytewise by their path below the directory.
    pub(super) files: Vec<PathBuf>,
    pub(super) report: Report,
}

/// All files below `dir` that are wanted. Links are followed; a link to a directory that contains it adds nothing, so it is passed
/// over.
pub(super) fn below(dir: &Path, wanted: fn(&Path) -> bool) -> Found {
    let mut found = Found::default();
    for entry in WalkDir::new(dir).follow_links(true).into_iter().filter_entry(|e| !is_hidden(e)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && wanted(entry.path()) => {
                found.files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => found.report.extend(problem(&error, wanted)),
        }
    }
    found.files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    found
}

/// A path as it is shown: as the user gave it, without a leading `./`.
pub(super) fn display(path: &Path) -> String {
    let shown = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    shown.display().to_string()
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// A YAML file that is no file of variables, nor one of tests.
pub(super) fn is_ours(path: &Path) -> bool {
    is_ours_or_tests(path) && !is_tests(path)
}

/// A YAML file that is no file of variables.
pub(super) fn is_ours_or_tests(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    yaml && !has_stem(path, b".vars")
}

/// A file of tests, which only those who test read.
pub(super) fn is_tests(path: &Path) -> bool {
    has_stem(path, b".test")
}

fn has_stem(path: &Path, end: &[u8]) -> bool {
    path.file_stem().is_some_and(|stem| stem.as_encoded_bytes().ends_with(end))
}

fn problem(error: &walkdir::Error, wanted: fn(&Path) -> bool) -> Report {
    let mut report = Report::default();
    let path = error.path().unwrap_or(Path::new(""));
    let dangling = error.io_error().is_some_and(|e| e.kind() == ErrorKind::NotFound);
    if error.loop_ancestor().is_some() || (dangling && !wanted(path)) {
        return report;
    }
    let reason = match error.io_error() {
        Some(_) if dangling => "the link leads nowhere".to_owned(),
        Some(error) => in_plain_words(error),
        None => "it is no file".to_owned(),
    };
    report.push(Diagnostic::error(Code::Unreadable, format!("cannot read `{}`: {reason}", display(path))));
    report
}
