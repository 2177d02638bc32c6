//! Annotation streams, which come into being with their first event: a PUT that may need an event to be posted first.
//! Leaves no event behind that it made, not even one that an interrupted run left.

use serde_json::{Value, json};

use super::Run;
use crate::remote::{ApiError, Call, Method, WriteApi};
use crate::wire::lenient;

/// The title by which a placeholder is known.
const PLACEHOLDER: &str = "created by librato-apply";

/// How far back a placeholder of an interrupted run is looked for, in seconds: thirty days.
const LOOK_BACK: i64 = 30 * 24 * 3600;

impl<A: WriteApi> Run<'_, A> {
    /// Sends the PUT of a stream; where there is no such stream yet, makes it by an event that is deleted again.
    pub(super) async fn put_stream(&self, put: &Call) -> Result<(), String> {
        let result = match self.try_send(put).await {
            Err(error) if error.is_not_found() => self.make_stream(put).await,
            other => other.map(|_| ()),
        };
        match result {
            Ok(()) => self.remove_placeholders(&put.path).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn make_stream(&self, put: &Call) -> Result<(), ApiError> {
        let body = Some(json!({"title": PLACEHOLDER}));
        // A repeated event is found and removed like the first one.
        self.try_send(&Call { method: Method::Post, path: put.path.clone(), body }).await?;
        self.try_send(put).await.map(|_| ())
    }

    async fn remove_placeholders(&self, path: &str) -> Result<(), ApiError> {
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let start = i64::try_from(now).unwrap_or(i64::MAX) - LOOK_BACK;
        let stream = self.api.get(path, &[("start_time", start.to_string())]).await?;
        for id in placeholders(&stream["events"]) {
            self.try_send(&Call { method: Method::Delete, path: format!("{path}/{id}"), body: None }).await?;
        }
        Ok(())
    }
}

/// Ids of placeholders. Events come as a map by source, or as a list of such maps.
fn placeholders(events: &Value) -> Vec<u64> {
    match events {
        Value::Array(items) => items.iter().flat_map(placeholders).collect(),
        Value::Object(event) if event.get("title").is_some_and(|title| title == PLACEHOLDER) => {
            event.get("id").and_then(lenient::id).into_iter().collect()
        }
        Value::Object(by_source) => {
            by_source.values().filter(|v| v.is_array()).flat_map(placeholders).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_both_forms_of_the_answer() {
        let events = json!({"unassigned": [{"id": 1, "title": PLACEHOLDER}, {"id": 2, "title": "v1", "links": []}], "web": []});
        assert_eq!(placeholders(&events), [1]);
        assert_eq!(placeholders(&json!([events])), [1]);
        assert_eq!(placeholders(&Value::Null), [0; 0]);
    }
}
