//! Which series a `series(…)` call means: patterns of names, sources and tags, and what matches them.
//! Letter case makes no difference, as in all names of the API.

use std::collections::BTreeMap;

use crate::pattern;

/// The label that holds a source.
pub const SOURCE: &str = "source";

/// A source where none was given.
const UNASSIGNED: &str = "unassigned";

/// The second argument of `series(…)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// A source, or a pattern of sources; `*` means every series, with or without a source.
    Source(String),
    /// Tags that must all match; none means every series.
    Tags(Vec<(String, String)>),
}

impl Selector {
    /// Whether a series with these labels is meant.
    pub fn matches(&self, labels: &Labels) -> bool {
        match self {
            Self::Source(pattern) if matches!(pattern.as_str(), "*" | "%") => true,
            Self::Source(pattern) => matches(pattern, labels.get(SOURCE).map_or(UNASSIGNED, String::as_str)),
            Self::Tags(tags) => tags.iter().all(|(name, pattern)| {
                let value = labels.iter().find(|(label, _)| pattern::same(label, name));
                value.is_some_and(|(_, value)| match pattern.strip_prefix('!') {
                    Some(not) => !matches(not, value),
                    None => matches(pattern, value),
                })
            }),
        }
    }

    /// Whether one series at most can be meant: a single source, without a pattern.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Source(source) if !source.contains(['*', '%', '&']))
    }

    /// The selector with each pattern changed.
    pub(super) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Source(pattern) => Self::Source(change(pattern)),
            Self::Tags(tags) => {
                Self::Tags(tags.iter().map(|(name, pattern)| (name.clone(), change(pattern))).collect())
            }
        }
    }

    /// Every pattern in it.
    pub(super) fn patterns(&self) -> Vec<&str> {
        match self {
            Self::Source(pattern) => vec![pattern],
            Self::Tags(tags) => tags.iter().map(|(_, pattern)| pattern.as_str()).collect(),
        }
    }
}

/// Whether a text matches a pattern in which `*` stands for any number of characters and, alone, `%` for everything.
pub fn matches(pattern: &str, text: &str) -> bool {
    pattern == "%" || pattern::matches(pattern, text)
}

/// The labels of a series: the source under `source`, tags under their names.
pub type Labels = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("web*", "WEB-1", true),
            ("web*", "my-web", false),
            ("*.eu.*", "a.eu.b", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("", "", true),
            ("", "x", false),
            ("a%", "ab", false),
            ("%", "anything", true),
            ("É*", "été", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(60), &"a".repeat(59)));
    }

    #[test]
    fn selectors_look_at_sources_or_tags() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let tags = |pairs: &[(&str, &str)]| Selector::Tags(labels(pairs).into_iter().collect());
        let eu = labels(&[("region", "eu-1"), ("az", "a")]);
        assert!(Selector::Source("*".into()).matches(&eu));
        assert!(Selector::Source("unassigned".into()).matches(&labels(&[])));
        assert!(!Selector::Source("web*".into()).matches(&eu));
        assert!(Selector::Source("web*".into()).matches(&labels(&[("source", "web-1")])));
        assert!(tags(&[]).matches(&eu));
        assert!(tags(&[("Region", "EU*"), ("az", "%")]).matches(&eu));
        assert!(!tags(&[("region", "eu*"), ("db", "*")]).matches(&eu));
        assert!(tags(&[("az", "!b")]).matches(&eu));
        assert!(tags(&[("ÉTAGE", "É*")]).matches(&labels(&[("étage", "é1")])), "as in queries by tags");
        assert!(!tags(&[("az", "!a*")]).matches(&eu));
        assert!(!tags(&[("db", "!a")]).matches(&eu), "a negation wants the tag to be there");
    }
}
