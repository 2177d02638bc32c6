//! How names, sources and tags are compared wherever the API compares them: without regard to case, `*` standing for any run of
//! characters. One rule for the server, the composite language and plans. Pure text; knows no entity.

use std::borrow::Cow;

/// The form in which names are the same when only their case differs: lower case by Unicode, character by character.
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

/// Whether two names differ in case alone.
pub fn same(a: &str, b: &str) -> bool {
    folded(a) == folded(b)
}

/// Whether `text` matches `pattern`, whatever their case.
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_folded(&folded(pattern), &folded(text))
}

/// The same for a pattern and a text that are folded already. A `*` in the text is a character like any other. Takes time in
/// proportion to both lengths multiplied at most, however many stars there are.
pub fn matches_folded(pattern: &str, text: &str) -> bool {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_match_any_run() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a*b*c", "axxbyyc"), ("abc", "abc")]
        {
            assert!(matches_folded(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*a", "a"), ("a*b*c", "acb"), ("", "x")] {
            assert!(!matches_folded(pattern, text), "{pattern} {text}");
        }
        assert!(!matches_folded(&"*a".repeat(60), &"a".repeat(59)));
    }

    #[test]
    fn case_makes_no_difference_beyond_ascii_either() {
        assert!(matches("É*", "été") && matches("web*", "WEB-1") && matches("straße", "STRAßE"));
        assert!(same("ÀB", "àb") && !same("a", "b"));
    }

    /// As slow and as plain as it can be said.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some((first, rest)) => text.first() == Some(first) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_matches_what_a_plain_reading_matches(pattern in "[abé*]{0,8}", text in "[abé*]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches_folded(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
            prop_assert_eq!(matches(&pattern.to_uppercase(), &text), matches_folded(&pattern, &text));
        }
    }
}
