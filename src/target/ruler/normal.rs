//! When two rules say the same: blanks outside quotes, the spelling of durations and the order of keys do not count. Digests of rules and
//! groups by that form, so that what was seen and what was rendered are known again.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::prometheus::{DEFINITION, comment_of};
use crate::remote::ruler::Group;

/// A rule in that form, without its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Normal {
    /// What is judged: the expression and how long it must hold.
    pub judged: BTreeMap<String, Value>,
    /// What people and routes see of it: labels, annotations, and keys that are not known here.
    pub dressed: BTreeMap<String, Value>,
}

impl Normal {
    /// Of a rule as a ruler gives it, or as it is rendered.
    pub fn of(rule: &Value) -> Self {
        let mut dressed = BTreeMap::new();
        let mut judged = BTreeMap::from([("expr".to_owned(), json!(""))]);
        for (key, value) in rule.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("alert" | "record", _) => {}
                ("expr", value) => {
                    let (_, expr) = comment_of(value.as_str().unwrap_or_default());
                    judged.insert(key.clone(), collapsed(expr).into());
                }
                ("for" | "keep_firing_for", value) => {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let spelt = milliseconds(&text).map_or_else(|| value.clone(), Value::from);
                    if spelt != json!(0) {
                        judged.insert(key.clone(), spelt);
                    }
                }
                ("labels" | "annotations", Value::Object(pairs)) => {
                    let pairs = pairs.iter().filter(|(name, _)| *name != DEFINITION);
                    dressed.extend(pairs.map(|(name, value)| (format!("{key}.{name}"), value.clone())));
                }
                (_, Value::Null) => {}
                _ => _ = dressed.insert(key.clone(), value.clone()),
            }
        }
        Self { judged, dressed }
    }

    /// The digests of both halves, by which it is told which of them someone has edited.
    pub fn digest(&self) -> String {
        format!("{}.{}", digest(&json!(self.judged)), digest(&json!(self.dressed)))
    }
}

/// The digest of a group as it stands there.
pub fn digest_of_group(group: &Group) -> String {
    let rule = |rule: &Value| {
        let Normal { judged, dressed } = Normal::of(rule);
        let text = definition_text(rule).unwrap_or_default();
        json!([rule["alert"], rule["record"], judged, dressed, text])
    };
    let rules: Vec<Value> =
        group.get("rules").and_then(Value::as_array).into_iter().flatten().map(rule).collect();
    let keys: Map<String, Value> = group
        .iter()
        .filter(|(key, value)| *key != "rules" && !value.is_null())
        .map(|(key, value)| (key.clone(), spelt_duration(value)))
        .collect();
    let keys: BTreeMap<String, Value> = keys.into_iter().collect();
    digest(&json!([keys, rules]))
}

fn spelt_duration(value: &Value) -> Value {
    value.as_str().and_then(milliseconds).map_or_else(|| value.clone(), Value::from)
}

/// The text of the definition that a rule carries.
pub fn definition_text(rule: &Value) -> Option<&str> {
    match rule.get("record") {
        Some(_) => comment_of(rule["expr"].as_str()?).0,
        None => rule["annotations"].get(DEFINITION)?.as_str(),
    }
}

/// A short digest.
pub fn digest(value: &Value) -> String {
    let mut text = hex::encode(Sha256::digest(value.to_string()));
    text.truncate(16);
    text
}

/// An expression with one blank for each run of them, and none at its ends; what stands in quotes is left alone.
pub fn collapsed(expr: &str) -> String {
    let mut out = String::with_capacity(expr.len());
    let (mut quote, mut escaped) = (None, false);
    for c in expr.trim().chars() {
        match quote {
            None if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
                continue;
            }
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            Some(end) if c == end && !escaped => quote = None,
            _ => {}
        }
        escaped = quote.is_some_and(|quote| quote != '`') && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

/// A duration as Prometheus writes it, such as `1h30m`.
pub fn milliseconds(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("ms", 1),
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ];
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total) = (text, 0_u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, size) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        total = total.checked_add(count.checked_mul(*size)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_count_inside_quotes_only() {
        assert_eq!(collapsed(" a{b=\"c  d\"}\n  and\ty "), "a{b=\"c  d\"} and y");
        assert_eq!(collapsed("a{b='\\'  x'}   > 1"), "a{b='\\'  x'} > 1");
        assert_eq!(collapsed("a{b=`\\`}   > 1"), "a{b=`\\`} > 1");
    }

    #[test]
    fn durations_are_the_same_however_they_are_spelt() {
        for (text, value) in [
            ("180s", Some(180_000)),
            ("3m", Some(180_000)),
            ("1h30m", Some(5_400_000)),
            ("5ms", Some(5)),
            ("0", Some(0)),
            ("", None),
            ("3", None),
            ("x", None),
            ("1d2", None),
        ] {
            assert_eq!(milliseconds(text), value, "{text}");
        }
    }

    #[test]
    fn rules_are_the_same_in_whatever_spelling_they_come_back() {
        let ours = json!({"alert": "a", "expr": "x > 1\nand y", "for": "180s", "labels": {"b": "1", "a": "2"},
            "annotations": {"librato_definition": "{}", "summary": "s"}});
        let theirs = json!({"alert": "a", "expr": "x > 1 and y", "for": "3m", "labels": {"a": "2", "b": "1"},
            "annotations": {"summary": "s"}, "keep_firing_for": "0s"});
        assert_eq!(Normal::of(&ours), Normal::of(&theirs));
        let mut edited = theirs;
        edited["expr"] = json!("x > 2 and y");
        let digests = [&ours, &edited].map(|rule| Normal::of(rule).digest());
        let halves = digests.each_ref().map(|digest| digest.split_once('.').unwrap());
        assert!(halves[0].0 != halves[1].0 && halves[0].1 == halves[1].1);
    }
}
