//! Finding and reading the files: paths in, documents and positions out. The only file reading of the spine.
//! It knows the names of the sections but nothing of what is in them.

mod escaped;
mod everyday;
mod exclude;
mod find;
mod foreign;
mod indentation;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod merges;
mod positions;
mod read;
mod sections;
pub mod yaml;
mod yaml_error;

use std::collections::HashSet;
use std::io::Read;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Map, Value};

use crate::diag::{Code, Diagnostic, FileId, Files, Part, Place, Report, Route};

pub use foreign::{Foreign, read_foreign};
pub use read::{MAX_FILE_SIZE, read_below};
pub use sections::SECTIONS;

/// The name of standard input, as an argument and in messages.
const STDIN_ARGUMENT: &str = "-";
const STDIN_NAME: &str = "<stdin>";

/// One file with at least one of our sections.
pub struct Document {
    /// The file, for places.
    pub file: FileId,
    /// Its sections, in the order of the file; a blank one is null. Other top-level keys are left out (and reported).
    pub value: Map<String, Value>,
    /// The directory to which paths in this document are relative; the working directory for standard input.
    pub dir: PathBuf,
    /// The file's canonical path; `None` for standard input.
    pub path: Option<PathBuf>,
}

/// What the inputs cover, by canonical path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// Everything below a directory.
    Directory(PathBuf),
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// Everything that was read, and everything that was wrong with it.
#[derive(Default)]
pub struct Loaded {
    /// The texts, also of files that could not be understood.
    pub files: Files,
    /// The documents in the order they were read: by input, then by path below a directory.
    pub documents: Vec<Document>,
    /// What the inputs cover.
    pub roots: Vec<Root>,
    /// The problems of all files.
    pub report: Report,
}

/// The variables of one `*.vars.yaml` file.
pub struct Variables {
    /// The file, for places.
    pub file: FileId,
    /// The values by name, in the order of the file.
    pub value: Map<String, Value>,
}

/// Reads all inputs: `-` is `stdin`, a directory stands for the YAML files below it (hidden ones, `.librato-apply/` and
/// `*.vars.yaml` and `*.test.yaml` left out), anything else is one file. A file reached twice is read once. Never stops early: what
/// is wrong is in the report.
pub fn load(inputs: &[PathBuf], stdin: &mut dyn Read) -> Loaded {
    all(inputs, find::is_ours, stdin)
}

/// Like [`load`], with the files `*.test.yaml`.
pub fn load_with_tests(inputs: &[PathBuf], stdin: &mut dyn Read) -> Loaded {
    all(inputs, find::is_ours_or_tests, stdin)
}

fn all(inputs: &[PathBuf], wanted: fn(&Path) -> bool, stdin: &mut dyn Read) -> Loaded {
    let mut loading = Loading::of(wanted);
    for input in inputs {
        if input.as_os_str() == STDIN_ARGUMENT {
            loading.stdin(stdin);
        } else if input.is_dir() {
            loading.directory(input);
        } else {
            loading.named(input);
        }
    }
    loading.documents()
}

/// Reads of the files below a directory only what `settings` and `vars` say, for who wants to know nothing else. What is wrong with
/// files that have neither is not reported, nor that there are none.
pub fn load_settings(dir: &Path) -> Loaded {
    let mut loading = Loading::of(find::is_ours);
    for path in find::below(dir, find::is_ours).files {
        if read::file(&path, "").is_ok_and(|bytes| sections::may_have(&bytes, WANTED)) {
            loading.file(&path, false);
        }
    }
    let mut loaded = loading.documents();
    for document in &mut loaded.documents {
        document.value.retain(|section, _| WANTED.contains(&section.as_str()));
    }
    loaded
}

const WANTED: &[&str] = &["settings", "vars"];

/// Reads a file of variables: one mapping, or nothing.
///
/// # Errors
/// The file cannot be read, is not YAML, or holds something else than a mapping.
pub fn read_variables(path: &Path, files: &mut Files) -> Result<Variables, Diagnostic> {
    let name = find::display(path);
    let bytes = read::file(path, &name)?;
    let file = read::add(files, &name, bytes)?;
    match yaml::parse(files.text(file), file)? {
        Value::Object(value) if value.len() == 1 && value.get("vars").is_some_and(Value::is_object) => {
            let route = Route::root().key("vars");
            let message = "a file of variables has their names at its top";
            Err(Diagnostic::error(Code::MisplacedField, message)
                .at(Place::Node { file, route, part: Part::Key }, "")
                .help("take out `vars:`, and write what is below it without indentation"))
        }
        Value::Object(value) => Ok(Variables { file, value }),
        Value::Null => Ok(Variables { file, value: Map::new() }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(Diagnostic::error(
            Code::NotAMapping,
            "a file of variables must be a mapping of names to values",
        )
        .at(Place::File(file), "")),
    }
}

struct Loading {
    loaded: Loaded,
    /// Which files below a directory are meant.
    wanted: fn(&Path) -> bool,
    /// Canonical paths of what was read, and the name of standard input.
    seen: HashSet<PathBuf>,
    /// What was read and is to be understood.
    texts: Vec<(FileId, Source)>,
}

impl Loading {
    fn of(wanted: fn(&Path) -> bool) -> Self {
        Self { loaded: Loaded::default(), wanted, seen: HashSet::new(), texts: Vec::new() }
    }

    fn stdin(&mut self, stdin: &mut dyn Read) {
        if !self.seen.insert(STDIN_ARGUMENT.into()) {
            return;
        }
        self.loaded.roots.push(Root::Stdin);
        let source = Source { dir: ".".into(), path: None, named: true };
        let bytes = read::all(stdin, STDIN_NAME);
        self.keep(STDIN_NAME, source, bytes);
    }

    fn directory(&mut self, dir: &Path) {
        if let Ok(canonical) = dir.canonicalize() {
            self.loaded.roots.push(Root::Directory(canonical));
        }
        let found = find::below(dir, self.wanted);
        let nothing = found.files.is_empty() && !found.report.has_errors();
        self.loaded.report.extend(found.report);
        if nothing {
            self.loaded.report.push(
                Diagnostic::error(
                    Code::NothingToRead,
                    format!("there is no YAML file in `{}`", find::display(dir)),
                )
                .help("files end in .yaml or .yml; hidden ones, *.vars.yaml and *.test.yaml are not read"),
            );
        }
        for path in found.files {
            self.file(&path, false);
        }
    }

    fn named(&mut self, path: &Path) {
        if let Ok(canonical) = path.canonicalize() {
            self.loaded.roots.push(Root::File(canonical));
        }
        self.file(path, true);
    }

    fn file(&mut self, path: &Path, named: bool) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(canonical.clone()) {
            return;
        }
        let name = find::display(path);
        let bytes = read::file(path, &name);
        let dir =
            path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        self.keep(&name, Source { dir, path: Some(canonical), named }, bytes);
    }

    fn keep(&mut self, name: &str, source: Source, bytes: Result<Vec<u8>, Diagnostic>) {
        match bytes.and_then(|bytes| read::add(&mut self.loaded.files, name, bytes)) {
            Ok(file) => self.texts.push((file, source)),
            Err(problem) => self.loaded.report.push(problem),
        }
    }

    /// Makes documents of the texts, in their order.
    fn documents(self) -> Loaded {
        let Self { mut loaded, texts, .. } = self;
        let files = &loaded.files;
        let understood = on_all_cores(&texts, |(file, source)| {
            let mut report = Report::default();
            let mut value = sections::of(files.text(*file), *file, source.named, &mut report);
            if source.path.as_deref().is_some_and(find::is_tests) {
                value.iter_mut().for_each(|value| sections::only_tests(value, *file, &mut report));
            }
            (value, report)
        });
        let excluding = |((file, source), (value, _)): (&(FileId, Source), &(Option<_>, Report))| {
            exclude::Exclude::of(value.as_ref()?, *file, source.path.as_deref(), &mut loaded.report)
        };
        let excludes: Vec<_> = texts.iter().zip(&understood).filter_map(excluding).collect();
        let left_out = |source: &Source| {
            let path = source.path.as_deref().filter(|_| !source.named);
            path.is_some_and(|path| excludes.iter().any(|exclude| exclude.covers(path)))
        };
        for ((file, source), (value, report)) in texts.into_iter().zip(understood) {
            if left_out(&source) {
                continue;
            }
            let Source { dir, path, .. } = source;
            loaded.report.extend(report);
            loaded.documents.extend(value.map(|value| Document { file, value, dir, path }));
        }
        loaded
    }
}

/// Does `work` for every item, in any order, and gives what came of it in theirs: the parser takes most of the time of reading large
/// files, and each file is by itself.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        while let i = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(i)
        {
            done.push((i, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What is known of a file before it is read.
struct Source {
    dir: PathBuf,
    path: Option<PathBuf>,
    /// Whether the user named it, rather than a directory around it.
    named: bool,
}

#[cfg(test)]
mod canary;
#[cfg(test)]
mod tests;
