//! Which series a stream shows: sources and tags as patterns, `a OR b`, `!a`, and what stands for `%`.

use crate::composite::{Labels, SOURCE};
use crate::pattern;

use super::definition::{Stream, Tag};

/// A source where none was given.
pub const UNASSIGNED: &str = "unassigned";

/// Patterns of one label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patterns {
    any: Vec<String>,
    not: Vec<String>,
}

impl Patterns {
    /// From `web-* OR db-1`, or `!web-3`. Without any, or with `*`, everything.
    pub fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut out = Self::default();
        for text in texts.flat_map(alternatives).filter(|text| !text.is_empty()) {
            match text.strip_prefix('!') {
                Some(not) => out.not.push(not.trim().to_owned()),
                None => out.any.push(text.to_owned()),
            }
        }
        out
    }

    fn takes(&self, value: &str) -> bool {
        let like = |pattern: &String| pattern::matches(pattern, value);
        (self.any.is_empty() || self.any.iter().any(like)) && !self.not.iter().any(like)
    }

    /// Whether it leaves nothing out.
    pub fn is_all(&self) -> bool {
        self.not.is_empty() && (self.any.is_empty() || self.any.iter().any(|one| one == "*"))
    }

    pub fn words(&self) -> String {
        let not = self.not.iter().map(|one| format!("!{one}"));
        self.any.iter().cloned().chain(not).collect::<Vec<_>>().join(" OR ")
    }
}

/// Parts between the word OR.
fn alternatives(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for word in text.split(' ') {
        if word.eq_ignore_ascii_case("or") {
            parts.push(text[start..at].trim());
            start = at + word.len();
        }
        at += word.len() + 1;
    }
    parts.push(text[start..].trim());
    parts
}

/// The series that are asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// By their source.
    Source(Patterns),
    /// By tags that must all fit; one that is grouped by must be there.
    Tags(Vec<(String, Patterns, bool)>),
}

impl Choice {
    /// What a stream means when someone chose these sources and tags.
    pub fn of(stream: &Stream, source: Option<&str>, chosen: &[(String, String)]) -> Self {
        if stream.tags.is_empty() {
            let written = if stream.source == "%" { source.unwrap_or_default() } else { &stream.source };
            return Self::Source(Patterns::read([written].into_iter()));
        }
        let of_tag = |tag: &Tag| {
            let patterns = if tag.dynamic {
                let picked = chosen.iter().filter(|(name, _)| pattern::same(name, &tag.name));
                Patterns::read(picked.map(|(_, value)| value.as_str()))
            } else {
                Patterns::read(tag.values.iter().map(String::as_str))
            };
            (tag.name.clone(), patterns, tag.grouped)
        };
        Self::Tags(stream.tags.iter().map(of_tag).collect())
    }

    /// Whether a series with these labels is meant.
    pub fn takes(&self, labels: &Labels) -> bool {
        match self {
            Self::Source(patterns) => patterns.is_all() || patterns.takes(source(labels)),
            Self::Tags(tags) => tags.iter().all(|(name, patterns, grouped)| match value(labels, name) {
                Some(value) => patterns.takes(value),
                None => !grouped && patterns.is_all() && patterns.any.is_empty(),
            }),
        }
    }

    /// In words, where it leaves anything out.
    pub fn words(&self) -> String {
        match self {
            Self::Source(patterns) if patterns.is_all() => String::new(),
            Self::Source(patterns) => patterns.words(),
            Self::Tags(tags) => {
                let narrow = tags.iter().filter(|(_, patterns, _)| !patterns.is_all());
                let words = narrow.map(|(name, patterns, _)| format!("{name}={}", patterns.words()));
                words.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The source of a series.
pub fn source(labels: &Labels) -> &str {
    labels.get(SOURCE).map_or(UNASSIGNED, String::as_str)
}

/// The value of a tag, whatever the case of its name.
pub fn value<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels.iter().find(|(label, _)| pattern::same(label, name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn sources_are_patterns_with_or_and_not() {
        let chosen = |source: &str, of: Option<&str>| {
            let stream = Stream { source: source.to_owned(), ..Stream::default() };
            let choice = Choice::of(&stream, of, &[]);
            ["web-1", "web-2", "db-1"]
                .into_iter()
                .filter(|one| choice.takes(&labels(&[(SOURCE, one)])))
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen("", None), ["web-1", "web-2", "db-1"]);
        assert_eq!(chosen("WEB*", None), ["web-1", "web-2"]);
        assert_eq!(chosen("web-1 OR db*", None), ["web-1", "db-1"]);
        assert_eq!(chosen("web* or !web-2", None), ["web-1"]);
        assert_eq!(chosen("!web-2", None), ["web-1", "db-1"]);
        assert_eq!(chosen("%", Some("db* OR web-2")), ["web-2", "db-1"]);
        assert_eq!(chosen("%", None), ["web-1", "web-2", "db-1"]);
        assert_eq!(chosen("floor-1 ", None), Vec::<&str>::new());
        assert!(
            Choice::of(&Stream { source: UNASSIGNED.to_owned(), ..Stream::default() }, None, &[])
                .takes(&labels(&[]))
        );
    }

    #[test]
    fn tags_must_all_fit() {
        let tag = |name: &str, values: &[&str], grouped, dynamic| Tag {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            grouped,
            dynamic,
        };
        let stream = Stream {
            tags: vec![tag("Region", &["eu*", "us", "!eu-2"], true, false), tag("az", &["x"], false, true)],
            ..Stream::default()
        };
        let choice = Choice::of(&stream, None, &[]);
        assert!(choice.takes(&labels(&[("region", "eu-1")])));
        assert!(!choice.takes(&labels(&[("region", "eu-2")])) && !choice.takes(&labels(&[("az", "a")])));
        let choice = Choice::of(&stream, None, &[("AZ".to_owned(), "a".to_owned())]);
        assert!(!choice.takes(&labels(&[("region", "us")])));
        assert!(choice.takes(&labels(&[("region", "us"), ("az", "a")])));
        assert_eq!(choice.words(), "Region=eu* OR us OR !eu-2, az=a");
    }
}
