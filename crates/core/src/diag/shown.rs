//! Text as it may be shown: masks applied, known secrets replaced, control characters made visible.
//! Every character becomes exactly one other, so that columns and underlines stay where they are.

use std::ops::Range;

use super::Files;
use super::files::SourceFile;
use super::mask::merged;

/// Below this many bytes a value occurs everywhere by chance.
const SHORT: usize = 4;

/// A piece of a file with all that is secret replaced, and the way from its bytes to those of the original.
pub(super) struct Shown {
    pub(super) text: String,
    /// For each character of the piece, where it was and where it is now; ends with both ends.
    points: Vec<(usize, usize)>,
}

impl Shown {
    /// The bytes of `window` (whole lines) as they may be shown.
    pub(super) fn of(files: &Files, file: &SourceFile, window: &Range<usize>) -> Self {
        let original = file.text().get(window.clone()).unwrap_or_default();
        let hidden = hidden(files, file, window);
        let mut hidden = hidden.iter().peekable();
        let mut text = String::with_capacity(original.len());
        let mut points = Vec::with_capacity(original.len() + 1);
        let mut indenting = true;
        for (offset, c) in original.char_indices() {
            let at = window.start + offset;
            points.push((at, text.len()));
            while hidden.next_if(|range| range.end <= at).is_some() {}
            let masked = hidden.peek().is_some_and(|range| range.contains(&at));
            let end_of_line = c == '\n' || (c == '\r' && original[offset + 1..].starts_with('\n'));
            indenting = end_of_line || (indenting && matches!(c, ' ' | '\t'));
            text.push(match c {
                '\n' | '\t' if indenting => c,
                '\r' if end_of_line => ' ',
                ' ' if indenting => c,
                _ if masked => '*',
                '\t' => c,
                _ => visible(c),
            });
        }
        points.push((window.end, text.len()));
        Self { text, points }
    }

    /// Where a stretch of the original, as far as it is in the window, is in the shown text.
    pub(super) fn span(&self, original: &Range<usize>) -> Range<usize> {
        let at = |byte: usize| {
            let i = self.points.partition_point(|(from, _)| *from < byte);
            self.points.get(i).map_or(self.text.len(), |(_, to)| *to)
        };
        at(original.start)..at(original.end)
    }
}

/// Text from elsewhere with its control characters made visible, so that it cannot steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// Whether a character does nothing to a terminal and to the characters around it.
pub fn is_harmless(c: char) -> bool {
    visible(c) == c
}

/// A message, a label, a hint or a name as it may be shown.
pub(super) fn clean(files: &Files, text: &str) -> String {
    let mut out = text.to_owned();
    for secret in files.secrets() {
        if secret.len() >= SHORT {
            out = replaced(&out, secret);
            let escaped = secret.escape_debug().to_string();
            if escaped != *secret {
                out = replaced(&out, &escaped);
            }
        } else if out == *secret {
            out = stars(secret);
        } else {
            for quote in ['`', '"', '\''] {
                out = out
                    .replace(&format!("{quote}{secret}{quote}"), &format!("{quote}{}{quote}", stars(secret)));
            }
        }
    }
    out.chars().map(visible).collect()
}

fn replaced(text: &str, secret: &str) -> String {
    text.replace(secret, &stars(secret))
}

fn stars(secret: &str) -> String {
    "*".repeat(secret.chars().count())
}

/// The file's own masks and every known secret, within the window.
fn hidden(files: &Files, file: &SourceFile, window: &Range<usize>) -> Vec<Range<usize>> {
    let text = file.text().get(window.clone()).unwrap_or_default();
    let masks = file.masks();
    let first = masks.partition_point(|mask| mask.end <= window.start);
    let mut out: Vec<_> = masks[first..].iter().take_while(|mask| mask.start < window.end).cloned().collect();
    for secret in files.secrets() {
        let found = text.match_indices(secret.as_str()).map(|(at, _)| at..at + secret.len());
        let found = found.filter(|r| secret.len() >= SHORT || stands_alone(text, r));
        out.extend(found.map(|r| window.start + r.start..window.start + r.end));
    }
    merged(out)
}

/// Whether nothing but what delimits a scalar stands around it.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let delimits = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"'[]{},".contains(c));
    delimits(text[..range.start].chars().next_back()) && delimits(text[range.end..].chars().next())
}

/// A character that does nothing to a terminal: control characters as their pictures, invisible ones that reorder or join text as
/// the replacement character.
fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' => '\u{fffd}',
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        _ => c,
    }
}
