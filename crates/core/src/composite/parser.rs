//! From tokens to a syntax tree. Written by hand because of what it does with mistakes: it knows which brackets are open, so it can
//! leave out what it cannot read, go on behind the next comma, and find a mistake in every argument in one go.

use std::ops::Range;

use super::functions;
use super::lexer::{Token, tokens};
use super::problem::Problems;
use super::tree::{Expr, ExprKind, Name};
use crate::diag::Code;

/// Nesting deeper than this is refused, so that no definition can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 64;

/// Longer definitions are refused unread; the service's own limit is not known.
const MAX_LENGTH: usize = 64 << 10;

const SYNTAX: Code = Code::InvalidComposite;

/// Reads a definition as far as it can be read; what cannot becomes a hole and a problem.
pub(super) fn read(text: &str, problems: &mut Problems) -> Expr {
    if text.len() > MAX_LENGTH {
        problems.error(
            SYNTAX,
            0..0,
            format!("a definition has at most {MAX_LENGTH} bytes, this one has {}", text.len()),
        );
        return Expr { kind: ExprKind::Hole, span: 0..0 };
    }
    let (tokens, at_end) = tokens(text, problems);
    let mut parser = Parser { tokens, next: 0, end: text.len(), open: Vec::new(), at_end, problems };
    if parser.tokens.is_empty() {
        parser.problems.error(SYNTAX, 0..text.len(), "a definition cannot be empty").help(EXAMPLE);
        return Expr { kind: ExprKind::Hole, span: 0..text.len() };
    }
    let expr = parser.expression();
    parser.nothing_more();
    match expr.kind {
        ExprKind::Text(_) | ExprKind::Map(_) => {
            let message = "a definition is a function call, or a set of them in `[ ]`";
            problems.error(SYNTAX, expr.span.clone(), message).help(EXAMPLE);
            Expr { kind: ExprKind::Hole, span: expr.span }
        }
        _ => expr,
    }
}

const EXAMPLE: &str = "the language is nested calls, such as sum(s(\"shop.requests\", \"*\"))";

/// A bracket that was opened and not yet closed.
struct Open {
    close: char,
    at: Range<usize>,
    /// `sum(`, or the bracket alone.
    what: String,
}

struct Parser<'p> {
    tokens: Vec<(Range<usize>, Token)>,
    next: usize,
    end: usize,
    open: Vec<Open>,
    /// Whether the cause of an early end was reported; all that is open there has one.
    at_end: bool,
    problems: &'p mut Problems,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn is_at(&self, c: char) -> bool {
        matches!(self.peek(), Some(Token::Punct(found)) if *found == c)
    }

    /// The bytes of the next token; behind the end, nothing.
    fn here(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.end..self.end, |(span, _)| span.clone())
    }

    /// The byte behind the last token that was taken.
    fn behind(&self) -> usize {
        let last = self.next.checked_sub(1).and_then(|last| self.tokens.get(last));
        last.map_or(0, |(span, _)| span.end)
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.is_at(c);
        self.next += usize::from(found);
        found
    }

    fn expected(&mut self, what: &str) {
        let here = self.here();
        match self.peek().map(ToString::to_string) {
            Some(found) => {
                self.problems.error(SYNTAX, here, format!("expected {what}, found {found}"));
            }
            None => self.early_end(),
        }
    }

    /// The definition ends while something is open: said once, at the innermost bracket that is.
    fn early_end(&mut self) {
        if std::mem::replace(&mut self.at_end, true) {
            return;
        }
        let behind = self.behind();
        match self.open.last() {
            Some(open) => {
                let message = format!("`{}` is not closed: `{}` is missing", open.what, open.close);
                self.problems.error(SYNTAX, open.at.clone(), message);
            }
            None => {
                self.problems.error(SYNTAX, behind..self.end, "the definition ends too early");
            }
        }
    }

    fn hole(&self, start: usize) -> Expr {
        Expr { kind: ExprKind::Hole, span: start..self.behind().max(start) }
    }

    fn expression(&mut self) -> Expr {
        let span = self.here();
        let Some(token) = self.peek().cloned() else {
            self.early_end();
            return self.hole(span.start);
        };
        let kind = match token {
            Token::Text(text) => {
                self.next += 1;
                ExprKind::Text(text)
            }
            Token::Number(number) => {
                self.next += 1;
                ExprKind::Number(number)
            }
            Token::Name(name) => return self.call(Name { text: name, span }),
            Token::Punct('[') => {
                self.next += 1;
                let Some(items) = self.nested('[', ']', span.clone(), "[".into(), Self::expression) else {
                    return self.hole(span.start);
                };
                ExprKind::Set(items)
            }
            Token::Punct('{') => {
                self.next += 1;
                let Some(pairs) = self.nested('{', '}', span.clone(), "{".into(), Self::pair) else {
                    return self.hole(span.start);
                };
                ExprKind::Map(pairs.into_iter().flatten().collect())
            }
            Token::Punct(_) => {
                self.expected("a function call, a text or a set");
                self.skip();
                return self.hole(span.start);
            }
        };
        Expr { kind, span: span.start..self.behind() }
    }

    fn call(&mut self, name: Name) -> Expr {
        self.next += 1;
        let start = name.span.start;
        let bracket = self.here();
        if !self.take('(') {
            let message = format!("`{}` stands alone: a function is followed by `(`", name.text);
            let hint = match functions::find(&name.text) {
                Some(function) => format!("it is called as {}", function.signature()),
                None if self.open.is_empty() => {
                    "the series of a metric are read with s(\"name\", \"*\")".to_owned()
                }
                None => format!("texts stand in double quotes: \"{}\"", name.text),
            };
            self.problems.error(SYNTAX, name.span, message).help(hint);
            self.skip();
            return self.hole(start);
        }
        if bracket.start != name.span.end {
            let message = format!("no blank may stand between `{}` and `(`", name.text);
            self.problems.error(SYNTAX, name.span.end..bracket.start, message);
        }
        let what = format!("{}(", name.text);
        let opened = start..bracket.end;
        match self.nested('(', ')', opened, what, Self::expression) {
            Some(arguments) => Expr { kind: ExprKind::Call(name, arguments), span: start..self.behind() },
            None => self.hole(start),
        }
    }

    /// What stands between an opened bracket and its end, separated by commas. `None` where the nesting is too deep.
    fn nested<T>(
        &mut self,
        open: char,
        close: char,
        at: Range<usize>,
        what: String,
        item: fn(&mut Self) -> T,
    ) -> Option<Vec<T>> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested too deeply: at most {MAX_DEPTH} brackets may be open");
            self.problems.error(SYNTAX, at, message);
            // What is behind it would only be reported as not closed.
            (self.next, self.at_end) = (self.tokens.len(), true);
            return None;
        }
        self.open.push(Open { close, at, what });
        let items = self.items(open, close, item);
        self.open.pop();
        Some(items)
    }

    fn items<T>(&mut self, open: char, close: char, item: fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        if self.take(close) {
            return items;
        }
        loop {
            items.push(item(self));
            if self.take(close) {
                return items;
            }
            if self.take(',') {
                continue;
            }
            let Some(token) = self.peek() else {
                self.early_end();
                return items;
            };
            match token {
                Token::Punct(c @ (')' | ']' | '}')) => {
                    let c = *c;
                    if self.open.iter().any(|open| open.close == c) {
                        // It closes something further out, so this bracket was forgotten.
                        let last = self.open.last().map(|open| (open.at.clone(), open.what.clone()));
                        let (at, what) = last.unwrap_or((self.here(), open.to_string()));
                        let message = format!("`{what}` is not closed: `{close}` is missing before `{c}`");
                        self.problems.error(SYNTAX, at, message);
                        return items;
                    }
                    let message = format!("`{c}` closes nothing that is open; expected `,` or `{close}`");
                    let here = self.here();
                    self.problems.error(SYNTAX, here, message);
                    self.next += 1;
                    if self.take(close) {
                        return items;
                    }
                    self.take(',');
                }
                Token::Name(_) | Token::Text(_) | Token::Punct('[' | '{') => {
                    self.expected(&format!("`,` or `{close}`"));
                }
                Token::Number(_) | Token::Punct(_) => {
                    self.expected(&format!("`,` or `{close}`"));
                    self.skip();
                    if self.take(close) {
                        return items;
                    }
                    self.take(',');
                }
            }
        }
    }

    fn pair(&mut self) -> Option<(Name, Expr)> {
        let span = self.here();
        let Some(Token::Name(text) | Token::Text(text) | Token::Number(text)) = self.peek().cloned() else {
            self.expected("a name, as in {name: \"value\"}");
            self.skip();
            return None;
        };
        self.next += 1;
        if !self.take(':') {
            self.expected(&format!("`:` and a value behind `{text}`"));
            self.skip();
            return None;
        }
        Some((Name { text, span }, self.expression()))
    }

    /// Goes to the next comma or closing bracket of the bracket that is open.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Punct('(' | '[' | '{') => depth += 1,
                Token::Punct(')' | ']' | '}') if depth == 0 => return,
                Token::Punct(')' | ']' | '}') => depth -= 1,
                Token::Punct(',') if depth == 0 => return,
                _ => {}
            }
            self.next += 1;
        }
    }

    /// Nothing may stand behind the definition. One report is enough, however much stands there.
    fn nothing_more(&mut self) {
        let Some(token) = self.peek().map(ToString::to_string) else { return };
        let here = self.here();
        let is_comma = self.is_at(',');
        let calculates =
            ["`*", "`/", "the number +", "the number -"].iter().any(|begin| token.starts_with(begin));
        let message = format!("the definition ends before {token}");
        let problem = self.problems.error(SYNTAX, here.start..self.end.max(here.end), message);
        if is_comma {
            problem.help("several expressions stand in brackets: [a, b]");
        } else if calculates {
            problem
                .help("functions calculate: sum([a, b]), subtract([a, b]), multiply([a, b]), divide([a, b])");
        }
    }
}
