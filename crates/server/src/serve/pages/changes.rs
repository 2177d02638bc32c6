//! Who changed what: the audit trail, newest first, each change with what it made different.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, heading, page};
use super::parts::{ROWS, filter, nothing, pager, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::times::Clock;
use super::visit::Visit;

const PATH: &str = "/ui/changes";

/// Words of the address that narrow the list; the first has a field.
const FILTERS: [&str; 3] = ["name", "kind", "user"];

/// Characters of a value that are shown.
const LONGEST: usize = 120;

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let length = ROWS.to_string();
    let mut asked = vec![("sort", "desc"), ("length", &length), ("offset", visit.params.text("offset"))];
    asked.extend(FILTERS.map(|name| (name, visit.params.text(name))));
    asked.retain(|(_, value)| !value.is_empty());
    let found = pages.api().get(visit, &query("/v1/audit", &asked)).await?;
    let rows: Vec<Vec<Markup>> =
        items(&found, "audit").iter().map(|entry| row(&visit.clock, entry)).collect();
    let content = html! {
        (heading("Changes", &html! { "of definitions, and of silences; kept for 90 days" }, &filter(visit, PATH, "name", "Name has")))
        @if rows.is_empty() { (nothing(&html! { "No change is known." })) }
        @else {
            section.card { (table("Changes", &["When", "By", "What", "Different"], &rows)) }
            (pager(visit, PATH, &found))
        }
    };
    Ok(page(visit, Here::Health, "Changes", &content))
}

fn row(clock: &Clock, entry: &Value) -> Vec<Markup> {
    let time = whole(entry, "time").unwrap_or_default();
    vec![
        html! { (clock.when(time)) br; span.muted { (clock.ago(time)) } },
        html! { (Text(text(entry, "user"))) br; span.muted { (Text(text(entry, "address"))) } },
        html! { (Text(text(entry, "action"))) " " (Text(text(entry, "kind"))) " " strong { (Text(text(entry, "name"))) } },
        html! {
            @for (field, before, after) in different(&entry["before"], &entry["after"]) {
                div { (Text(&field)) ": " (Text(&before)) " → " (Text(&after)) }
            }
        },
    ]
}

/// The places that are not as before, where both are known: their paths and both values.
fn different(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    if !before.is_null() && !after.is_null() {
        differences("", Some(before), Some(after), &mut found);
    }
    found
}

fn differences(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<(String, String, String)>,
) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names.into_iter().filter(|name| *name != "updated_at") {
                differences(&below(name), old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                differences(&below(&at.to_string()), old.get(at), new.get(at), found);
            }
        }
        // What is not said is as good as nothing.
        _ if before.unwrap_or(&Value::Null) == after.unwrap_or(&Value::Null) => {}
        _ => found.push((path.to_owned(), short(before), short(after))),
    }
}

fn short(value: Option<&Value>) -> String {
    let whole = match value {
        None | Some(Value::Null) => return "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut shown: String = whole.chars().take(LONGEST).collect();
    if shown.len() < whole.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_changed_are_named_with_both_values() {
        let old = json!({ "a": [{ "id": 1, "threshold": 800 }], "b": "x", "c": null, "updated_at": 1 });
        let new = json!({ "a": [{ "id": 1, "threshold": 500 }, 3], "b": "x", "d": ["y"], "updated_at": 2 });
        let shown: Vec<String> = different(&old, &new)
            .into_iter()
            .map(|(name, before, after)| format!("{name} {before} {after}"))
            .collect();
        assert_eq!(shown, ["a.0.threshold 800 500", "a.1 none 3", "d none [\"y\"]"]);
        assert!(different(&Value::Null, &new).is_empty(), "a creation says it by its name");
        let long = json!({ "a": "ü".repeat(500) });
        assert_eq!(different(&json!({ "a": 1 }), &long)[0].2.chars().count(), LONGEST + 1);
    }
}
