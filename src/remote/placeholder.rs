//! The event by which an annotation stream is brought into being, since the API has no other way; it is deleted at once.
//! Knows how to recognise one. A stream that holds one was left unfinished by an interrupted run.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{ApiError, ReadApi, segment};
use crate::model::{Address, Declared, Desired, Intent, Resource, State};
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

/// Streams that shall exist and of which nothing more is asked.
pub(super) fn bare_streams(desired: &Desired) -> BTreeSet<Address> {
    let bare = |declared: &Declared| match &declared.resource {
        Resource::Annotation(stream) => stream.display_name.value().is_none_or(String::is_empty),
        _ => false,
    };
    let present =
        desired.objects.iter().filter(|(_, declared)| declared.intent == Intent::Present && bare(declared));
    present.map(|(address, _)| address.clone()).collect()
}

/// Streams that hold nothing but the event by which they were made: to the plan they do not exist yet.
pub(super) async fn unfinished(
    api: &impl ReadApi,
    state: &State,
    bare: &BTreeSet<Address>,
) -> Result<Vec<Address>, ApiError> {
    let nameless = |address: &&Address| match state.get(address) {
        Some(Resource::Annotation(stream)) => stream.display_name.value().is_none_or(String::is_empty),
        _ => false,
    };
    let look = |address: &Address| {
        let address = address.clone();
        async move {
            let found = placeholders(api, &format!("/annotations/{}", segment(&address.name))).await?;
            Ok((!found.is_empty()).then_some(address))
        }
    };
    let looks: Vec<Option<Address>> =
        stream::iter(bare.iter().filter(nameless).map(look)).buffered(8).try_collect().await?;
    Ok(looks.into_iter().flatten().collect())
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
