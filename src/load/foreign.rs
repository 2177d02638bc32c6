//! Files of other tools, for `import`: the same limits and encodings as for our own, and nothing of them is shown by itself.
//! Knows nothing of what is in them.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{STDIN_ARGUMENT, STDIN_NAME, find, read, yaml};
use crate::diag::{Diagnostic, FileId, Files, Report, RouteIndex};

/// A file of another tool.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The text.
    pub file: FileId,
    /// Where it is; the working directory for standard input.
    pub dir: PathBuf,
    /// Its name as it is shown.
    pub name: String,
}

/// Reads `-`, files, and of directories the wanted files below. What cannot be read is in the report.
pub fn read_foreign(
    inputs: &[PathBuf],
    wanted: fn(&Path) -> bool,
    stdin: &mut dyn Read,
    files: &mut Files,
) -> (Vec<Foreign>, Report) {
    let (mut all, mut report) = (Vec::new(), Report::default());
    for input in inputs {
        let found = if input.as_os_str() == STDIN_ARGUMENT {
            keep(STDIN_NAME, Path::new(""), read::all(stdin, STDIN_NAME), files).map(|one| vec![one])
        } else if input.is_dir() {
            let below = find::below(input, wanted);
            report.extend(below.report);
            Ok(below.files.iter().filter_map(|path| one(path, files, &mut report)).collect())
        } else {
            Ok(one(input, files, &mut report).into_iter().collect())
        };
        match found {
            Ok(found) => all.extend(found),
            Err(problem) => report.push(problem),
        }
    }
    (all, report)
}

fn one(path: &Path, files: &mut Files, report: &mut Report) -> Option<Foreign> {
    let name = find::display(path);
    match keep(&name, path, read::file(path, &name), files) {
        Ok(found) => Some(found),
        Err(problem) => {
            report.push(problem);
            None
        }
    }
}

fn keep(
    name: &str,
    path: &Path,
    bytes: Result<Vec<u8>, Diagnostic>,
    files: &mut Files,
) -> Result<Foreign, Diagnostic> {
    // JSON is YAML, so its places are found in the same way; other texts carry their places themselves.
    let json = bytes.as_ref().is_ok_and(|bytes| bytes.trim_ascii_start().starts_with(b"{"));
    let index: fn(&str) -> RouteIndex = if json { yaml::index } else { |_| RouteIndex::default() };
    let file = read::add_by(name, bytes?, |text| files.add_foreign(name, text, index))?;
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Foreign { file, dir, name: name.to_owned() })
}
