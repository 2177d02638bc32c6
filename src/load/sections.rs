//! Whether a document is one of ours: its top-level keys, and nothing below them.

use serde_json::{Map, Value};

use super::yaml;
use crate::diag::{Code, Diagnostic, FileId, Part, Place, Report, Route, suggest};

/// The sections of a text. `None` when it is not one of ours or cannot be read; the report says which. `named` files must be
/// ours, others may belong to someone else as long as they do not look like a slip of the pen.
pub(super) fn of(text: &str, file: FileId, named: bool, report: &mut Report) -> Option<Map<String, Value>> {
    let mut problems = Report::default();
    let value = yaml::parse_all(text, file, &mut problems);
    if !named && is_foreign(value.as_ref(), text) {
        report.push(skipped(file, "none of our sections is in it"));
        return None;
    }
    report.extend(problems);
    if let Some(what) = value.as_ref().and_then(whose) {
        report.push(not_ours(what, file));
        return None;
    }
    if let Some(output) = value.as_ref().and_then(output) {
        report.push(output.at(Place::File(file), ""));
        return None;
    }
    match value? {
        Value::Object(map) if map.is_empty() => report.push(skipped(file, "it is empty")),
        Value::Null => report.push(skipped(file, "it is empty")),
        Value::Object(map) => return Some(checked(map, file, named, report)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            report.push(not_a_mapping(file));
        }
    }
    None
}

/// Whether a text may have one of these sections at its top, by its lines alone.
pub(super) fn may_have(text: &[u8], sections: &[&str]) -> bool {
    let begins = |line: &[u8]| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let bare = line.strip_prefix(b"\"").or(line.strip_prefix(b"'")).unwrap_or(line);
        line.starts_with(b"{") || sections.iter().any(|section| bare.starts_with(section.as_bytes()))
    };
    text.split(|byte| *byte == b'\n').any(begins)
}

/// Keys that start like this are free for anchors and the like.
fn is_free(key: &str) -> bool {
    key.starts_with("x-")
}

fn is_near(key: &str) -> bool {
    suggest(key, SECTIONS.iter().copied()).is_some()
}

/// Whether no key at the top is one of ours or close to one. Of a text that is not YAML this cannot be told; then it is not.
fn is_foreign(value: Option<&Value>, text: &str) -> bool {
    match value {
        Some(Value::Object(map)) => !map.is_empty() && !map.keys().any(|key| is_near(key)),
        Some(Value::Array(_)) => true,
        Some(_) => false,
        // Other tools' files have tags and several documents, which are errors only in ours.
        None => yaml::index(text).top_keys().is_some_and(|keys| !keys.into_iter().any(is_near)),
    }
}

/// Of another tool's file that looks like ours at first, or was named: which tool's. All its keys together tell it; ours have
/// neither of them.
fn whose(value: &Value) -> Option<&'static str> {
    let has = |key: &str| value.get(key).is_some();
    let of_compose = |service: &Value| {
        service.get("type").is_none() && (service.get("image").is_some() || service.get("build").is_some())
    };
    let services = value.get("services").and_then(Value::as_object);
    if services.is_some_and(|services| services.values().any(of_compose)) {
        Some("a Compose file")
    } else if has("apiVersion") && has("kind") {
        Some("a Kubernetes manifest")
    } else if has("on") && has("jobs") {
        Some("a GitHub workflow")
    } else if value.get("groups").is_some_and(Value::is_array) {
        Some("a file of Prometheus rules")
    } else {
        None
    }
}

/// Of a file that this program wrote, but not to be read as definitions: what it is, and what it is for.
fn output(value: &Value) -> Option<Diagnostic> {
    let has = |key: &str| value.get(key).is_some();
    if !has("format_version") {
        return None;
    }
    let (what, help) = if has("seal") && has("fingerprints") {
        ("a saved plan", "write it with: librato-apply apply --plan FILE")
    } else if has("counts") || has("steps") || has("diagnostics") {
        (
            "a result that was printed as JSON",
            "give the files it was made from; a plan that is to be written is saved by `plan --out FILE`",
        )
    } else {
        return None;
    };
    Some(Diagnostic::error(Code::NoDefinitions, format!("this is {what}, not definitions")).help(help))
}

fn not_ours(what: &str, file: FileId) -> Diagnostic {
    Diagnostic::error(Code::ForeignFile, format!("this looks like {what}"))
        .at(Place::File(file), "")
        .help("keep definitions in a directory of their own, or list this file under `settings.exclude`")
}

/// Reports the keys that are no section, and leaves only those that are. In a file that was not named and has no section of ours,
/// only near misses count.
fn checked(
    mut map: Map<String, Value>,
    file: FileId,
    named: bool,
    report: &mut Report,
) -> Map<String, Value> {
    let ours = named || map.keys().any(|key| SECTIONS.contains(&key.as_str()));
    // A section without anything in it, whose objects may stand too far left.
    let mut empty: Option<&str> = None;
    for (key, value) in &map {
        if SECTIONS.contains(&key.as_str()) {
            empty = value.is_null().then_some(key);
        } else if !is_free(key) && (ours || is_near(key)) {
            report.push(unknown(key, empty, file));
        }
    }
    map.retain(|key, _| SECTIONS.contains(&key.as_str()));
    map
}

/// Reports and takes out what a file of tests cannot define, since plan and apply do not read it.
pub(super) fn only_tests(value: &mut Map<String, Value>, file: FileId, report: &mut Report) {
    value.retain(|key, _| {
        let fits = matches!(key.as_str(), "tests" | "vars");
        if !fits {
            let place = Place::Node { file, route: Route::root().key(key), part: Part::Key };
            let message = format!("`{key}` stands in a file of tests, which plan and apply do not read");
            let help = "a file *.test.yaml holds `tests` only: move this to a file of another name";
            report.push(Diagnostic::error(Code::MisplacedField, message).at(place, "").help(help));
        }
        fits
    });
}

fn unknown(key: &str, empty: Option<&str>, file: FileId) -> Diagnostic {
    let help = match (suggest(key, SECTIONS.iter().copied()), empty) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(section)) => format!("indent it below `{section}`"),
        (None, None) => {
            format!("the sections are {}; a key that starts with `x-` is free", SECTIONS.join(", "))
        }
    };
    let place = Place::Node { file, route: Route::root().key(key), part: Part::Key };
    Diagnostic::error(Code::UnknownSection, format!("there is no section `{key}`"))
        .at(place, "not a section")
        .help(help)
}

fn skipped(file: FileId, why: &str) -> Diagnostic {
    Diagnostic::note(Code::SkippedFile, format!("file skipped: {why}")).at(Place::File(file), "")
}

fn not_a_mapping(file: FileId) -> Diagnostic {
    let top = Place::Node { file, route: Route::root(), part: Part::Value };
    Diagnostic::error(Code::NotAMapping, "a document must be a mapping of sections")
        .at(top, "something else")
        .help(format!("the sections are {}", SECTIONS.join(", ")))
}

/// The sections a document may have at its top, in the order of the manual.
pub const SECTIONS: &[&str] = &[
    "settings",
    "vars",
    "defaults",
    "metrics",
    "composites",
    "annotations",
    "services",
    "alerts",
    "spaces",
    "tests",
];
