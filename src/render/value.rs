//! A value on one line, as it could stand in a file; or, where it is long, as the lines that differ.
//! Control characters become visible: remote text must not steer a terminal.

use serde_json::Value;
use similar::group_diff_ops;

use super::lines::{edits, sign};
use crate::diag::printable;

/// Text longer than this, or of several lines, is shown as the difference of its lines.
const LONG: usize = 100;

/// A value in flow style.
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{}: {}", word(key), inline(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Number(number) => match number.as_f64() {
            // 800.0 and 800 are one number; people write the shorter.
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Text bare where nobody could misread it, quoted where blanks, line ends or other meanings are in it.
fn word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || "._-/@*#%+".contains(c) || c == ' ' || c == ':')
        && text.trim() == text
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.starts_with(['-', '#', '*', '%', '@'])
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "~");
    match text {
        _ if plain => text.to_owned(),
        // Definitions of composites are full of double quotes.
        _ if text.contains('"') && !text.contains(|c: char| c == '\'' || c.is_control()) => {
            format!("'{}'", printable(text))
        }
        _ => printable(&Value::String(text.to_owned()).to_string()),
    }
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
            (json!("Checkout time"), "Checkout time"),
            (json!("https://wiki.example.org/slow"), "https://wiki.example.org/slow"),
            (json!(""), r#""""#),
            (json!("5"), r#""5""#),
            (json!("true"), r#""true""#),
            (json!("a\nb"), r#""a\nb""#),
            (json!("s(\"a\", \"*\")"), r#"'s("a", "*")'"#),
            (json!(800.0), "800"),
            (json!(0.5), "0.5"),
            (json!({"type": "above", "values": ["a", 1]}), "{type: above, values: [a, 1]}"),
        ] {
            assert_eq!(inline(&value), shown);
        }
        assert!(!inline(&json!("\u{1b}[31m")).contains('\u{1b}'));
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
