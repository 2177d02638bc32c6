//! What a YAML scalar says, with the bytes of the file each character of it comes from: plain, quoted and block scalars.
//! Trusts that the text is valid YAML; where it cannot tell (an indentation given as a number), it gives up rather than guess.

use std::ops::Range;

/// A scalar as it was read.
pub(super) struct Scalar {
    text: String,
    /// For each character its offset in `text` and the bytes of the file that stand for it.
    from: Vec<(usize, Range<usize>)>,
}

/// Where a stretch of a text is in another one that differs in places, as a template differs from what was made of it: found when
/// nothing differs up to its end, or from its start on.
pub fn follow(span: Range<usize>, text: &str, other: &str) -> Option<Range<usize>> {
    let head = text.get(..span.end)?;
    if other.starts_with(head) {
        return Some(span);
    }
    let tail = text.get(span.start..)?;
    let start = other.len().checked_sub(tail.len())?;
    // Nothing left to compare says nothing about where it is.
    (!tail.is_empty() && other.ends_with(tail)).then(|| start..start + span.len())
}

impl Scalar {
    /// Reads the scalar at these bytes of a file.
    pub(super) fn read(file: &str, span: Range<usize>) -> Option<Self> {
        let raw = file.get(span.clone())?;
        let mut scalar = Self { text: String::with_capacity(raw.len()), from: Vec::new() };
        match raw.chars().next()? {
            quote @ ('"' | '\'') if raw.len() > 1 && raw.ends_with(quote) => {
                scalar.flow(file, span.start + 1..span.end - 1, Some(quote));
            }
            _ => match header(file, span.start) {
                Some(header) => scalar.block(file, &span, header)?,
                None => scalar.flow(file, span, None),
            },
        }
        Some(scalar)
    }

    /// The bytes of the file for a stretch of the text.
    pub(super) fn span(&self, of: &Range<usize>) -> Option<Range<usize>> {
        let at = |byte: usize| self.from.partition_point(|(offset, _)| *offset <= byte).checked_sub(1);
        let last = &self.from.get(at(of.end.saturating_sub(1).max(of.start).min(self.text.len()))?)?.1;
        if of.start >= self.text.len() {
            return Some(last.end..last.end);
        }
        let first = &self.from.get(at(of.start)?)?.1;
        if of.is_empty() {
            Some(first.start..first.start)
        } else {
            Some(first.start..last.end.max(first.end))
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn push(&mut self, c: char, from: Range<usize>) {
        self.from.push((self.text.len(), from));
        self.text.push(c);
    }

    /// A plain or quoted scalar: line breaks are folded, and quotes know escapes.
    fn flow(&mut self, file: &str, span: Range<usize>, quote: Option<char>) {
        let mut at = span.start;
        while let Some(rest) = file.get(at..span.end)
            && let Some(c) = rest.chars().next()
        {
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let breaks = rest[..blank].matches('\n').count();
            let taken = if breaks > 0 {
                self.fold(breaks, at..at + blank);
                blank
            } else if c == '\\' && quote == Some('"') {
                let (meant, taken) = escape(rest);
                if let Some(meant) = meant {
                    self.push(meant, at..at + taken);
                }
                taken
            } else {
                let taken = if c == '\'' && quote == Some('\'') { 2 } else { c.len_utf8() };
                self.push(c, at..at + taken);
                taken
            };
            at += taken;
        }
    }

    /// One line break is a blank; of more, all but one remain.
    fn fold(&mut self, breaks: usize, from: Range<usize>) {
        if breaks == 1 {
            self.push(' ', from);
        } else {
            (1..breaks).for_each(|_| self.push('\n', from.clone()));
        }
    }

    /// A block scalar; the blank lines at its end do not matter to any position in it.
    fn block(&mut self, file: &str, span: &Range<usize>, header: Header) -> Option<()> {
        if header.counted {
            return None;
        }
        let lines = file.get(header.end..span.end)?;
        let first = lines.lines().find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        let mut at = header.end;
        // How many breaks were passed since the last line with text, and whether that line was indented further.
        let (mut breaks, mut before) = (0, None);
        for line in lines.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            let start = at;
            at += line.len();
            let Some(content) = content.get(indent..).filter(|content| !content.is_empty()) else {
                breaks += 1;
                continue;
            };
            let further = content.starts_with([' ', '\t']);
            let from = start..start + indent;
            match before {
                Some(false) if header.folded && !further => self.fold(breaks, from),
                _ => (0..breaks).for_each(|_| self.push('\n', from.clone())),
            }
            for (offset, c) in content.char_indices() {
                let byte = start + indent + offset;
                self.push(c, byte..byte + c.len_utf8());
            }
            (breaks, before) = (1, Some(further));
        }
        Some(())
    }
}

/// The line that begins a block scalar.
#[derive(Clone, Copy)]
struct Header {
    folded: bool,
    /// Whether it gives the indentation as a number, counted from a level that only a parser knows.
    counted: bool,
    /// The first byte behind its line.
    end: usize,
}

/// The header of the block scalar whose text begins at this byte; `None` for a plain scalar.
fn header(file: &str, start: usize) -> Option<Header> {
    let line = file.get(..start)?.rfind('\n')? + 1;
    if !file.get(line..start)?.trim().is_empty() {
        return None;
    }
    let before = file.get(..line)?.trim_end();
    let own = before.get(before.rfind('\n').map_or(0, |at| at + 1)..)?;
    let own = own.find(" #").map_or(own, |comment| &own[..comment]).trim_end();
    let counted = own.trim_end_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let folded = match counted.chars().last()? {
        '>' => true,
        '|' => false,
        _ => return None,
    };
    let end = before.len() + file.get(before.len()..)?.find('\n')? + 1;
    let counted = own[counted.len()..].contains(|c: char| c.is_ascii_digit());
    Some(Header { folded, counted, end })
}

/// What an escape in double quotes stands for, and its length. An escaped line break stands for nothing.
fn escape(rest: &str) -> (Option<char>, usize) {
    let Some(kind) = rest.chars().nth(1) else { return (Some('\\'), 1) };
    let digits = |count: usize| {
        let code = rest.get(2..2 + count).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (code.and_then(char::from_u32).or(Some('\u{fffd}')), 2 + count)
    };
    let meant = match kind {
        'x' => return digits(2),
        'u' => return digits(4),
        'U' => return digits(8),
        '\n' | '\r' => {
            let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
            let behind = rest[line..].trim_start_matches([' ', '\t']);
            return (None, rest.len() - behind.len());
        }
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    };
    (Some(meant), 1 + kind.len_utf8())
}
