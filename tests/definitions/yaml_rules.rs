//! What our YAML means, scalar by scalar: a table, so that a new version of the YAML crate cannot change it unnoticed.

use librato_apply::diag::{Diagnostic, FileId, Files, Position};
use librato_apply::load::yaml;
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Value, Box<(Files, Diagnostic)>> {
    let mut files = Files::default();
    let file: FileId = files.add("t.yaml", text.to_owned(), yaml::index);
    yaml::parse(text, file).map_err(|d| Box::new((files, d)))
}

#[allow(clippy::expect_used)]
fn value(text: &str) -> Value {
    parse(text).map_err(|e| e.1.message).expect(text)
}

/// The code and all places, the first one first.
#[allow(clippy::expect_used)]
fn refused(text: &str) -> (&'static str, Vec<String>) {
    let (files, d) = *parse(text).map(|_| "accepted").expect_err(text);
    let places = d.primary.iter().chain(&d.secondary).filter_map(|label| files.locate(&label.place));
    (d.code, places.map(|Position { line, column, .. }| format!("{line}:{column}")).collect())
}

#[test]
fn scalars() {
    let table = [
        ("yes", json!("yes")),
        ("no", json!("no")),
        ("on", json!("on")),
        ("off", json!("off")),
        ("y", json!("y")),
        ("true", json!(true)),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("'true'", json!("true")),
        ("~", json!(null)),
        ("", json!(null)),
        ("null", json!(null)),
        ("NULL", json!(null)),
        ("''", json!("")),
        ("'5'", json!("5")),
        ("5", json!(5)),
        ("+5", json!(5)),
        ("-5", json!(-5)),
        ("-0", json!(0)),
        ("012", json!("012")),
        ("0755", json!("0755")),
        ("09", json!("09")),
        ("00", json!("00")),
        ("1_000", json!("1_000")),
        ("0o14", json!(12)),
        ("0x1F", json!(31)),
        ("0b11", json!(3)),
        ("1e3", json!(1000.0)),
        ("1.0", json!(1.0)),
        ("0.5", json!(0.5)),
        (".5", json!(0.5)),
        ("1e20", json!(1e20)),
        ("9007199254740993", json!(9_007_199_254_740_993_i64)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("=", json!("=")),
        ("<<", json!("<<")),
        ("12:30", json!("12:30")),
        ("2026-01-01", json!("2026-01-01")),
        ("10m", json!("10m")),
        ("Infinity", json!("Infinity")),
        ("!!str 5", json!("5")),
    ];
    for (written, meant) in table {
        let read = value(&format!("a: {written}"));
        assert_eq!(read["a"], meant, "{written}");
        assert_eq!(read["a"].is_f64(), meant.is_f64(), "{written}");
    }
}

#[test]
fn numbers_are_never_silently_wrong() {
    let beyond = ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"];
    for written in beyond.into_iter().chain(["1e400", ".inf", "-.inf", ".nan"]) {
        assert_eq!(
            refused(&format!("a:\n  b: {written}")),
            ("yaml-number", vec!["2:6".to_owned()]),
            "{written}"
        );
    }
}

#[test]
fn keys_become_text_as_written() {
    assert_eq!(value("1: x"), json!({"1": "x"}));
    assert_eq!(value("true: x"), json!({"true": "x"}));
    assert_eq!(value("null: x"), json!({"null": "x"}));
    assert_eq!(value("0x1F: x"), json!({"0x1F": "x"}));
    assert_eq!(value("1.50: x"), json!({"1.50": "x"}));
    assert_eq!(value("012: x"), json!({"012": "x"}));
    assert_eq!(refused("a: 1\n[a]: x").0, "yaml-key");
    assert_eq!(refused("? {a: b}\n: x").0, "yaml-key");
}

#[test]
fn repeated_keys_point_at_both_places() {
    let both = |again: &str, first: &str| ("repeated-key", vec![again.to_owned(), first.to_owned()]);
    assert_eq!(refused("alerts:\n  a: 1\n  b: 2\n  a: 3"), both("4:3", "2:3"));
    assert_eq!(refused("a: {b: 1, é: 2, b: 3}"), both("1:17", "1:5"));
    assert_eq!(refused("1: a\n\"1\": b"), both("2:1", "1:1"), "different to YAML, the same to JSON");
    assert_eq!(refused("1: a\n0x1: b").0, "repeated-key", "the same to YAML");
    assert_eq!(value("a: &a {b: 1}\nc: {<<: *a, b: 2}"), json!({"a": {"b": 1}, "c": {"b": 2}}));
}

#[test]
fn structure() {
    assert_eq!(value(""), json!(null));
    assert_eq!(value("# nothing\n"), json!(null));
    assert_eq!(value("---\na: 1\n...\n"), json!({"a": 1}));
    assert_eq!(value("\u{feff}a: 1"), json!({"a": 1}));
    assert_eq!(value("a: 1\r\nb: 2\r\n"), json!({"a": 1, "b": 2}));
    assert_eq!(
        value(r#"{"z": [1, 2.5, null, "x\/y"], "a": "é"}"#),
        json!({"z": [1, 2.5, null, "x/y"], "a": "é"})
    );
    let order: Vec<_> = value("z: 1\na: 2\nm: 3").as_object().unwrap().keys().cloned().collect();
    assert_eq!(order, ["z", "a", "m"]);
    assert_eq!(value("a: |\n  x\n  y\n")["a"], "x\ny\n");
    assert_eq!(
        value("a: &x {b: 1}\nc:\n  <<: [*x, {b: 2, e: 3}]\n  f: 4")["c"],
        json!({"b": 1, "e": 3, "f": 4})
    );
    assert_eq!(refused("a: 1\n---\nb: 2").0, "several-documents");
    assert_eq!(refused("a: *x"), ("unknown-anchor", vec!["1:4".to_owned()]));
    assert_eq!(refused("a: 1\nb: !env X").0, "yaml-tag");
    assert_eq!(refused("a: !!int x").0, "yaml-tag");
    assert_eq!(refused("<<: 1").0, "yaml-merge");
    assert_eq!(refused("a: &x [*x]").0, "yaml-bomb");
}

#[test]
fn broken_syntax_has_a_place() {
    for (text, place) in
        [("a:\n\tb: 1", "2:2"), ("a: b: c", "1:5"), ("a: [1, 2\nb: 3", "2:2"), ("a: 'x", "1:4")]
    {
        assert_eq!(refused(text), ("yaml-syntax", vec![place.to_owned()]), "{text}");
    }
}

#[test]
fn one_anchor_may_serve_a_thousand_alerts() {
    let mut text = "x-base: &base {rearm_seconds: 600}\nalerts:\n".to_owned();
    for i in 0..1000 {
        text.push_str(&format!("  a{i}: {{<<: *base}}\n"));
    }
    assert_eq!(value(&text)["alerts"]["a999"], json!({"rearm_seconds": 600}));
}

#[test]
fn bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..10 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        text.push_str(&format!("a{i}: &a{i} [{aliases}]\n"));
    }
    assert_eq!(refused(&text).0, "yaml-bomb");
    // Each level of aliases is shallow, all together are not.
    let mut text = "a0: &a0 [x]\n".to_owned();
    for i in 1..40 {
        text.push_str(&format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(30), i - 1, "]".repeat(30)));
    }
    assert_eq!(refused(&text).0, "yaml-bomb");
    for depth in [65, 200, 20_000] {
        assert_eq!(refused(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).0, "yaml-bomb");
    }
}
