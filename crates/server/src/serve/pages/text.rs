//! Text of others on our pages: nothing in it is a tag, an instruction of writing direction, or without end. Pure.

use maud::{Markup, Render, html};
use url::Url;

/// No text is shown longer than so many characters.
const LONGEST: usize = 600;

/// Someone else's text: a name, a title, a reason.
pub struct Text<'a>(pub &'a str);

impl Render for Text<'_> {
    fn render(&self) -> Markup {
        html! { bdi { (clean(self.0)) } }
    }
}

/// With controls made visible, and cut where it never ends.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        match character {
            '\n' | '\t' => shown.push(character),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
            _ if is_unseen(character) => shown.push_str(&format!("[U+{:04X}]", u32::from(character))),
            _ => shown.push(character),
        }
    }
    shown
}

/// Controls, among them those of the direction of writing.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// A word for a shell, quoted where it needs to be; what no one sees in it is spelled, as bash and zsh read it.
pub fn shell(word: &str) -> String {
    if word.contains(is_unseen) {
        let spelled = |character: char| match character {
            '\'' | '\\' => format!("\\{character}"),
            _ if is_unseen(character) => format!("\\u{:04x}", u32::from(character)),
            _ => character.to_string(),
        };
        return format!("$'{}'", word.chars().map(spelled).collect::<String>());
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A link to someone else's address; only its text where it is no address of a page or of mail.
pub fn link(address: &str, text: &str) -> Markup {
    let known = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
    html! {
        @if let Some(url) = known {
            a href=(url.as_str()) rel="noopener noreferrer nofollow" { (Text(text)) }
        } @else {
            (Text(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_texts() {
        for (hostile, shown) in [
            ("<img src=x onerror=alert(1)>", "<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>"),
            ("\"><svg onload=x>", "<bdi>&quot;&gt;&lt;svg onload=x&gt;</bdi>"),
            ("a\u{202e}b\u{2066}c", "<bdi>a[U+202E]b[U+2066]c</bdi>"),
            ("a\0b\u{1b}[31m\u{85}", "<bdi>a␀b␛[31m[U+0085]</bdi>"),
        ] {
            assert_eq!(Text(hostile).render().into_string(), shown);
        }
        assert_eq!(clean(&"ü".repeat(10_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn shells_read_one_word() {
        for (word, quoted) in [
            ("a.b/c", "a.b/c"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's; rm", "'it'\\''s; rm'"),
            ("$x", "'$x'"),
            ("a'\u{202e}\n", "$'a\\'\\u202e\\u000a'"),
        ] {
            assert_eq!(shell(word), quoted);
        }
    }

    #[test]
    fn only_addresses_are_linked() {
        for address in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            " javascript:x",
            "data:text/html,x",
            "x",
            "//evil.example",
            "vbscript:x",
        ] {
            assert_eq!(link(address, "t").into_string(), "<bdi>t</bdi>", "{address}");
        }
        let good = link("https://a.example/?q=\"><x>", "t").into_string();
        assert!(good.starts_with("<a href=\"https://a.example/?q=%22%3E%3Cx%3E\" rel="), "{good}");
    }
}
