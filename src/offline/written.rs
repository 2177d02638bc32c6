//! Values as YAML of one line, in words that our files read back as the same: what a test shows can be copied into it.

use serde::Serialize;
use serde_json::Value;

use crate::model::Moment;

/// Words that YAML, or some reader of it, takes for something else than text.
const RESERVED: &[&str] =
    &["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];

/// A value as YAML on one line.
pub fn flow(value: &impl Serialize) -> String {
    let mut out = String::new();
    // Only maps whose keys are no text cannot become JSON, and we have none.
    if let Ok(value) = serde_json::to_value(value) {
        write(&value, &mut out);
    }
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            for (i, (key, item)) in map.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "{ " });
                // A key is text, whatever it looks like.
                let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
                out.push_str(&if is_number { key.clone() } else { text(key) });
                out.push_str(": ");
                write(item, out);
            }
            out.push_str(" }");
        }
        Value::String(one) => out.push_str(&text(one)),
        other => out.push_str(&other.to_string()),
    }
}

fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.=-/".contains(c);
    let reserved = || RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain) && !reserved();
    let time = || {
        let is_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
        is_unit && Moment::parse(text).is_some_and(|moment| moment.to_string() == text)
    };
    if word || time() {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    // A reference is meant by no one.
    out.replace("${", "$${") + "\""
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diag::Files;
    use crate::load::yaml;

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        for (value, expected) in [
            (
                json!({"at": "3m30s", "streams": ["web1", "web-2.eu"]}),
                "{ at: 3m30s, streams: [web1, web-2.eu] }",
            ),
            (json!({"0": {"met": []}}), "{ 0: { met: [] } }"),
            (
                json!(["on", "No", "1", "1e3", "", "a,b", "a: b", "x#y", "é"]),
                r#"["on", "No", "1", "1e3", "", "a,b", "a: b", "x#y", "é"]"#,
            ),
            (
                json!(["region=eu", "host=a,region=eu", "\"\\\u{7}\u{85}"]),
                "[region=eu, \"host=a,region=eu\", \"\\\"\\\\\\u0007\\u0085\"]",
            ),
            (json!({}), "{}"),
        ] {
            let text = flow(&value);
            assert_eq!(text, expected);
            let file = Files::default().add("x", text.clone(), yaml::index);
            assert_eq!(yaml::parse(&text, file).unwrap(), value, "{text}");
        }
        assert_eq!(flow(&"${var.x}"), "\"$${var.x}\"");
    }
}
