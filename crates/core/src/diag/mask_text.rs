//! What must not be shown of a text that is not understood, where no one can say which value belongs to which key.
//! Looks at lines only, trusts no indentation and no quote, and hides more than it has to.

use std::ops::Range;

/// Longest word that is taken for a key; what is longer may be anything.
const LONGEST_KEY: usize = 32;

/// The bytes to be hidden: nothing in a text without service settings, otherwise every value of the text.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    if !may_hold_settings(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut block: Option<usize> = None;
    let mut quote: Option<char> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let start = value_start(content, &mut block, &mut quote);
        if start < content.len() {
            found.push(at + start..at + content.len());
        }
        at += line.len();
    }
    found
}

/// Whether any word of the text could lead to the settings of a service: an anchor may be used there, and an escape inside a
/// quoted key can spell anything. The services that alerts name do not count.
fn may_hold_settings(text: &str) -> bool {
    let text = text.to_lowercase().replace(|c: char| c.is_control() && c != '\n', "");
    let section = |line: &str| {
        line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != ' ').starts_with("service")
    };
    ["setting", "setings", "&", "\\u", "\\x"].into_iter().any(|word| text.contains(word))
        || text.lines().any(section)
}

/// Where on this line a value may begin. Only short plain words before a colon are believed to be keys, and no word is inside a
/// block scalar or an open quote.
fn value_start(line: &str, block: &mut Option<usize>, quote: &mut Option<char>) -> usize {
    let indent = line.len() - line.trim_start().len();
    if line.trim_start().is_empty() {
        return line.len();
    }
    if let Some(open) = *quote {
        if line.contains(open) {
            *quote = None;
        }
        return indent;
    }
    if block.is_some_and(|owner| indent > owner) {
        return indent;
    }
    *block = None;
    let key_at = indent + line[indent..].len() - line[indent..].trim_start_matches(['-', ' ']).len();
    let start = after_key(line, key_at).unwrap_or(key_at);
    let value = line.get(start..).unwrap_or_default().trim();
    if value.starts_with(['|', '>']) || value.contains(" |") || value.contains(" >") {
        *block = Some(indent);
    }
    *quote = ['"', '\''].into_iter().find(|q| value.matches(*q).count() % 2 == 1);
    start
}

/// Just behind `key:`, when the line has one at this place.
fn after_key(line: &str, at: usize) -> Option<usize> {
    let (key, rest) = line.get(at..)?.split_once(':')?;
    let is_key = is_word(key) && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    is_key.then_some(at + key.len() + 1)
}

/// Whether a key looks like those of service settings, and so is no secret itself.
pub(super) fn is_word(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Whether this looks like the name of a metric, words of small letters joined by dots, as no credential does.
pub(super) fn is_name(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_word)
}
