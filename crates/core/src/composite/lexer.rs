//! Definitions in the composite language as tokens with the bytes they stand at.
//! Knows characters; knows nothing of how tokens fit together. Goes on behind what it cannot read.

use std::{fmt, iter::Peekable, ops::Range, str::CharIndices};

use super::problem::Problems;
use crate::diag::Code;

/// One word of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare name: a function or an option.
    Name(String),
    /// Text in quotes, without them.
    Text(String),
    /// A number, as written.
    Number(String),
    /// Any other character.
    Punct(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}`"),
            Self::Text(text) => write!(f, "the text \"{}\"", text.escape_debug()),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Punct(c) => write!(f, "`{}`", c.escape_debug()),
        }
    }
}

/// All tokens with their bytes, and whether the last is a text that was not closed.
pub(super) fn tokens(text: &str, problems: &mut Problems) -> (Vec<(Range<usize>, Token)>, bool) {
    let mut lexer = Lexer { text, rest: text.char_indices().peekable(), open: false };
    let mut found = Vec::new();
    while let Some((start, c)) = lexer.rest.next() {
        let token = match c {
            c if c.is_whitespace() => continue,
            '"' | '\'' | '\u{201c}' | '\u{201d}' | '\u{201e}' => lexer.text(start, c, problems),
            c if c.is_alphabetic() || c == '_' => {
                Token::Name(lexer.run(start, |c| c.is_alphanumeric() || c == '_'))
            }
            c if c.is_ascii_digit() || "+-.".contains(c) => {
                Token::Number(lexer.run(start, |c| c.is_ascii_alphanumeric() || "./".contains(c)))
            }
            c => Token::Punct(c),
        };
        found.push((start..lexer.at(), token));
    }
    (found, lexer.open)
}

struct Lexer<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    open: bool,
}

impl Lexer<'_> {
    /// The byte behind what was read.
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn run(&mut self, start: usize, more: fn(char) -> bool) -> String {
        while self.rest.next_if(|(_, c)| more(*c)).is_some() {}
        let end = self.at();
        self.text.get(start..end).unwrap_or_default().to_owned()
    }

    /// What stands in quotes. The language knows double quotes and no escapes; other quotes are read like them and reported.
    fn text(&mut self, start: usize, open: char, problems: &mut Problems) -> Token {
        let closes = |c: char| match open {
            '"' | '\'' => c == open,
            _ => matches!(c, '"' | '\u{201c}' | '\u{201d}'),
        };
        let from = self.at();
        while self.rest.next_if(|(_, c)| !closes(*c)).is_some() {}
        let content = self.text.get(from..self.at()).unwrap_or_default().to_owned();
        if self.rest.next().is_none() {
            self.open = true;
            problems
                .error(Code::InvalidComposite, start..start + open.len_utf8(), "this text is not closed")
                .help("texts stand between double quotes and cannot contain one");
        } else if open != '"' {
            let end = self.at();
            problems
                .error(
                    Code::InvalidComposite,
                    start..end,
                    format!("texts stand in double quotes, not in `{open}`"),
                )
                .help(format!("write \"{}\"", content.escape_debug()));
        }
        Token::Text(content)
    }
}
