//! From a path or a stream to text: size limit and encoding. It does not look at what the text says.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path};

use super::yaml;
use crate::diag::{Code, Diagnostic, FileId, Files, Place, in_plain_words, printable, suggest};

/// The bytes of a file; `name` is how it is called in messages.
pub(super) fn file(path: &Path, name: &str) -> Result<Vec<u8>, Diagnostic> {
    let mut file = File::open(path).map_err(|e| failed(name, &e))?;
    all(&mut file, name)
}

/// All bytes of a stream, unless they are too many.
pub(super) fn all(stream: &mut dyn Read, name: &str) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = Vec::new();
    stream.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(|e| failed(name, &e))?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        let message = format!("`{name}` is larger than {} MiB", MAX_FILE_SIZE >> 20);
        return Err(Diagnostic::error(Code::FileTooLarge, message).help("split it into several files"));
    }
    Ok(bytes)
}

/// Keeps the bytes as a text of our own format.
pub(super) fn add(files: &mut Files, name: &str, bytes: Vec<u8>) -> Result<FileId, Diagnostic> {
    add_by(name, bytes, |text| files.add(name, text, yaml::index))
}

/// Keeps the bytes as text, by the function given. A byte order mark is dropped.
pub(super) fn add_by(
    name: &str,
    bytes: Vec<u8>,
    mut add: impl FnMut(String) -> FileId,
) -> Result<FileId, Diagnostic> {
    if is_utf16(&bytes) {
        return Err(Diagnostic::error(Code::NotUtf8, format!("`{name}` is written in UTF-16"))
            .help("save the file as UTF-8"));
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.remove(0);
            }
            Ok(add(text))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("`{name}` is not UTF-8 from byte {at} on");
            // Up to the first bad byte the replaced text is the same, so the place is right.
            let file = add(String::from_utf8_lossy(error.as_bytes()).into_owned());
            Err(Diagnostic::error(Code::NotUtf8, message)
                .at(Place::Bytes { file, span: at..at }, "the first byte that is not UTF-8")
                .help("save the file as UTF-8"))
        }
    }
}

/// The text of the file at `path`, which must lie below `dir` once links are followed: a definition must not reach
/// for the rest of the machine.
///
/// # Errors
/// In words, for people.
pub fn read_below(dir: &Path, path: &str) -> Result<String, String> {
    let relative = Path::new(path);
    let steps_up = |c: Component<'_>| !matches!(c, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || relative.components().any(steps_up) {
        return Err("the path must be relative and must not step up".into());
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let home = dir.canonicalize().map_err(|error| error.kind().to_string())?;
    let missing = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        kind => kind.to_string(),
    };
    let target = home.join(relative).canonicalize().map_err(missing)?;
    if !target.starts_with(&home) {
        return Err("a link leads out of the directory".into());
    }
    if !target.is_file() {
        return Err("it is not a file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(&target).map_err(|error| error.kind().to_string())?;
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(|error| error.kind().to_string())?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())
}

/// By its mark, or by the zero in one half of its first character.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..])
}

/// A file that exists and may be meant by a path that does not: the same with an ending, or nearly so.
fn beside(name: &str) -> Option<String> {
    let path = Path::new(name);
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name()?.to_str()?;
    let listed = std::fs::read_dir(dir).ok()?.flatten().take(MOST_LISTED);
    let names: Vec<String> = listed.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let stem =
        |name: &str| name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).unwrap_or(name).to_owned();
    let same = names.iter().find(|name| stem(name) == stem(wanted)).map(String::as_str);
    let close = same.or_else(|| suggest(wanted, names.iter().map(String::as_str)))?;
    let whole = path.with_file_name(close);
    Some(printable(&whole.display().to_string()))
}

/// How many files of a directory are looked at for one that may be meant.
const MOST_LISTED: usize = 1000;

fn failed(name: &str, error: &std::io::Error) -> Diagnostic {
    match error.kind() {
        ErrorKind::NotFound => {
            let wrong = Diagnostic::error(Code::NotFound, format!("`{name}` does not exist"));
            match beside(name) {
                Some(close) => wrong.help(format!("did you mean `{close}`?")),
                None => wrong,
            }
        }
        _ => Diagnostic::error(Code::Unreadable, format!("cannot read `{name}`: {}", in_plain_words(error))),
    }
}

/// The largest file that is read, in bytes: 32 MiB.
pub const MAX_FILE_SIZE: u64 = 32 << 20;
