//! The everyday part of YAML, which is nearly all that is ever written: one document of lists, maps and scalars that are text, plain
//! numbers, booleans or blank. Read straight from the parser's events. Knows where it ends: all else, mistakes included, is left
//! to the whole of YAML.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};
use serde_yaml::granit_parser::{Event, Parser, ScalarStyle};

/// How deep it goes; well below what is refused.
const DEPTH: usize = 32;

/// How many nodes it takes; well below what is refused.
const NODES: usize = 1_000_000;

/// The value of a text. `None` where the text holds anything that takes more to be understood, or to be refused.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut reading = Reading::default();
    let (mut begun, mut nodes) = (false, 0);
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        nodes += 1;
        match event {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if !begun => begun = true,
            Event::Scalar(text, style, 0, None) => reading.scalar(text, style)?,
            Event::MappingStart(_, 0, None) => reading.begin(true),
            Event::SequenceStart(_, 0, None) => reading.begin(false),
            Event::MappingEnd | Event::SequenceEnd => reading.end()?,
            Event::StreamEnd => return reading.done,
            // Anchors, tags, aliases, a second document.
            _ => return None,
        }
        if reading.open.len() > DEPTH || nodes > NODES {
            return None;
        }
    }
    None
}

#[derive(Default)]
struct Reading {
    open: Vec<Open>,
    /// Of all that is open, in the order of the text: what is done is made of them in its exact size.
    keys: Vec<String>,
    values: Vec<Value>,
    /// The whole document.
    done: Option<Value>,
}

/// A list or map whose end was not seen yet, and where its keys and values begin.
struct Open {
    map: bool,
    keys: usize,
    values: usize,
}

impl Reading {
    fn begin(&mut self, map: bool) {
        self.open.push(Open { map, keys: self.keys.len(), values: self.values.len() });
    }

    /// Whether a key comes next, in the map that is open.
    fn expects_key(&self, open: &Open) -> bool {
        open.map && self.keys.len() - open.keys == self.values.len() - open.values
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle) -> Option<()> {
        if self.open.last().is_some_and(|open| self.expects_key(open)) {
            self.keys.push(key(text, style)?);
            return Some(());
        }
        let value = if style == ScalarStyle::Plain { plain(text)? } else { Value::String(text.into_owned()) };
        self.put(value)
    }

    /// Makes what was open; a key that is there twice ends it.
    fn end(&mut self) -> Option<()> {
        let open = self.open.pop()?;
        let values = self.values.drain(open.values..);
        let value = if open.map {
            let mut map = Map::with_capacity(values.len());
            for (key, value) in self.keys.drain(open.keys..).zip(values) {
                if map.insert(key, value).is_some() {
                    return None;
                }
            }
            Value::Object(map)
        } else {
            Value::Array(values.collect())
        };
        self.put(value)
    }

    /// Puts a value where it belongs; a key that is itself a list or map ends it.
    fn put(&mut self, value: Value) -> Option<()> {
        match self.open.last() {
            None => self.done = Some(value),
            Some(open) if self.expects_key(open) => return None,
            Some(_) => self.values.push(value),
        }
        Some(())
    }
}

/// A key that is text and nothing else, however it is looked at.
fn key(text: Cow<'_, str>, style: ScalarStyle) -> Option<String> {
    let plain = style == ScalarStyle::Plain;
    let is_text = !text.is_empty() && word(&text).is_none() && text != "<<";
    (is_text && (!plain || begins_text(&text))).then(|| text.into_owned())
}

fn plain(text: Cow<'_, str>) -> Option<Value> {
    if let Some(value) = word(&text) {
        return Some(value);
    }
    if begins_text(&text) || is_duration(&text) {
        return Some(Value::String(text.into_owned()));
    }
    number(&text).map(Value::Number)
}

/// What stands for something else than its letters.
fn word(text: &str) -> Option<Value> {
    match text {
        "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Whether no number begins like this.
fn begins_text(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit() || c.is_whitespace() || "+-.~".contains(c))
        && !text.is_empty()
}

/// `10m`, which is text to YAML.
fn is_duration(text: &str) -> bool {
    text.strip_suffix(['s', 'm', 'h']).is_some_and(|number| is_digits(number) && !number.starts_with('0'))
}

/// A number as everybody writes it. What other forms there are, and which of them are text, is not decided here.
fn number(text: &str) -> Option<Number> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').unwrap_or((rest, "0"));
    // No more digits than any number of 64 bits holds.
    let sound = is_digits(whole) && whole.len() <= 18 && (whole == "0" || !whole.starts_with('0'));
    if !sound || !is_digits(part) {
        return None;
    }
    match (sign, rest.len() == whole.len()) {
        (_, false) => Number::from_f64(text.parse().ok()?),
        ("", true) => text.parse::<u64>().ok().map(Number::from),
        (_, true) => text.parse::<i64>().ok().map(Number::from),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::load::yaml;

    #[test]
    fn files_as_people_write_them_are_everyday() {
        let text = "# A comment\nalerts:\n  web.slow: # and one\n    rearm_seconds: 10m\n    active: true\n    conditions:\n      - { type: above, threshold: 0.5, \
                    duration: 300, source: \"web*\" }\n      - type: absent\n        metric_name: 'a.b'\n    services: []\n    description:\n    runbook: |\n      x\n      y\n";
        let expected = json!({"alerts": {"web.slow": {"rearm_seconds": "10m", "active": true,
            "conditions": [{"type": "above", "threshold": 0.5, "duration": 300, "source": "web*"}, {"type": "absent", "metric_name": "a.b"}],
            "services": [], "description": null, "runbook": "x\ny\n"}}});
        assert_eq!(read(text), Some(expected));
        assert_eq!(read(r#"{"a": [1, -2, "x", null]}"#), Some(json!({"a": [1, -2, "x", null]})));
    }

    #[test]
    fn what_takes_more_is_left_to_the_whole_of_yaml() {
        let scalars = [
            "&x 1",
            "*x",
            "!!str 1",
            "0x1F",
            "012",
            "1_000",
            "1e3",
            ".5",
            "2026-01-01",
            "1234567890123456789",
        ];
        let odd =
            ["", "a: 1\n---\nb: 2", "a: 1\na: 2", "1: a", "null: a", "? [a]\n: b", "<<: {a: 1}", "'': 1"];
        let broken = ["a: [1", "a: b: c"];
        let scalars = scalars.map(|scalar| format!("a: {scalar}"));
        for text in odd.into_iter().chain(broken).chain(scalars.iter().map(String::as_str)) {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&("[".repeat(40) + &"]".repeat(40))), None);
    }

    /// Scalars and marks of which texts are made that are nearly YAML.
    const PIECES: &[&str] = &[
        "a",
        "b",
        "null",
        "~",
        "true",
        "False",
        "5",
        "-5",
        "-0",
        "0",
        "0.5",
        "-1.25",
        "1.",
        "012",
        "10m",
        "01h",
        "1_0",
        "1e3",
        ".5",
        "0x1F",
        "+1",
        "'q'",
        "\"d\\n\"",
        "''",
        "é",
        "$x",
        "<<",
        "yes",
        "a b",
        "1 2",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "#",
        " # c",
        "|\n  t",
        "&x ",
        "*x",
        "!t ",
        "? ",
        "---\n",
        "...\n",
        "%",
        "@",
        "`",
        "\t",
        "123456789012345678",
        "1234567890123456789",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 8, ..ProptestConfig::default() })]

        /// Whatever is read here is read alike by the whole of YAML.
        #[test]
        fn both_ways_of_reading_agree(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
            let text = pieces.concat();
            if let Some(value) = read(&text) {
                prop_assert_eq!(yaml::whole(&text).ok(), Some(value), "{}", text);
            }
        }

        #[test]
        fn both_ways_of_reading_a_scalar_agree(scalar in "[-+]?[0-9._eExXobsmh]{1,22}", shape in 0..4) {
            let text = match shape {
                0 => scalar,
                1 => format!("a: {scalar}"),
                2 => format!("{scalar}: a"),
                _ => format!("[{scalar}, {scalar}]"),
            };
            if let Some(value) = read(&text) {
                let whole = yaml::whole(&text).ok();
                prop_assert_eq!(whole.as_ref().map(ToString::to_string), Some(value.to_string()));
                prop_assert_eq!(whole, Some(value), "{}", text);
            }
        }
    }
}
