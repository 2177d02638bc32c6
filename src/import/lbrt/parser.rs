//! Statements of plain data: `name argument, argument do … end`. Whatever else is there is passed over as one statement.
//! Knows nothing of what the names mean.

use std::ops::Range;

use super::super::node::{Fields, Node, Val};
use super::lexer::{Kind, Token, tokens};
use crate::diag::{FileId, Place};

/// How deep blocks and values may be nested.
const DEEPEST: usize = 32;

/// What was made of a file.
pub(super) struct Parsed {
    pub file: FileId,
    pub statements: Vec<Statement>,
    /// Whether every text and every block was closed; if not, no one knows what is what.
    pub closed: bool,
}

pub(super) struct Statement {
    /// Its first word, or nothing.
    pub name: String,
    /// Where that word is.
    pub head: Range<usize>,
    /// All of it.
    pub span: Range<usize>,
    /// `None` for a statement that is not plain data.
    pub call: Option<Call>,
}

/// What follows the name.
pub(super) struct Call {
    /// Values; one that is computed is unknown.
    pub arguments: Vec<Node>,
    /// The statements between `do` and `end`.
    pub block: Option<Vec<Statement>>,
}

/// Parses a file. Never fails: what is not understood is a statement without a call.
pub(super) fn parse(file: FileId, text: &str) -> Parsed {
    let mut parser = Parser { file, tokens: tokens(text), at: 0, depth: 0, closed: true };
    parser.closed = !parser.tokens.iter().any(|token| token.kind == Kind::Open);
    let mut statements = parser.statements();
    while !parser.is(&Kind::End) {
        // An `end` too many.
        parser.closed = false;
        parser.at += 1;
        statements.extend(parser.statements());
    }
    Parsed { file, statements, closed: parser.closed }
}

struct Parser {
    file: FileId,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    closed: bool,
}

impl Parser {
    fn kind(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |token| &token.kind)
    }

    fn is(&self, kind: &Kind) -> bool {
        self.kind() == kind
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Word(found) if found == word)
    }

    fn is_mark(&self, mark: char) -> bool {
        self.is(&Kind::Mark(mark))
    }

    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(0..0, |token| token.span.clone())
    }

    /// The end of the token before.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn lines(&mut self) {
        while self.is(&Kind::Newline) {
            self.at += 1;
        }
    }

    /// Statements up to an `end` or a bracket that belongs to someone else.
    fn statements(&mut self) -> Vec<Statement> {
        let mut found = Vec::new();
        loop {
            self.lines();
            if self.is(&Kind::End) || self.is_word("end") || self.is_mark('}') {
                return found;
            }
            found.push(self.statement());
        }
    }

    fn statement(&mut self) -> Statement {
        let (start, head) = (self.at, self.span());
        let name = match self.kind() {
            Kind::Word(word) => word.clone(),
            _ => String::new(),
        };
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase()) && !OPENERS.contains(&name.as_str());
        let call = if plain { self.call() } else { None };
        let call = call.filter(|_| self.at_end_of_statement());
        // What reached the end of the file without its own end would reach it again.
        if call.is_none() && !self.is(&Kind::End) {
            self.at = start;
            self.pass_over();
        }
        Statement { name, span: head.start..self.end().max(head.end), head, call }
    }

    fn at_end_of_statement(&self) -> bool {
        matches!(self.kind(), Kind::Newline | Kind::End) || self.is_word("end") || self.is_mark('}')
    }

    fn call(&mut self) -> Option<Call> {
        self.at += 1;
        let arguments = if self.is_mark('(') && self.span().start == self.end() {
            self.at += 1;
            let arguments = self.arguments(Some(')'));
            if !self.take(')') {
                return None;
            }
            arguments
        } else {
            self.arguments(None)
        };
        let close = match self.kind() {
            Kind::Word(word) if word == "do" => "end",
            Kind::Mark('{') => "}",
            _ => return Some(Call { arguments, block: None }),
        };
        if self.depth >= DEEPEST {
            return None;
        }
        self.at += 1;
        self.depth += 1;
        let statements = self.statements();
        self.depth -= 1;
        let closed = if close == "end" { self.is_word("end") } else { self.is_mark('}') };
        if !closed {
            self.closed &= !self.is(&Kind::End);
            return None;
        }
        self.at += 1;
        Some(Call { arguments, block: Some(statements) })
    }

    /// Values divided by commas; pairs without braces are one map at the end.
    fn arguments(&mut self, close: Option<char>) -> Vec<Node> {
        let (mut found, mut pairs) = (Vec::new(), Fields::new());
        let mut pairs_at = None;
        loop {
            if close.is_some() || !(found.is_empty() && pairs.is_empty()) {
                self.lines();
            }
            if self.ends_arguments(close) {
                break;
            }
            let span = self.span();
            match self.item() {
                Item::Value(node) => found.push(node),
                Item::Pair(key, node) => {
                    pairs_at.get_or_insert(span.start);
                    pairs.push((key, node));
                }
            }
            if close.is_some() {
                self.lines();
            }
            if !self.take(',') {
                break;
            }
        }
        if let Some(start) = pairs_at {
            let place = self.place(start..self.end());
            found.push(Node::new(Val::Map(pairs), place));
        }
        found
    }

    fn ends_arguments(&self, close: Option<char>) -> bool {
        match close {
            Some(close) => self.is_mark(close) || self.is(&Kind::End),
            None => self.at_end_of_statement() || self.is_word("do") || self.is_mark('{'),
        }
    }

    /// A value, or `key => value`, or `key: value`.
    fn item(&mut self) -> Item {
        if let Kind::Label(key) = self.kind().clone() {
            self.at += 1;
            self.lines();
            return Item::Pair(key, self.value());
        }
        let key = self.value();
        if !self.take('>') {
            return Item::Value(key);
        }
        self.lines();
        let value = self.value();
        match key.value {
            Val::Text(key) => Item::Pair(key, value),
            Val::Number(key) => Item::Pair(key.to_string(), value),
            _ => Item::Value(Node::unknown("a key that is no text", key.place)),
        }
    }

    /// A value, which is unknown where anything is done with it.
    fn value(&mut self) -> Node {
        let start = self.span().start;
        let value = self.plain();
        if self.ends_value() {
            let place = self.place(start..self.end().max(start));
            return Node::new(value, place);
        }
        self.pass_over_value();
        Node::unknown("it is computed", self.place(start..self.end().max(start)))
    }

    fn ends_value(&self) -> bool {
        match self.kind() {
            Kind::Newline | Kind::End => true,
            Kind::Mark(mark) => ",])}>".contains(*mark),
            Kind::Word(word) => matches!(word.as_str(), "do" | "end"),
            _ => false,
        }
    }

    fn plain(&mut self) -> Val {
        let kind = self.kind().clone();
        let list = |words: Vec<String>, place: &Place| {
            Val::List(words.into_iter().map(|word| Node::text(word, place.clone())).collect())
        };
        let here = self.place(self.span());
        if self.ends_value() {
            return Val::unknown("there is no value");
        }
        self.at += 1;
        match kind {
            Kind::Text(first) => {
                let mut text = first;
                // Texts side by side are one.
                while let Kind::Text(next) = self.kind() {
                    text.value.push_str(&next.value);
                    text.dynamic = text.dynamic.or(next.dynamic);
                    self.at += 1;
                }
                text.dynamic.map_or(Val::Text(text.value), Val::unknown)
            }
            Kind::Symbol(name) => Val::Text(name),
            Kind::Number(number) => Val::Number(number),
            Kind::Words(words) => list(words, &here),
            Kind::Word(word) => match word.as_str() {
                "nil" => Val::Null,
                "true" => Val::Bool(true),
                "false" => Val::Bool(false),
                _ => Val::unknown(format!("`{word}` is computed")),
            },
            Kind::Mark('[') => self.bracketed(']', |node| match node {
                Item::Value(node) => Some((String::new(), node)),
                Item::Pair(..) => None,
            }),
            Kind::Mark('{') => self.bracketed('}', |node| match node {
                Item::Pair(key, node) => Some((key, node)),
                Item::Value(_) => None,
            }),
            Kind::Label(_) | Kind::Mark(_) | Kind::Newline | Kind::Open | Kind::End => {
                Val::unknown("it is computed")
            }
        }
    }

    /// A list or a map, behind its first bracket.
    fn bracketed(&mut self, close: char, read: fn(Item) -> Option<(String, Node)>) -> Val {
        let computed = Val::unknown("it is computed, or nested too deeply");
        if self.depth >= DEEPEST {
            return computed;
        }
        self.depth += 1;
        let mut found = Some(Fields::new());
        loop {
            self.lines();
            if self.is_mark(close) || self.is(&Kind::End) {
                break;
            }
            let before = self.at;
            let item = read(self.item());
            found = found.zip(item).map(|(mut all, one)| {
                all.push(one);
                all
            });
            self.lines();
            if !self.take(',') || self.at == before {
                break;
            }
        }
        self.depth -= 1;
        match (self.take(close), found) {
            (true, Some(fields)) if close == '}' => Val::Map(fields),
            (true, Some(fields)) => Val::List(fields.into_iter().map(|(_, node)| node).collect()),
            _ => computed,
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place::Bytes { file: self.file, span }
    }

    /// Passes over what belongs to a value.
    fn pass_over_value(&mut self) {
        let mut depth = 0_usize;
        while !self.is(&Kind::End) {
            match self.kind() {
                Kind::Mark('(' | '[' | '{') => depth += 1,
                Kind::Mark(')' | ']' | '}') if depth > 0 => depth -= 1,
                Kind::Mark(',' | ')' | ']' | '}' | '>') | Kind::Newline if depth == 0 => return,
                Kind::Word(word) if depth == 0 && matches!(word.as_str(), "do" | "end") => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Passes over one statement with all the blocks in it.
    fn pass_over(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        let mut looping = false;
        let mut first = true;
        while !self.is(&Kind::End) {
            match self.kind() {
                Kind::Newline if depth == 0 => return,
                Kind::Newline => looping = false,
                Kind::Mark('(' | '[' | '{') => depth += 1,
                Kind::Mark(')' | ']' | '}') if depth > 0 => depth -= 1,
                Kind::Mark('}') if self.at > start => return,
                Kind::Word(word) => match word.as_str() {
                    "end" if depth > 0 => depth -= 1,
                    "end" => return,
                    "do" if looping => looping = false,
                    "do" => depth += 1,
                    "while" | "until" | "for" if first => {
                        depth += 1;
                        looping = true;
                    }
                    "if" | "unless" if first => depth += 1,
                    "def" | "class" | "module" | "case" | "begin" => depth += 1,
                    _ => {}
                },
                _ => {}
            }
            first = matches!(self.kind(), Kind::Newline | Kind::Mark('='));
            self.at += 1;
        }
        self.closed &= depth == 0;
    }
}

/// Words that begin a statement which is not plain data and has an `end` of its own.
const OPENERS: &[&str] = &[
    "if", "unless", "while", "until", "for", "def", "class", "module", "case", "begin", "end", "do", "return",
];

enum Item {
    Value(Node),
    Pair(String, Node),
}
