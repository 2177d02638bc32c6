//! What must not be shown of a text that is not understood, where nobody can say which value belongs to which key.
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

/// Our own `settings` section starts its line; with no services in the file it is harmless.
fn may_hold_settings(text: &str) -> bool {
    let lower = text.to_lowercase();
    let own_only = lower.lines().all(|line| {
        let rest = line.strip_prefix("settings:").unwrap_or(line);
        !rest.contains("setting") && !rest.contains("setings")
    });
    // An escape inside a quoted key could spell the word.
    !own_only
        || lower.contains("services:")
        || lower.contains("services\"")
        || text.contains("\\u")
        || text.contains("\\x")
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
    let rest = line.get(at..)?;
    let word = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?;
    let colon = rest.get(word..)?.strip_prefix(':')?;
    let is_key =
        word > 0 && word <= LONGEST_KEY && (colon.is_empty() || colon.starts_with(char::is_whitespace));
    is_key.then_some(at + word + 1)
}
