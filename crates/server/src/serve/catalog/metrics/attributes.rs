//! The `attributes` of a metric: which values each accepts and in what form it is kept. Pure.

use serde_json::{Value, json};

use crate::serve::http::fields::{boolean, number};

/// Every attribute the API documents. Update-many takes them at top level too.
pub const KNOWN: &[&str] = &[
    "color",
    "display_max",
    "display_min",
    "display_units_long",
    "display_units_short",
    "display_stacked",
    "display_transform",
    "summarize_function",
    "aggregate",
    "gap_detection",
];

/// Set by the server from the `User-Agent` that made the metric; writes to it are ignored.
pub const CREATED_BY: &str = "created_by_ua";

/// Attributes that counters do not have; a change to many metrics at once skips them there.
pub fn is_gauge_only(name: &str) -> bool {
    matches!(name, "summarize_function" | "aggregate")
}

/// The value to keep. Numbers given as text stay text, since the API echoes them in the type they were sent in.
pub fn check(name: &str, value: &Value) -> Result<Value, &'static str> {
    let kept = || value.clone();
    match name {
        "color" => is_color(value).then(kept).ok_or("must be a color such as #52D74C"),
        "display_max" | "display_min" if is_blank(value) => Ok(kept()),
        "display_max" | "display_min" => number(value).map(|_| kept()),
        "display_units_long" | "display_units_short" => value.is_string().then(kept).ok_or("is not a string"),
        "display_stacked" | "aggregate" | "gap_detection" => boolean(value).map(|flag| json!(flag)),
        "display_transform" => is_formula(value).then(kept).ok_or("is not a valid formula"),
        "summarize_function" => {
            let known = ["average", "sum", "count", "min", "max"];
            let valid = value.as_str().is_some_and(|text| known.contains(&text));
            valid.then(kept).ok_or("is not one of: average, sum, count, min, max")
        }
        _ => Ok(kept()),
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn is_color(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let hex = |digits: &str| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.is_empty() || text.strip_prefix('#').is_some_and(hex)
}

/// The alphabet is documented as `[\dxp()*+-\/ ]`, in which `+-\/` is a range that admits `,` and `.` as well.
fn is_formula(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit() || b"xp()*+,-./ ".contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_kept() {
        let good = [
            ("color", json!("#52D74C"), json!("#52D74C")),
            ("color", json!(""), json!("")),
            ("display_max", json!("100"), json!("100")),
            ("display_min", json!(0), json!(0)),
            ("display_stacked", json!("false"), json!(false)),
            ("display_transform", json!("x/p*1.5"), json!("x/p*1.5")),
            ("summarize_function", json!("sum"), json!("sum")),
            ("anything_else", json!({"a": [1]}), json!({"a": [1]})),
        ];
        for (name, sent, kept) in good {
            assert_eq!(check(name, &sent), Ok(kept), "{name}");
        }
        let bad = [
            ("color", json!("red")),
            ("display_max", json!("tall")),
            ("display_units_long", json!(5)),
            ("aggregate", json!("maybe")),
            ("display_transform", json!("system(x)")),
            ("summarize_function", json!("mean")),
        ];
        for (name, sent) in bad {
            assert!(check(name, &sent).is_err(), "{name} {sent}");
        }
    }
}
