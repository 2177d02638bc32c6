//! Text of others in HTML: the one way into the page. What would steer whoever reads it is shown, and what it says stays in its line.

use crate::diag::is_harmless;

/// A text in a page, on its own in the direction of its writing.
pub fn text(words: &str) -> String {
    let plain = escape(words);
    // What runs from right to left must not turn around what stands beside it.
    if words.is_ascii() { plain } else { format!("<bdi>{plain}</bdi>") }
}

/// A name or a place.
pub fn code(words: &str) -> String {
    format!("<code>{}</code>", text(words))
}

fn escape(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if is_harmless(c) => out.push(c),
            c => out.push_str(&crate::diag::printable(&c.to_string())),
        }
    }
    out
}
