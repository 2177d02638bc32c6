//! Definitions in the composite language as tokens with their byte offsets.
//! Knows characters; knows nothing of how tokens fit together.

use std::fmt;

use super::ParseError;

/// One word of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare name: a function or an option.
    Name(String),
    /// Text in double quotes, without them.
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
            Self::Text(_) => f.write_str("text"),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Punct(c) => write!(f, "`{}`", c.escape_debug()),
        }
    }
}

/// All tokens with the byte offset of each.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ParseError> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let mut run = |first: char, more: fn(char) -> bool| {
            let mut word = String::from(first);
            while let Some((_, c)) = rest.next_if(|(_, c)| more(*c)) {
                word.push(c);
            }
            word
        };
        let token = match c {
            c if c.is_whitespace() => continue,
            '"' => {
                let mut word = String::new();
                loop {
                    match rest.next() {
                        Some((_, '"')) => break Token::Text(word),
                        Some((_, c)) => word.push(c),
                        None => {
                            return Err(ParseError {
                                offset: start,
                                message: "this text is not closed".into(),
                            });
                        }
                    }
                }
            }
            c if c.is_alphabetic() || c == '_' => Token::Name(run(c, |c| c.is_alphanumeric() || c == '_')),
            c if c.is_ascii_digit() || c == '-' => {
                Token::Number(run(c, |c| c.is_ascii_digit() || c == '.' || c == '/'))
            }
            c => Token::Punct(c),
        };
        found.push((start, token));
    }
    Ok(found)
}
