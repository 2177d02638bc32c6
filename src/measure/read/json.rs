//! A measurement as one line of JSON.

use super::draft::Draft;
use crate::measure::Measurement;

pub(super) fn read(line: &str) -> Result<Measurement, String> {
    if line.starts_with('[') {
        return Err("this begins a list: write one object a line, as `jq -c '.[]'` does".to_owned());
    }
    let draft: Draft = serde_json::from_str(line).map_err(|error| problem(&error))?;
    draft.finish()
}

/// Every line is line 1 to the parser; only the column helps.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} (column {})", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}
