//! What a Prometheus calls metrics and tags, and its matchers over these: comparisons of the values of labels, where a label that
//! is not there is empty. Pure; knows no storage.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

/// The label that holds the name of a metric.
pub const NAME: &str = "__name__";

/// Memory that one regular expression may take.
pub const REGEX_BYTES: usize = 512 << 10;

/// How a matcher compares, by the numbers of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Is = 0,
    IsNot = 1,
    Like = 2,
    Unlike = 3,
}

/// Why a matcher is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("has a regular expression that is not one")]
    Syntax,
    #[error("has a regular expression that takes more than {REGEX_BYTES} bytes")]
    Size,
}

/// A condition on one label.
#[derive(Debug)]
pub struct Matcher {
    pub label: String,
    comparison: Comparison,
    value: String,
    /// What is searched for, where it is one.
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        self.parts() == other.parts()
    }
}

impl Matcher {
    pub fn new(label: &str, comparison: Comparison, value: &str) -> Result<Matcher, Unfit> {
        let regex = match comparison {
            Comparison::Is | Comparison::IsNot => None,
            Comparison::Like | Comparison::Unlike => Some(
                RegexBuilder::new(&format!("^(?:{value})$"))
                    .dot_matches_new_line(true)
                    .size_limit(REGEX_BYTES / 2)
                    .dfa_size_limit(REGEX_BYTES / 2)
                    .build()
                    .map_err(|error| match error {
                        regex::Error::CompiledTooBig(_) => Unfit::Size,
                        _ => Unfit::Syntax,
                    })?,
            ),
        };
        Ok(Matcher { label: label.to_owned(), comparison, value: value.to_owned(), regex })
    }

    /// Whether it takes this value of its label.
    pub fn holds(&self, value: &str) -> bool {
        match (self.comparison, &self.regex) {
            (Comparison::Like, Some(regex)) => regex.is_match(value),
            (Comparison::Unlike, Some(regex)) => !regex.is_match(value),
            (Comparison::IsNot, _) => value != self.value,
            _ => value == self.value,
        }
    }

    /// Whether it names this one value.
    pub fn names(&self, value: &str) -> bool {
        self.comparison == Comparison::Is && self.value == value
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        self.label.len() + self.value.len() + self.regex.as_ref().map_or(100, |_| REGEX_BYTES)
    }

    pub fn parts(&self) -> (&str, Comparison, &str) {
        (&self.label, self.comparison, &self.value)
    }
}

/// What of a metric is read under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// The mean of a gauge, the last reading of a counter.
    Value,
    Sum,
    Count,
    Min,
    Max,
}

const READINGS: [(Reading, &str); 5] = [
    (Reading::Value, ""),
    (Reading::Sum, ":sum"),
    (Reading::Count, ":count"),
    (Reading::Min, ":min"),
    (Reading::Max, ":max"),
];

/// What of a metric is asked for: under which name it is shown, and whether that was named and not only matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub reading: Reading,
    pub name: String,
    pub named: bool,
}

/// What these matchers take of the metric called `name`. It has the name that `render prometheus` gives it, with `_` for what older
/// versions of Prometheus do not take; and its own, for who asks for that.
pub fn asked(matchers: &[Matcher], name: &str) -> Vec<Asked> {
    let matchers: Vec<&Matcher> = matchers.iter().filter(|matcher| matcher.label == NAME).collect();
    let mut found = Vec::new();
    let usual = label(name, b":");
    for (reading, end) in READINGS {
        for (base, is_own) in [(usual.as_str(), false), (name, true)] {
            if is_own && (base == usual) {
                continue;
            }
            let shown = format!("{base}{end}");
            let named = matchers.iter().any(|matcher| matcher.names(&shown));
            if (named || !is_own) && matchers.iter().all(|matcher| matcher.holds(&shown)) {
                found.push(Asked { reading, name: shown, named });
            }
        }
    }
    found
}

/// Tags as labels. Names that are no names of labels there have `_` for what is not taken; values of names that become one are joined.
pub fn labels(tags: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (tag, value) in tags.into_iter().filter(|(_, value)| !value.is_empty()) {
        let mut name = label(&tag, b"");
        if name.starts_with("__") {
            // these are Prometheus' own
            name.insert_str(0, "tag");
        }
        let held = labels.entry(name).or_default();
        if !held.is_empty() {
            held.push(';');
        }
        held.push_str(&value);
    }
    labels
}

/// Whether the matchers take these labels; the name of the metric is not looked at.
pub fn take(matchers: &[Matcher], labels: &BTreeMap<String, String>) -> bool {
    let value = |label: &str| labels.get(label).map_or("", String::as_str);
    matchers
        .iter()
        .filter(|matcher| matcher.label != NAME)
        .all(|matcher| matcher.holds(value(&matcher.label)))
}

/// Letters, digits, `_` and `also`, not beginning with a digit.
fn label(name: &str, also: &[u8]) -> String {
    let fits = |char: char| char.is_ascii_alphanumeric() || char.is_ascii() && also.contains(&(char as u8));
    let mut text: String = name.chars().map(|char| if fits(char) { char } else { '_' }).collect();
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matchers(all: &[(&str, Comparison, &str)]) -> Vec<Matcher> {
        all.iter().map(|(label, how, value)| Matcher::new(label, *how, value).unwrap()).collect()
    }

    fn names(all: &[(&str, Comparison, &str)], metric: &str) -> Vec<String> {
        asked(&matchers(all), metric).into_iter().map(|asked| asked.name).collect()
    }

    #[test]
    fn metrics_are_found_by_both_of_their_names() {
        use Comparison::{Is, Like, Unlike};
        assert_eq!(names(&[(NAME, Is, "a_b")], "a.b"), ["a_b"]);
        assert_eq!(names(&[(NAME, Is, "a.b")], "a.b"), ["a.b"]);
        assert_eq!(names(&[(NAME, Is, "a_b:sum")], "a.b"), ["a_b:sum"]);
        assert_eq!(names(&[(NAME, Is, "_1_b:max")], "1-b"), ["_1_b:max"]);
        assert_eq!(names(&[(NAME, Like, "a.b")], "a.b"), ["a_b"], "by a pattern under the usual name");
        assert_eq!(names(&[(NAME, Like, "a.*:m.+")], "a.b"), ["a_b:min", "a_b:max"]);
        assert_eq!(names(&[(NAME, Like, "a.*"), (NAME, Unlike, ".*:.*")], "a.b"), ["a_b"]);
        assert_eq!(names(&[(NAME, Is, "A_b")], "a.b"), Vec::<String>::new(), "letter case counts there");
        assert_eq!(names(&[], "a").len(), 5);
        assert!(asked(&matchers(&[(NAME, Is, "a")]), "a")[0].named);
        assert!(!asked(&matchers(&[(NAME, Like, "a")]), "a")[0].named);
    }

    #[test]
    fn matchers_hold_as_in_prometheus() {
        use Comparison::{Is, IsNot, Like, Unlike};
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        for (how, value, there, holds) in [
            (Is, "x", Some("x"), true),
            (Is, "x", Some("X"), false),
            (Is, "", None, true),
            (Is, "", Some("x"), false),
            (IsNot, "", None, false),
            (IsNot, "x", None, true),
            (Like, "x|y.*", Some("yes"), true),
            (Like, "y", Some("yes"), false),
            (Like, ".*", None, true),
            (Like, ".+", None, false),
            (Like, ".+", Some("a\nb"), true),
            (Unlike, ".+", None, true),
            (Unlike, "y.*", Some("yes"), false),
        ] {
            let labels = there.map_or_else(BTreeMap::new, |value| of(&[("l", value)]));
            assert_eq!(take(&matchers(&[("l", how, value)]), &labels), holds, "{how:?} {value} {there:?}");
        }
    }

    #[test]
    fn regular_expressions_are_bounded() {
        let big = Matcher::new("a", Comparison::Like, "(?:[a-z]{1,100}){1,100}").unwrap_err();
        assert_eq!(big, Unfit::Size);
        assert_eq!(Matcher::new("a", Comparison::Like, "(").unwrap_err(), Unfit::Syntax);
    }

    #[test]
    fn tags_are_labels_under_names_that_are_taken() {
        let tags = [("a-b", "1"), ("a.b", "2"), ("@host", "h"), ("__name__", "x"), ("9", "n"), ("none", "")];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found: Vec<_> = labels(tags.into()).into_iter().collect();
        let expected = [("_9", "n"), ("_host", "h"), ("a_b", "1;2"), ("tag__name__", "x")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
