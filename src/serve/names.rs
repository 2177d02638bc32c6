//! Names as the API compares them: alphabets, case folding, `*` patterns.
//! Pure text; knows no entity.

use std::borrow::Cow;
use std::collections::HashSet;

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

/// The form under which names are unique and searched: the API ignores case.
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// The same without a copy where there is nothing to fold.
pub fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(fold(name))
}

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
        self.names.contains(key) || self.patterns.iter().any(|pattern| matches(pattern, key))
    }
}

/// Whether `text` matches `pattern`, where `*` stands for any run of characters. Both must be folded already.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    let Some(middle) = rest.strip_suffix(last) else { return false };
    rest = middle;
    let inner = parts.clone().count().saturating_sub(1);
    for part in parts.take(inner) {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
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

    #[test]
    fn stars_match_any_run() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a*b*c", "axxbyyc"), ("abc", "abc")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*a", "a"), ("a*b*c", "acb"), ("", "x")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
