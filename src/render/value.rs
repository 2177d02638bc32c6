//! A value on one line, as it could stand in a file; or, where it is long, as the lines that differ.
//! Control characters become visible: remote text must not steer a terminal.

use serde_json::Value;
use similar::group_diff_ops;

use super::lines::{edits, sign};
use crate::diag::{Route, Seg, printable};
use crate::model::Seconds;

/// Text longer than this, or of several lines, is shown as the difference of its lines.
const LONG: usize = 100;

/// Fields that hold seconds; people write `5m`.
pub const DURATIONS: [&str; 4] = ["duration", "period", "rearm_seconds", "source_lag"];

/// Fields whose texts are words of the API: no one takes them for a text of their own.
const WORDS: [&str; 6] =
    ["type", "operator", "summary_function", "group_function", "downsample_function", "split_axis"];

/// The value of a field in flow style, as the files write it.
pub fn inline(route: &Route, value: &Value) -> String {
    let segs = route.segs();
    // What people name themselves is no field of ours.
    let own = matches!(segs.first(), Some(Seg::Key(first)) if first == "attributes" || first == "settings");
    let field = segs.iter().rev().find_map(|seg| match seg {
        Seg::Key(key) if !own => Some(key.as_str()),
        _ => None,
    });
    flow(field.unwrap_or_default(), value)
}

fn flow(field: &str, value: &Value) -> String {
    match value {
        Value::String(text) if WORDS.contains(&field) && is_word(text) => text.clone(),
        Value::String(text) if field == "composite" => formula(text),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| flow(field, item)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let key = |key: &str| if is_word(key) { key.to_owned() } else { quoted(key) };
            let fields = map.iter().map(|(name, value)| format!("{}: {}", key(name), flow(name, value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(seconds), _) if DURATIONS.contains(&field) => Seconds(seconds).to_string(),
            // 800.0 and 800 are one number; people write the shorter.
            (_, Some(float)) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Nothing but letters, digits and signs that mean nothing in a file.
fn is_word(text: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._-/<>=".contains(c);
    !text.is_empty() && text.chars().all(harmless)
}

/// A text in quotes; definitions of composites are full of double ones.
fn quoted(text: &str) -> String {
    if text.contains('"') && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{}'", printable(text));
    }
    printable(&Value::String(text.to_owned()).to_string())
}

/// A composite of one line, without the line end of a block.
fn formula(text: &str) -> String {
    let line = text.trim();
    if line.contains(char::is_control) {
        return quoted(text);
    }
    if line.contains('\'') { printable(line) } else { format!("'{}'", printable(line)) }
}

/// Whether a change of this text is better shown line by line.
pub fn is_long(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| text.len() > LONG || text.trim_end().contains('\n'))
}

/// The lines of two texts that differ, with a few around them, each with its sign: ` `, `-` or `+`.
pub fn line_diff(before: &str, after: &str) -> Vec<(char, String)> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let mut lines = Vec::new();
    for (i, group) in group_diff_ops(edits(&old, &new), 2).iter().enumerate() {
        if i > 0 {
            lines.push((' ', "…".to_owned()));
        }
        for change in group.iter().flat_map(|op| op.iter_changes(&old[..], &new[..])) {
            lines.push((sign(&change), printable(change.value().trim_end_matches('\n'))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_on_one_line_as_in_a_file() {
        for (value, shown) in [
            (json!("Checkout time"), r#""Checkout time""#),
            (json!("slow"), r#""slow""#),
            (json!("https://wiki.example.org/slow"), r#""https://wiki.example.org/slow""#),
            (json!(""), r#""""#),
            (json!("5"), r#""5""#),
            (json!("true"), r#""true""#),
            (json!("a\nb"), r#""a\nb""#),
            (json!("s(\"a\", \"*\")"), r#"'s("a", "*")'"#),
            (json!(800.0), "800"),
            (json!(0.5), "0.5"),
            (json!({"type": "above", "values": ["a", 1]}), r#"{type: above, values: ["a", 1]}"#),
            (json!({"duration": 300, "metric_name": "web.ms"}), r#"{duration: 5m, metric_name: "web.ms"}"#),
            (json!({"composite": "s(\"a\", \"*\")\n"}), r#"{composite: 's("a", "*")'}"#),
            (json!({"a b": null}), r#"{"a b": null}"#),
        ] {
            assert_eq!(inline(&Route::root(), &value), shown);
        }
        let route = |keys: &[&str]| keys.iter().fold(Route::root(), |route, key| route.key(*key));
        assert_eq!(inline(&route(&["period"]), &json!(90)), "90s");
        assert_eq!(inline(&route(&["attributes", "period"]), &json!(90)), "90");
        assert_eq!(inline(&route(&["settings", "type"]), &json!("a")), r#""a""#);
        assert!(!inline(&Route::root(), &json!("\u{1b}[31m")).contains('\u{1b}'));
    }

    #[test]
    fn long_texts_show_only_the_lines_that_differ() {
        let before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
        let after = before.replace("four", "4");
        let lines: Vec<String> =
            line_diff(before, &after).into_iter().map(|(sign, text)| format!("{sign}{text}")).collect();
        assert_eq!(lines, [" two", " three", "-four", "+4", " five", " six"]);
    }
}
