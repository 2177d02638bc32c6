//! Colours that are written without quotes, which YAML takes for a comment.

use serde_json::Value;

use crate::diag::{Code, Files, Part, Route};
use crate::model::check::Finding;
use crate::model::{Declared, Field, Resource};

/// Colours that YAML took for a comment, which would clear the colour instead of setting it.
pub(super) fn lost(body: &Value, declared: &Declared, files: &Files) -> Vec<Finding> {
    // Looking for the place reads the whole file again, so only for a reason.
    let blank = |object: Option<&Value>| object.and_then(|object| object.get("color")) == Some(&Value::Null);
    let streams = body.get("streams").and_then(Value::as_array).into_iter().flatten().enumerate();
    let streams = streams.filter(|(_, stream)| blank(Some(stream)));
    let of_stream = |(i, _)| Route::root().key("streams").index(i).key("color");
    let own = blank(body.get("attributes")) || clears_color(&declared.resource);
    let own = own.then(|| Route::root().key("attributes").key("color"));
    let routes = streams.map(of_stream).chain(own);
    routes.filter_map(|route| lost_color(route, declared, files)).collect()
}

/// Whether an object clears its colour, be it by what a reference stands for.
fn clears_color(object: &Resource) -> bool {
    match object {
        Resource::Metric(metric) => metric.attributes.color == Field::Null,
        Resource::Composite(composite) => composite.attributes.color == Field::Null,
        Resource::Alert(alert) => alert.attributes.others.get("color") == Some(&Value::Null),
        _ => false,
    }
}

fn lost_color(route: Route, declared: &Declared, files: &Files) -> Option<Finding> {
    let place = declared.origin.place(files, &route, Part::Value);
    let position = files.locate(&place)?;
    let rest = files.text(declared.origin.file).get(position.span.end..)?;
    // A value that is left blank is shown by its key.
    let comment = rest.lines().next()?.trim_start_matches([':', ' ', '"', '\'']);
    comment.starts_with('#').then(|| Finding {
        severity: crate::diag::Severity::Warning,
        code: Code::LostColor.name(),
        route,
        part: Part::Value,
        message: "this clears the colour, since `#` starts a comment in YAML".to_owned(),
        help: vec!["write it quoted, color: \"#52D74C\"; or only `null`, to clear it".to_owned()],
    })
}
