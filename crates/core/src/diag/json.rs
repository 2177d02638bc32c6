//! Diagnostics as JSON, for tools. The same masks apply as for people.

use serde_json::{Value, json};

use super::shown::clean;
use super::{Files, Label, Report, Severity};

/// The report as a list of `{severity, code, message, file, line, column, label, help: […], related: [{file, line, column, text}]}`.
/// Lines and columns count from 1; what has no place, or only a file, has nulls.
pub fn to_json(report: &Report, files: &Files) -> Value {
    report
        .iter()
        .map(|d| {
            let mut out = json!({
                "severity": match d.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Note => "note",
                },
                "code": d.code,
                "message": clean(files, &d.message),
                "file": null, "line": null, "column": null, "label": null,
                "help": d.help.iter().map(|text| clean(files, text)).collect::<Vec<_>>(),
                "related": d.secondary.iter().map(|label| place(files, label, "text")).collect::<Vec<_>>(),
            });
            if let (Some(label), Some(out)) = (&d.primary, out.as_object_mut())
                && let Value::Object(place) = place(files, label, "label")
            {
                out.extend(place);
            }
            out
        })
        .collect()
}

fn place(files: &Files, label: &Label, text: &str) -> Value {
    let at = files.locate(&label.place);
    json!({
        "file": clean(files, files.name(label.place.file())),
        "line": at.as_ref().map(|p| p.line),
        "column": at.as_ref().map(|p| p.column),
        text: clean(files, &label.text),
    })
}
