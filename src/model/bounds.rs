//! How long texts and lists may be, and an object as a whole: what the built-in server takes, known before anything is sent.
//! Looks at values as they are written, and not at what a kind makes of them.

use serde_json::Value;

use super::Kind;
use super::check::Checker;
use crate::diag::{Code, Route};

/// The longest text, in bytes.
const TEXT: usize = 65_536;
/// The longest list, and the most keys of a map.
const LIST: usize = 1_000;
/// The largest object, as JSON, in bytes.
const WHOLE: usize = 262_144;
/// The longest display name, in characters.
const NAME: usize = 255;

/// Reports what is too long in the fields of an object.
pub fn check(kind: Kind, fields: &Value, found: &mut Checker<'_>) {
    let mut bytes = 0;
    for (key, value) in fields.as_object().into_iter().flatten() {
        // Charts are objects of their own.
        if kind == Kind::Space && key == "charts" {
            continue;
        }
        bytes += key.len() + size(value);
        // Places are worked out for what is reported only.
        if !fits(value) {
            walk(value, &Route::root().key(key), found);
        }
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if key == "display_name" && (NAME + 1..=TEXT).contains(&length) {
            let message = format!("a display name has at most {NAME} characters, this one has {length}");
            let finding = found.error(Route::root().key(key), Code::TooLong, message);
            finding.help("what is longer belongs into `description`");
        }
    }
    if bytes > WHOLE {
        let message = format!("this takes {bytes} bytes as JSON, and an object takes at most {WHOLE}");
        found
            .error(Route::root(), Code::TooLarge, message)
            .help("shorten its texts, or divide it into several objects");
    }
}

/// The bytes that a value takes as JSON, at least.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 2 + text.len(),
        Value::Array(items) => items.iter().map(|item| 1 + size(item)).sum(),
        Value::Object(map) => map.iter().map(|(key, item)| 4 + key.len() + size(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

fn fits(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= TEXT,
        Value::Array(items) => items.len() <= LIST && items.iter().all(fits),
        Value::Object(map) => map.len() <= LIST && map.values().all(fits),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn walk(value: &Value, here: &Route, found: &mut Checker<'_>) {
    match value {
        Value::String(text) => {
            if text.len() > TEXT {
                let message = format!("a text has at most {TEXT} bytes, this one has {}", text.len());
                found
                    .error(here.clone(), Code::TooLong, message)
                    .help("keep the long version elsewhere and write where it is to be found");
            }
        }
        Value::Array(items) => {
            few(items.len(), here, found);
            items.iter().enumerate().for_each(|(i, item)| walk(item, &here.index(i), found));
        }
        Value::Object(map) => {
            few(map.len(), here, found);
            map.iter().for_each(|(key, item)| walk(item, &here.key(key), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn few(items: usize, here: &Route, found: &mut Checker<'_>) {
    if items > LIST {
        let message = format!("a list has at most {LIST} items, this one has {items}");
        found.error(here.clone(), Code::TooMany, message).help("divide the object into several");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(kind: Kind, fields: &Value) -> Vec<(&'static str, String)> {
        let mut checker = Checker::new("x");
        check(kind, fields, &mut checker);
        checker.into_findings().into_iter().map(|one| (one.code, one.route.to_string())).collect()
    }

    #[test]
    fn what_is_too_long_is_found_where_it_stands() {
        let at_most = json!({
            "description": "x".repeat(TEXT), "display_name": "ü".repeat(NAME), "conditions": vec![0; LIST]
        });
        assert_eq!(found(Kind::Alert, &at_most), []);
        let more = json!({
            "description": "x".repeat(TEXT + 1), "display_name": "x".repeat(NAME + 1),
            "conditions": vec![0; LIST + 1], "attributes": {"a": ["x".repeat(TEXT + 1)]}
        });
        let expected = [
            ("too-long", "description"),
            ("too-long", "display_name"),
            ("too-many", "conditions"),
            ("too-long", "attributes.a[0]"),
        ];
        let found_more = found(Kind::Alert, &more);
        assert_eq!(found_more.iter().map(|(c, r)| (*c, r.as_str())).collect::<Vec<_>>(), expected);
        let charts = json!({"charts": vec!["x".repeat(TEXT); 5]});
        assert_eq!(found(Kind::Space, &charts), []);
        assert_eq!(found(Kind::Alert, &charts), [("too-large", String::new())]);
    }
}
