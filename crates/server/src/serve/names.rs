//! Names as the API takes them: alphabets, and choices among them. How they are compared is said in `crate::pattern`.
//! Pure text; knows no entity.

use std::collections::HashSet;

pub use crate::pattern::{fold, folded, matches_folded};

/// The longest name of a metric, source, alert or annotation stream, in characters.
const LONGEST: usize = 255;

/// Whether `name` has 1 to 255 characters of `A-Za-z0-9.:-_`, the alphabet of metrics and sources. Alerts are
/// documented without `_`, yet clients create them with it; annotation streams are not documented at all.
pub fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte))
}

/// The message for a name that [`is_name`] refuses.
pub const NAME_RULE: &str = "must be 1 to 255 characters of A-Z a-z 0-9 . : - _";

/// Whether `name` can be that of a tag: 1 to 64 characters of the same alphabet, the first of which may also be `@`, as in the tags
/// of the vendor's own agents.
pub fn is_tag_name(name: &str) -> bool {
    name.len() <= 64 && is_name(name.strip_prefix('@').unwrap_or(name))
}

/// The message for a name that [`is_tag_name`] refuses.
pub const TAG_NAME_RULE: &str =
    "names must be 1 to 64 characters of A-Z a-z 0-9 . : - _, and may begin with @";

/// Patterns of one choice, each of which is held against everything there is to choose from.
pub const MOST_PATTERNS: usize = 1000;

/// A choice by names and `*` patterns.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    names: HashSet<String>,
    patterns: Vec<String>,
}

impl Choice {
    /// `None` for more than [`MOST_PATTERNS`].
    pub fn new(texts: &[String]) -> Option<Choice> {
        let (patterns, names): (Vec<_>, Vec<_>) =
            texts.iter().map(|text| fold(text)).partition(|text| text.contains('*'));
        (patterns.len() <= MOST_PATTERNS).then(|| Choice { names: names.into_iter().collect(), patterns })
    }

    /// What is wrong with one that is refused.
    pub fn rule() -> String {
        format!("must not hold more than {MOST_PATTERNS} patterns")
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.patterns.is_empty()
    }

    /// Whether a folded name is chosen.
    pub fn has(&self, key: &str) -> bool {
        self.names.contains(key) || self.patterns.iter().any(|pattern| matches_folded(pattern, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_and_length() {
        assert!(is_name("web-1.cpu:user_time"));
        assert!(is_name(&"a".repeat(255)));
        for bad in ["", "a b", "a/b", "é", &"a".repeat(256)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn tags_may_begin_with_an_at_sign() {
        assert!(is_tag_name("host") && is_tag_name("@host.name") && is_tag_name(&"a".repeat(64)));
        for bad in ["", "@", "@@a", "a@b", "a b", &"a".repeat(65)] {
            assert!(!is_tag_name(bad), "{bad}");
        }
    }
}
