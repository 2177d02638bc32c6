//! Where a path such as `alerts.conditions[0].duration` leads to in the format of the files, and what is near where it leads nowhere.

use librato_apply::diag::suggest;
use serde_json::Value;

use super::format::{Field, Format};
use crate::cli::exit::{Exit, Stop};

/// Where a field stands that was named without what it stands below, such as `for_each`: the first place.
pub fn alone(format: &Format<'_>, path: &str) -> Option<String> {
    let mut level = vec![(String::new(), format.field(format.root))];
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for (above, field) in &level {
            for (name, part) in format.fields(field) {
                let whole = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
                below.push((whole, format.field(part)));
            }
        }
        let ends = |whole: &String| whole.strip_suffix(path).is_some_and(|rest| rest.ends_with('.'));
        if let Some((whole, _)) = below.iter().find(|(whole, _)| ends(whole)) {
            return Some(whole.clone());
        }
        level = below;
    }
    None
}

/// How deep fields are looked for.
const DEPTH: usize = 4;

/// The steps of a path; items and names may be written out, as in `conditions[0].duration`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let steps = path.split('.').map(|step| step.split('[').next().unwrap_or(step));
    steps.filter(|step| !step.is_empty())
}

/// A field that a path leads to.
pub struct Found<'a> {
    pub field: Field<'a>,
    /// Whether it is required where it stands.
    pub required: bool,
    /// The path as the files have it.
    pub path: String,
}

/// Follows a path. One of several may be named in the singular: `alert.condition`.
pub fn find<'a>(format: &Format<'a>, path: &str) -> Result<Found<'a>, Stop> {
    let (mut here, mut required) = (format.field(format.root), false);
    let mut walked: Vec<&str> = Vec::new();
    for step in steps(path) {
        let fields = format.fields(&here);
        let called = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).copied();
        let Some((name, next)) = called(step).or_else(|| called(&format!("{step}s"))) else {
            return Err(unknown(step, &walked.join("."), &fields));
        };
        required = format.requires(&here, name);
        walked.push(name);
        here = format.field(next);
    }
    Ok(Found { field: here, required, path: walked.join(".") })
}

fn unknown(step: &str, walked: &str, fields: &[(&str, &Value)]) -> Stop {
    let names = || fields.iter().map(|(name, _)| *name);
    let whole = |name: &str| if walked.is_empty() { name.to_owned() } else { format!("{walked}.{name}") };
    let help = match suggest(step, names()) {
        Some(close) => format!("did you mean `{}`?", whole(close)),
        None if fields.is_empty() => "there are no fields below it".to_owned(),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let place = if walked.is_empty() { "a file".to_owned() } else { format!("`{walked}`") };
    Stop { exit: Exit::Error, message: format!("there is no field `{step}` in {place}"), help: vec![help] }
}
