//! Text from elsewhere made harmless in a comment: it cannot end a table cell or a line, open a tag or an emphasis,
//! call anybody by `@`, refer to anything by `#`, or become a link. Knows nothing of what the text means.

use crate::diag::printable;

/// Longer names are cut; those the API allows are shorter.
const LONGEST_NAME: usize = 300;
/// Longer sentences are cut.
const LONGEST: usize = 1_000;

/// Text in the flow of a sentence.
pub(super) fn prose(text: &str) -> String {
    escaped(&clipped(text, LONGEST), |c| match c {
        // The one element in which neither people nor issues are looked for.
        '@' | '#' => format!("<code>{}</code>", entity(c)),
        _ => format!("\\{c}"),
    })
}

/// A name or another piece of text to be taken literally. It may stand inside HTML, where only entities are read.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(&clipped(text, LONGEST_NAME), entity))
}

/// Text with every sign that could mean something where it stands replaced.
fn escaped(text: &str, replace: impl Fn(char) -> String) -> String {
    let text: Vec<char> = text.chars().collect();
    let is_word = |i: Option<usize>| i.and_then(|i| text.get(i)).is_some_and(|c| c.is_alphanumeric());
    let mut out = String::new();
    for (i, c) in text.iter().enumerate() {
        let harmless = match c {
            // Inside a word it is no emphasis.
            '_' => is_word(i.checked_sub(1)) && is_word(Some(i + 1)),
            ':' => text.get(i + 1) != Some(&'/'),
            _ => !c.is_ascii_punctuation() || ".,-/()=?%'\"+;".contains(*c),
        };
        if harmless { out.push(*c) } else { out.push_str(&replace(*c)) }
    }
    out
}

/// A block of a difference, in a fence that nothing inside it can close. Lines must be printable already.
pub(super) fn fenced(lines: &[String]) -> String {
    let runs = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    format!("{fence}diff\n{}\n{fence}\n", lines.join("\n"))
}

/// Printable text of at most so many characters, `…` in place of the rest.
pub(super) fn clipped(text: &str, longest: usize) -> String {
    let text = printable(text);
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn entity(c: char) -> String {
    format!("&#{};", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_text_is_markup() {
        for hostile in [
            "a|b",
            "`x`",
            "</details><b>",
            "*_~[x](y)",
            "a\nb\r\u{1b}[31m\u{202e}",
            "&lt;",
            "\\|",
            "<!-- x -->",
            "$x$",
            "https://x",
            "__x__",
        ] {
            // What is escaped is taken away; nothing that means anything may be left.
            let mut bare = prose(hostile).replace("\\\\", "");
            while let Some(at) = bare.find('\\') {
                bare.replace_range(at..at + 2, "");
            }
            let code = code(hostile).replace("<code>", "").replace("</code>", "");
            let entities = code.split("&#").map(|part| part.split_once(';').map_or(part, |(_, rest)| rest));
            let markup = [
                '|', '`', '<', '>', '*', '_', '~', '[', '&', '\\', '!', '$', '\n', '\r', '\u{1b}', '\u{202e}',
            ];
            for bare in [bare, entities.collect()] {
                assert!(!bare.contains(markup) && !bare.contains("://"), "{hostile:?}: {bare}");
            }
        }
        assert_eq!(code("shop.err_rate: 5"), "<code>shop.err_rate: 5</code>");
        assert_eq!(prose("conditions[0] (m) of \"x\""), "conditions\\[0\\] (m) of \"x\"");
        assert_eq!(prose("ask @here #1"), "ask <code>&#64;</code>here <code>&#35;</code>1");
        assert_eq!(code("@here"), "<code>&#64;here</code>");
        assert_eq!(clipped("äöü", 2), "äö…");
    }

    #[test]
    fn a_fence_is_longer_than_any_within() {
        assert!(fenced(&["+ x".into()]).starts_with("```diff\n"));
        assert!(fenced(&["+ ````".into(), "- ```".into()]).ends_with("\n`````\n"));
    }
}
