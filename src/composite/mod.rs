//! The composite language as far as its shape goes: nested calls, sets, strings and options.
//! Knows where a definition stops making sense and which metrics it reads; nothing yet of what functions mean.

mod lexer;

use std::fmt;

use lexer::{Token, tokens};

/// Nesting deeper than this is refused, so that no definition can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// A place in a definition where it stops making sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes from the start of the definition.
    pub offset: usize,
    /// What was expected or found.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {})", self.message, self.offset + 1)
    }
}

impl std::error::Error for ParseError {}

/// One expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A call: function name and arguments.
    Call(String, Vec<Self>),
    /// A set of expressions in brackets.
    Set(Vec<Self>),
    /// Quoted text.
    Text(String),
    /// A bare number, as written.
    Number(String),
    /// Options or tags in braces.
    Map(Vec<(String, Self)>),
}

impl Expr {
    /// Names of the metrics that are read by their exact name, patterns left out; each once, in order.
    pub fn metrics(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.collect_metrics(&mut names);
        names
    }

    fn collect_metrics(&self, names: &mut Vec<String>) {
        match self {
            Self::Call(function, arguments) => {
                if let ("s" | "series", Some(Self::Text(name))) = (function.as_str(), arguments.first())
                    && !name.contains(['*', '%', '&'])
                    && !names.contains(name)
                {
                    names.push(name.clone());
                }
                arguments.iter().for_each(|argument| argument.collect_metrics(names));
            }
            Self::Set(items) => items.iter().for_each(|item| item.collect_metrics(names)),
            Self::Text(_) | Self::Number(_) | Self::Map(_) => {}
        }
    }
}

/// Reads a definition.
///
/// # Errors
/// At the first place that cannot be read: an unbalanced bracket, a missing comma, an open string, text behind the end.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len() };
    let expr = parser.expression(0)?;
    match parser.peek() {
        None => match expr {
            Expr::Call(..) | Expr::Set(_) => Ok(expr),
            _ => Err(ParseError { offset: 0, message: "expected a function call or a set in `[ ]`".into() }),
        },
        Some(token) => {
            Err(ParseError { offset: parser.offset(), message: format!("unexpected {token} behind the end") })
        }
    }
}

/// A form in which blanks, line breaks and the alias `series` make no difference. What cannot be read stays as it is.
pub fn canonical(text: &str) -> String {
    parse(text)
        .map_or_else(|_| text.to_owned(), |expr| format!("{expr:?}").replace("Call(\"series\"", "Call(\"s\""))
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(offset, _)| *offset)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn fail<T>(&self, expected: &str) -> Result<T, ParseError> {
        let found = self.peek().map_or_else(|| "the end".to_owned(), ToString::to_string);
        Err(ParseError { offset: self.offset(), message: format!("expected {expected}, found {found}") })
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError { offset: self.offset(), message: "nested too deeply".into() });
        }
        let Some(token) = self.peek().cloned() else { return self.fail("an expression") };
        match token {
            Token::Text(text) => {
                self.next += 1;
                Ok(Expr::Text(text))
            }
            Token::Number(number) => {
                self.next += 1;
                Ok(Expr::Number(number))
            }
            Token::Name(name) => {
                self.next += 1;
                if !self.take(&Token::Punct('(')) {
                    return self.fail(&format!("`(` behind `{name}`"));
                }
                Ok(Expr::Call(name, self.list(')', depth)?))
            }
            Token::Punct('[') => {
                self.next += 1;
                Ok(Expr::Set(self.list(']', depth)?))
            }
            Token::Punct('{') => {
                self.next += 1;
                Ok(Expr::Map(self.pairs(depth)?))
            }
            Token::Punct(_) => self.fail("an expression"),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Vec<Expr>, ParseError> {
        let mut items = Vec::new();
        if self.take(&Token::Punct(close)) {
            return Ok(items);
        }
        loop {
            items.push(self.expression(depth + 1)?);
            if self.take(&Token::Punct(close)) {
                return Ok(items);
            }
            if !self.take(&Token::Punct(',')) {
                return self.fail(&format!("`,` or `{close}`"));
            }
        }
    }

    fn pairs(&mut self, depth: usize) -> Result<Vec<(String, Expr)>, ParseError> {
        let mut pairs = Vec::new();
        if self.take(&Token::Punct('}')) {
            return Ok(pairs);
        }
        loop {
            let Some(Token::Name(key) | Token::Text(key)) = self.peek().cloned() else {
                return self.fail("a key");
            };
            self.next += 1;
            if !self.take(&Token::Punct(':')) {
                return self.fail("`:`");
            }
            pairs.push((key, self.expression(depth + 1)?));
            if self.take(&Token::Punct('}')) {
                return Ok(pairs);
            }
            if !self.take(&Token::Punct(',')) {
                return self.fail("`,` or `}`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_of_a_definition_are_found_without_patterns() {
        let expr = parse(
            r#"divide([sum(s("a.err","*")), sum(series("a.req", {"az":"x"}, {period: "60"})), s("a.*","*"), s("a.err","*")])"#,
        );
        assert_eq!(expr.unwrap().metrics(), ["a.err", "a.req"]);
    }

    #[test]
    fn blanks_and_the_alias_make_no_difference() {
        assert_eq!(canonical("sum( s(\"a\" ,\n \"*\") )"), canonical(r#"sum(series("a","*"))"#));
        assert_ne!(canonical(r#"sum(s("a","*"))"#), canonical(r#"sum(s("a","x"))"#));
        assert_eq!(canonical("sum(("), "sum((");
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        for (text, offset, message) in [
            (r#"sum(s("a","*")"#, 14, "expected `,` or `)`, found the end"),
            (r#"sum(s("a","*"), )"#, 16, "expected an expression, found `)`"),
            (r#"sum(s("a" "*"))"#, 10, "expected `,` or `)`, found text"),
            (r#"sum(s("a,"*"))"#, 11, "this text is not closed"),
            ("", 0, "expected an expression, found the end"),
            ("sum", 3, "expected `(` behind `sum`, found the end"),
            (r#"s("a","*"))"#, 10, "unexpected `)` behind the end"),
            (r#"s("a"#, 2, "this text is not closed"),
            ("42", 0, "expected a function call or a set in `[ ]`"),
        ] {
            assert_eq!(parse(text), Err(ParseError { offset, message: message.into() }), "{text}");
        }
        assert!(parse(&"f(".repeat(10_000)).unwrap_err().message.contains("deeply"));
    }
}
