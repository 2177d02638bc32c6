//! Texts as Ruby writes them: quotes, escapes, and blocks of lines. A text with something computed in it says where.
//! Knows nothing of what stands around a text.

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub value: String,
    /// What is computed in it, if anything is.
    pub dynamic: Option<&'static str>,
}

/// Finds texts in a file.
pub(super) struct Texts<'a>(pub &'a str);

const COMPUTED: &str = "a text with `#{…}` in it";

impl Texts<'_> {
    /// A text whose first character is at `start`, up to its closing quote; and where it ends.
    pub fn quoted(&self, start: usize, close: char, style: char) -> Option<(Text, usize)> {
        self.delimited(start, close, close, style)
    }

    /// The same between two different characters, which may be nested. `style` is the quote whose escapes hold.
    pub fn delimited(&self, start: usize, open: char, close: char, style: char) -> Option<(Text, usize)> {
        let body = self.0.get(start..)?;
        let mut text = Text { value: String::new(), dynamic: None };
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(c) = body[at..].chars().next() {
            let rest = &body[at + c.len_utf8()..];
            if c == close && depth == 0 {
                return Some((text, start + at + c.len_utf8()));
            }
            if open != close && c == open {
                depth += 1;
            } else if c == close {
                depth -= 1;
            }
            at += c.len_utf8();
            match c {
                '\\' if style == '"' => at += escape(rest, &mut text),
                '\\' if rest.starts_with(['\\', close]) => {
                    text.value.extend(rest.chars().next());
                    at += 1;
                }
                '#' if style == '"' && rest.starts_with(['{', '$', '@']) => {
                    text.dynamic = Some(COMPUTED);
                    at += interpolation(rest);
                }
                c => text.value.push(c),
            }
        }
        None
    }

    /// A block of lines that begins at `body`, announced at `start`; the text, the end of the announcement, the end of the block.
    /// `None` where nothing is announced, `Some(None)` where the block has no end.
    #[allow(clippy::option_option)]
    pub fn heredoc(&self, start: usize, body: usize) -> Option<Option<(Text, usize, usize)>> {
        let head = self.0.get(start + 2..)?;
        let style = head.chars().next().filter(|c| matches!(c, '-' | '~'));
        let rest = &head[style.map_or(0, char::len_utf8)..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let rest = &rest[quote.map_or(0, char::len_utf8)..];
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..length];
        let closed = quote.is_none_or(|quote| rest[length..].starts_with(quote));
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) || !closed {
            return None;
        }
        let quotes = usize::from(quote.is_some());
        let announced = start + 2 + usize::from(style.is_some()) + 2 * quotes + length;
        let mut at = body;
        for line in self.0.get(body..)?.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            let found = if style.is_some() { content.trim_start() } else { content };
            if found == word {
                let raw = &self.0[body..at];
                let raw = if style == Some('~') { outdented(raw) } else { raw.to_owned() };
                return Some(Some((block(&raw, quote == Some('\'')), announced, at + line.len())));
            }
            at += line.len();
        }
        Some(None)
    }
}

/// A block of lines with its escapes undone.
fn block(raw: &str, verbatim: bool) -> Text {
    let mut text = Text { value: String::new(), dynamic: None };
    if verbatim {
        text.value = raw.to_owned();
        return text;
    }
    let mut at = 0;
    while let Some(c) = raw[at..].chars().next() {
        at += c.len_utf8();
        let rest = &raw[at..];
        match c {
            '\\' => at += escape(rest, &mut text),
            '#' if rest.starts_with(['{', '$', '@']) => {
                text.dynamic = Some(COMPUTED);
                at += interpolation(rest);
            }
            c => text.value.push(c),
        }
    }
    text
}

/// Lines without the blanks all of them begin with.
fn outdented(raw: &str) -> String {
    let written = raw.lines().filter(|line| !line.trim().is_empty());
    let indent =
        written.map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min().unwrap_or(0);
    raw.split_inclusive('\n')
        .map(|line| line.get(indent.min(line.trim_end().len())..).unwrap_or(line))
        .collect()
}

/// Reads what follows a backslash; how many bytes it takes.
fn escape(rest: &str, text: &mut Text) -> usize {
    let Some(c) = rest.chars().next() else { return 0 };
    let simple = match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'e' => '\u{1b}',
        's' => ' ',
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'u' => return unicode(&rest[1..], text) + 1,
        'x' => {
            let digits = rest[1..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
            match u8::from_str_radix(&rest[1..=digits], 16).ok().filter(u8::is_ascii) {
                Some(byte) => text.value.push(byte as char),
                None => text.dynamic = Some("a text with bytes that are no characters"),
            }
            return 1 + digits;
        }
        // A line that goes on.
        '\n' => return 1,
        'M' | 'C' | 'c' | '1'..='7' => {
            text.dynamic = Some("a text with an escape that is not known here");
            return c.len_utf8();
        }
        c => c,
    };
    text.value.push(simple);
    c.len_utf8()
}

/// Reads what follows `\u`: four digits, or any number of them between braces.
fn unicode(rest: &str, text: &mut Text) -> usize {
    let (codes, length) = match rest.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
        Some((codes, _)) => (codes, codes.len() + 2),
        None => {
            let digits = rest.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
            (&rest[..digits], digits)
        }
    };
    for code in codes.split_whitespace() {
        match u32::from_str_radix(code, 16).ok().and_then(char::from_u32) {
            Some(c) => text.value.push(c),
            None => text.dynamic = Some("a text with codes that are no characters"),
        }
    }
    length
}

/// How long `{…}` behind a `#` is; a name goes on by itself.
fn interpolation(rest: &str) -> usize {
    if !rest.starts_with('{') {
        return 1;
    }
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            '\n' => return at,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> Option<Text> {
        let quote = text.chars().next()?;
        Texts(text).quoted(1, quote, quote).map(|(text, _)| text)
    }

    #[test]
    fn escapes_are_undone() {
        let value = |text: &str| quoted(text).filter(|text| text.dynamic.is_none()).map(|text| text.value);
        assert_eq!(value(r#""a\"b\\c\n\t\u00e9\u{1F600}\x41\#{x}""#).as_deref(), Some("a\"b\\c\n\té😀A#{x}"));
        assert_eq!(value(r"'a\n\'\\ #{x}'").as_deref(), Some(r"a\n'\ #{x}"));
        assert_eq!(quoted(r#""a #{b["c"]} d""#).unwrap().dynamic, Some(COMPUTED));
        assert_eq!(quoted(r#""\xff""#).map(|text| text.dynamic.is_some()), Some(true));
        assert_eq!(quoted("\"open"), None);
    }

    #[test]
    fn blocks_of_lines_end_at_their_word() {
        let heredoc = |text: &str| {
            let body = text.find('\n').unwrap() + 1;
            Texts(text).heredoc(0, body).flatten().map(|(text, _, end)| (text.value, end))
        };
        assert_eq!(heredoc("<<-EOS\n  a\n    EOS\nx"), Some(("  a\n".into(), 19)));
        assert_eq!(
            heredoc("<<~EOS\n    a\n      b\n\n  EOS\n").map(|found| found.0),
            Some("a\n  b\n\n".into())
        );
        assert_eq!(heredoc("<<'E'\n\\n\nE\n").map(|found| found.0), Some("\\n\n".into()));
        assert_eq!(heredoc("<<EOS\na\n EOS\n"), None, "indented");
        assert_eq!(heredoc("<< EOS\nEOS\n"), None);
    }
}
