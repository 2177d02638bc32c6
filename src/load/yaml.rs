//! From YAML text to JSON values; positions are the business of `positions`.
//! It knows nothing of files on disk or of our sections, and never repeats a scalar of the text in a message: it may be a secret.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_yaml::granit_parser::{Event, Parser, ScalarStyle};
use serde_yaml::options::DuplicateKeyPolicy;

use super::escaped::Escaped;
pub use super::positions::index;
use super::yaml_error::{BAD_NUMBER, REPEATED};
use super::{everyday, merges, yaml_error};
use crate::diag::{Diagnostic, FileId, Report};

/// Nesting beyond this, aliases included, is refused. Our own documents need about ten levels; the parser recurses, and a hundred
/// levels of it fill the 2 MiB stack of a thread in a debug build.
const MAX_DEPTH: usize = 64;

/// Reads one document. An empty one is null; keys keep their order; aliases and merges are resolved; scalars that are keys become
/// their text.
///
/// # Errors
/// The first problem: broken syntax (`yaml-syntax`), a key written twice (`repeated-key`), a second document
/// (`several-documents`), and what else the YAML of this program may not contain.
pub fn parse(text: &str, file: FileId) -> Result<Value, Diagnostic> {
    if let Some(value) = everyday::read(text) {
        return Ok(value);
    }
    if let Some(span) = merges::too_much(text) {
        return Err(yaml_error::too_large(file, span));
    }
    let value = read(text, DuplicateKeyPolicy::Error).map_err(|e| yaml_error::diagnose(&e, text, file))?;
    lossless(&value, text, file)?;
    Ok(value)
}

/// Like [`parse`], but reports every repeated key of the text and reads on with the first of each, so that one run can show what
/// else is wrong. The value is missing when nothing could be read.
pub(super) fn parse_all(text: &str, file: FileId, report: &mut Report) -> Option<Value> {
    let problem = match parse(text, file) {
        Ok(value) => return Some(value),
        Err(problem) => problem,
    };
    if problem.code != yaml_error::REPEATED_KEY {
        report.push(problem);
        return None;
    }
    let repeated = index(text).repeated();
    if repeated.is_empty() {
        report.push(problem);
    }
    for repeated in &repeated {
        report.push(yaml_error::repeated_key(repeated, file));
    }
    read(text, DuplicateKeyPolicy::FirstWins).ok()
}

/// Writes a value as YAML that every reader understands alike: blocks for texts of several lines, quotes where another
/// reader would see something else than text, escapes for what no one sees, no folding.
///
/// # Errors
/// Where the value cannot be written, as with a number that is none.
pub fn write(value: &Value) -> Result<String, String> {
    let options = serde_yaml::ser_options! { folded_wrap_chars: 100_000, min_fold_chars: 100_000, compact_list_indent: false };
    let write = |value| serde_yaml::to_string_with_options(value, options).map_err(|error| error.to_string());
    match Escaped::of(value) {
        Some(escaped) => Ok(escaped.put_back(&write(&escaped.value)?)),
        None => write(value),
    }
}

fn read(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Value, serde_yaml::Error> {
    let options = serde_yaml::options! {
        // Generous enough for the largest file we read; a bomb of aliases ends here.
        budget: serde_yaml::budget! {
            max_nodes: 5_000_000,
            max_events: 20_000_000,
            max_total_scalar_bytes: 256 << 20,
            max_depth: MAX_DEPTH,
            // One anchor with common fields and a thousand alerts that merge it is good style, not an attack.
            max_aliases: 1_000_000,
            max_anchors: 1_000_000,
            max_merge_keys: 1_000_000,
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: duplicate_keys,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options::<Node>(text, options).map(|node| node.0)
}

/// What a text means to the whole of YAML.
#[cfg(any(test, fuzzing))]
pub(super) fn whole(text: &str) -> Result<Value, serde_yaml::Error> {
    read(text, DuplicateKeyPolicy::Error)
}

/// The parser reads an integer beyond 64 bits as a float and so loses digits; nothing that is written may change on the way.
fn lossless(value: &Value, text: &str, file: FileId) -> Result<(), Diagnostic> {
    if !has_huge(value) {
        return Ok(());
    }
    for event in Parser::new_from_str(text) {
        let Ok((Event::Scalar(value, ScalarStyle::Plain, ..), span)) = event else { continue };
        let digits = value.trim_start_matches(['-', '+']);
        let integer =
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if integer && value.parse::<i64>().is_err() && value.parse::<u64>().is_err() {
            return Err(yaml_error::bad_number(file, span.byte_range().unwrap_or_default()));
        }
    }
    Ok(())
}

fn has_huge(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.is_f64() && n.as_f64().is_some_and(|f| f.abs() >= 9.0e18),
        Value::Array(items) => items.iter().any(has_huge),
        Value::Object(map) => map.values().any(has_huge),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// A JSON value read strictly: no key twice (also not as `1` and `"1"`), no number that JSON cannot hold.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Node)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom(BAD_NUMBER))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Node(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(KeyText(key)) = map.next_key()? {
            let Node(value) = map.next_value()?;
            if out.insert(key, value).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(out))
    }
}

/// A key as it is written; JSON has no keys but text.
struct KeyText(String);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(KeyVisitor).map(KeyText)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_none<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    /// Asking for a string keeps `0x1F` and `1.50` as they are written.
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::{Code, Diagnostic, Files, Part, Place, Report, Route};

    /// What is found in the text at a route: the text of the place, and whether the node itself is there.
    fn found(text: &str, route: &Route, part: Part) -> (String, bool) {
        let mut files = Files::default();
        let file = files.add("t.yaml", text.to_owned(), super::index);
        let at = files.locate(&Place::Node { file, route: route.clone(), part }).map(|p| p.span);
        (text[at.unwrap_or_default()].to_owned(), files.contains(file, route))
    }

    #[test]
    fn routes_lead_to_keys_and_values() {
        let text = "alerts:\n  web.slow:\n    conditions:\n      - {type: above, \"é\": 'x y'}\n      - absent\n    note:\n    long: |\n      a\n      b\n\nspaces: {}\n";
        let alert = Route::root().key("alerts").key("web.slow");
        let condition = alert.key("conditions").index(0);
        let value = |route: &Route| found(text, route, Part::Value);
        let key = |route: &Route| found(text, route, Part::Key);
        assert_eq!(value(&condition.key("type")), ("above".into(), true));
        assert_eq!(key(&condition.key("é")), ("\"é\"".into(), true));
        assert_eq!(value(&condition.key("é")), ("'x y'".into(), true));
        assert_eq!(value(&alert.key("conditions").index(1)), ("absent".into(), true));
        assert_eq!(value(&alert.key("long")), ("a\n      b".into(), true));
        assert_eq!(value(&alert.key("note")), ("note".into(), true), "blank: the key");
        assert_eq!(value(&alert), ("web.slow".into(), true), "a block: its key");
        assert_eq!(
            value(&alert.key("nothing").index(3)),
            ("web.slow".into(), false),
            "the nearest that is written"
        );
        assert_eq!(value(&Route::root().key("spaces")), ("{}".into(), true), "a flow collection: itself");
        assert_eq!(found("", &alert, Part::Value), (String::new(), false));
    }

    #[test]
    fn routes_go_through_aliases_and_merges() {
        let text = "x-a: &a {threshold: 5}\nx-b: &b\n  <<: *a\n  type: above\none: *a\ntwo:\n  <<: [*b, {source: web}]\n  type: below\nself: &s {<<: *s}\n";
        let value = |route: Route| found(text, &route, Part::Value);
        assert_eq!(value(Route::root().key("one").key("threshold")), ("5".into(), true));
        assert_eq!(value(Route::root().key("two").key("threshold")), ("5".into(), true));
        assert_eq!(value(Route::root().key("two").key("source")), ("web".into(), true));
        assert_eq!(
            value(Route::root().key("two").key("type")),
            ("below".into(), true),
            "what is written wins"
        );
        assert_eq!(value(Route::root().key("one")), ("*a".into(), true));
        assert_eq!(value(Route::root().key("self").key("x")), ("self".into(), false));
    }

    #[test]
    fn reports_are_sorted_by_place() {
        let mut files = Files::default();
        let [first, second] = ["a", "b"].map(|name| files.add(name, "k: v\nl: w\n".to_owned(), super::index));
        let at = |file, key: &str| Place::Node { file, route: Route::root().key(key), part: Part::Key };
        let mut report = Report::default();
        report.push(Diagnostic::error(Code::UnknownField, "5").at(at(second, "k"), ""));
        report.push(Diagnostic::error(Code::UnknownField, "4").at(at(first, "l"), ""));
        report.push(Diagnostic::note(Code::UnknownField, "3").at(at(first, "k"), ""));
        report.push(Diagnostic::error(Code::UnknownField, "2").at(at(first, "k"), ""));
        report.push(Diagnostic::error(Code::UnknownField, "1"));
        report.sort(&files);
        assert_eq!(report.iter().map(|d| d.message.as_str()).collect::<String>(), "12345");
        assert_eq!((report.errors(), report.warnings(), report.has_errors()), (4, 0, true));
    }
}
