//! Texts with characters that no one sees, or that turn the text around them: written in double quotes, with escapes.
//! The writer of YAML has no style for one text alone, so such a text travels through it as a word of letters.

use serde_json::{Map, Value};

use crate::diag::is_harmless;

/// A value whose hidden texts are words, and the texts by their number.
pub(super) struct Escaped {
    pub value: Value,
    word: String,
    texts: Vec<String>,
}

impl Escaped {
    /// `None` where every text may be written as it is.
    pub fn of(value: &Value) -> Option<Self> {
        let (mut hides, mut word) = (false, "escaped".to_owned());
        each(value, &mut |text| hides |= hides_something(text));
        if !hides {
            return None;
        }
        // No text of the document may look like a word of ours.
        loop {
            let mut taken = false;
            each(value, &mut |text| taken |= text.contains(&word));
            if !taken {
                break;
            }
            word.push('x');
        }
        let mut texts = Vec::new();
        let value = replaced(value, &word, &mut texts);
        Some(Self { value, word, texts })
    }

    /// The document with the texts in the place of the words.
    pub fn put_back(&self, document: &str) -> String {
        let mut parts = document.split(self.word.as_str());
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.split_once('z').unwrap_or((part, ""));
            let text = number.parse::<usize>().ok().and_then(|number| self.texts.get(number));
            out.push_str(&quoted(text.map_or("", String::as_str)));
            out.push_str(rest);
        }
        out
    }
}

fn hides_something(text: &str) -> bool {
    text.chars().any(|c| !matches!(c, '\n' | '\t') && !is_harmless(c))
}

fn each(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        Value::Object(map) => {
            for (key, value) in map {
                see(key);
                each(value, see);
            }
        }
        _ => {}
    }
}

fn replaced(value: &Value, word: &str, texts: &mut Vec<String>) -> Value {
    let mut text = |text: &str| {
        if !hides_something(text) {
            return text.to_owned();
        }
        texts.push(text.to_owned());
        format!("{word}{}z", texts.len() - 1)
    };
    match value {
        Value::String(found) => text(found).into(),
        Value::Array(items) => items.iter().map(|item| replaced(item, word, texts)).collect(),
        Value::Object(map) => {
            let mut made = Map::new();
            for (key, value) in map {
                let key = replaced(&Value::String(key.clone()), word, texts);
                made.insert(key.as_str().unwrap_or_default().to_owned(), replaced(value, word, texts));
            }
            Value::Object(made)
        }
        other => other.clone(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_harmless(c) => out.push(c),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::yaml;
    use crate::diag::Files;

    #[test]
    fn what_turns_text_around_is_written_in_escapes() {
        let value = json!({"a\u{202e}b": ["x\u{200b}", "two\nlines \"\\\u{1b}", "tag \u{e0041}", "escaped0z"], "plain": "é"});
        let text = yaml::write(&value).unwrap();
        assert_eq!(
            text,
            "\"a\\u202eb\":\n  - \"x\\u200b\"\n  - \"two\\nlines \\\"\\\\\\u001b\"\n  - \"tag \\U000e0041\"\n  - escaped0z\nplain: é\n"
        );
        let file = Files::default().add("x", String::new(), yaml::index);
        assert_eq!(yaml::parse(&text, file).unwrap(), value);
    }
}
