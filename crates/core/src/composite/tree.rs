//! The syntax tree: what a definition says, as it is written, with the bytes each part stands at.
//! Knows the shape of the language and the name of its one source of data; what functions mean is for others.

use std::ops::Range;

/// One expression and where it stands.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Bytes of the definition.
    pub span: Range<usize>,
}

/// What an expression says.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A function applied to arguments.
    Call(Name, Vec<Expr>),
    /// Expressions in brackets.
    Set(Vec<Expr>),
    /// Text in double quotes; it holds none itself.
    Text(String),
    /// A bare number, as written.
    Number(String),
    /// Options or tags in braces.
    Map(Vec<(Name, Expr)>),
    /// Something that could not be read and was reported. A definition without problems has none.
    Hole,
}

/// A word and where it stands: a function, an option, a tag.
#[derive(Debug, Clone)]
pub struct Name {
    /// The word, without quotes.
    pub text: String,
    /// Bytes of the definition.
    pub span: Range<usize>,
}

/// Two trees are equal when they say the same, wherever it stands.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// Two names are equal when they are the same word, wherever it stands.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A metric read by a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read<'a> {
    /// The name or pattern.
    pub metric: &'a str,
    /// The bytes of the name between its quotes.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
}

impl Read<'_> {
    /// Whether it means any number of metrics.
    pub fn is_pattern(&self) -> bool {
        self.metric.contains(['*', '%', '&'])
    }
}

impl Expr {
    /// An expression that stands nowhere, for trees that are made rather than read.
    pub fn new(kind: ExprKind) -> Self {
        Self { kind, span: 0..0 }
    }

    /// Every use of a metric, by name or by pattern, in the order of the definition.
    pub fn reads(&self) -> Vec<Read<'_>> {
        let mut found = Vec::new();
        self.collect_reads(&mut found);
        found
    }

    /// Names of the metrics that are read by their exact name, patterns left out; each once, in order.
    pub fn metrics(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for read in self.reads() {
            if !read.is_pattern() && !names.iter().any(|name| name == read.metric) {
                names.push(read.metric.to_owned());
            }
        }
        names
    }

    fn collect_reads<'a>(&'a self, found: &mut Vec<Read<'a>>) {
        match &self.kind {
            ExprKind::Call(function, arguments) => {
                if let ("s" | "series", Some(first)) = (function.text.as_str(), arguments.first())
                    && let ExprKind::Text(metric) = &first.kind
                {
                    let start = first.span.start + 1;
                    found.push(Read { metric, start, end: start + metric.len() });
                }
                arguments.iter().for_each(|argument| argument.collect_reads(found));
            }
            ExprKind::Set(items) => items.iter().for_each(|item| item.collect_reads(found)),
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Map(_) | ExprKind::Hole => {}
        }
    }
}
