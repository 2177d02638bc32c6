//! Selectors of series: a name, and matchers of labels. Knows how patterns with `*` become regular expressions.

use std::collections::BTreeSet;

/// What a metric is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Exactly so.
    Exact(String),
    /// By a regular expression.
    Matching(String),
}

/// How a label is held against a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matcher {
    pub label: String,
    /// How.
    pub comparison: Comparison,
    /// The text or regular expression.
    pub value: String,
}

impl Matcher {
    /// A matcher.
    pub fn new(label: &str, comparison: Comparison, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), comparison, value: value.into() }
    }

    /// A label that must be there.
    pub fn present(label: &str) -> Self {
        Self::new(label, Comparison::IsNot, "")
    }
}

/// Some series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Of which metric.
    pub name: Name,
    /// In order, each once.
    pub matchers: BTreeSet<Matcher>,
}

impl Selector {
    /// All series of a metric.
    pub fn of(name: impl Into<String>) -> Self {
        Self { name: Name::Exact(name.into()), matchers: BTreeSet::new() }
    }

    /// The same of another metric.
    pub fn called(&self, name: &str) -> Self {
        Self { name: Name::Exact(name.to_owned()), matchers: self.matchers.clone() }
    }

    /// The same without the series that a matcher leaves out.
    pub fn and(mut self, matcher: Matcher) -> Self {
        self.matchers.insert(matcher);
        self
    }
}

/// A pattern with `*` as a regular expression, which is anchored at both ends already.
pub fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '*' => out.push_str(".*"),
            '\\' | '.' | '+' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_the_same_as_regular_expressions() {
        for (text, expected) in [
            ("web*", "web.*"),
            ("*", ".*"),
            ("a.b", "a\\.b"),
            ("a+b?(c|d)[e]{f}^$\\", "a\\+b\\?\\(c\\|d\\)\\[e\\]\\{f\\}\\^\\$\\\\"),
            ("été-1_x:y", "été-1_x:y"),
        ] {
            assert_eq!(pattern(text), expected);
        }
    }

    #[test]
    fn matchers_stand_in_order_and_once() {
        let a = Matcher::new("a", Comparison::Is, "1");
        let selector = Selector::of("m").and(Matcher::present("b")).and(a.clone()).and(a);
        let labels: Vec<&str> = selector.matchers.iter().map(|matcher| matcher.label.as_str()).collect();
        assert_eq!(labels, ["a", "b"]);
        assert_eq!(selector.called("n").matchers, selector.matchers);
    }
}
