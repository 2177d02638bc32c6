//! What is known while a composite is read: how far down one is, and what is to be said of it.
//! Knows nothing of functions and leaves.

use std::ops::Range;

use crate::diag::{Code, Route};

use super::fidelity::Reasons;
use super::mapping::Mapping;

/// What holds for a part of a definition.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The labels by which everything in it is done once for each value.
    pub by: Vec<String>,
    /// What `&` stands for.
    pub map: Option<String>,
    /// The period of all leaves, where a function over several series brings them to one.
    pub period: Option<i64>,
    /// How long ago.
    pub offset: i64,
}

/// Reads a definition, and says what is not the same of it.
pub struct Reader<'a> {
    /// What metrics are there.
    pub mapping: &'a Mapping<'a>,
    /// The label that holds the source.
    pub source: Option<&'a str>,
    /// Where the definition stands.
    pub here: Route,
    /// What is to be said of it.
    pub reasons: &'a mut Reasons,
}

impl Reader<'_> {
    /// Says what cannot be rendered.
    pub fn refuse(&mut self, code: Code, span: &Range<usize>, text: &str, help: &str) {
        self.reasons.refuse(code, &self.here, text).within(span).help(help);
    }

    /// Says what means nearly the same.
    pub fn approximate(&mut self, code: Code, span: &Range<usize>, text: &str) {
        self.reasons.approximate(code, &self.here, text).within(span);
    }

    /// Says that points end at other times.
    pub fn edge(&mut self, span: &Range<usize>) {
        let text = "where several samples make a point, rules look back from now, and the service goes by whole periods";
        self.approximate(Code::Edge, span, text);
    }
}
