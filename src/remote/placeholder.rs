//! The event by which an annotation stream is brought into being, since the API has no other way; it is deleted at once.
//! Knows how to recognise one. A stream that holds one was left unfinished by an interrupted run.

use serde_json::Value;

use super::{ApiError, ReadApi};
use crate::wire::lenient;

/// The title by which a placeholder is known.
pub const PLACEHOLDER: &str = "created by librato-apply";

/// How far back a placeholder of an interrupted run is looked for, in seconds: thirty days.
const LOOK_BACK: i64 = 30 * 24 * 3600;

/// The ids of the placeholders in the stream at `path`.
///
/// # Errors
/// As [`ReadApi::get`].
pub async fn placeholders(api: &impl ReadApi, path: &str) -> Result<Vec<u64>, ApiError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let start = i64::try_from(now).unwrap_or(i64::MAX) - LOOK_BACK;
    let stream = api.get(path, &[("start_time", start.to_string())]).await?;
    Ok(ids(&stream["events"]))
}

/// Events come as a map by source, or as a list of such maps.
fn ids(events: &Value) -> Vec<u64> {
    match events {
        Value::Array(items) => items.iter().flat_map(ids).collect(),
        Value::Object(event) if event.get("title").is_some_and(|title| title == PLACEHOLDER) => {
            event.get("id").and_then(lenient::id).into_iter().collect()
        }
        Value::Object(by_source) => by_source.values().filter(|v| v.is_array()).flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_are_found_in_both_forms_of_the_answer() {
        let events = json!({"unassigned": [{"id": 1, "title": PLACEHOLDER}, {"id": 2, "title": "v1", "links": []}], "web": []});
        assert_eq!(ids(&events), [1]);
        assert_eq!(ids(&json!([events])), [1]);
        assert_eq!(ids(&Value::Null), [0; 0]);
    }
}
